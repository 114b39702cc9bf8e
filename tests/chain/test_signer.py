"""The quick signer: to the byte what eth-account signs."""

import random

import pytest
from eth_account import Account

from chain.signer import QuickSigner


def draw_transaction(draw):
    transaction = {
        "chainId": draw.choice((1, 31337, 2**40)),
        "nonce": draw.choice((0, 1, 127, 128, 2**32)),
        "maxPriorityFeePerGas": draw.choice((0, 10**9)),
        "maxFeePerGas": draw.randrange(10**9, 10**12),
        "gas": draw.choice((21_000, 250_000, 30_000_000)),
        "value": draw.choice((0, 1, 10**18)),
        "data": draw.randbytes(draw.choice((0, 1, 4, 51, 52, 228, 70_000))),
    }
    if draw.random() < 0.8:
        transaction["to"] = Account.from_key(draw.randbytes(32)).address
    return transaction


@pytest.mark.parametrize("seed", range(40))
def test_sign_transaction__any_call_or_creation__is_what_eth_account_signs(seed):
    draw = random.Random(seed)
    account = Account.from_key(draw.randbytes(32))
    transaction = draw_transaction(draw)
    signer = QuickSigner(account)
    assert signer.address == account.address
    assert signer.sign_transaction(transaction) == account.sign_transaction(transaction)
