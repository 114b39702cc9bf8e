"""An audit before everybody's eyes, wherever it is asked for."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from cli.contributed import measure, print_shares
from cli.display import print_json
from cli.events import to_json
from cli.progress import Bar

if TYPE_CHECKING:
    from node.audit import Audit, Checked
    from node.blobs.store import Blobs
    from node.checkpoint import Checkpoint
    from node.contract import Contract


def replay(
    contract: "Contract",
    blobs: "Blobs",
    *,
    since: "Checkpoint | None" = None,
    as_json: bool,
    is_brief: bool = False,
) -> bool:
    """Replay what the observer has read, check what is kept; return whether all of it matched.

    `since`: take what was agreed up to that checkpoint for granted.
    """
    from node.audit import Audit
    from node.blobs.disk import DiskBlobs

    observer, federation = contract.observer, contract.federation
    audit = Audit(observer.ledger.genesis, federation.chain_id, federation.address, blobs, since)
    rounds = swept = 0
    total = len(observer.ledger.agreed) - (since.height if since else 0)
    with (
        nullcontext()
        if as_json or is_brief or not sys.stdout.isatty()
        else Bar("audit", total) as bar
    ):
        for checked in audit.run(observer.history):
            rounds += 1
            if bar is not None:
                bar.advance()
            elif not is_brief:
                _print_checked(checked, as_json=as_json)
    if audit.finding is None and isinstance(blobs, DiskBlobs):
        swept = sum(1 for _ in audit.sweep(blobs))
    if audit.finding is None and not is_brief:
        _print_contributions(contract, blobs, since.height if since else 0, as_json=as_json)
    _print_conclusion(audit, rounds, swept, since, as_json=as_json)
    return audit.finding is None


def _print_checked(checked: "Checked", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "event": "checked",
                "round": checked.round,
                "height": checked.height,
                "head": "0x" + checked.model_root.hex(),
                "included": list(checked.included),
            }
        )
    else:
        typer.echo(
            f"round {checked.round:>4}  height {checked.height:>4}  "
            f"{len(checked.included)} updates  0x{checked.model_root.hex()}"
        )


def _print_contributions(
    contract: "Contract", blobs: "Blobs", since: int, *, as_json: bool
) -> None:
    """Tell what each seat brought to what matches."""
    measured, missing = measure(contract, blobs, since)
    if missing is not None:
        # It was there a moment ago.
        raise missing
    print_shares(measured, as_json=as_json)


def _print_conclusion(
    audit: "Audit", rounds: int, swept: int, since: "Checkpoint | None", *, as_json: bool
) -> None:
    finding = audit.finding
    if as_json:
        found = None if finding is None else to_json(finding)
        told = {"event": "audit", "rounds": rounds, "blobs_swept": swept, "finding": found}
        print_json({**told, "overturned": to_json(audit.overturned)})
        return
    for overturned in audit.overturned:
        typer.echo(f"overturned by now: {overturned}")
    if finding is None:
        begin = "genesis" if since is None else f"height {since.height}"
        blobs = f"; {swept} kept blobs are sound" if swept else ""
        typer.echo(f"audit: {rounds} rounds recomputed from {begin}, every root matches" + blobs)
    else:
        typer.echo(f"audit: after {rounds} rounds that match: {finding}")
