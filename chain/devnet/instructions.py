"""The hottest instructions, shortened: the same gas, the same results, in less time.

A third of the instructions of a contract push constants, most others move one or two words; py-evm
spends most of their time on calls between its layers. Here they touch stack and memory directly.
Whatever is not listed runs as py-evm has it. Tests run random code, and replay blocks, through the
unchanged interpreter.

Semantics and gas: Yellow Paper, appendix H; EIP-3855 (PUSH0), EIP-5656 (MCOPY).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from eth.exceptions import (
    FullStack,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
)
from eth.vm import opcode_values
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.logic.invalid import InvalidOpcode
from eth_hash.auto import keccak

STACK_LIMIT: Final = 1024
WORD: Final = 2**256 - 1
WORD_BYTES: Final = 32
BASE_GAS: Final = 2
VERY_LOW_GAS: Final = 3
MIDDLE_GAS: Final = 8
HIGH_GAS: Final = 10
JUMP_DESTINATION_GAS: Final = 1
HASH_GAS: Final = 30
HASH_WORD_GAS: Final = 6
COPY_WORD_GAS: Final = 3
"""Yellow Paper, appendix G: `W_base`, `W_verylow`, `W_mid`, `W_high`, `G_jumpdest`, `G_keccak256`,
`G_keccak256word`, `G_copy`."""

Instruction = Callable[[Any], None]


def _take_values(computation: Any, gas: int, count: int) -> list[int | bytes]:
    """Pay, and return the stack, on which at least `count` values lie."""
    computation._gas_meter.consume_gas(gas, "")
    values: list[int | bytes] = computation._stack.values
    if len(values) < count:
        raise InsufficientStack(f"Wanted {count} stack items, only had {len(values)}")
    return values


def _read_int(value: int | bytes) -> int:
    return value if type(value) is int else int.from_bytes(cast(bytes, value), "big")


def _make_push(size: int) -> Instruction:
    def push(computation: Any) -> None:
        computation._gas_meter.consume_gas(VERY_LOW_GAS, "")
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


def _push0(computation: Any) -> None:
    values = _take_values(computation, BASE_GAS, 0)
    if len(values) >= STACK_LIMIT:
        raise FullStack("Stack limit reached")
    values.append(0)


def _make_dup(position: int) -> Instruction:
    def dup(computation: Any) -> None:
        values = _take_values(computation, VERY_LOW_GAS, position)
        if len(values) >= STACK_LIMIT:
            raise FullStack("Stack limit reached")
        values.append(values[-position])

    return dup


def _make_swap(position: int) -> Instruction:
    at = -position - 1

    def swap(computation: Any) -> None:
        values = _take_values(computation, VERY_LOW_GAS, position + 1)
        values[-1], values[at] = values[at], values[-1]

    return swap


def _make_binary(compute: Callable[[int, int], int]) -> Instruction:
    def binary(computation: Any) -> None:
        values = _take_values(computation, VERY_LOW_GAS, 2)
        top, below = values.pop(), values[-1]
        if type(top) is bytes:
            top = int.from_bytes(top, "big")
        if type(below) is bytes:
            below = int.from_bytes(below, "big")
        values[-1] = compute(cast(int, top), cast(int, below))

    return binary


def _pop(computation: Any) -> None:
    _take_values(computation, BASE_GAS, 1).pop()


def _iszero(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 1)
    values[-1] = int(_read_int(values[-1]) == 0)


def _mload(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 1)
    first = _read_int(values[-1])
    computation.extend_memory(first, WORD_BYTES)
    values[-1] = bytes(computation._memory._bytes[first : first + WORD_BYTES])


def _mstore(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 2)
    first, value = _read_int(values.pop()), values.pop()
    word = value if type(value) is bytes else cast(int, value).to_bytes(WORD_BYTES, "big")
    computation.extend_memory(first, WORD_BYTES)
    computation._memory._bytes[first : first + WORD_BYTES] = word.rjust(WORD_BYTES, b"\0")


def _calldataload(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 1)
    first = _read_int(values[-1])
    word = computation.msg.data_as_bytes[first : first + WORD_BYTES]
    # Beyond the data there are zeros.
    values[-1] = cast(bytes, word).ljust(WORD_BYTES, b"\0")


def _sha3(computation: Any) -> None:
    values = _take_values(computation, HASH_GAS, 2)
    first, size = _read_int(values.pop()), _read_int(values.pop())
    _pay_for_words(computation, first, size, HASH_WORD_GAS)
    values.append(keccak(bytes(computation._memory._bytes[first : first + size])))


def _codecopy(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 3)
    to, first, size = (_read_int(values.pop()) for _ in range(3))
    _pay_for_words(computation, to, size, COPY_WORD_GAS)
    if size:
        part = computation.code._raw_code_bytes[first : first + size]
        computation._memory._bytes[to : to + size] = part.ljust(size, b"\0")


def _mcopy(computation: Any) -> None:
    values = _take_values(computation, VERY_LOW_GAS, 3)
    to, first, size = (_read_int(values.pop()) for _ in range(3))
    _pay_for_words(computation, max(to, first), size, COPY_WORD_GAS)
    if size:
        memory = computation._memory._bytes
        memory[to : to + size] = memory[first : first + size]


def _pay_for_words(computation: Any, first: int, size: int, gas: int) -> None:
    """Extend the memory to where `size` bytes end, and pay for it and for each word of them."""
    computation.extend_memory(first, size)
    computation._gas_meter.consume_gas(gas * -(-size // WORD_BYTES), "")


def _jump(computation: Any) -> None:
    _go_to(computation.code, _read_int(_take_values(computation, MIDDLE_GAS, 1).pop()))


def _jumpi(computation: Any) -> None:
    values = _take_values(computation, HIGH_GAS, 2)
    destination, condition = values.pop(), values.pop()
    if _read_int(condition):
        _go_to(computation.code, _read_int(destination))


def _go_to(code: Any, destination: int) -> None:
    code.program_counter = destination
    if code.peek() != opcode_values.JUMPDEST:
        raise InvalidJumpDestination("Invalid Jump Destination")
    if destination not in code.valid_positions and not code.is_valid_opcode(destination):
        raise InvalidInstruction("Jump resulted in invalid instruction")


def _jumpdest(computation: Any) -> None:
    computation._gas_meter.consume_gas(JUMP_DESTINATION_GAS, "")


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
_OTHERS = {
    opcode_values.POP: _pop,
    opcode_values.ISZERO: _iszero,
    opcode_values.MLOAD: _mload,
    opcode_values.MSTORE: _mstore,
    opcode_values.CALLDATALOAD: _calldataload,
    opcode_values.SHA3: _sha3,
    opcode_values.CODECOPY: _codecopy,
    opcode_values.MCOPY: _mcopy,
    opcode_values.JUMP: _jump,
    opcode_values.JUMPI: _jumpi,
    opcode_values.JUMPDEST: _jumpdest,
    opcode_values.PUSH0: _push0,
}
_COPIES = {
    **{opcode_values.DUP1 + place: _make_dup(place + 1) for place in range(16)},
    **{opcode_values.SWAP1 + place: _make_swap(place + 1) for place in range(16)},
}
SHORTENED: Final[dict[int, Instruction]] = {**_PUSHES, **_BINARIES, **_COPIES, **_OTHERS}
INSTRUCTIONS: Final[tuple[Instruction, ...]] = tuple(
    SHORTENED.get(code) or cast(Any, PragueComputation.opcodes).get(code) or InvalidOpcode(code)
    for code in range(256)
)
"""What each byte of a code does."""
