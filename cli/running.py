"""`holdfast peer run`."""

import logging
import signal
from contextlib import ExitStack
from time import time
from typing import Annotated

import typer

from cli import options
from cli.folder import Changes, Folder, PasswordFile, open_folder

INTERRUPTED = 130


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
    from node.daemon.opening import open_daemon
    from node.settings import change_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    metrics_at = None if metrics is None else options.parse_address("--metrics", metrics)

    def clock() -> int:
        return int(time())

    stopped_by: list[int] = []
    with ExitStack() as opened:
        settings, account = opened.enter_context(open_folder(folder, password_file))
        settings = change_settings(settings, changes or [])
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

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        daemon.run(lambda: bool(stopped_by) or daemon.has_ended(rounds))
    if signal.SIGINT in stopped_by:
        raise typer.Exit(INTERRUPTED)
