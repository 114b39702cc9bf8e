def test_demo__json__has_three_runs_an_audit_and_a_summary(holdfast, tmp_path):
    outcome = holdfast("demo", "--rounds", "2", "--json", "--plot", str(tmp_path / "demo.png"))
    assert (outcome.code, outcome.err) == (0, "")
    *told, summary = outcome.lines
    assert [line.get("run", line["event"]) for line in told] == (
        ["attacked"] * 2 + ["audit"] + ["honest"] * 2 + ["mean"] * 2
    )
    assert told[2]["finding"] is None
    assert summary["event"] == "summary"
    assert summary["head"] == told[1]["head"]
    assert summary["accuracy_honest"] == told[4]["accuracy"]
    assert summary["accuracy_mean"] == told[6]["accuracy"]
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
