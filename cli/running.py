"""`holdfast peer run`."""

import logging
import signal
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from time import time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli import options
from cli.folder import Changes, Folder, PasswordFile, open_folder

if TYPE_CHECKING:
    from node.daemon.daemon import Daemon

LOG = logging.getLogger("holdfast.command")
INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    folder: Folder,
    poll_seconds: Annotated[
        float, typer.Option(min=0.01, help="Between two looks at the chain.")
    ] = 0.5,
    rounds: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="for ever",
            help="End after so many more rounds; one that is open now is the first.",
        ),
    ] = None,
    last_round: Annotated[
        int | None,
        typer.Option(
            min=1, show_default="none", help="Have no part in a round after that, but go on."
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", show_default="none", help="Serve numbers for Prometheus there."
        ),
    ] = None,
    is_watchtower: Annotated[
        bool,
        typer.Option(
            "--watchtower",
            help="With a key that has no seat: look on, refute what is wrong, challenge what is "
            "hidden.",
        ),
    ] = False,
    changes: Changes = None,
    password_file: PasswordFile = None,
) -> None:
    """Train, vote, serve until interrupted. Killed at any moment, it goes on when started."""
    from chain.errors import ChainError
    from node.daemon.logs import start_logging
    from node.daemon.opening import open_daemon
    from node.daemon.watching import open_watch
    from node.errors import NodeError
    from node.settings import change_settings

    start_logging()
    metrics_at = None if metrics is None else options.parse_address("--metrics", metrics)
    stopped_by: list[int] = []
    is_open = False
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # Until there is something to end in order, a supervisor's word ends it at once, and well.
    signal.signal(signal.SIGTERM, partial(_leave, stopped_by))
    try:
        with open_folder(folder, password_file) as (settings, account):
            settings = change_settings(settings, changes or [])
            # Who could not open the folder is at a terminal, and told there.
            is_open = True
            opening = open_watch if is_watchtower else open_daemon
            daemon = opening(folder, settings, account, clock=_clock, poll_seconds=poll_seconds)
            _work(daemon, account.address, rounds, last_round, metrics_at, stopped_by)
    except (NodeError, ChainError, OSError) as error:
        if is_open:
            LOG.error("act=stop error=%r", str(error))
        raise
    finally:
        for number, handler in before.items():
            # Who was told to end is ending, with its own exit code, however often it is told.
            signal.signal(number, signal.SIG_IGN if stopped_by else handler)
    if signal.SIGINT in stopped_by:
        raise typer.Exit(INTERRUPTED)


def _work(
    opening: "AbstractContextManager[Daemon]",
    address: str,
    rounds: int | None,
    last_round: int | None,
    metrics_at: tuple[str, int] | None,
    stopped_by: list[int],
) -> None:
    """Run the peer to its end; note the signals that ended it."""
    from chain.types import RoundId
    from node.peer import Peer

    with ExitStack() as opened:
        daemon = opened.enter_context(opening)
        if last_round is not None and isinstance(daemon.peer, Peer):
            daemon.peer.last_round = RoundId(last_round)
        if rounds is not None:
            daemon.end_after(rounds)
        if metrics_at is not None:
            from node.daemon.metrics import Metrics

            host, port = metrics_at
            opened.enter_context(Metrics(daemon, address, _clock, host=host, port=port))

        def stop(number: int, frame: object) -> None:
            stopped_by.append(number)
            daemon.stop()

        for number in SIGNALS:
            signal.signal(number, stop)
        daemon.run(lambda: bool(stopped_by))


def _clock() -> int:
    return int(time())


def _leave(stopped_by: list[int], number: int, frame: object) -> NoReturn:
    stopped_by.append(number)
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(0)
