"""From the ledger to what one seat decides from: a `View`, and the hash of the round's row."""

from chain.keys import compute_running_hash, compute_turn, weigh
from chain.ledger import Ledger
from chain.types import Key, RoundId, Seat, Wei
from node.round import Candidate, Phase, View

_ANYBODY = Seat(0)


def build_view(ledger: Ledger, seat: Seat) -> View:
    """Return the chain as `seat` sees it at the ledger's block."""
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    head, current = ledger.head(), ledger.round
    last, following = current.number, RoundId(current.number + 1)
    is_open = current.commit_ends_at != 0
    candidates = ledger.candidates() if is_open else ()
    keys = {head.key, *(c.key for c in candidates)}
    targets = {(key, number) for key in keys for number in (last, following)}
    return View(
        seat=seat,
        head=head,
        round=last,
        commit_ends_at=current.commit_ends_at,
        attest_seconds=ledger.parameters.attest_seconds,
        has_enough_seats=len(ledger.active(following)) >= ledger.parameters.min_updates,
        min_updates=ledger.parameters.min_updates,
        row=ledger.commitments(head.key, last) if is_open else (),
        turns=tuple(sorted(ledger.active(last), key=lambda each: compute_turn(last, each))),
        candidates=tuple(Candidate(c.key, frozenset(c.seats)) for c in candidates),
        counted=frozenset(r for r in (head.round, last, following) if ledger.stake_in(seat, r)),
        committed=frozenset(
            target for target in targets if any(c.seat == seat for c in ledger.commitments(*target))
        ),
        approved=frozenset(key for key in keys if seat in ledger.votes.get(key, {})),
        is_retired=_can_come_back(ledger, seat),
    )


def find_phase(ledger: Ledger, now: int) -> Phase:
    """Return the phase at `now` (unix seconds), which is the same for everybody."""
    return build_view(ledger, _ANYBODY).phase(now)


def find_missing(ledger: Ledger, phase: Phase) -> tuple[Seat, ...]:
    """Return the seats that could do their part now and have not: a vote, or else an update."""
    number = ledger.round.number
    if phase is Phase.ATTEST:
        keys = ledger.proposed_in.get(number, ())
        done = {seat for key in keys for seat in ledger.votes[key]}
    else:
        if phase is not Phase.COMMIT:
            # Whoever commits first opens the next one.
            number = RoundId(number + 1)
        done = {c.seat for c in ledger.commitments(ledger.head().key, number)}
    return tuple(seat for seat in ledger.active(number) if seat not in done)


def find_deadline(ledger: Ledger, phase: Phase) -> int | None:
    """Return when a phase ends (unix seconds); None: when somebody commits, or joins."""
    view = build_view(ledger, _ANYBODY)
    return {Phase.COMMIT: view.commit_ends_at, Phase.ATTEST: view.attest_ends_at}.get(phase)


def _can_come_back(ledger: Ledger, seat: Seat) -> bool:
    """Return whether a seat is retired and has the stake to count again as it is: what was slashed
    is not made good by a program on its own."""
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    record = ledger.seats.get(seat)
    if record is None or not record.is_retired:
        return False
    return record.stakes[-1][1] >= ledger.parameters.min_stake_wei


def compute_row_hash(ledger: Ledger, view: View) -> bytes:
    """Return the running hash of the round's row, as the contract keeps it."""
    return hash_row(ledger, view.head.key, view.round)


def hash_row(ledger: Ledger, parent: Key, round_id: RoundId) -> bytes:
    """Return the running hash of the commitments to a round that hang off `parent`."""
    row = ledger.commitments(parent, round_id)
    weighed = tuple(zip(row, weigh_row(ledger, parent, round_id), strict=True))
    return compute_running_hash(parent, round_id, weighed)


def weigh_row(ledger: Ledger, parent: Key, round_id: RoundId) -> tuple[int, ...]:
    """Return what each commitment of a row weighs in the running hash."""
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    weighting = ledger.parameters.weighting
    row = ledger.commitments(parent, round_id)
    stakes = ledger.committed_stakes(parent, round_id)
    return tuple(weigh(weighting, w, c.samples) for c, w in zip(row, stakes, strict=True))


def stakes_in_row(ledger: Ledger, parent: Key, round_id: RoundId) -> dict[Seat, Wei]:
    """Return the stake with which each seat committed to a round on `parent`, in wei."""
    row = ledger.commitments(parent, round_id)
    return dict(zip((c.seat for c in row), ledger.committed_stakes(parent, round_id), strict=True))
