"""Where a seat stands between joining and the stake paid back, and what its owner may do next."""

import time
from dataclasses import dataclass
from enum import Enum

from chain.ledger import Ledger, SeatRecord
from chain.types import Seat
from node.round import View


class Stage(Enum):
    """Of a seat's life. `WATCHED`: it counts, and is retired if it stays silent."""

    JOINING = "joining"
    COUNTS = "counts"
    WATCHED = "watched"
    RETIRED = "retired"
    LEAVING = "leaving"
    UNBONDING = "unbonding"
    FREE = "free"


@dataclass(frozen=True)
class Tenure:
    """`next`: a command of `holdfast peer`, and when; None: nothing is to be done."""

    stage: Stage
    next: str | None


def judge_tenure(ledger: Ledger, view: View, seat: Seat, now: int) -> Tenure:
    """Return where a seat stands at `now` (unix seconds), by what the contract lets it do."""
    record = ledger.seats[seat]
    if record.free_at:
        if now >= record.free_at:
            return Tenure(Stage.FREE, "withdraw pays the stake back")
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.free_at))
        return Tenure(Stage.UNBONDING, f"withdraw pays the stake back from {at} on")
    if record.until:
        return _judge_ended(record, view, now)
    if record.begun > view.round:
        return Tenure(Stage.JOINING, None)
    if record.since:
        return Tenure(Stage.WATCHED, "run: it is retired if it stays silent")
    return Tenure(Stage.COUNTS, None)


def _judge_ended(record: SeatRecord, view: View, now: int) -> Tenure:
    last = record.until - 1
    if record.until == record.begun or _is_decided(last, view, now):
        begin = "withdraw begins the unbonding"
    else:
        begin = f"withdraw begins the unbonding once round {last} is decided"
    if record.is_retired:
        return Tenure(Stage.RETIRED, f"activate lets it count again; {begin}")
    return Tenure(Stage.LEAVING, begin)


def _is_decided(last: int, view: View, now: int) -> bool:
    """Whether no vote can count the seat any more, as the contract's `seats` judges it."""
    if view.round > last:
        return True
    is_over = view.commit_ends_at == 0 or now >= view.attest_ends_at
    return view.round == last and is_over
