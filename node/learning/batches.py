"""Rows of a data set, in a given order, as float columns in batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from node.data.dataset import Dataset
from node.learning.network import FloatArray

CHUNK_ROWS = 1024  # of 785 floats: 3 MB, which stay in cache between being gathered and used
INTENSITY_MAXIMUM = 255  # of uint8 features, which stand for [0, 1]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Several batches of one size, gathered together.

    `inputs`: (batches, batch, k + 1), the last column ones; a batch's transpose is what `forward`
    takes. `targets`: (batches, classes, batch), one where the sample is of the class, else zero.
    The arrays are written over by the next chunk.
    """

    inputs: FloatArray
    targets: FloatArray


def iterate_chunks(
    dataset: Dataset, order: NDArray[np.int64], batch_size: int, dtype: DTypeLike = np.float32
) -> Iterator[Chunk]:
    """Yield the rows at `order` in batches of `batch_size`; a smaller last batch comes alone.

    At most about CHUNK_ROWS rows exist as floats at any time, whatever the size of the data set.
    """
    whole = len(order) - len(order) % batch_size
    batches = max(1, min(CHUNK_ROWS, len(order)) // batch_size)
    if whole:
        rows = batches * batch_size
        inputs = np.ones((rows, dataset.width + 1), dtype=dtype)
        for start in range(0, whole, rows):
            part = order[start : min(start + rows, whole)]
            yield _gather(dataset, part, batch_size, inputs[: len(part)])
    if whole < len(order):
        part = order[whole:]
        inputs = np.ones((len(part), dataset.width + 1), dtype=dtype)
        yield _gather(dataset, part, len(part), inputs)


def _gather(
    dataset: Dataset, part: NDArray[np.int64], batch_size: int, inputs: FloatArray
) -> Chunk:
    features = dataset.features[part]
    if features.dtype == np.uint8:
        np.divide(features, inputs.dtype.type(INTENSITY_MAXIMUM), out=inputs[:, :-1])
    else:
        inputs[:, :-1] = features
    labels = dataset.labels[part].reshape(-1, 1, batch_size)
    classes = np.arange(len(dataset.classes)).reshape(-1, 1)
    return Chunk(
        inputs=inputs.reshape(-1, batch_size, inputs.shape[1]),
        targets=np.equal(labels, classes).astype(inputs.dtype),
    )
