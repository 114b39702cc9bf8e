"""The chain that a simulation stands on: embedded in this process, or somebody's development node.

Deadlines are compared with block times alone, and those with each other, so a run comes out the
same wherever, and whenever, its chain begins.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chain.connect import connect_devnet, open_endpoint
from chain.devnet.devnet import Devnet
from chain.funding import derive_keys, fund
from chain.mining import Mining, keep_automine
from chain.sender import Sender
from chain.signer import QuickSigner
from chain.types import Wei
from localnet import kept
from localnet.clock import START, SimulatedClock
from localnet.scenario import ETHER, Scenario

ALLOWANCE_WEI = Wei(11 * ETHER)
"""A stake of one ether, and gas for a thousand rounds at a few times the price at which development
chains begin."""


@dataclass(frozen=True)
class Ground:
    """A sender for every peer, and one for a watchtower behind them; the power to mine, and the
    clock that blocks go by."""

    senders: tuple[Sender, ...]
    mining: Mining
    clock: SimulatedClock


def count_accounts(scenario: Scenario) -> int:
    """Return how many accounts act."""
    return scenario.peers + scenario.watchtower


@contextmanager
def open_embedded(scenario: Scenario, directory: Path | None) -> Iterator[Ground]:
    """Open a chain in this process, in memory or kept in `directory`."""
    clock = SimulatedClock(START)
    path = None if directory is None else kept.chain_path(directory)
    with Devnet(directory=path, accounts=count_accounts(scenario), clock=clock) as devnet:
        web3 = connect_devnet(devnet)
        signers = map(QuickSigner, devnet.accounts)
        senders = tuple(Sender(web3, each, is_gas_free=True) for each in signers)
        yield Ground(senders, Mining(web3), clock)


@contextmanager
def open_outside(scenario: Scenario, endpoint: str) -> Iterator[Ground]:
    """Use a development node (anvil, hardhat, `holdfast chain serve`), which mines for us alone.

    Afterwards it mines as it did before. Raises Unreachable, NotDevelopment, NoFunds.
    """
    clock = SimulatedClock(START)
    with open_endpoint(endpoint) as web3, keep_automine(web3):
        mining = Mining(web3, clock)
        mining.release()
        accounts = derive_keys(scenario.seed, count_accounts(scenario))
        fund(web3, [account.address for account in accounts], ALLOWANCE_WEI)
        signers = map(QuickSigner, accounts)
        senders = tuple(Sender(web3, each, is_gas_free=True) for each in signers)
        yield Ground(senders, mining, clock)
