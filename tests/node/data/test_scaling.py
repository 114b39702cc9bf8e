import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from node.data.scaling import standardise

TABLES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)


@given(TABLES)
def test_standardise__any_finite_table__is_finite_and_centred(table: np.ndarray) -> None:
    scaled = standardise(table)
    assert scaled.dtype == np.float32
    assert np.isfinite(scaled).all()
    assert np.abs(scaled.mean(axis=0)).max() < 1e-5


@pytest.mark.parametrize("shift", [0.0, -7.0])
@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_standardise__other_units__changes_nothing(unit: float, shift: float) -> None:
    table = np.random.default_rng(1).normal(size=(50, 3)) + 2
    assert np.allclose(standardise((table + shift) * unit), standardise(table), atol=1e-5)
    assert np.allclose(standardise(table).std(axis=0), 1, atol=1e-5)


def test_standardise__constant_column__is_exactly_zero() -> None:
    table = np.full((7, 2), 0.1)
    table[:, 1] = range(7)
    assert standardise(table)[:, 0].tolist() == [0.0] * 7


def test_standardise__callers_table__is_left_alone() -> None:
    table = np.arange(6.0).reshape(3, 2)
    standardise(table)
    assert table.tolist() == [[0, 1], [2, 3], [4, 5]]
