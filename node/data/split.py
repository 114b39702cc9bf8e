"""Set samples aside that no peer trains on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.data.errors import InvalidPartition


def stratified_holdout(
    dataset: Dataset, fraction: float = 0.2, *, seed: int
) -> tuple[Dataset, Dataset]:
    """Return `(train, held_out)`: of each class about `fraction` of the samples is held out.

    Guarantee: the two are disjoint and cover the data set; a class of n samples has
    `floor(n * fraction + 1/2)` held out, but at least one and at most n - 1, so every class of two
    samples or more is in both; a class of one sample is trained on. Rows keep their order. The
    same seed holds out the same rows.

    Raises InvalidPartition for a fraction outside (0, 1), and if no class has two samples.
    """
    if not 0 < fraction < 1:
        raise InvalidPartition(
            "held-out fraction", expected="a number between 0 and 1", got=str(fraction)
        )
    generator = np.random.default_rng(seed)
    is_held_out = np.zeros(dataset.samples, dtype=np.bool_)
    for class_index, count in enumerate(dataset.class_counts().tolist()):
        if count >= 2:
            members = np.flatnonzero(dataset.labels == class_index)
            size = min(max(int(count * fraction + 0.5), 1), count - 1)
            is_held_out[generator.permutation(members)[:size]] = True
    if not is_held_out.any():
        raise InvalidPartition(
            f"held-out part of {dataset.name}",
            expected="a class of two samples or more",
            got=f"{dataset.samples} samples of as many classes",
        )
    return dataset.take(np.flatnonzero(~is_held_out)), dataset.take(np.flatnonzero(is_held_out))


def deal_alike(
    labels: NDArray[np.int64], held: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Return for each peer the rows of `labels` that are for it to be judged on, where it holds
    samples of the labels `held`.

    Guarantee: of each class that somebody holds, every row goes to one peer, in proportion to what
    they hold of it, to within a row. A peer may get none.

    >>> held = [np.array([0, 1]), np.array([0])]
    >>> [part.tolist() for part in deal_alike(np.array([0, 0, 1]), held)]
    [[0, 2], [1]]
    """
    parts: list[list[int]] = [[] for _ in held]
    for each in np.unique(labels):
        rows = np.flatnonzero(labels == each)
        reach = np.cumsum([np.count_nonzero(own == each) for own in held])
        if reach[-1]:
            ends = np.rint(reach / reach[-1] * len(rows)).astype(int)
            for part, chosen in zip(parts, np.split(rows, ends[:-1]), strict=True):
                part += chosen.tolist()
    return [np.array(sorted(part), dtype=np.int64) for part in parts]
