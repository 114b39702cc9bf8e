"""`holdfast peer run`."""

import logging
import signal
from contextlib import ExitStack
from pathlib import Path
from time import time
from typing import Annotated, NoReturn

import typer

from cli import options
from cli.folder import Changes, Folder, PasswordFile, open_folder

LOG = logging.getLogger("holdfast.command")
INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    folder: Folder,
    poll_seconds: Annotated[
        float, typer.Option(min=0.01, help="Between two looks at the chain.")
    ] = 0.5,
    rounds: Annotated[
        int | None, typer.Option(min=1, show_default="for ever", help="End after so many rounds.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", show_default="none", help="Serve numbers for Prometheus there."
        ),
    ] = None,
    changes: Changes = None,
    password_file: PasswordFile = None,
) -> None:
    """Train, vote, serve until interrupted. Killed at any moment, it goes on when started."""
    from chain.errors import ChainError
    from node.daemon.logs import start_logging
    from node.errors import NodeError

    start_logging()
    metrics_at = None if metrics is None else options.parse_address("--metrics", metrics)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # Until there is something to end in order, a supervisor's word ends it at once, and well.
    signal.signal(signal.SIGTERM, _leave)
    try:
        stopped_by = _work(folder, password_file, changes or [], poll_seconds, rounds, metrics_at)
    except (NodeError, ChainError, OSError) as error:
        LOG.error("act=stop error=%r", str(error))
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in stopped_by:
        raise typer.Exit(INTERRUPTED)


def _work(
    folder: Path,
    password_file: Path | None,
    changes: list[str],
    poll_seconds: float,
    rounds: int | None,
    metrics_at: tuple[str, int] | None,
) -> list[int]:
    """Run the peer to its end; return the signals that ended it."""
    from node.daemon.opening import open_daemon
    from node.settings import change_settings

    def clock() -> int:
        return int(time())

    stopped_by: list[int] = []
    with ExitStack() as opened:
        settings, account = opened.enter_context(open_folder(folder, password_file))
        settings = change_settings(settings, changes)
        daemon = opened.enter_context(
            open_daemon(folder, settings, account, clock=clock, poll_seconds=poll_seconds)
        )
        if metrics_at is not None:
            from node.daemon.metrics import Metrics

            host, port = metrics_at
            opened.enter_context(Metrics(daemon, account.address, clock, host=host, port=port))

        def stop(number: int, frame: object) -> None:
            stopped_by.append(number)
            daemon.stop()

        for number in SIGNALS:
            signal.signal(number, stop)
        daemon.run(lambda: bool(stopped_by) or daemon.has_ended(rounds))
    return stopped_by


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
