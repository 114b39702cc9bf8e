"""The admission list: one root for a set, and proofs that lead to it. That the contract agrees is
for tests/contracts/test_join.py."""

from itertools import permutations

import pytest

from chain.admission import compute_admission_proof, compute_admission_root, compute_leaf
from chain.errors import ListRefused
from chain.keys import hash_words

LISTED = [f"0x{i:040x}" for i in range(1, 8)]


def climb(node: bytes, proof: tuple[bytes, ...]) -> bytes:
    """Return where a proof leads, as the text of the protocol has it."""
    for sibling in proof:
        node = hash_words(min(node, sibling), max(node, sibling))
    return node


def test_compute_admission_root__three_addresses__by_hand() -> None:
    first, second, third = sorted(hash_words(i) for i in (1, 2, 3))
    pair = hash_words(first, second)
    assert compute_admission_root(LISTED[:3]) == hash_words(*sorted((pair, third)))


def test_compute_admission_root__any_order_case_and_repetition__is_the_same() -> None:
    root = compute_admission_root(LISTED[:4])
    for order in permutations(LISTED[:4]):
        assert compute_admission_root(order) == root
    mixed = ["0x" + a[2:].upper() for a in LISTED[:4]] * 2
    assert compute_admission_root(mixed) == root
    assert compute_admission_root(LISTED[:5]) != root


@pytest.mark.parametrize("size", range(1, 8))
def test_compute_admission_proof__each_of_the_list__leads_to_the_root(size: int) -> None:
    listed = LISTED[:size]
    root = compute_admission_root(listed)
    for address in listed:
        proof = compute_admission_proof(listed, address)
        assert climb(compute_leaf(address), proof) == root
        assert len(proof) <= 3


def test_compute_admission_proof__not_on_the_list__says_what_was_expected_and_came() -> None:
    with pytest.raises(ListRefused) as caught:
        compute_admission_proof(LISTED[:3], LISTED[5])
    assert caught.value.expected == "one of the 3 addresses on the list"
    assert caught.value.got == LISTED[5]
    assert str(caught.value).startswith("admission: expected one of the 3 addresses")


@pytest.mark.parametrize(
    "text", ["", "0x", "0x12", LISTED[0][2:], "0x" + "g" * 40, LISTED[0] + "0"]
)
def test_compute_leaf__not_an_address__refused(text: str) -> None:
    with pytest.raises(ListRefused) as caught:
        compute_leaf(text)
    assert caught.value.got == repr(text)


def test_compute_admission_root__nobody__refused_rather_than_open_to_all() -> None:
    with pytest.raises(ListRefused) as caught:
        compute_admission_root([])
    assert (
        str(caught.value) == "admission: expected a list of at least one address, got an empty one"
    )
