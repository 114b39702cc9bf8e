"""From a scenario to a folder of peers that have joined a federation, each as real peers do."""

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep

from chain.connect import open_endpoint
from chain.errors import Unreachable
from chain.funding import fund
from chain.types import Seat, Wei
from chain.wallet import create_wallet
from localnet.errors import FleetRefused
from localnet.fleet.fleet import CHAIN, Charter, Fleet, write_charter
from localnet.fleet.plan import write_peer, write_plan
from localnet.fleet.ports import find_ports
from localnet.fleet.relay import Wire, write_wires
from localnet.ground import ALLOWANCE_WEI
from localnet.scenario import ETHER, Scenario
from node.daemon.opening import Account, open_contract
from node.founding import read_plan
from node.learning.hosting import Hosting
from node.seating import create_federation, join
from node.settings import KEYSTORE, Settings, read_settings, write_settings
from node.whole_file import write_whole

KEYSTORE_WORK = 2**10
"""The password lies beside the keystores, so to guess it need not be dear."""
START_SECONDS = 120.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class _Recruit:
    """A peer on its way into the federation."""

    page: Settings
    account: Account


def found_fleet(
    fleet: Fleet,
    scenario: Scenario,
    anvil: str | None,
    hosting: Hosting,
    tell: Callable[[str], None],
) -> Charter:
    """Start a chain, make the peers' folders, create the federation and let all join.

    Peer i has seat i. `tell` hears what a dry round has decided. Raises ScenarioRefused,
    FleetRefused, and what data, learner and rule refuse.
    """
    plan = write_plan(scenario)
    with fleet.founding():
        _write_password(fleet.password)
        write_whole(fleet.directory / "plan.toml", plan.encode())
        chain_port, *ports = find_ports(1 + 3 * scenario.peers)
        fleet.start_chain(chain_port, anvil)
        url = f"http://127.0.0.1:{chain_port}"
        chain_id = await_chain(fleet, url)
        recruits, wires = [], []
        for index in range(scenario.peers):
            to_chain, front, listen = ports[3 * index : 3 * index + 3]
            wires += [Wire(index, to_chain, chain_port), Wire(index, front, listen)]
            rpc = f"ws://127.0.0.1:{to_chain}"
            page = write_peer(
                scenario,
                Seat(index),
                hosting,
                rpc=rpc,
                chain_id=chain_id,
                listen=listen,
                front=front,
            )
            recruits.append(_Recruit(page, _create_account(fleet, index)))
        write_wires(fleet.directory, wires)
        address = _create(fleet, recruits, url, plan, tell)
        charter = Charter(scenario, anvil, chain_port, address)
        write_charter(fleet.directory, charter)
    return charter


def _create_account(fleet: Fleet, index: int) -> Account:
    folder = fleet.peer_folder(index)
    folder.mkdir(parents=True)
    password = fleet.password.read_text().strip()
    return create_wallet(folder / KEYSTORE, password, work=KEYSTORE_WORK)


def _create(
    fleet: Fleet,
    recruits: Sequence[_Recruit],
    url: str,
    plan: str,
    tell: Callable[[str], None],
) -> str:
    """Fund the peers, let the first one create the federation and all of them join; return the
    contract's address."""
    with open_endpoint(url) as web3:
        fund(web3, [each.account.address for each in recruits], ALLOWANCE_WEI)
    # Past the relay, which does not run yet.
    first = replace(recruits[0].page, rpc=(url,))
    _, deployment = create_federation(
        fleet.peer_folder(0), first, recruits[0].account, read_plan(plan.encode()), tell
    )
    address = deployment.federation.address
    with open_contract(replace(first, contract=address)) as contract:
        for index, each in enumerate(recruits):
            write_settings(fleet.peer_folder(index), replace(each.page, contract=address))
            join(contract, each.account, each.page.endpoint, Wei(ETHER), [])
            contract.observer.poll()
    return address


def await_chain(fleet: Fleet, url: str) -> int:
    """Wait until the chain answers; return its id. Raises FleetRefused."""
    ends_at = monotonic() + START_SECONDS
    while True:
        try:
            with open_endpoint(url) as web3:
                return int(web3.eth.chain_id)
        except Unreachable as error:
            if fleet.processes.find(CHAIN) is None or monotonic() > ends_at:
                log = fleet.processes.log_path(CHAIN)
                raise FleetRefused("chain", "one that answers", f"none, see {log}") from error
        sleep(POLL_SECONDS)


def await_peer(fleet: Fleet, seat: int) -> None:
    """Wait until a peer serves its blobs. Raises FleetRefused where it ends before that."""
    ends_at = monotonic() + START_SECONDS
    while not _answers(read_settings(fleet.peer_folder(seat)).listen):
        if not fleet.is_alive(seat) or monotonic() > ends_at:
            log = fleet.log_path(seat)
            raise FleetRefused(f"peer {seat}", "one that serves its blobs", f"none, see {log}")
        sleep(POLL_SECONDS)


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def _write_password(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_hex(16) + "\n")
