"""Accounts for a simulation on a development chain of others, paid by the node's unlocked ones."""

from collections.abc import Sequence
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from web3 import Web3

from chain.errors import NoFunds, NotDevelopment, Refused
from chain.rpc import ask
from chain.types import Wei

_WAIT_SECONDS = 30
_TRANSFER_GAS = 21_000


def derive_keys(seed: int, count: int) -> tuple[LocalAccount, ...]:
    """Return accounts that anybody can derive from the seed: for play money alone.

    >>> derive_keys(0, 1)[0].address == derive_keys(0, 2)[0].address
    True
    """
    return tuple(
        Account.from_key(keccak(f"holdfast localnet, seed {seed}, peer {index}".encode()))
        for index in range(count)
    )


def fund(web3: Web3, addresses: Sequence[str], amount_wei: Wei) -> None:
    """Let every address own at least `amount_wei`; the node must mine what is sent to it.

    The richest of the node's unlocked accounts pays. Raises NotDevelopment, NoFunds.
    """
    missing = {each: amount_wei - _get_balance(web3, each) for each in addresses}
    missing = {each: wei for each, wei in missing.items() if wei > 0}
    if not missing:
        return
    payer = _find_payer(web3, sum(missing.values()), len(missing))
    sent = [_pay(web3, payer, address, wei) for address, wei in missing.items()]
    for transaction in sent:
        web3.eth.wait_for_transaction_receipt(
            Web3.to_bytes(hexstr=transaction),  # type: ignore[arg-type]
            timeout=_WAIT_SECONDS,
            poll_latency=0.02,
        )


def _find_payer(web3: Web3, total_wei: int, count: int) -> str:
    unlocked = _ask_development(web3, "eth_accounts")
    if not unlocked:
        raise NotDevelopment("eth_accounts", "no unlocked account")
    fee_wei = 2 * int(ask(web3, "eth_gasPrice"), 16) * _TRANSFER_GAS * count
    balances = {each: _get_balance(web3, each) for each in unlocked}
    richest = max(balances, key=lambda each: balances[each])
    if balances[richest] < total_wei + fee_wei:
        raise NoFunds(total_wei + fee_wei, balances[richest])
    return str(richest)


def _pay(web3: Web3, payer: str, address: str, amount_wei: int) -> str:
    transfer = {"from": payer, "to": address, "value": hex(amount_wei)}
    return str(_ask_development(web3, "eth_sendTransaction", transfer))


def _get_balance(web3: Web3, address: str) -> int:
    return int(ask(web3, "eth_getBalance", address, "latest"), 16)


def _ask_development(web3: Web3, method: str, *arguments: object) -> Any:
    try:
        return ask(web3, method, *arguments)
    except Refused as error:
        raise NotDevelopment(method, str(error.got)) from error
