import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from node.data.scaling import scale_column, standardise
from node.data.schema import Scaling

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


def test_standardise__values_that_hardly_differ__are_centred_all_the_same() -> None:
    # In the last bits of a double: a mean rounded to one of them misses by half their deviation.
    last_bit = np.spacing(1e9)
    table = 1e9 + last_bit * np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 3.0]])
    scaled = standardise(table).astype(np.float64)
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(scaled.std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("scaling", list(Scaling))
def test_scale_column__any_scaling__says_what_it_was_made_with(scaling: Scaling) -> None:
    values = np.random.default_rng(2).normal(50, 20, size=40)
    scaled = scale_column(values, scaling, None, None)
    again = (values - scaled.minus[0]) / scaled.divided_by[0]
    assert np.allclose(again, scaled.values[:, 0], atol=1e-5)


@pytest.mark.parametrize("scaling", [Scaling.STANDARD, Scaling.RANGE])
def test_scale_column__a_constant__is_zeros_and_another_value_stays_finite(
    scaling: Scaling,
) -> None:
    scaled = scale_column(np.full(3, 0.1), scaling, None, None)
    assert scaled.values.tolist() == [[0.0]] * 3
    assert (scaled.minus[0], scaled.divided_by[0]) == (0.1, 1.0)
