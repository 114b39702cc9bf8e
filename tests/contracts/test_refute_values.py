"""`refute` over the whole range of the rule: planted lies die, right coordinates stand.

Every case is asked of the contract by a call that is not mined, so one federation serves many.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from dispute_lab import ONE, Case, Court, Vector, open_court
from federation_lab import ETHER, OpenLab

from chain.federation import encode_call
from node.rule.coefficients import Coefficient

COORDINATES = 300
RIGHT = "disputes: the coordinate is right"
WEIGHTS = ((1, 1, 1, 1), (900, 1, 30_000, 7), (0, 5, 5, 9), (2**23, 2**22, 1, 2**20))
CLIPS = ((ONE,) * 4, (ONE, 40_000, 1, 0), (65_535, 32_768, 12_345, ONE))
RULES: dict[str, dict[str, Any]] = {
    "int16, mean": {"trim_bps": 0},
    "int16, trimmed": {"trim_bps": 1500},
    "int16, median": {"trim_bps": 5000},
    "int16, no guard": {"trim_bps": 0, "update_bits": 20},
    "int8, mean": {"update_bytes": 1, "update_bits": 7},
    "int8, trimmed, coarse": {"update_bytes": 1, "update_bits": 0, "trim_bps": 2000},
    "int8, median": {"update_bytes": 1, "update_bits": 7, "trim_bps": 5000},
    "krum": {"selection": 2, "faults_bps": 0, "trim_bps": 900},
    "equal, trimmed": {"weighting": 1, "selection": 0, "faults_bps": 0, "trim_bps": 2600},
}


def judge(court: Court, case: Case, coordinate: int) -> str:
    """Return why a refutation would be refused; empty: it would go through."""
    data = encode_call("refute", (case.record.round, coordinate, case.refutation(coordinate)))
    call = {"to": court.lab.federation.address, "data": "0x" + data.hex(), "from": "0x" + "11" * 20}
    answer = court.lab.devnet.handle({"id": 1, "method": "eth_call", "params": [call, "latest"]})
    return str(answer["error"]["message"]) if "error" in answer else ""


def draw_updates(court: Court, generator: Random, number: int) -> dict[int, Vector]:
    """Return updates with extremes, ties and noise side by side."""
    half = 2 ** (8 * court.width - 1)
    edges = (-half, half - 1, 0, -1, 1)
    columns = []
    for _ in range(COORDINATES):
        kind = generator.randrange(4)
        if kind == 0:
            column = [generator.choice(edges) for _ in range(4)]
        elif kind == 1:
            column = [generator.choice((3, -3))] * 4
        elif kind == 2:
            column = [generator.randint(-4, 4) for _ in range(4)]
        else:
            column = [generator.randint(-half, half - 1) for _ in range(4)]
        columns.append(column)
    return {seat: [column[seat] for column in columns] for seat in range(4)}


def try_rule(open_lab: OpenLab, name: str, count: int) -> tuple[int, int]:
    """Judge coordinates of a right and of a wrong result; return how many died and stood."""
    generator = Random(name)
    stakes = (ETHER,) * 4 if "equal" in name else (ETHER, 3 * ETHER, 2 * ETHER + 7, 5 * ETHER)
    court = open_court(open_lab, stakes, seed=7, coordinates=COORDINATES, **RULES[name])  # type: ignore[arg-type]
    died = stood = 0
    for number in range(1, 5):
        if "equal" in name:
            weights, clips = (1,) * 4, (ONE,) * 4 if number % 2 else CLIPS[1]
        else:
            weights, clips = WEIGHTS[number - 1], CLIPS[number % 3]
        coefficients = tuple(map(Coefficient, clips, weights))
        updates = draw_updates(court, generator, number)
        planted: dict[int, int] = {}

        def lie(model: Vector, planted: dict[int, int] = planted) -> None:
            for k in generator.sample(range(COORDINATES), COORDINATES // 2):
                wrong = generator.choice(
                    (model[k] + 1, model[k] - 1, -model[k], 2**31 - 1, -(2**31), 0)
                )
                if wrong != model[k] and -(2**31) <= wrong < 2**31:
                    planted[k] = wrong
                    model[k] = wrong

        case = court.agree(number, lie=lie, updates=updates, coefficients=coefficients)
        for k in generator.sample(range(COORDINATES), count // 4):
            reason = judge(court, case, k)
            assert reason.endswith(RIGHT) if k not in planted else reason == "", (name, k, reason)
            died += k in planted
            stood += k not in planted
    return died, stood


@pytest.mark.parametrize("name", RULES)
def test_refute__lies_among_right_values__each_dies_and_nothing_else(
    open_lab: OpenLab, name: str
) -> None:
    died, stood = try_rule(open_lab, name, 16)
    assert died > 3
    assert stood > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_refute__a_thousand_of_each__lies_die_and_nothing_else(
    open_lab: OpenLab, name: str
) -> None:
    died, stood = try_rule(open_lab, name, 280)
    # Nine rules: more than a thousand of either together.
    assert died > 112
    assert stood > 112
