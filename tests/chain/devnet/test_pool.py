"""Which transactions are let in, and what they are told if not."""

from __future__ import annotations

import pytest


@pytest.fixture
def waiting(lab):
    """A chain that mines when told to."""
    lab.rpc("evm_setAutomine", False)
    return lab


def refusal(lab, account, **fields) -> str:
    error = lab.ask("eth_sendRawTransaction", lab.sign(account, **fields))["error"]
    assert error["code"] == -32000
    return str(error["message"])


def mined_in(lab, sent) -> int | None:
    return lab.w3.eth.get_transaction(sent)["blockNumber"]


def test_send__gap_in_nonces__waits_until_it_is_filled(waiting) -> None:
    account, other = waiting.devnet.accounts[:2]
    late = waiting.send(account, nonce=1)
    waiting.send(other)
    waiting.rpc("evm_mine")
    assert mined_in(waiting, late) is None
    assert waiting.rpc("eth_getTransactionCount", account.address, "pending") == "0x0"
    early = waiting.send(account, nonce=0)
    assert waiting.rpc("eth_getTransactionCount", account.address, "pending") == "0x2"
    waiting.rpc("evm_mine")
    block = waiting.w3.eth.get_block(2)
    assert [item.to_0x_hex() for item in block["transactions"]] == [early, late]


def test_send__nonce_too_low__is_refused(waiting) -> None:
    account = waiting.devnet.accounts[0]
    waiting.send(account)
    waiting.rpc("evm_mine")
    assert refusal(waiting, account, nonce=0).startswith("nonce too low")


@pytest.mark.parametrize(("fee", "tip"), [(3, 1), (4, 1), (3, 2)])
def test_send__same_nonce_without_higher_fees__is_refused(waiting, fee, tip) -> None:
    account = waiting.devnet.accounts[0]
    waiting.send(account, nonce=0, value=1)
    fields = {"maxFeePerGas": fee * 10**9, "maxPriorityFeePerGas": tip * 10**9}
    message = refusal(waiting, account, nonce=0, value=2, **fields)
    assert message == "replacement transaction underpriced"


def test_send__same_nonce_with_higher_fees__replaces(waiting) -> None:
    account, other = waiting.devnet.accounts[:2]
    waiting.send(account, nonce=0)
    following = waiting.send(other)
    fields = {"maxFeePerGas": 3 * 10**9 + 1, "maxPriorityFeePerGas": 10**9 + 1}
    better = waiting.send(account, nonce=0, value=2, **fields)
    waiting.rpc("evm_mine")
    block = waiting.w3.eth.get_block(1)
    assert [item.to_0x_hex() for item in block["transactions"]] == [better, following]


def test_send__same_bytes_twice__already_known(waiting) -> None:
    account = waiting.devnet.accounts[0]
    raw = waiting.sign(account)
    waiting.rpc("eth_sendRawTransaction", raw)
    assert waiting.ask("eth_sendRawTransaction", raw)["error"]["message"] == "already known"


def test_send__more_than_the_balance_with_what_waits__is_refused(waiting) -> None:
    account = waiting.devnet.accounts[0]
    half = 5_000 * 10**18
    waiting.send(account, value=half)
    assert refusal(waiting, account, value=half).startswith("insufficient funds")
    waiting.send(account, value=half - 2 * 21_000 * 3 * 10**9)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"data": "0x" + "ff" * 1000, "gas": 40_000}, "intrinsic gas too low"),
        ({"gas": 60_000_001}, "exceeds block gas limit"),
        ({"chainId": 1}, "invalid chain id"),
        (
            {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1},
            "max fee per gas less than block base fee",
        ),
        (
            {"maxPriorityFeePerGas": 4 * 10**9},
            "max priority fee per gas higher than max fee per gas",
        ),
        ({"to": None, "data": "0x" + "00" * 49_153, "gas": 10**7}, "max initcode size exceeded"),
        (
            {
                "chainId": None,
                "maxFeePerGas": None,
                "maxPriorityFeePerGas": None,
                "gasPrice": 10**10,
            },
            "only replay-protected (EIP-155) transactions allowed",
        ),
    ],
)
def test_send__breaks_one_rule__is_told_which(lab, fields, message) -> None:
    assert refusal(lab, lab.devnet.accounts[0], **fields) == message
    assert lab.w3.eth.block_number == 0


@pytest.mark.parametrize("raw", ["0x", "0x02c0", "0xc0", "0x03c0", "0x02" + "ff" * 40, "0xf8ff00"])
def test_send__no_transaction__is_refused(lab, raw) -> None:
    assert lab.ask("eth_sendRawTransaction", raw)["error"]["code"] == -32000


def test_send__signature_of_nobody__is_refused(lab) -> None:
    raw = lab.sign(lab.devnet.accounts[0])
    # r and s end the encoding; an s of zero belongs to no key, a large one is barred by EIP-2.
    large = raw[:-64] + "f" * 64
    assert lab.ask("eth_sendRawTransaction", large)["error"]["message"] == "invalid signature"
