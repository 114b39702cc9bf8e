"""`holdfast peer`: one organisation's part in a federation."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import choosing, doctor, explain, options, running, scenario_options
from cli.diagnose import diagnose
from cli.display import print_json
from cli.folder import Changes, Folder, PasswordFile, open_folder, read_password, read_text
from cli.peer_audit import audit

if TYPE_CHECKING:
    from chain.ledger import Ledger
    from chain.types import Seat
    from node.settings import Settings

app = typer.Typer(help="One organisation's part in a federation.")
app.command()(running.run)
app.command()(doctor.doctor)
app.command()(audit)
app.command("explain")(explain.explain_peer)
app.command()(diagnose)

ANY_ENDPOINT = "http://to-be-chosen.invalid"
EVERYWHERE = ("0.0.0.0", "::")
NO_SEAT = {
    "stake_wei": 0,
    "stage": None,
    "next": "join takes a seat; run --watchtower looks on without one",
    "has_committed": False,
}


@app.callback()
def peer() -> None:
    """One organisation's part in a federation."""


@app.command()
def init(
    folder: Folder,
    rpc: options.Rpc = None,
    source: Annotated[
        str,
        typer.Option(
            "--data",
            help="Own data: a .csv, .parquet or .npz file, a folder of pictures, digits, "
            "breast_cancer, MODULE:FUNCTION, or own: the learner brings them.",
        ),
    ] = "digits",
    label: Annotated[
        str | None, typer.Option(show_default="the last", help="Label column of a .csv file.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", show_default="all of it", help="For trials: part I of N of the data."
        ),
    ] = None,
    learner_path: scenario_options.LearnerPath = None,
    contract: Annotated[
        str | None,
        typer.Option(metavar="0x…", show_default="still to be created", help="The federation."),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to serve blobs.")
    ] = "127.0.0.1:7710",
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", show_default="http://LISTEN", help="Where the others reach that."
        ),
    ] = None,
    changes: Changes = None,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Make a folder: settings to edit, and a key of its own, encrypted."""
    from chain.connect import open_endpoints, open_federation
    from chain.wallet import create_wallet, open_wallet
    from node.folder_lock import lock_folder
    from node.settings import (
        KEYSTORE,
        SETTINGS,
        Settings,
        change_settings,
        choose_confirmations,
        write_settings,
    )

    if not rpc:
        raise typer.BadParameter("expected --rpc ENDPOINT")
    if (folder / SETTINGS).exists():
        raise typer.BadParameter(f"{folder} is a peer's folder already")
    address = options.parse_address("--listen", listen)
    part = _parse_share(share)
    code = None if learner_path is None else choosing.find_code(learner_path)
    with open_endpoints(rpc) as web3:
        chain_id = int(web3.eth.chain_id)
    settings = Settings(
        rpc=tuple(rpc),
        contract=contract,
        chain_id=chain_id,
        listen=address,
        endpoint=endpoint or ANY_ENDPOINT,
        source=source,
        label=label,
        share=part,
        confirmations=choose_confirmations(chain_id),
        learner_path=None if code is None else str(code),
    )
    settings = change_settings(settings, changes or [])
    if settings.endpoint == ANY_ENDPOINT:
        settings = replace(settings, endpoint=_derive_endpoint(settings))
    if settings.contract is not None:
        with open_endpoints(settings.rpc) as web3:
            # A wrong address is found now, and not by whoever has funded the key.
            open_federation(web3, settings.contract)
    is_new = not (folder / KEYSTORE).exists()
    password = read_password(password_file, is_new=is_new)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_folder(folder):
        # A call that died before it wrote the settings has left a key, which may have ether.
        open_or_create = create_wallet if is_new else open_wallet
        account = open_or_create(folder / KEYSTORE, password)
        write_settings(folder, settings)
    if as_json:
        state = {"event": "initialised", "folder": str(folder), "address": account.address}
        print_json({**state, "is_new": is_new})
    else:
        if not is_new:
            typer.echo(f"{folder}: went on with the key that was there")
        typer.echo(f"{folder}: settings in {SETTINGS}, key in {KEYSTORE}")
        typer.echo(f"address {account.address}: give it ether for a stake and for gas")


@app.command()
def join(
    folder: Folder,
    stake: Annotated[str, typer.Option(metavar="ETHER", help="What to stake.")] = "1",
    admitted: Annotated[
        Path | None,
        typer.Option(
            "--list", metavar="FILE", help="The admission list, an address a line.", show_default=""
        ),
    ] = None,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Take a seat with a stake."""
    from chain.types import Wei
    from node.daemon.opening import find_seat, open_contract
    from node.seating import join as take_seat

    wei = Wei(options.parse_ether("--stake", stake))
    addresses = read_text(admitted).split() if admitted else []
    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        receipt = take_seat(contract, account, settings.endpoint, wei, addresses)
        contract.observer.poll()
        seat = find_seat(contract, account.address)
    _tell(as_json, {"event": "joined", "seat": seat, "stake_wei": wei, "block": receipt.block})


@app.command()
def status(folder: Folder, as_json: options.Json = False) -> None:
    """Show where this peer and its federation stand."""
    from time import time

    from chain.wallet import read_address
    from node.daemon.opening import find_own_seat, open_contract
    from node.folder_lock import find_holder
    from node.round import Phase
    from node.settings import KEYSTORE, read_settings
    from node.view import find_deadline, find_missing, find_phase

    settings = read_settings(folder)
    address = read_address(folder / KEYSTORE)
    with open_contract(settings) as contract:
        seat = find_own_seat(contract, address)
        ledger, block = contract.observer.ledger, contract.observer.block
        assert block is not None, "it was polled, and its creation is mined"
        now = max(int(time()), block.timestamp)
        head, phase = ledger.head(), find_phase(ledger, now)
        missing = () if phase is Phase.IDLE else find_missing(ledger, phase)
        state = {
            "event": "peer",
            "at_work": find_holder(folder),
            "seat": seat,
            "address": address,
            "balance_wei": contract.federation.get_balance(address),
            "owed_wei": ledger.disputes.owed(address),
            **(NO_SEAT if seat is None else _describe_seat(ledger, seat, now)),
            "round": ledger.round.number,
            "phase": phase.value,
            "waits_for": list(missing),
            "waits_until": find_deadline(ledger, phase) if missing else None,
            "height": head.height,
            "head": "0x" + head.model_root.hex(),
            "checkpoint": f"{head.height}:0x{head.key.hex()}",
        }
    _tell(as_json, state if as_json else {**state, **_describe_wait(state)})


def _describe_wait(state: dict[str, Any]) -> dict[str, str | None]:
    """Return for whom the round waits, and until when, as a reader likes it."""
    from time import gmtime, strftime

    seats, until = state["waits_for"], state["waits_until"]
    at = None if until is None else strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(until))
    return {"waits_for": ", ".join(map(str, seats)) or None, "waits_until": at}


def _describe_seat(ledger: "Ledger", seat: "Seat", now: int) -> dict[str, Any]:
    from node.tenure import judge_tenure
    from node.view import build_view

    view, record = build_view(ledger, seat), ledger.seats[seat]
    tenure = judge_tenure(ledger, view, seat, now)
    return {
        "stake_wei": record.stakes[-1][1],
        "stage": tenure.stage.value,
        "counts_from": record.begun,
        "counts_until": record.until or None,
        "free_at": record.free_at or None,
        "next": tenure.next,
        "has_committed": any(number >= view.round for _, number in view.committed),
    }


@app.command()
def leave(
    folder: Folder, password_file: PasswordFile = None, as_json: options.Json = False
) -> None:
    """End the seat with the next round; the stake is paid back by `withdraw`."""
    _call(folder, password_file, "leave", as_json=as_json)


@app.command()
def withdraw(
    folder: Folder, password_file: PasswordFile = None, as_json: options.Json = False
) -> None:
    """First call: begin the unbonding. Second call, after it: be paid the stake."""
    from time import time

    from node.daemon.opening import find_seat, open_contract
    from node.seating import withdraw as take_back

    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        seat = find_seat(contract, account.address)
        receipt = take_back(contract, account, seat, lambda: int(time()))
    _tell(as_json, {"event": "withdraw", "seat": seat, "block": receipt.block})


@app.command()
def activate(
    folder: Folder,
    added: Annotated[
        str | None,
        typer.Option(
            "--add", metavar="ETHER", show_default="none", help="What to add to the stake."
        ),
    ] = None,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Let a retired seat count again; one that was slashed needs the minimum stake again."""
    wei = 0 if added is None else options.parse_ether("--add", added)
    _call(folder, password_file, "activate", value_wei=wei, as_json=as_json)


@app.command()
def claim(
    folder: Folder, password_file: PasswordFile = None, as_json: options.Json = False
) -> None:
    """Be paid the seat's rewards, as far as results are settled."""
    from time import time

    from node.daemon.opening import find_seat, open_contract
    from node.errors import PeerRefused
    from node.rewarding import claim as claim_rewards

    amount = 0
    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        seat = find_seat(contract, account.address)
        for paid in claim_rewards(contract, account, seat, lambda: int(time())):
            amount += paid.amount_wei
            state = {"event": "claimed", "seat": seat, "amount_wei": paid.amount_wei}
            _tell(as_json, {**state, "results": paid.results, "block": paid.receipt.block})
        if not amount:
            raise PeerRefused(f"rewards of seat {seat}", "a share of a settled result", "none")


@app.command()
def set_endpoint(
    folder: Folder, password_file: PasswordFile = None, as_json: options.Json = False
) -> None:
    """Tell the others on the chain where to reach this peer, as the settings say."""
    from node.daemon.opening import find_seat, open_contract
    from node.seating import set_endpoint as register

    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        seat = find_seat(contract, account.address)
        receipt = register(contract, account, seat, settings.endpoint)
    state = {"event": "set_endpoint", "seat": seat, "endpoint": settings.endpoint}
    _tell(as_json, {**state, "block": receipt.block})


def _call(
    folder: Path, password_file: Path | None, function: str, *, value_wei: int = 0, as_json: bool
) -> None:
    from node.daemon.opening import find_seat, open_contract
    from node.seating import call_for_seat

    with (
        open_folder(folder, password_file) as (settings, account),
        open_contract(settings) as contract,
    ):
        seat = find_seat(contract, account.address)
        receipt = call_for_seat(contract, account, function, seat, value_wei)
    _tell(as_json, {"event": function, "seat": seat, "block": receipt.block})


def _derive_endpoint(settings: "Settings") -> str:
    """Return the URL of where the peer listens, if others could reach that."""
    host, port = settings.listen
    if host in EVERYWHERE:
        raise typer.BadParameter(f"expected --endpoint URL with --listen {host}:{port}")
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _parse_share(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    which, slash, count = text.partition("/")
    if not (slash and which.isdigit() and count.isdigit() and 1 <= int(which) <= int(count)):
        raise typer.BadParameter(f"--share: expected I/N such as 2/5, got {text!r}")
    return int(which), int(count)


def _tell(as_json: bool, state: dict[str, Any]) -> None:
    if as_json:
        print_json(state)
        return
    for name, value in state.items():
        if name != "event":
            typer.echo(f"{name.replace('_', ' '):<14}{'-' if value is None else value}")
