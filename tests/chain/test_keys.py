"""The hashes, against eth_abi and keccak, and against the contract."""

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chain.keys import (
    compute_genesis_key,
    compute_result_key,
    compute_running_hash,
    compute_turn,
    compute_update_tag,
    hash_words,
    weigh,
)
from chain.types import Committed, Key, Root, RoundId, Seat, Wei

words = st.integers(0, 2**256 - 1)
hashes = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20).map(lambda b: "0x" + b.hex())


def hash_abi(types: list[str], *values: object) -> bytes:
    return keccak(encode(types, values))


@given(st.lists(words | hashes, max_size=8))
def test_hash_words__any_words__is_keccak_of_abi_encode(values: list[int | bytes]) -> None:
    types = ["uint256" if isinstance(v, int) else "bytes32" for v in values]
    assert hash_words(*values) == hash_abi(types, *values)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_hash_words__bytes_that_are_no_word__refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"expected 32 bytes, got {size}"):
        hash_words(1, bytes(size))


@pytest.mark.parametrize("value", [-1, 2**256])
def test_hash_words__integer_out_of_range__refused(value: int) -> None:
    with pytest.raises(OverflowError):
        hash_words(value)


@given(words, addresses, hashes)
def test_compute_genesis_key__any__is_of_chain_contract_and_model(
    chain_id: int, address: str, genesis: bytes
) -> None:
    expected = hash_abi(["uint256", "address", "bytes32"], chain_id, address, genesis)
    assert compute_genesis_key(chain_id, address, Root(genesis)) == expected


@given(words, addresses, words, st.integers(0, 127))
def test_compute_update_tag__any__is_of_chain_contract_round_and_seat(
    chain_id: int, address: str, number: int, seat: int
) -> None:
    types = ["uint256", "address", "uint256", "uint256"]
    expected = hash_abi(types, chain_id, address, number, seat)
    assert compute_update_tag(chain_id, address, RoundId(number), Seat(seat)) == expected


@given(hashes, words, st.lists(st.tuples(st.integers(0, 127), hashes, words), max_size=5))
def test_compute_running_hash__any_row__is_the_fold_of_the_contract(
    parent: bytes, number: int, row: list[tuple[int, bytes, int]]
) -> None:
    running = hash_abi(["bytes32", "uint256"], parent, number)
    told = []
    for seat, root, weight in row:
        types = ["bytes32", "uint256", "bytes32", "uint256"]
        running = hash_abi(types, running, seat, root, weight)
        event = Committed(RoundId(number), Seat(seat), Key(parent), Root(root), 0, 0)
        told.append((event, weight))
    assert compute_running_hash(Key(parent), RoundId(number), tuple(told)) == running


@given(words, hashes, hashes, words, hashes, st.binary(max_size=64))
def test_compute_result_key__any__is_of_all_that_went_into_it(
    number: int,
    parent: bytes,
    commitments: bytes,
    included: int,
    model_root: bytes,
    coefficients: bytes,
) -> None:
    types = ["uint256", "bytes32", "bytes32", "uint256", "bytes32", "bytes32"]
    expected = hash_abi(
        types, number, parent, commitments, included, model_root, keccak(coefficients)
    )
    key = compute_result_key(
        RoundId(number), Key(parent), commitments, included, Root(model_root), coefficients
    )
    assert key == expected


@given(words, st.integers(0, 127))
def test_compute_turn__any__is_the_hash_as_a_number(number: int, seat: int) -> None:
    expected = hash_abi(["uint256", "uint256"], number, seat)
    assert compute_turn(RoundId(number), Seat(seat)) == int.from_bytes(expected, "big")


def test_weigh__each_weighting__stake_one_or_samples() -> None:
    assert [weigh(weighting, Wei(7), 9) for weighting in range(3)] == [7, 1, 9]
