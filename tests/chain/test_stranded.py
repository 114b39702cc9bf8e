"""A transaction behind a nonce that a re-org has freed, on the embedded chain and on anvil."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from node_lab import NODES, NodeLab

from chain.errors import Stranded


@pytest.fixture(params=["embedded", "anvil"])
def node(request: pytest.FixtureRequest) -> Iterator[NodeLab]:
    with NODES[request.param]() as lab:
        lab.hold()
        yield lab


def test_renew__an_earlier_one_taken_back_and_forgotten__stranded_until_that_nonce_is_used(
    node: NodeLab,
) -> None:
    sender = node.sender(0)
    before = node.rpc("evm_snapshot")
    first = sender.submit(node.call("a"))
    node.mine()
    assert sender.find(first) is not None
    second = sender.submit(node.call("b"))
    assert sender.renew(second) == second, "nothing is missing yet"
    assert node.rpc("evm_revert", before) is True
    name = "0x" + second.transaction.hex()
    if node.rpc("eth_getTransactionByHash", name) is None:
        # The embedded chain goes back with all that waits.
        node.rpc("eth_sendRawTransaction", "0x" + second.newest.raw.hex())
    node.mine()
    assert sender.find(second) is None
    with pytest.raises(Stranded) as stranded:
        sender.renew(second)
    assert (stranded.value.expected, stranded.value.got) == (second.nonce, first.nonce)
    third = sender.submit(node.call("c"))
    assert third.nonce == first.nonce
    node.mine()
    assert sender.find(third) is not None
    if node.is_anvil:
        # It does not mine what it kept over a re-org by hand.
        assert node.told() == ["c"]
        return
    assert sender.find(second) is not None
    assert node.told() == ["c", "b"]
