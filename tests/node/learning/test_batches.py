import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.data.dataset import Dataset
from node.learning.batches import CHUNK_ROWS, iterate_chunks


def build(samples: int, kind: type = np.float32) -> Dataset:
    generator = np.random.default_rng(samples)
    features = generator.integers(0, 256, (samples, 3)).astype(kind)
    return Dataset("toy", features, generator.integers(0, 4, samples), tuple("abcd"))


@settings(max_examples=60)
@given(st.integers(1, 3 * CHUNK_ROWS), st.integers(1, 2 * CHUNK_ROWS), st.integers(0, 99))
def test_iterate_chunks__any_sizes__yields_every_row_once_in_order(
    samples: int, batch_size: int, seed: int
) -> None:
    dataset = build(samples)
    order = np.random.default_rng(seed).permutation(samples)
    rows, labels, sizes = [], [], []
    for chunk in iterate_chunks(dataset, order, batch_size):
        assert chunk.inputs.shape[0] == chunk.targets.shape[0]
        assert (chunk.inputs[..., -1] == 1).all()
        assert (chunk.targets.sum(axis=1) == 1).all()
        sizes += [chunk.inputs.shape[1]] * chunk.inputs.shape[0]
        rows.append(chunk.inputs[..., :-1].reshape(-1, 3).copy())
        labels.append(chunk.targets.argmax(axis=1).ravel())
    assert np.array_equal(np.concatenate(rows), dataset.features[order])
    assert np.array_equal(np.concatenate(labels), dataset.labels[order])
    whole, rest = divmod(samples, batch_size)
    assert sizes == [batch_size] * whole + [rest] * (rest > 0)


def test_iterate_chunks__large_set__never_holds_more_than_a_chunk_as_floats() -> None:
    dataset = build(5 * CHUNK_ROWS + 7, np.uint8)
    order = np.arange(dataset.samples)
    sizes = [chunk.inputs[..., 0].size for chunk in iterate_chunks(dataset, order, 32)]
    assert sizes == [CHUNK_ROWS] * 5 + [7]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_iterate_chunks__bytes__equal_the_scaled_floats(dtype: type) -> None:
    features = np.arange(256, dtype=np.uint8).reshape(64, 4)
    dataset = Dataset("toy", features, np.arange(64) % 2, ("a", "b"))
    chunk = next(iterate_chunks(dataset, np.arange(64), 64, dtype))
    expected = (features / 255).astype(dtype)
    assert np.array_equal(chunk.inputs[0, :, :-1], expected)
