"""The shortened interpreter against py-evm's own: any code ends the same in every respect."""

from typing import Any

import pytest
from eth.db.atomic import AtomicDB
from eth.vm import opcode_values
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth_utils import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devnet.instructions import SHORTENED
from chain.devnet.interpreter import Computation

SENDER, CONTRACT = b"\x01" * 20, b"\x02" * 20
GAS = 30_000
JUMPDEST, PUSH1, PUSH2 = opcode_values.JUMPDEST, opcode_values.PUSH1, opcode_values.PUSH2


def run(kind: type[Any], code: bytes, data: bytes, gas: int) -> tuple[object, ...]:
    """Return all that a run of `code` leaves behind."""
    context = ExecutionContext(b"\x03" * 20, 1, 1, 0, bytes(32), 30_000_000, (), 1, 1, 0)
    state = PragueState(AtomicDB(), context, b"")
    state.set_balance(CONTRACT, 10**18)
    message = Message(
        gas=gas, to=CONTRACT, sender=SENDER, value=0, data=data, code=code, code_address=CONTRACT
    )
    ran = kind.apply_computation(state, message, CancunTransactionContext(1, SENDER, ()))
    # A run that failed leaves no stack or memory that anybody could see.
    inside = () if ran.is_error else (bytes(ran._memory._bytes), _read_stack(ran))
    return (
        type(ran._error),
        ran.get_gas_remaining(),
        ran.get_gas_refund(),
        ran.output,
        inside,
        ran.get_log_entries(),
        state.get_storage(CONTRACT, 0),
        state.get_storage(CONTRACT, 1),
    )


def _read_stack(ran: Any) -> list[int]:
    return [v if isinstance(v, int) else int.from_bytes(v, "big") for v in ran._stack.values]


def assert_same(code: bytes, data: bytes = b"", gas: int = GAS) -> None:
    assert run(Computation, code, data, gas) == run(PragueComputation, code, data, gas)


SMALL = st.integers(0, 80)
WORDS = st.one_of(st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 255, 256, 2**255, 2**256 - 1]))
HOT = st.sampled_from(sorted(SHORTENED))
ANY = st.integers(0, 255)


@st.composite
def codes(draw: Any) -> bytes:
    """Code that gets somewhere: constants before most instructions, some jumps that land."""
    code = bytearray()
    for _ in range(draw(st.integers(1, 30))):
        kind = draw(st.integers(0, 9))
        if kind < 4:
            code += bytes([PUSH1, draw(SMALL)])
        elif kind == 4:
            size = draw(st.integers(1, 32))
            code += bytes([PUSH1 + size - 1]) + draw(WORDS).to_bytes(32, "big")[:size]
        elif kind == 5:
            code.append(JUMPDEST)
        elif kind == 6 and code:
            code += bytes([PUSH2]) + draw(st.integers(0, len(code) + 6)).to_bytes(2, "big")
            code.append(draw(st.sampled_from([opcode_values.JUMP, opcode_values.JUMPI])))
        else:
            code.append(draw(HOT if kind < 9 else ANY))
    return bytes(code)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")
@settings(max_examples=100)
@given(code=codes(), data=st.binary(max_size=40), gas=st.sampled_from([0, 3, 50, 400, GAS]))
def test_computation__any_code__ends_as_py_evms(code: bytes, data: bytes, gas: int) -> None:
    assert_same(code, data, gas)


@pytest.mark.parametrize("depth", [0, 1, 2, 16, 17, 1023, 1024])
def test_computation__each_shortened_instruction__at_each_depth_of_the_stack(depth: int) -> None:
    for opcode in sorted(SHORTENED):
        assert_same(bytes([opcode_values.PUSH0]) * depth + bytes([opcode]))
        assert_same(bytes([PUSH1, 33]) * min(depth, 40) + bytes([opcode, JUMPDEST]))


COPYING = (opcode_values.SHA3, opcode_values.CODECOPY, opcode_values.MCOPY)
EDGES = st.sampled_from([0, 1, 31, 32, 33, 64, 95, 10_000, 2**64, 2**256 - 33, 2**256 - 1])


def push(value: int) -> bytes:
    return bytes([PUSH1 + 31]) + value.to_bytes(32, "big")


@settings(max_examples=80)
@given(
    opcode=st.sampled_from([*COPYING, opcode_values.CALLDATALOAD]),
    arguments=st.tuples(EDGES, EDGES, EDGES),
    gas=st.sampled_from([60, 90, 120, GAS]),
)
def test_computation__copying__at_the_edges_of_memory_code_and_data(
    opcode: int, arguments: tuple[int, int, int], gas: int
) -> None:
    filled = push(2**255 + 9) + push(32) + bytes([opcode_values.MSTORE])
    code = filled + b"".join(map(push, arguments)) + bytes([opcode, opcode_values.MSIZE])
    assert_same(code, bytes(range(40)), gas)


@pytest.mark.parametrize(
    "code",
    [
        bytes([PUSH1, 3, opcode_values.JUMP, JUMPDEST, PUSH1, 7]),
        bytes([PUSH1, 4, opcode_values.JUMP, PUSH1, JUMPDEST]),
        bytes([PUSH1, 9, opcode_values.JUMP]),
        bytes([PUSH1, 1, PUSH1, 5, opcode_values.JUMPI, JUMPDEST, PUSH1, 7]),
        bytes([PUSH1, 0, PUSH1, 200, opcode_values.JUMPI, PUSH1, 7]),
        bytes([JUMPDEST, PUSH1, 0, opcode_values.JUMP]),
        bytes([PUSH1 + 31, 1]),
    ],
    ids=["lands", "in_a_constant", "outside", "taken", "not_taken", "for_ever", "cut_constant"],
)
def test_computation__jumps_and_ends__as_py_evms(code: bytes) -> None:
    try:
        expected = run(PragueComputation, code, b"", GAS)
    except ValidationError:
        pytest.fail("py-evm refuses the message")
    assert run(Computation, code, b"", GAS) == expected
