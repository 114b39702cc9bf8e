"""py-evm's interpreter with a shorter way from one instruction to the next.

What py-evm does around each instruction, for its logs and its forks, costs as much as the
instruction itself. Creations, precompiled contracts and all bookkeeping stay py-evm's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Final, cast

from eth.abc import ComputationAPI, MessageAPI, StateAPI, TransactionContextAPI
from eth.exceptions import Halt, OutOfGas
from eth.vm.code_stream import CodeStream
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.gas_meter import GasMeter, allow_negative_refund_strategy

from chain.devnet.account_state import Accounts
from chain.devnet.instructions import INSTRUCTIONS

REMEMBERED_CODES: Final = 64


@lru_cache(maxsize=REMEMBERED_CODES)
def share_positions(code: bytes) -> tuple[set[int], set[int]]:
    """Return which bytes of a code are known as constants and as instructions."""
    return set(), set()


class _Meter(GasMeter):
    def consume_gas(self, amount: int, reason: str) -> None:
        if amount > self.gas_remaining:
            raise OutOfGas(f"Out of gas: {reason} needs {amount}, {self.gas_remaining} remain")
        self.gas_remaining -= amount


class Computation(PragueComputation):
    """One run of some code."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # Where jumps may land is a property of the code; py-evm finds it out again in every run.
        code = cast(CodeStream, self.code)
        code.invalid_positions, code.valid_positions = share_positions(code._raw_code_bytes)

    def _configure_gas_meter(self) -> GasMeter:
        return _Meter(self.msg.gas, allow_negative_refund_strategy)

    def extend_memory(self, start_position: int, size: int) -> None:
        """Extend the memory and pay for it; most accesses lie within what there is."""
        if start_position + size > len(self._memory):
            super().extend_memory(start_position, size)

    @classmethod
    def apply_computation(
        cls,
        state: StateAPI,
        message: MessageAPI,
        transaction_context: TransactionContextAPI,
        parent_computation: ComputationAPI | None = None,
    ) -> ComputationAPI:
        """Run a message's code; as py-evm's, which runs whatever is more than a plain call."""
        is_plain = parent_computation is None and not message.is_create
        if not is_plain or message.code_address in cls._precompiles:
            return super().apply_computation(
                state, message, transaction_context, parent_computation
            )
        with cls(state, message, transaction_context) as computation:
            computation.contracts_created = []
            _run(computation)
        return computation


def _run(computation: ComputationAPI) -> None:
    code = cast(CodeStream, computation.code)
    raw = code._raw_code_bytes
    end = len(raw)
    try:
        while (at := code.program_counter) < end:
            code.program_counter = at + 1
            INSTRUCTIONS[raw[at]](computation)
    except Halt:
        pass


class State(PragueState):
    """Prague's state, run by this interpreter over tries that change once per block."""

    account_db_class = Accounts
    computation_class: ClassVar[type[ComputationAPI]] = Computation  # type: ignore[misc,assignment]
