"""Moves of retirement in a few words. Seat 3 is the one that does not do its part."""

from collections.abc import Iterable
from dataclasses import astuple, replace

from federation_lab import PAIR, Lab, Mined
from hexbytes import HexBytes

from chain.keys import build_record
from chain.observer import Observer
from chain.states import Record, SeatState
from chain.types import Retired, Seat, Watched

SILENT = Seat(3)
ANYBODY = 11
QUICK = {"retire_seconds": 100, "max_missed": 2}


def retire(lab: Lab, seat: int = SILENT, by: int = ANYBODY) -> Mined:
    return lab.act("retire", seat, by=by)


def activate(lab: Lab, seat: int = SILENT, by: int = SILENT) -> Mined:
    return lab.act("activate", seat, by=by)


def retire_withholder(lab: Lab, records: Iterable[Record], seat: int = SILENT) -> Mined:
    return lab.act("retire_withholder", seat, [astuple(r) for r in records], by=ANYBODY)


def state(lab: Lab, seat: int = SILENT) -> SeatState:
    return lab.federation.get_seat(Seat(seat))


def watch(lab: Lab, seat: int = SILENT) -> Watched:
    return retire(lab, seat).only(Watched)


def retire_silent(lab: Lab, first: int) -> Retired:
    """Watch the silent seat, play two rounds from `first` without it, and retire it as the third
    opens."""
    since = watch(lab).since
    for number in (first, first + 1):
        lab.agree(number, range(3))
    lab.clock.at = max(lab.now, since + 100)
    lab.commit(0, first + 2)
    return retire(lab).only(Retired)


def agree_without(lab: Lab, number: int, left_out: int = SILENT) -> bytes:
    """Play a round in which all four commit and the result leaves one of them out."""
    lab.commit_all(number, range(4))
    lab.close_commits()
    whole = lab.make_proposal(number)
    proposal = replace(whole, included=whole.included & ~(1 << left_out), coefficients=PAIR * 3)
    others = [seat for seat in range(4) if seat != left_out]
    lab.propose(others[0], proposal)
    for seat in others[1:]:
        lab.attest(seat, proposal.key)
    assert lab.head == proposal.key
    return proposal.key


def read_records(lab: Lab) -> list[Record]:
    """Return every agreed result, newest first."""
    observer = Observer(lab.federation, created_at=lab.created_at)
    observer.poll()
    agreed = [logged.event.key for logged in observer.ledger.agreed]  # type: ignore[union-attr]
    return [build_record(observer.ledger.result(key)) for key in reversed(agreed)]


def read_slot(lab: Lab, slot: int) -> int:
    return int.from_bytes(HexBytes(lab.web3.eth.get_storage_at(lab.federation.address, slot)))  # type: ignore[arg-type]
