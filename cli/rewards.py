"""`holdfast rewards`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from cli import options
from cli.amounts import say
from cli.contributed import CONTRIBUTION, by_name, measure, say_share
from cli.display import print_json

if TYPE_CHECKING:
    from chain.types import Seat
    from localnet.source import Source
    from node.contributions import Contributed
    from node.earnings import Account, Earned

MONEY = ("reserved", "claimable", "claimed", "lost")
RESERVED = "the seat's, and to be claimed as soon as nobody can dispute the result any more"
WIDTH = 120
"""Of the table, where the output is no terminal."""


def rewards(
    peer: options.Peer = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
    as_json: options.Json = False,
) -> None:
    """Show what each seat has earned and contributed, height by height.

    A share is reserved until its result is settled, then claimable (holdfast peer claim).
    Contributions are measured from the blobs, as far as those are there; the newest height waits
    for the next. What is paid does not depend on them in this version.
    """
    from node.earnings import find_settled, list_earned, sum_accounts

    with options.open_any_source(peer, directory, rpc, contract, blobs) as source:
        observer = source.contract.observer
        assert observer.block is not None, "it was polled, and its creation is mined"
        settled = find_settled(observer.ledger, observer.block, source.now())
        earned = list_earned(observer.ledger, observer.history, settled)
        measured, missing = _measure(source)
        accounts = sum_accounts(earned)
        if as_json:
            _print_json(source, earned, measured, accounts, settled)
            return
        is_paid = source.contract.parameters.reward_wei_per_second > 0
        _print_heights(earned, measured, is_paid=is_paid)
        if accounts:
            _print_accounts(accounts, measured, is_paid=is_paid)
        _print_pool(source, settled, is_paid=is_paid)
        if missing is not None:
            height = measured[-1].height + 1 if measured else 1
            typer.echo(f"contributions from height {height} on are not measured: {missing}")


def _measure(source: "Source") -> "tuple[list[Contributed], Exception | str | None]":
    if source.kept_blobs is None:
        return [], "no blobs (--blobs DIR)"
    return measure(source.contract, source.kept_blobs)


def _print_json(
    source: "Source",
    earned: "Sequence[Earned]",
    measured: "list[Contributed]",
    accounts: "Mapping[Seat, Account]",
    settled: int,
) -> None:
    from chain.rewards import compute_earned, compute_pool
    from node.contributions import compute_shares_bps, sum_contributions

    found = {each.height: each.by_seat for each in measured}
    for each in earned:
        place = {"event": "height", "height": each.height, "round": each.round}
        told: dict[str, Any] = {**place, "share_wei": each.share_wei}
        contributed = found.get(each.height)
        told["states"] = {str(seat): state.value for seat, state in each.states.items()}
        told["contributions"] = None if contributed is None else by_name(contributed)
        print_json(told)
    totals = sum_contributions(measured)
    shares = compute_shares_bps(totals)
    for seat, account in accounts.items():
        of = {"contribution": totals.get(seat), "contribution_bps": shares.get(seat)}
        print_json({"event": "seat", "seat": seat, **vars(account), **of})
    ledger = source.contract.observer.ledger
    sums = {"pool_wei": compute_pool(ledger), "earned_wei": compute_earned(ledger)}
    heights = {"settled_height": settled, "measured_heights": len(measured)}
    print_json({"event": "rewards", "funded_wei": ledger.funded_wei, **sums, **heights})


def _print_heights(
    earned: "Sequence[Earned]", measured: "list[Contributed]", *, is_paid: bool
) -> None:
    from node.earnings import State

    found = {each.height: each.by_seat for each in measured}
    for each in earned:
        share = f"  share {say(each.share_wei)}" if is_paid else ""
        typer.echo(f"height {each.height:>4}  round {each.round:>4}{share}")
        for state in State:
            seats = [str(seat) for seat, own in each.states.items() if own is state]
            if seats and each.share_wei:
                typer.echo(f"  {state.value:<12}  seat {', '.join(seats)}")
        if each.height in found:
            pairs = found[each.height].items()
            said = ", ".join(f"{seat} {amount:.3g}" for seat, amount in pairs)
            typer.echo(f"  contributed   seat {said}")


def _print_accounts(
    accounts: "Mapping[Seat, Account]", measured: "list[Contributed]", *, is_paid: bool
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from node.contributions import compute_shares_bps, sum_contributions

    totals = sum_contributions(measured)
    shares = compute_shares_bps(totals)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("seat", *(MONEY if is_paid else ()), "contribution", "its share"):
        table.add_column(name, justify="right")
    for seat, account in accounts.items():
        amounts = (account.reserved_wei, account.claimable_wei, account.claimed_wei)
        money = (*map(say, amounts), say(account.lost_wei)) if is_paid else ()
        measured_as = (
            (f"{totals[seat]:.3g}", say_share(shares[seat])) if seat in totals else ("", "")
        )
        table.add_row(str(seat), *money, *measured_as)
    console = Console()
    Console(width=console.width if console.is_terminal else WIDTH).print(table)
    if is_paid:
        typer.echo(f"reserved: {RESERVED}")
    if totals:
        typer.echo(f"contribution: {CONTRIBUTION}")
        typer.echo("its share: of the contributions of all seats that are above 0")


def _print_pool(source: "Source", settled: int, *, is_paid: bool) -> None:
    from chain.rewards import compute_earned, compute_pool

    ledger = source.contract.observer.ledger
    if is_paid:
        pool, earned = compute_pool(ledger), compute_earned(ledger)
        typer.echo(f"pool {say(pool)} of {say(ledger.funded_wei)} paid in; {say(earned)} earned")
    else:
        typer.echo("this federation pays no rewards")
    typer.echo(f"settled up to height {settled} of {len(ledger.agreed)}: no dispute can void that")
