"""A watchtower's folder and the federation that it watches, opened and put together.

It serves nobody, since nobody knows an endpoint of it, and learns nothing: own data are not read.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chain.heads import HeadListener
from chain.sender import Sender
from chain.types import Clock, Seat
from node.blobs.disk import DiskBlobs
from node.blobs.limits import FetchingLimits
from node.blobs.sources import Later, Source, SourceFailed, Sources, build_trust
from node.blobs.store import Blob
from node.blobs.tally import Tally
from node.contract import Contract
from node.daemon.bell import Bell
from node.daemon.daemon import Daemon
from node.daemon.opening import (
    Account,
    FetcherExchange,
    find_own_seat,
    open_contract,
    open_fetcher,
)
from node.daemon.shelves import Shelves
from node.daemon.tallies import Tallies
from node.errors import PeerRefused
from node.journal import Journal
from node.settings import BLOBS, HISTORY, JOURNAL, Settings
from node.watchtower import Watchtower

LOG = logging.getLogger("holdfast.daemon")
REASONS_TOLD = 8


@contextmanager
def open_watch(
    folder: Path, settings: Settings, account: Account, *, clock: Clock, poll_seconds: float
) -> Iterator[Daemon]:
    """Open a folder whose key has no seat, and bring a watchtower to work.

    Raises PeerRefused where the key has a seat: its peer watches anyway, and can do more.
    WrongChain, Unreachable and the like.
    """
    with ExitStack() as opened:
        contract = opened.enter_context(
            open_contract(settings, kept=folder / HISTORY, confirmations=settings.confirmations)
        )
        seat = find_own_seat(contract, account.address)
        if seat is not None:
            raise PeerRefused(
                f"watchtower {account.address}",
                "a key without a seat (the peer of a seat watches anyway)",
                f"that of seat {seat}",
            )
        journal = opened.enter_context(Journal(folder / JOURNAL))
        store, bell, tally = DiskBlobs(folder / BLOBS), Bell(), Tally()
        opened.callback(bell.close)
        fetcher = opened.enter_context(
            open_fetcher(
                contract,
                store,
                account,
                None,
                settings,
                clock=clock,
                notify=bell.ring,
                tally=tally,
            )
        )
        for endpoint in settings.rpc:
            opened.enter_context(HeadListener(endpoint, bell.ring))
        _tell_who_serves(contract, settings)
        sender = Sender(contract.federation.web3, account)
        watchtower = Watchtower(
            contract=contract,
            sender=sender,
            blobs=store,
            exchange=FetcherExchange(fetcher),
            journal=journal,
            clock=clock,
        )
        yield Daemon(
            contract,
            watchtower,
            journal,
            Shelves(),
            list,
            bell,
            Tallies(tally, sender.tally),
            clock=clock,
            poll_seconds=poll_seconds,
        )


def _tell_who_serves(contract: Contract, settings: Settings) -> None:
    """Say which seats give the head's model to a stranger, and warn where none does.

    It is no reason to refuse: those who lie could keep watchtowers away by that.
    """
    ledger = contract.observer.ledger
    sources = [Source(seat, record.endpoint) for seat, record in sorted(ledger.seats.items())]
    model = contract.naming.model_blob(ledger.head().model_root)
    trust_file = None if settings.ca is None else Path(settings.ca)
    reasons = asyncio.run(_ask_all(sources, model, trust_file))
    serving = ",".join(str(seat) for seat, reason in reasons.items() if reason is None)
    if serving:
        LOG.info("seat=none act=probe serving=%s of=%d", serving, len(sources))
        return
    told = "; ".join(f"seat {n}: {reason}" for n, reason in list(reasons.items())[:REASONS_TOLD])
    error = (
        "expected a seat that serves strangers (exchange.public = true), else what is agreed is "
        f"challenged, and the deposits are lost to whoever answers; got {told or 'no seat'}"
    )
    LOG.warning("seat=none act=probe serving=none of=%d error=%r", len(sources), error)


async def _ask_all(
    sources: list[Source], blob: Blob, trust_file: Path | None
) -> dict[Seat, str | None]:
    """Return why each seat does not give the first chunk of a blob to a stranger; None: it does.

    Bounded by what a fetcher waits for a connection and for an answer.
    """
    async with Sources(build_trust(trust_file), None, FetchingLimits(), Tally()) as asked:
        reasons = await asyncio.gather(*(_ask(asked, source, blob) for source in sources))
    return {source.seat: reason for source, reason in zip(sources, reasons, strict=True)}


async def _ask(asked: Sources, source: Source, blob: Blob) -> str | None:
    try:
        await asked.ask(source, blob, 0)
    except SourceFailed as error:
        return str(error)
    except Later:
        return "busy"
    return None
