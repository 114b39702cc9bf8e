"""Blocks on demand."""

import pytest
from federation_lab import Lab
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain.errors import ChainError, NotDevelopment, OtherMiner
from chain.mining import Mining, keep_automine
from chain.rpc import ask


class RealNode(JSONBaseProvider):
    """A node that mines when it likes."""

    def make_request(self, method: RPCEndpoint, params: object) -> RPCResponse:
        error = {"code": -32601, "message": f"the method {method} does not exist"}
        return {"jsonrpc": "2.0", "id": 1, "error": error}  # type: ignore[typeddict-item]


def test_mine__held__one_block_with_all_that_waits(lab: Lab) -> None:
    mining = Mining(lab.web3)
    height = lab.web3.eth.block_number
    mining.hold()
    for account in (0, 1):
        signed = lab.devnet.accounts[account].sign_transaction(
            {
                "to": lab.devnet.accounts[2].address,
                "value": 1,
                "gas": 21_000,
                "nonce": lab.web3.eth.get_transaction_count(lab.devnet.accounts[account].address),
                "chainId": lab.devnet.chain_id,
                "maxFeePerGas": 3 * 10**9,
                "maxPriorityFeePerGas": 0,
            }
        )
        lab.web3.eth.send_raw_transaction(signed.raw_transaction)
    assert lab.web3.eth.block_number == height
    assert mining.mine() == 42_000
    assert lab.web3.eth.block_number == height + 1
    assert mining.mine() == 0


def test_mine__no_development_chain__says_what_it_expected() -> None:
    mining = Mining(Web3(RealNode()))
    for act in (mining.hold, mining.mine):
        with pytest.raises(ChainError, match="expected a development chain that answers evm_"):
            act()


def test_mine__with_a_clock_of_ones_own__blocks_have_its_time(lab: Lab) -> None:
    now = lab.now + 500
    mining = Mining(lab.web3, lambda: now)
    mining.hold()
    mining.mine()
    assert lab.now == now
    # The clock stands still, and blocks do not share a second.
    mining.mine()
    assert lab.now == now + 1


def test_mine__another_block_since__other_miner(lab: Lab) -> None:
    mining = Mining(lab.web3, lambda: 0)
    mining.hold()
    height = lab.web3.eth.block_number
    Mining(lab.web3).mine()
    with pytest.raises(OtherMiner) as caught:
        mining.mine()
    assert (caught.value.expected, caught.value.got) == (height, height + 1)


@pytest.mark.parametrize("is_on", [True, False])
def test_keep_automine__held_meanwhile__is_as_before(lab: Lab, is_on: bool) -> None:
    ask(lab.web3, "evm_setAutomine", is_on)
    with keep_automine(lab.web3):
        Mining(lab.web3).release()
        Mining(lab.web3).hold()
    assert ask(lab.web3, "hardhat_getAutomine") is is_on


def test_keep_automine__no_development_chain__is_not_touched() -> None:
    with (
        pytest.raises(NotDevelopment, match="hardhat_getAutomine"),
        keep_automine(Web3(RealNode())),
    ):
        pytest.fail("nothing may be done with such a node")
