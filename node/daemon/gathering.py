"""The blobs of a federation's past, from whoever still has them: what an audit wants to read."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait

from chain.ledger import Ledger
from chain.types import Agreed, Proposed, Seat
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.fetching import Fetched, Fetcher
from node.blobs.naming import Naming
from node.blobs.store import Blob
from node.daemon.bell import Bell

AT_ONCE = 8
"""Blobs on their way: enough that no source waits, few enough for small memories."""


@dataclass(frozen=True)
class Wanted:
    """A blob, and the seats that say they have it."""

    blob: Blob
    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class Gathered:
    """A blob that is in the store now, or why it could not be had."""

    wanted: Wanted
    error: Exception | None


def list_wanted(ledger: Ledger, naming: Naming, since: int = 0) -> list[Wanted]:
    """Return all that the results above height `since` were computed from, and their models."""
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    wanted: list[Wanted] = []
    if since == 0:
        wanted.append(Wanted(naming.model_blob(ledger.parameters.genesis), ()))
    for logged in ledger.agreed[max(0, since - 1) :]:
        assert isinstance(logged.event, Agreed), "nothing else is in there"
        result, voters = ledger.result(logged.event.key), tuple(ledger.votes[logged.event.key])
        wanted.append(Wanted(naming.model_blob(result.model_root), voters))
        if logged.event.height > since:
            wanted += _list_updates(ledger, naming, result, voters)
    return wanted


def gather(
    wanted: list[Wanted], store: DiskBlobs, fetcher: Fetcher, bell: Bell
) -> Iterator[Gathered]:
    """Fetch what is not in the store, a few at a time; yields each as it comes, or does not.

    `bell` is rung by the fetcher. Raises StoreFailed.
    """
    waiting = deque(each for each in wanted if not store.has(each.blob))
    coming: dict[Blob, Wanted] = {}
    while waiting or coming:
        while waiting and len(coming) < AT_ONCE:
            each = waiting.popleft()
            fetcher.start(each.blob, each.seats)
            coming[each.blob] = each
        wait([bell.connection])
        bell.mute()
        for blob in list(coming):
            found = fetcher.outcome(blob)
            if found is None:
                continue
            if isinstance(found, StoreFailed):
                raise found
            yield Gathered(coming.pop(blob), None if isinstance(found, Fetched) else found)


def _list_updates(
    ledger: Ledger, naming: Naming, result: Proposed, voters: tuple[Seat, ...]
) -> list[Wanted]:
    row = ledger.commitments(result.parent, result.round)
    return [
        Wanted(naming.committed_blob(c), (c.seat, *(seat for seat in voters if seat != c.seat)))
        for c in row
        if c.seat in result.seats
    ]
