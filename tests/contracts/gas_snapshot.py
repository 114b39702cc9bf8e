"""What each function of the contract costs, kept in tests/vectors/gas.json so that no change of it
goes unseen.

Run as `python tests/contracts/gas_snapshot.py [--check]` (`make gas` renews it, `make check` checks
it). The chain, the keys and the clock are the same every time, so the same artifact costs the same.
"""

import json
import sys
from dataclasses import astuple
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "models"), str(HERE.parents[1])]

from dispute_lab import open_court  # noqa: E402
from federation_lab import ETHER, PARAMETERS, Lab, open_federation  # noqa: E402
from gas_rounds import SEATS, measure, play_ahead, play_apart  # noqa: E402
from retirement_lab import (  # noqa: E402
    activate,
    agree_without,
    read_records,
    retire,
    retire_withholder,
)

from benchmarks.gas_used import Costs, read_gas  # noqa: E402
from chain.admission import compute_admission_proof, compute_admission_root  # noqa: E402
from chain.devnet.accounts import derive_accounts  # noqa: E402

SNAPSHOT = HERE.parent / "vectors" / "gas.json"
CREATION = "creation"
TOLERANCE_PERCENT = 2
RENEW = "make gas"

Snapshot = dict[str, int]
"""Gas by function and effects: the median of what was measured."""


def measure_all() -> Snapshot:
    """Play every function, most of them in the steady state, and return what they cost."""
    costs: Costs = {}
    scenes = (
        play_rounds,
        play_a_seats_life,
        play_a_withholder,
        play_a_list,
        play_disputes,
        play_rewards,
    )
    for scene in scenes:
        lab = scene(costs)
        costs.setdefault(CREATION, []).append(lab.web3.eth.get_block(lab.created_at)["gasUsed"])
        lab.devnet.close()
    return {label: round(median(gas)) for label, gas in sorted(costs.items())}


def play_rounds(costs: Costs) -> Lab:
    """Rounds of ten seats, votes and commitments apart, then together."""
    lab = open_federation(SEATS, max_seats=SEATS)
    first = measure(lab, play_apart)
    lab.commit_all(7, range(SEATS))
    _merge(costs, first, measure(lab, play_ahead, 7))
    return lab


def play_a_seats_life(costs: Costs) -> Lab:
    """A seat that is topped up and leaves, one that is retired and comes back."""
    lab = open_federation(5, max_missed=2, retire_seconds=1)
    begun = lab.web3.eth.block_number
    lab.join(5)
    lab.top_up(4, ETHER)
    lab.act("set_endpoint", 4, "https://peer.example.org/blobs", by=4)
    lab.leave(4)
    lab.withdraw(4)
    lab.agree(1)
    retire(lab, 3)
    for number in (2, 3, 4):
        lab.commit_all(number, range(3))
        lab.let_lapse()
    retire(lab, 3)
    activate(lab)
    lab.next_at(lab.now + 10_000)
    lab.withdraw(4)
    used = read_gas(lab.federation, begun + 1)
    in_rounds = ("commit", "propose", "attest")
    _merge(costs, {k: v for k, v in used.items() if not k.startswith(in_rounds)})
    return lab


def play_a_withholder(costs: Costs) -> Lab:
    """Ten results that left a seat out, as the default `max_missed` asks."""
    lab = open_federation(4)
    for number in range(1, 1 + PARAMETERS.max_missed):
        agree_without(lab, number)
    before = lab.web3.eth.block_number
    retire_withholder(lab, read_records(lab))
    _merge(costs, read_gas(lab.federation, before + 1))
    return lab


def play_a_list(costs: Costs) -> Lab:
    """Joins with the proof of a list of a thousand."""
    listed = [derive_accounts(1)[0].address, *(f"0x{i:040x}" for i in range(1, 1000))]
    lab = open_federation(admission=compute_admission_root(listed))
    before = lab.web3.eth.block_number
    lab.join(0, proof=compute_admission_proof(listed, listed[0]))
    (gas,) = read_gas(lab.federation, before + 1)["join"]
    _merge(costs, {"join, proves": [gas]})
    return lab


def play_disputes(costs: Costs) -> Lab:
    """Four leaves are asked for and shown, one is not; a lie of four seats is refuted."""
    court = open_court(open_federation, coordinates=640)
    lab, first = court.lab, court.agree(1)
    case = court.agree(2, lie=lambda model: model.__setitem__(9, model[9] // 2 + 1))
    record, before = astuple(case.record), lab.web3.eth.block_number
    lab.act("challenge", record, 0, 0, 4, by=9, value_wei=ETHER)
    lab.act("answer", record, 0, 0, 4, case.answer(0, 0, 4), by=10)
    lab.act("refute", 2, 9, case.refutation(9), by=9)
    lab.act("close", record, 0, 0, 4, by=9)
    lab.act("collect", by=9)
    lab.act("challenge", astuple(first.record), 129, 0, 1, by=9, value_wei=ETHER)
    lab.next_at(lab.now + PARAMETERS.answer_seconds)
    lab.act("close", astuple(first.record), 129, 0, 1, by=9)
    used = read_gas(lab.federation, before + 1)
    _merge(costs, used)
    return lab


def play_rewards(costs: Costs) -> Lab:
    """Ten results, agreed with rewards, settled and claimed at once."""
    lab = open_federation(4, reward_wei_per_second=ETHER // 1000)
    before = lab.web3.eth.block_number
    lab.act("fund", by=9, value_wei=ETHER)
    (funded,) = read_gas(lab.federation, before + 1)["fund"]
    keys = [lab.agree(number) for number in range(1, 11)]
    agreed = read_gas(lab.federation, before + 1)["attest, agrees"]
    lab.next_at(lab.now + PARAMETERS.challenge_seconds)
    before = lab.web3.eth.block_number
    lab.act("settle", by=9)
    (settled,) = read_gas(lab.federation, before + 1)["settle"]
    before = lab.web3.eth.block_number
    lab.act("claim", 0, keys, by=0)
    (claimed,) = read_gas(lab.federation, before + 1)["claim"]
    _merge(
        costs,
        {
            "fund": [funded],
            "attest, agrees, earns": agreed,
            "claim": [claimed],
            "settle": [settled],
        },
    )
    return lab


def find_moves(kept: Snapshot, measured: Snapshot) -> list[str]:
    """Return a line for each function whose cost is not within the tolerance of the kept one."""
    moves = []
    for label in sorted(kept.keys() | measured.keys()):
        if label not in measured:
            moves.append(f"{label}: {kept[label]:,} gas -> not measured")
        elif label not in kept:
            moves.append(f"{label}: not in the snapshot -> {measured[label]:,} gas")
        elif 100 * abs(measured[label] - kept[label]) > TOLERANCE_PERCENT * kept[label]:
            change = 100 * (measured[label] / kept[label] - 1)
            moves.append(f"{label}: {kept[label]:,} -> {measured[label]:,} gas ({change:+.1f} %)")
    return moves


def read() -> Snapshot:
    """Return the snapshot as it is kept."""
    kept: Snapshot = json.loads(SNAPSHOT.read_text())
    return kept


def main() -> int:
    measured = measure_all()
    if "--check" not in sys.argv[1:]:
        SNAPSHOT.write_text(json.dumps(measured, indent=1) + "\n")
        return 0
    moves = find_moves(read(), measured)
    for move in moves:
        print(f"gas: {move}", file=sys.stderr)  # noqa: T201
    if moves:
        what = f"more than {TOLERANCE_PERCENT} % from {SNAPSHOT.name}; `{RENEW}` renews it"
        print(f"gas: {len(moves)} of {len(measured)} moved {what}", file=sys.stderr)  # noqa: T201
    return 1 if moves else 0


def _merge(costs: Costs, *more: Costs) -> None:
    for each in more:
        for label, gas in each.items():
            costs.setdefault(label, []).extend(gas)


if __name__ == "__main__":
    sys.exit(main())
