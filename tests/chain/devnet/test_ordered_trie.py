"""The roots of a block's lists, against py-evm's general trie."""

from __future__ import annotations

import pytest
from eth.db.trie import _make_trie_root_and_nodes
from hypothesis import given
from hypothesis import strategies as st

from chain.devnet.ordered_trie import compute_ordered_root


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257, 300])
@pytest.mark.parametrize("size", [1, 31, 32, 200])
def test_compute_ordered_root__both_sides_of_every_edge__is_py_evms(count, size) -> None:
    items = tuple(bytes([index % 251 + 1]) * size for index in range(count))
    assert compute_ordered_root(items) == _make_trie_root_and_nodes(items)[0]


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=40))
def test_compute_ordered_root__any_items__is_py_evms(items) -> None:
    assert compute_ordered_root(items) == _make_trie_root_and_nodes(tuple(items))[0]
