"""`dispute refute` against results that were agreed and are wrong, or right."""

import pytest
from court_lab import plant

ETHER = 10**18


@pytest.fixture
def trial(open_dispute):
    return open_dispute()


def agree_a_lie(trial, *coordinates):
    """Agree on a right result, and on a wrong one; `w` has the blobs of both."""
    right, lie = trial.court.agree(1), trial.court.agree(2, lie=plant(*coordinates))
    trial.keep(right)
    trial.keep(lie)
    return right, lie


def test_refute__a_lie__the_head_is_back_and_every_line_says_so(trial):
    right, lie = agree_a_lie(trial, 71, 42)
    agreed = trial.court.models[lie.key][42]
    outcome = trial.dispute("refute", 2)
    assert (outcome.code, outcome.err) == (0, "")
    assert trial.court.lab.head == right.key
    lines = outcome.out.splitlines()
    assert lines[0] == "round 2: approved by seats 0, 1, 2, and wrong"
    other = agreed + (1 if agreed >= 0 else -1)
    assert lines[1] == f"coordinate 42: agreed {agreed}, right {other} (in units of 2**-20)"
    assert lines[3].startswith("refuted in block ")
    assert lines[3].endswith(" gas")
    assert lines[4] == (
        "slashed seats 0, 1, 2 lost all of their stake: 3 ether, of which 2.9 ether burned"
    )
    assert lines[5] == "earned 0.1 ether (holdfast dispute collect --peer FOLDER)"
    assert lines[6].startswith("head: height 1, round 1, model 0x")


def test_refute__a_lie_as_json__one_object_a_step(trial):
    agree_a_lie(trial, 7)
    wrong, refuted = trial.dispute("refute", 2, "--search", "--json").lines
    assert (wrong["event"], wrong["coordinate"], wrong["voters"]) == ("wrong", 7, [0, 1, 2])
    assert wrong["agreed"] != wrong["right"]
    assert (refuted["event"], refuted["height"]) == ("refuted", 1)
    assert refuted["slashed"] == [
        {"seats": [0, 1, 2], "taken_wei": 3 * ETHER, "burned_wei": 29 * ETHER // 10}
    ]
    assert refuted["gas_used"] > 200_000


def test_refute__a_right_result__one_line_and_nothing_is_sent(trial):
    trial.keep(trial.court.agree(1))
    sent = trial.count_sent()
    outcome = trial.dispute("refute", 1)
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out == "round 1: the result is right, recomputed from 4 updates\n"
    assert trial.dispute("refute", 1, "--json").summary == {
        "event": "right", "round": 1, "updates": 4
    }  # fmt: skip
    assert trial.count_sent() == sent


def test_refute__a_right_coordinate_of_a_lie__is_told_and_the_wrong_one_refutes(trial):
    _, lie = agree_a_lie(trial, 5, 9)
    value, sent = trial.court.models[lie.key][6], trial.count_sent()
    outcome = trial.dispute("refute", 2, "--coordinate", 6)
    assert (outcome.code, outcome.out) == (1, f"round 2: coordinate 6 is right: {value}\n")
    assert trial.count_sent() == sent
    assert trial.dispute("refute", 2, "--coordinate", 9).code == 0
    again = trial.dispute("refute", 2)
    assert (again.code, again.err) == (1, "holdfast: disputes: refuted before\n")


def test_refute__a_leaf_that_should_be_absent__is_told_as_such(open_dispute):
    """160 coordinates are three leaves of four; here the fourth is one of zeros."""
    from dispute_lab import ONE, move, payload_of

    from node.merkle import MODEL_TAG, compute_root
    from node.rule.coefficients import Coefficient

    trial = open_dispute(coordinates=160)
    court = trial.court
    vectors = {seat: court.draw_update(9) for seat in range(4)}
    ones = tuple(Coefficient(ONE, 1) for _ in vectors)
    right = move(court.lab, court.models[court.lab.head], list(vectors.values()), ones)
    longer = payload_of(right + [0] * 96, 4)
    case = court.agree(1, updates=vectors, root=compute_root(longer, MODEL_TAG))
    case.new = longer
    trial.keep(case)
    assert trial.dispute("refute", 1, "--coordinate", 159).code == 1
    outcome = trial.dispute("refute", 1)
    assert outcome.code == 0, outcome.err
    assert "coordinate 192: agreed something where nothing may be, right 0" in outcome.out


def test_refute__no_such_coordinate_or_round__is_one_line(trial):
    trial.keep(trial.court.agree(1))
    for arguments, told in (
        ((1, "--coordinate", 128), "dispute: coordinate: expected 0 to 127, got 128"),
        ((1, "--coordinate", 10**9), "dispute: coordinate: expected 0 to 127, got 1000000000"),
        ((7,), "dispute: round: expected one whose result was agreed, got 7"),
    ):
        outcome = trial.dispute("refute", *arguments)
        assert (outcome.code, outcome.out, outcome.err) == (1, "", f"holdfast: {told}\n")


def test_refute__blobs_at_a_seat_only__are_fetched_without_a_seat_of_ones_own(trial, tmp_path):
    lie = trial.court.agree(1, lie=plant(3))
    trial.serve(lie, 3, tmp_path / "honest")
    outcome = trial.dispute("refute", 1)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("fetched 0x") == 6
    assert "coordinate 3: agreed " in outcome.out


def test_refute__blobs_in_another_folder__are_taken_from_there(trial, tmp_path):
    trial.keep(trial.court.agree(1, lie=plant(3)), tmp_path / "copied")
    outcome = trial.dispute("refute", 1, "--blobs", tmp_path / "copied")
    assert outcome.code == 0, outcome.err
    assert "fetched" not in outcome.out


def test_refute__nobody_has_an_update__is_told_and_nothing_is_sent(trial):
    lie = trial.court.agree(1, lie=plant(3))
    trial.keep(lie)
    for path in trial.blobs.glob(f"0x{lie.inputs.commitments[2].root.hex()}*"):
        path.unlink()
    sent = trial.count_sent()
    outcome = trial.dispute("refute", 1)
    name = f"blob 0x{lie.inputs.commitments[2].root.hex()}"
    assert outcome.code == 1
    assert outcome.out.startswith("not to be had: ")
    assert (name in outcome.err, outcome.err.count("\n")) == (True, 1)
    assert trial.count_sent() == sent


def test_refute__without_a_key__finds_it_and_sends_nothing(trial, tmp_path):
    lie = trial.court.agree(1, lie=plant(3))
    trial.keep(lie, tmp_path / "copied")
    source = ("--rpc", trial.url, "--contract", trial.address)
    blobs = ("--blobs", str(tmp_path / "copied"))
    outcome = trial.consortium.here("dispute", "refute", "1", *source, *blobs)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == (
        "the contract would take it; nothing is sent without --peer FOLDER"
    )
    assert trial.court.lab.head == lie.key
    trial.court.lab.next_at(trial.court.lab.now + 3600)
    trial.court.lab.act("set_endpoint", 0, "x", by=0)
    late = trial.consortium.here("dispute", "refute", "1", *source, *blobs)
    assert (late.code, late.err) == (1, "holdfast: disputes: too late\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("1",), "expected one of --peer FOLDER, --dir DIR and --rpc ENDPOINT --contract 0x…"),
        (("1", "--peer", "x", "--dir", "y"), "do not go with --peer"),
        (("1", "--coordinate", "2", "--search"), "at most one of --coordinate and --search"),
        (("0", "--peer", "x"), "greater than or equal to 1"),
    ],
)
def test_refute__misused__one_line_that_says_what_was_expected(holdfast, arguments, told):
    outcome = holdfast("dispute", "refute", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert told in outcome.err
