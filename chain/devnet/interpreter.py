"""py-evm's interpreter with its hottest steps shortened: the same gas, the same results, in less
time.

A third of the instructions of a contract push constants, most others move one or two words; py-evm
spends most of their time on calls between its layers. Here these few instructions touch stack and
memory directly. Whatever is not listed runs as py-evm has it. A test replays blocks through the
unchanged interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Final, cast

from eth.abc import ComputationAPI
from eth.exceptions import FullStack, InsufficientStack
from eth.vm import mnemonics, opcode_values
from eth.vm.code_stream import CodeStream
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState

from chain.devnet.account_state import Accounts

STACK_LIMIT: Final = 1024
WORD: Final = 2**256 - 1
VERY_LOW_GAS: Final = 3
"""Every instruction below costs this (Yellow Paper, appendix G, `W_verylow`)."""
REMEMBERED_CODES: Final = 64

Instruction = Callable[[Any], None]


def _make_push(size: int) -> Instruction:
    def push(computation: Any) -> None:
        computation._gas_meter.consume_gas(VERY_LOW_GAS, mnemonics.PUSH1)
        code = computation.code
        first = code.program_counter
        code.program_counter = first + size
        raw = code._raw_code_bytes[first : first + size]
        values = computation._stack.values
        if len(values) >= STACK_LIMIT:
            raise FullStack("Stack limit reached")
        # Code that ends inside the constant is followed by zeros.
        values.append(int.from_bytes(raw, "big") << 8 * (size - len(raw)))

    return push


def _make_binary(compute: Callable[[int, int], int]) -> Instruction:
    def binary(computation: Any) -> None:
        computation._gas_meter.consume_gas(VERY_LOW_GAS, "")
        values = computation._stack.values
        if len(values) < 2:
            raise InsufficientStack(f"Wanted 2 stack items, only had {len(values)}")
        top, below = values.pop(), values[-1]
        if type(top) is bytes:
            top = int.from_bytes(top, "big")
        if type(below) is bytes:
            below = int.from_bytes(below, "big")
        values[-1] = compute(top, below)

    return binary


_PUSHES = {opcode_values.PUSH1 + size - 1: _make_push(size) for size in range(1, 33)}
_BINARIES = {
    opcode_values.ADD: _make_binary(lambda a, b: (a + b) & WORD),
    opcode_values.SUB: _make_binary(lambda a, b: (a - b) & WORD),
    opcode_values.AND: _make_binary(lambda a, b: a & b),
    opcode_values.OR: _make_binary(lambda a, b: a | b),
    opcode_values.XOR: _make_binary(lambda a, b: a ^ b),
    opcode_values.LT: _make_binary(lambda a, b: int(a < b)),
    opcode_values.GT: _make_binary(lambda a, b: int(a > b)),
    opcode_values.EQ: _make_binary(lambda a, b: int(a == b)),
    opcode_values.SHL: _make_binary(lambda a, b: 0 if a > 255 else (b << a) & WORD),
    opcode_values.SHR: _make_binary(lambda a, b: 0 if a > 255 else b >> a),
}
_OPCODES: Final = {**PragueComputation.opcodes, **_PUSHES, **_BINARIES}


@lru_cache(maxsize=REMEMBERED_CODES)
def share_positions(code: bytes) -> tuple[set[int], set[int]]:
    """Return which bytes of a code are known as constants and as instructions."""
    return set(), set()


class Computation(PragueComputation):
    """One run of some code."""

    opcodes: dict[int, Any] = _OPCODES

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # Where jumps may land is a property of the code; py-evm finds it out again in every run.
        code = cast(CodeStream, self.code)
        code.invalid_positions, code.valid_positions = share_positions(code._raw_code_bytes)

    def extend_memory(self, start_position: int, size: int) -> None:
        """Extend the memory and pay for it; most accesses lie within what there is."""
        if start_position + size > len(self._memory):
            super().extend_memory(start_position, size)


class State(PragueState):
    """Prague's state, run by this interpreter over tries that change once per block."""

    account_db_class = Accounts
    computation_class: ClassVar[type[ComputationAPI]] = Computation  # type: ignore[misc,assignment]
