"""Running a message without a transaction: `eth_call` and `eth_estimateGas`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, cast

from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI
from eth.constants import CREATE_CONTRACT_ADDRESS, GAS_CALLSTIPEND, ZERO_ADDRESS
from eth.exceptions import OutOfGas, Revert, VMError
from eth.vm.forks.berlin.transactions import calculate_txn_intrinsic_gas_berlin
from eth_abi.abi import decode as decode_abi
from eth_abi.exceptions import DecodingError
from eth_typing import Address

from chain.devnet.errors import Refused, Reverted
from chain.devnet.transactions import LEGACY, compute_floor_gas

_ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")
"""Error(string), the form that Solidity and Vyper give a reason."""


@dataclass(frozen=True, slots=True)
class Call:
    """A message from `sender`; `to` is empty to create a contract.

    It has the fields of a transaction that py-evm's executor reads, with both fees zero: a call
    costs its sender nothing and sees the block's true base fee.
    """

    sender: Address
    to: Address
    gas: int
    value: int = 0
    data: bytes = b""
    nonce: int = 0
    access_list: tuple[tuple[Address, tuple[int, ...]], ...] = ()
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    type_id: int = LEGACY

    @property
    def intrinsic_gas(self) -> int:
        """Gas that is due before the first instruction."""
        return int(calculate_txn_intrinsic_gas_berlin(_as_transaction(self)))


def execute(state: StateAPI, call: Call) -> bytes:
    """Return what `call` returns in `state`, which is left as it was.

    Raises `Reverted` with the reason and the data, `Refused` for every other way of failing.
    """
    with _run(state, call) as computation:
        _check_success(computation)
        return bytes(computation.output)


def estimate(state: StateAPI, call: Call) -> int:
    """Return a gas limit, at most `call.gas`, with which `call` succeeds in `state`.

    One run with all the gas tells what it needs at its peak, before refunds; a second proves that
    this is enough, and it is then the least. It is not where a contract looks at the gas it has
    left, above all by handing 63/64 of it to another (EIP-150); then the limit rises by 1/63, 2/63,
    4/63 … until it is.

    Raises as `execute` does when even `call.gas` does not do.
    """
    with _run(state, call) as computation:
        _check_success(computation)
        peak = call.gas - computation.get_gas_remaining()
    limit = max(peak, compute_floor_gas(call.data))
    step = limit // 63 + GAS_CALLSTIPEND
    while limit < call.gas and not _is_enough(state, replace(call, gas=limit)):
        limit += step
        step *= 2
    return min(limit, call.gas)


def _is_enough(state: StateAPI, call: Call) -> bool:
    with _run(state, call) as computation:
        return bool(computation.is_success)


@contextmanager
def _run(state: StateAPI, call: Call) -> Iterator[ComputationAPI]:
    """Run `call` by py-evm's own steps, without the checks that only a signed transaction meets."""
    _check_start(state, call)
    snapshot = state.snapshot()
    try:
        executor = state.get_transaction_executor()
        message = executor.build_evm_message(_as_transaction(call))
        yield executor.build_computation(message, _as_transaction(call))
    finally:
        state.revert(snapshot)


def _as_transaction(call: Call) -> SignedTransactionAPI:
    """A call has every field that is read on these paths, though not the whole interface."""
    return cast(SignedTransactionAPI, call)


def _check_start(state: StateAPI, call: Call) -> None:
    if call.gas < call.intrinsic_gas:
        raise Refused(
            "intrinsic gas too low", expected=f"at least {call.intrinsic_gas}", got=call.gas
        )
    # Most calls carry no value; the balance is not worth a look-up in the trie then.
    if call.value and call.value > (balance := state.get_balance(call.sender)):
        raise Refused(
            "insufficient funds for transfer", expected=f"at least {call.value} wei", got=balance
        )


def _check_success(computation: ComputationAPI) -> None:
    if computation.is_success:
        return
    error = computation.error
    if isinstance(error, Revert):
        output = bytes(computation.output)
        reason = decode_reason(output)
        message = f"execution reverted: {reason}" if reason else "execution reverted"
        raise Reverted(message, expected="success", got="REVERT", data=f"0x{output.hex()}")
    raise Refused(_describe(error), expected="success", got=type(error).__name__)


def _describe(error: VMError) -> str:
    return "out of gas" if isinstance(error, OutOfGas) else f"execution failed: {error}"


def decode_reason(output: bytes) -> str:
    """Return the text of an `Error(string)` that a contract reverted with, else the empty string.

    >>> decode_reason(b"")
    ''
    """
    if output[:4] != _ERROR_SELECTOR:
        return ""
    try:
        (reason,) = decode_abi(["string"], output[4:])
    except (DecodingError, UnicodeDecodeError):
        return ""
    return str(reason)


CREATE: Final = CREATE_CONTRACT_ADDRESS
NOBODY: Final = ZERO_ADDRESS
"""Sender of a call that names none, as in geth."""
