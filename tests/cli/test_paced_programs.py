"""Peers as programs, each with its own time to train in: what the chain has of it."""

import json
from pathlib import Path

import pytest
from consortium_lab import PLAN, end

from node.learning.hosting import PACE
from node.learning.pace import GROWTH, Pace
from node.learning.paced import read_pace, write_pace

ROUNDS = 2
FEDNOVA = PLAN.replace("[learner]", 'algorithm = "fednova:10"\n[learner]')
THOUSAND_A_SECOND = Pace().add(1000, 1.0)
SECONDS = {"b": 1, "c": 4}


@pytest.mark.slow
def test_peer_run__three_programs_two_of_them_paced__commit_the_steps_that_fit(
    consortium, holdfast
):
    consortium.init("a", "1/3")
    contract = consortium.found("a", FEDNOVA)
    for number, name in enumerate("bc", 2):
        more = ("--contract", contract, "--set", f"learner.train_seconds={SECONDS[name]}")
        consortium.init(name, f"{number}/3", *more)
        # As after earlier rounds: then what fits is known before anything is measured here.
        write_pace(Path(consortium.folder(name)), THOUSAND_A_SECOND)
    for name in "abc":
        consortium.act("join", name)
    logs = {name: consortium.run(name, ROUNDS) for name in "abc"}
    logs = {name: end(process) for name, process in logs.items()}

    told = holdfast("watch", "--rpc", consortium.url, "--contract", contract, "--once", "--json")
    steps = {
        (event["seat"], event["round"]): event["steps"]
        for event in map(json.loads, told.out.splitlines())
        if event["event"] == "Committed"
    }
    usual = steps[0, 1]
    assert usual == steps[0, 2] < 10
    assert (steps[1, 1], steps[2, 1]) == (1000, 4000)
    assert all(1 <= steps[seat, 2] <= GROWTH * steps[seat, 1] for seat in (1, 2))
    for seat, name in enumerate("bc", 1):
        words = f"seat={seat} round=1 act=train samples="
        assert any(words in line and "asked=" in line for line in logs[name].splitlines())
        assert len(read_pace(Path(consortium.folder(name))).measured) > 1
    assert "asked=" not in logs["a"]
    assert not (Path(consortium.folder("a")) / PACE).exists()
    heads = {consortium.status(name)["head"] for name in "abc"}
    assert len(heads) == 1
