"""Contributions in words and in JSON, for the audit and for `rewards`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from cli.display import print_json

if TYPE_CHECKING:
    from chain.types import Seat
    from node.blobs.store import Blobs
    from node.contract import Contract
    from node.contributions import Contributed

BPS_PER_PERCENT = 100
CONTRIBUTION = (
    "how much nearer an update brought the model to what the peers wanted next, in squares of the "
    "model's smallest step; below 0: it did harm; compare it with that of other seats"
)


def measure(
    contract: "Contract", blobs: "Blobs", since: int = 0
) -> "tuple[list[Contributed], Exception | None]":
    """Return what was contributed at each height, as far as the blobs are there, and what was not
    to be had."""
    from node.blobs.errors import BlobError
    from node.contributions import measure_history

    observer, federation = contract.observer, contract.federation
    measured: list[Contributed] = []
    try:
        for each in measure_history(
            observer.ledger.genesis,
            federation.chain_id,
            federation.address,
            blobs,
            observer.history,
            since,
        ):
            measured.append(each)
    except BlobError as error:
        return measured, error
    return measured, None


def print_shares(measured: "list[Contributed]", *, as_json: bool) -> None:
    """Tell what each seat contributed over all heights; nothing where nothing was measured."""
    from node.contributions import compute_shares_bps, sum_contributions

    if not measured:
        return
    totals = sum_contributions(measured)
    shares = compute_shares_bps(totals)
    if as_json:
        for each in measured:
            place = {"event": "contributed", "round": each.round, "height": each.height}
            print_json({**place, "by_seat": by_name(each.by_seat)})
        print_json(
            {"event": "contributions", "totals": by_name(totals), "shares_bps": by_name(shares)}
        )
        return
    said = ", ".join(f"{seat} {say_share(bps)}" for seat, bps in shares.items())
    first, last = measured[0].height, measured[-1].height
    of = "each seat's part of all that helped the model"
    typer.echo(f"contributions at heights {first} to {last}, by seat: {said} ({of})")


def by_name(by_seat: "Mapping[Seat, Any]") -> dict[str, Any]:
    """Return what is told by seat as JSON has it."""
    return {str(seat): value for seat, value in by_seat.items()}


def say_share(bps: int) -> str:
    """Return a share in per cent."""
    return f"{bps / BPS_PER_PERCENT:.1f} %"
