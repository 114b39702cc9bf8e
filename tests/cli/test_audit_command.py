import json

import pytest

from chain.types import Root
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob
from node.merkle import compute_root

RUN = ("localnet", "run", "--rounds", "2", "--dataset", "breast_cancer", "--learner", "softmax")


def flip_bit(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def events_of(holdfast, kept, name):
    outcome = holdfast("watch", "--dir", str(kept), "--once", "--json")
    return [event for event in outcome.lines if event["event"] == name]


def audit(holdfast, kept):
    outcome = holdfast("audit", "--dir", str(kept), "--json")
    return outcome.code, outcome.lines[-1]


def test_audit__nothing_changed__every_round_matches(holdfast, kept):
    outcome = holdfast("audit", "--dir", str(kept))
    assert (outcome.code, outcome.err) == (0, "")
    assert "audit: 2 rounds recomputed from genesis, every root matches" in outcome.out
    code, conclusion = audit(holdfast, kept)
    assert (code, conclusion["event"], conclusion["finding"]) == (0, "audit", None)
    assert conclusion["blobs_swept"] == len(list((kept / "blobs").glob("*.leaves")))


@pytest.mark.parametrize("which", [0, -1], ids=["of the first round", "of the round that runs"])
def test_audit__a_bit_of_an_update__names_block_round_seat_and_leaf(holdfast, kept, which):
    committed = events_of(holdfast, kept, "Committed")[which]
    flip_bit(kept / "blobs" / committed["root"], 70)
    code, conclusion = audit(holdfast, kept)
    finding = conclusion["finding"]
    assert code == 1
    assert (finding["block"], finding["round"]) == (committed["block"], committed["round"])
    assert (finding["seats"], finding["leaf"]) == ([committed["seat"]], 0)
    line = holdfast("audit", "--dir", str(kept)).out.splitlines()[-1]
    assert f"block {committed['block']}, round {committed['round']}" in line
    assert f"seat {committed['seat']}, leaf 0" in line


def test_audit__a_bit_of_an_agreed_model__names_round_and_leaf(holdfast, kept):
    proposed = events_of(holdfast, kept, "Proposed")[0]
    flip_bit(kept / "blobs" / proposed["model_root"], -1)
    code, conclusion = audit(holdfast, kept)
    assert code == 1
    assert conclusion["finding"]["round"] == proposed["round"]
    # 62 coordinates of 4 bytes: one leaf.
    assert conclusion["finding"]["leaf"] == 0


def test_audit__a_bit_of_the_genesis_model__is_found(holdfast, kept):
    (created,) = events_of(holdfast, kept, "Created")
    flip_bit(kept / "blobs" / created["parameters"]["genesis"], 0)
    code, conclusion = audit(holdfast, kept)
    assert (code, conclusion["rounds"]) == (1, 0)
    assert conclusion["finding"]["block"] == created["block"]


def test_audit__a_bit_of_a_blob_that_nothing_refers_to__names_blob_and_leaf(holdfast, kept):
    payload, tag = bytes(range(256)) * 3, b"\x07" * 32
    root = Root(compute_root(payload, tag))
    DiskBlobs(kept / "blobs").put(Blob(root, len(payload), tag), payload)
    assert audit(holdfast, kept)[0] == 0
    flip_bit(kept / "blobs" / f"0x{root.hex()}", 300)
    code, conclusion = audit(holdfast, kept)
    assert (code, conclusion["rounds"]) == (1, 2)
    assert root.hex() in conclusion["finding"]["what"]
    assert conclusion["finding"]["leaf"] == 1


def test_audit__a_bit_of_any_file_among_the_blobs__is_found(holdfast, kept):
    for path in sorted((kept / "blobs").iterdir()):
        sound = path.read_bytes()
        flip_bit(path, len(sound) // 2)
        code, conclusion = audit(holdfast, kept)
        assert code == 1, path
        assert conclusion["finding"]["leaf"] is not None, path
        path.write_bytes(sound)
    assert audit(holdfast, kept)[0] == 0


def test_audit__a_lie_that_was_overturned__is_told_and_no_finding(holdfast, tmp_path):
    kept = tmp_path / "run"
    lying = ("--byzantine", "3:lie", "--watchtower", "--keep", str(kept))
    run = holdfast(*RUN, "--peers", "4", *lying)
    assert run.code == 0, run.err
    code, conclusion = audit(holdfast, kept)
    assert (code, conclusion["finding"]) == (0, None)
    (overturned,) = conclusion["overturned"]
    assert (overturned["round"], overturned["seats"]) == (1, [1, 2, 3])
    assert "model" in overturned["what"]
    words = holdfast("audit", "--dir", str(kept)).out.splitlines()
    assert words[-2].startswith("overturned by now: block ")
    assert words[-1].startswith("audit: 0 rounds recomputed from genesis, every root matches")
    # The same run, told as a dispute, and by its rewards.
    told = holdfast("dispute", "show", "--dir", str(kept)).out
    assert "round 1        agreed as height 1, " in told
    assert "; it is void\n" in told
    assert "slashed        seats 1, 2, 3 lost all of their stake" in told
    again = holdfast("dispute", "refute", "1", "--dir", str(kept))
    assert (again.code, again.err) == (1, "holdfast: disputes: refuted before\n")
    assert "coordinate " in again.out
    assert holdfast("rewards", "--dir", str(kept), "--json").summary["settled_height"] == 0


def test_audit__a_truncated_blob__is_one_line(holdfast, kept):
    committed = events_of(holdfast, kept, "Committed")[0]
    path = kept / "blobs" / committed["root"]
    path.write_bytes(path.read_bytes()[:-1])
    outcome = holdfast("audit", "--dir", str(kept))
    assert outcome.code == 1
    assert outcome.err == ""
    assert "expected 124 bytes, got 123 bytes" in outcome.out.splitlines()[-1]


def test_audit__no_run_in_the_folder__is_one_line(holdfast, tmp_path):
    outcome = holdfast("audit", "--dir", str(tmp_path))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected a run.json in it" in outcome.err


def test_audit__a_contract_that_is_not_there__is_one_line(holdfast, kept):
    run = json.loads((kept / "run.json").read_text())
    (kept / "run.json").write_text(json.dumps({**run, "address": "0x" + "00" * 19 + "ff"}))
    outcome = holdfast("audit", "--dir", str(kept))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected a federation at" in outcome.err
