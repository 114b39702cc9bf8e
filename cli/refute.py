"""`holdfast dispute refute`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.amounts import say
from cli.display import print_json
from cli.dispute_words import say_penalty, say_seats
from cli.folder import PasswordFile, open_folder
from cli.gathering import fetch
from cli.root import FAILED

if TYPE_CHECKING:
    from chain.sender import Receipt
    from node.blobs.disk import DiskBlobs
    from node.blobs.store import Findable, MemoryBlobs
    from node.contract import Contract
    from node.daemon.opening import Account
    from node.disputing import Compared
    from node.refutation import Case
    from node.settings import Settings

Round = Annotated[int, typer.Argument(metavar="ROUND", min=1, help="Whose result was agreed.")]
Own = Annotated[
    Path, typer.Option("--peer", metavar="FOLDER", help="Whose key sends, by `peer init`.")
]


def refute(
    round_id: Round,
    coordinate: Annotated[
        int | None,
        typer.Option(min=0, metavar="K", show_default="searched for", help="The wrong one."),
    ] = None,
    is_searched: Annotated[
        bool, typer.Option("--search", help="Find the first wrong one, as without --coordinate.")
    ] = False,
    peer: Annotated[
        Path | None,
        typer.Option(
            "--peer",
            metavar="FOLDER",
            show_default="nothing is sent",
            help="Whose key sends, by `peer init`; a seat is not needed.",
        ),
    ] = None,
    password_file: PasswordFile = None,
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: Annotated[
        Path | None,
        typer.Option("--blobs", metavar="DIR", help="With --rpc or --peer: a folder of blobs."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Prove an agreed result wrong: it is void, and those who approved it lose their stake.

    Recomputes it from the blobs, those of the folder and what the seats serve, and shows the
    contract the first wrong coordinate. A right result ends it with 1, and nothing is sent.
    Without --peer all is done but the sending.
    """
    if coordinate is not None and is_searched:
        raise typer.BadParameter("expected at most one of --coordinate and --search")
    if peer is None:
        with options.open_any_source(None, directory, rpc, contract, blobs) as source:
            case, loaded = _load(source.contract, round_id, source.blobs)
            proof = _prove(source.contract, case, loaded, coordinate, as_json=as_json)
            # What the contract would say to it costs nothing to ask.
            source.contract.federation.read("refute", *proof)
        _tell_unsent(round_id, as_json=as_json)
        return
    if directory is not None or rpc or contract is not None:
        raise typer.BadParameter("--dir, --rpc and --contract do not go with --peer")
    from node.daemon.opening import open_contract
    from node.disputing import send_refutation

    with (
        open_folder(peer, password_file) as (settings, account),
        open_contract(settings) as opened,
    ):
        store = _gather(peer, settings, account, opened, round_id, blobs, as_json=as_json)
        case, loaded = _load(opened, round_id, store)
        proof = _prove(opened, case, loaded, coordinate, as_json=as_json)
        receipt = send_refutation(opened, account, proof)
        _tell_refuted(opened, round_id, receipt, as_json=as_json)


def _load(contract: "Contract", round_id: int, store: "Findable") -> "tuple[Case, MemoryBlobs]":
    from chain.types import RoundId
    from node.disputing import open_round, read_case

    case = open_round(contract, RoundId(round_id))
    return case, read_case(case, store)


def _gather(
    folder: Path,
    settings: "Settings",
    account: "Account",
    contract: "Contract",
    round_id: int,
    blobs: Path | None,
    *,
    as_json: bool,
) -> "DiskBlobs":
    """Return the folder's store, with what the other folder, the chain and the seats could add."""
    from chain.disputes import NEW_MODEL, OLD_MODEL
    from chain.types import RoundId, Seat
    from localnet.errors import SourceRefused
    from node.blobs.disk import DiskBlobs
    from node.daemon.gathering import Wanted
    from node.disputing import open_round, read_shown, take_over
    from node.settings import BLOBS

    ledger = contract.observer.ledger
    case, store = open_round(contract, RoundId(round_id)), DiskBlobs(folder / BLOBS)
    needed = (*case.sources, NEW_MODEL)
    if blobs is not None:
        if not blobs.is_dir():
            raise SourceRefused("folder of blobs", "one that is there", blobs)
        take_over(case, needed, store, DiskBlobs(blobs))
    voters = tuple(ledger.votes[case.result.key])
    wanted = []
    for which in needed:
        if store.find(case.blob_of(which).root, case.blob_of(which).tag) is not None:
            continue
        if not read_shown(ledger, case, which, store):
            first = () if which >= OLD_MODEL else (Seat(which),)
            wanted.append(Wanted(case.blob_of(which), (*first, *voters)))
    fetch(folder, settings, account, contract, wanted, as_json=as_json)
    return store


def _prove(
    contract: "Contract",
    case: "Case",
    blobs: "MemoryBlobs",
    coordinate: int | None,
    *,
    as_json: bool,
) -> tuple[int, int, bytes]:
    """Find the wrong coordinate, tell it and return what proves it; end with 1 if it is right."""
    from node.disputing import build_proof, compare

    found = compare(case, blobs, coordinate)
    if found is None or not found.is_wrong:
        _tell_right(case, found, as_json=as_json)
        raise typer.Exit(FAILED)
    proof = build_proof(case, blobs, found.coordinate)
    _tell_wrong(contract, case, found, len(proof[2]), as_json=as_json)
    return proof


def _tell_right(case: "Case", found: "Compared | None", *, as_json: bool) -> None:
    number, updates = case.result.round, len(case.counted)
    if as_json:
        at = {} if found is None else {"coordinate": found.coordinate, "right": found.right}
        print_json({"event": "right", "round": number, "updates": updates, **at})
    elif found is None:
        typer.echo(f"round {number}: the result is right, recomputed from {updates} updates")
    else:
        typer.echo(f"round {number}: coordinate {found.coordinate} is right: {found.right}")


def _tell_wrong(
    contract: "Contract", case: "Case", found: "Compared", size_bytes: int, *, as_json: bool
) -> None:
    number, key = case.result.round, case.result.key
    voters = tuple(sorted(contract.observer.ledger.votes[key]))
    if as_json:
        values = {"agreed": found.agreed, "right": found.right, "evidence_bytes": size_bytes}
        place = {"event": "wrong", "round": number, "coordinate": found.coordinate}
        print_json({**place, **values, "voters": list(voters)})
        return
    agreed = "something where nothing may be" if found.agreed is None else f"{found.agreed}"
    unit = f"in units of 2**-{contract.parameters.model_bits}"
    typer.echo(f"round {number}: approved by {say_seats(voters)}, and wrong")
    typer.echo(f"coordinate {found.coordinate}: agreed {agreed}, right {found.right} ({unit})")
    typer.echo(f"evidence {size_bytes:,} bytes")


def _tell_unsent(round_id: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": "unsent", "round": round_id})
    else:
        typer.echo("the contract would take it; nothing is sent without --peer FOLDER")


def _tell_refuted(
    contract: "Contract", round_id: int, receipt: "Receipt", *, as_json: bool
) -> None:
    from chain.types import Refuted, Slashed
    from node.dispute_story import read_penalty
    from node.disputing import events_of

    events = list(events_of(contract, receipt))
    (refuted,) = (event for event in events if isinstance(event, Refuted))
    head = contract.observer.ledger.head()
    penalties = [read_penalty(event) for event in events if isinstance(event, Slashed)]
    if as_json:
        lost = [
            {"seats": list(p.seats), "taken_wei": p.taken_wei, "burned_wei": p.burned_wei}
            for p in penalties
        ]
        cost = {"gas_used": receipt.gas_used, "block": receipt.block}
        back = {"height": head.height, "head": "0x" + head.model_root.hex()}
        told: dict[str, Any] = {"event": "refuted", "round": round_id, **cost, "slashed": lost}
        print_json({**told, "earned_wei": refuted.earned_wei, **back})
        return
    typer.echo(f"refuted in block {receipt.block}, {receipt.gas_used:,} gas")
    for penalty in penalties:
        typer.echo(f"slashed {say_penalty(penalty)}")
    typer.echo(f"earned {say(refuted.earned_wei)} (holdfast dispute collect --peer FOLDER)")
    typer.echo(f"head: height {head.height}, round {head.round}, model 0x{head.model_root.hex()}")
