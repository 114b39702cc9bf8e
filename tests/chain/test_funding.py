"""Accounts for play, paid by a node's unlocked ones."""

import pytest
from federation_lab import ACCOUNTS, ETHER, Lab
from web3 import Web3

from chain.errors import NoFunds, NotDevelopment
from chain.funding import derive_keys, fund


def test_derive_keys__seed_and_place__decide_each() -> None:
    addresses = [account.address for account in derive_keys(1, 3)]
    assert addresses[:2] == [account.address for account in derive_keys(1, 2)]
    assert len({*addresses, *(account.address for account in derive_keys(2, 3))}) == 6


def test_fund__each__owns_what_was_asked_and_no_more(lab: Lab) -> None:
    addresses = [account.address for account in derive_keys(1, ACCOUNTS + 3)]
    fund(lab.web3, addresses[:2], 2 * ETHER)
    fund(lab.web3, addresses, 5 * ETHER)
    assert [lab.get_balance(each) for each in addresses] == [5 * ETHER] * len(addresses)
    height = lab.web3.eth.block_number
    fund(lab.web3, addresses, 5 * ETHER)
    assert lab.web3.eth.block_number == height


def test_fund__the_richest_cannot_pay__says_what_is_missing(lab: Lab) -> None:
    addresses = [account.address for account in derive_keys(1, 2)]
    with pytest.raises(NoFunds) as caught:
        fund(lab.web3, addresses, 5000 * ETHER)
    assert caught.value.expected > 10_000 * ETHER >= caught.value.got
    assert [lab.get_balance(each) for each in addresses] == [0, 0]


def test_fund__node_has_no_unlocked_account__no_development_chain(lab: Lab) -> None:
    class Locked(type(lab.web3.provider)):  # type: ignore[misc]
        def make_request(self, method, params):  # type: ignore[no-untyped-def]
            answer = lab.web3.provider.make_request(method, params)
            return {**answer, "result": []} if method == "eth_accounts" else answer

    web3 = Web3(Locked(lab.devnet.handle))
    with pytest.raises(NotDevelopment, match="no unlocked account"):
        fund(web3, ["0x" + "11" * 20], ETHER)
