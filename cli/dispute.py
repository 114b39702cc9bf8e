"""`holdfast dispute`: a result that was agreed is held against what it was made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options, refute
from cli.amounts import say
from cli.display import print_json
from cli.dispute_words import describe_story, print_story
from cli.folder import PasswordFile, open_folder

if TYPE_CHECKING:
    from chain.disputes import Leaves
    from node.contract import Contract
    from node.daemon.opening import Account

app = typer.Typer(help="An agreed result, disputed: refuted, asked about, explained.")
app.command()(refute.refute)

WHICH = {"before": 128, "after": 129}


@app.callback()
def dispute() -> None:
    """An agreed result, disputed: refuted, asked about, explained."""


@app.command()
def show(
    round_id: Annotated[
        int | None,
        typer.Argument(
            metavar="[ROUND]", min=1, show_default="all that were disputed", help="One."
        ),
    ] = None,
    peer: options.Peer = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    as_json: options.Json = False,
) -> None:
    """Explain disputes: what was asked, shown, voided, who lost what, what can be collected."""
    from chain.types import RoundId
    from node.dispute_story import list_disputed
    from node.disputing import tell_round

    with options.open_any_source(peer, directory, rpc, contract, None) as source:
        ledger, now = source.contract.observer.ledger, source.now()
        rounds = list_disputed(ledger) if round_id is None else [RoundId(round_id)]
        stories = [tell_round(source.contract, each) for each in rounds]
        owed = {who: wei for who, wei in sorted(ledger.disputes.owed_wei.items()) if wei}
        for story in stories:
            if as_json:
                print_json(describe_story(story, now))
            else:
                print_story(story, now)
        if as_json:
            told = {"event": "disputes", "rounds": len(stories), "now": now, "owed_wei": owed}
            print_json({**told, "slashed_wei": ledger.disputes.slashed_wei})
            return
        if not stories:
            typer.echo("nothing was disputed")
        for who, wei in owed.items():
            typer.echo(f"to collect     {say(wei)} by {who} (holdfast dispute collect)")


@app.command()
def challenge(
    round_id: refute.Round,
    which: Annotated[
        str,
        typer.Argument(
            metavar="SEAT|before|after", help="An included seat's update; or the model, when."
        ),
    ],
    folder: refute.Own,
    first: Annotated[int, typer.Option(min=0, help="The first leaf, a multiple of --count.")] = 0,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, show_default="64, or all there are", help="How many: 1, 2, 4 … 64 of 256 bytes."
        ),
    ] = None,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Ask on the chain for leaves that nobody serves: shown in time, or the result is void.

    Whoever answers has the deposit; unanswered, it comes back, and as much again.
    """
    from chain.types import RoundId
    from node.disputing import choose_leaves, open_round, send_challenge

    with _open_party(folder, password_file) as (contract, account):
        case = open_round(contract, RoundId(round_id))
        leaves = choose_leaves(case, _parse_which(which), first, count)
        receipt, deposit = send_challenge(contract, account, case, leaves)
    _tell("challenged", leaves, receipt.block, deposit_wei=deposit, as_json=as_json)


@app.command()
def answer(
    round_id: refute.Round,
    folder: refute.Own,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Answer every open challenge on a round that this folder's blobs can answer."""
    from chain.types import RoundId
    from node.blobs.disk import DiskBlobs
    from node.disputing import list_unanswered, open_round, send_answer, tell_round
    from node.settings import BLOBS

    with _open_party(folder, password_file) as (contract, account):
        case = open_round(contract, RoundId(round_id))
        store = DiskBlobs(folder / BLOBS)
        asked = list_unanswered(tell_round(contract, RoundId(round_id)))
        _check_any(asked, "an open challenge", round_id)
        for each in asked:
            receipt = send_answer(contract, account, case, each.leaves, store)
            earned = each.asked.bond_wei
            _tell("answered", each.leaves, receipt.block, earned_wei=earned, as_json=as_json)


@app.command()
def close(
    round_id: refute.Round,
    folder: refute.Own,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """End the challenges on a round whose time is over: unanswered, they void its result."""
    from chain.types import Closed, RoundId
    from node.disputing import events_of, list_closable, open_round, send_close, tell_round

    with _open_party(folder, password_file) as (contract, account):
        case = open_round(contract, RoundId(round_id))
        block = contract.observer.block
        assert block is not None, "it was polled, and its creation is mined"
        now = max(_clock(), block.timestamp)
        asked = list_closable(tell_round(contract, RoundId(round_id)), account.address, now)
        _check_any(asked, "a challenge whose time is over", round_id)
        for each in asked:
            receipt = send_close(contract, account, case, each.leaves)
            told = [e for e in events_of(contract, receipt) if isinstance(e, Closed)]
            paid = sum(event.paid_wei for event in told)
            _tell("closed", each.leaves, receipt.block, paid_wei=paid, as_json=as_json)


@app.command()
def collect(
    folder: refute.Own, password_file: PasswordFile = None, as_json: options.Json = False
) -> None:
    """Be paid what this folder's key has earned in disputes, or has back."""
    from chain.types import Collected
    from node.disputing import events_of, send_collect

    with _open_party(folder, password_file) as (contract, account):
        receipt = send_collect(contract, account)
        told = [e for e in events_of(contract, receipt) if isinstance(e, Collected)]
        amount = sum(event.amount_wei for event in told)
    if as_json:
        print_json({"event": "collected", "amount_wei": amount, "block": receipt.block})
    else:
        typer.echo(f"collected {say(amount)} in block {receipt.block}")


@contextmanager
def _open_party(folder: Path, password_file: Path | None) -> "Iterator[tuple[Contract, Account]]":
    from node.daemon.opening import open_contract

    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        yield contract, account


def _parse_which(text: str) -> int:
    if text in WHICH:
        return WHICH[text]
    if not (text.isascii() and text.isdigit() and int(text) < min(WHICH.values())):
        raise typer.BadParameter(f"expected a seat, before or after, got {text!r}")
    return int(text)


def _check_any(found: Any, expected: str, round_id: int) -> None:
    from node.errors import InputRefused

    if not found:
        raise InputRefused(f"dispute: round {round_id}", expected, "none")


def _clock() -> int:
    from time import time

    return int(time())


def _tell(verb: str, leaves: "Leaves", block: int, *, as_json: bool, **amount_wei: int) -> None:
    from cli.dispute_words import describe_leaves

    if as_json:
        place = {"which": leaves.which, "first": leaves.first, "count": leaves.count}
        print_json({"event": verb, "round": leaves.round, **place, **amount_wei, "block": block})
        return
    ((name, wei),) = amount_wei.items()
    said = f"{name.removesuffix('_wei')} {say(wei)}"
    typer.echo(f"{verb} {describe_leaves(leaves)}, block {block}: {said}")
