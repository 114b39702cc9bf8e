"""What the model of the contract decided, decided once more by the contract itself.

The same accounts, address, calls, order and block times: so the same refusals, events and ether,
to the bit.
"""

from __future__ import annotations

from typing import Any

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.federation import Federation
from chain.rpc import ask
from chain.sender import Sender
from chain.types import Created, Event, Joined, Withdrawn
from localnet.clock import SimulatedClock

from .chain import SimulatedBlock
from .node import CHAIN_ID
from .schedule import START
from .task import SPEC
from .transactions import Transaction
from .world import ACCOUNTS, DEPLOYER, World

GAS = 3_000_000


def replay_on_contract(world: World) -> int:
    """Replay a world's chain on an embedded one, and compare; return how many calls it had."""
    clock = SimulatedClock(START - 99)
    with Devnet(clock=clock, accounts=ACCOUNTS, chain_id=CHAIN_ID) as devnet:
        web3 = connect_devnet(devnet)
        sender = Sender(web3, devnet.accounts[DEPLOYER], is_gas_free=True)
        deployed = deploy(web3, sender, SPEC, world.plan.parameters).federation
        assert deployed.address.lower() == world.address
        ask(web3, "evm_setAutomine", False)
        blocks = list(world.chain.head.branch())[::-1]
        for block in blocks:
            _replay_block(devnet, deployed, clock, block)
        _compare_state(world, deployed)
        return sum(len(block.transactions) for block in blocks)


def _replay_block(
    devnet: Devnet, federation: Federation, clock: SimulatedClock, block: SimulatedBlock
) -> None:
    if not block.transactions:
        return
    web3 = federation.web3
    clock.advance_to(block.timestamp)
    names = [_send(devnet, federation, transaction) for transaction in block.transactions]
    ask(web3, "evm_mine")
    number = int(ask(web3, "eth_blockNumber"), 16)
    latest = ask(web3, "eth_getBlockByNumber", hex(number), False)
    assert latest["transactions"] == names, "another order"
    assert int(latest["timestamp"], 16) == block.timestamp
    for name, transaction in zip(names, block.transactions, strict=True):
        receipt = ask(web3, "eth_getTransactionReceipt", name)
        reason = block.outcomes[transaction.hash]
        is_refused = int(receipt["status"], 16) == 0
        assert is_refused == (reason is not None), (transaction.call, reason)
    told = [_plain(logged.event) for logged in federation.get_events(number, number)]
    assert told == [_plain(logged.event) for logged in block.events]


def _send(devnet: Devnet, federation: Federation, transaction: Transaction) -> Any:
    owner = next(a for a in devnet.accounts if a.address.lower() == transaction.sender)
    signed = owner.sign_transaction(
        {
            "to": federation.address,
            "data": transaction.data,
            "value": transaction.value,
            "gas": GAS,
            "nonce": transaction.nonce,
            "chainId": CHAIN_ID,
            "maxFeePerGas": 10**12,
            "maxPriorityFeePerGas": 0,
        }
    )
    return ask(federation.web3, "eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())


def _plain(event: Event) -> object:
    """An event without what is only a matter of spelling."""
    if isinstance(event, Joined | Withdrawn):
        return {**vars(event), "owner": event.owner.lower()}
    assert not isinstance(event, Created), "only the first block creates"
    return event


def _compare_state(world: World, federation: Federation) -> None:
    model = world.model()
    key, height, number, _ = federation.get_head()
    assert (key, height, number) == (model.head, len(model.chain), model.head_round)
    held = federation.get_balance(federation.address)
    assert held == model.balance
    assert held == world.wealth - model.burned - sum(world.chain.contract.wallets.values())
