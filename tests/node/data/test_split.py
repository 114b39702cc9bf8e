import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.data.dataset import Dataset
from node.data.errors import InvalidPartition
from node.data.split import deal_alike, stratified_holdout

COUNTS = st.lists(st.integers(0, 12), min_size=2, max_size=6).filter(lambda c: max(c) >= 2)


def build(counts: list[int]) -> Dataset:
    """Samples whose only feature is their own number."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    features = np.arange(len(labels), dtype=np.float32).reshape(-1, 1)
    return Dataset("toy", features, labels, tuple(str(name) for name in range(len(counts))))


@given(COUNTS, st.floats(0.01, 0.99), st.integers(0, 2**40))
def test_stratified_holdout__any_counts__covers_disjointly_class_by_class(
    counts: list[int], fraction: float, seed: int
) -> None:
    dataset = build(counts)
    train, held_out = stratified_holdout(dataset, fraction, seed=seed)
    rows = np.concatenate([train.features.ravel(), held_out.features.ravel()])
    assert sorted(rows.tolist()) == list(range(dataset.samples))
    for count, kept, held in zip(
        counts, train.class_counts(), held_out.class_counts(), strict=True
    ):
        if count >= 2:
            assert kept >= 1
            assert held >= 1
            assert abs(held - count * fraction) <= 1
        else:
            assert held == 0


def test_stratified_holdout__same_seed__holds_out_the_same_rows() -> None:
    dataset = build([20, 30])
    first, again, other = (stratified_holdout(dataset, seed=seed)[1] for seed in (5, 5, 6))
    assert first.features.tolist() == again.features.tolist()
    assert first.features.tolist() != other.features.tolist()
    assert first.class_counts().tolist() == [4, 6]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, float("nan")])
def test_stratified_holdout__fraction_out_of_range__is_refused(fraction: float) -> None:
    with pytest.raises(InvalidPartition) as caught:
        stratified_holdout(build([4, 4]), fraction, seed=1)
    assert str(caught.value) == (
        f"held-out fraction: expected a number between 0 and 1, got {fraction}"
    )


def test_stratified_holdout__single_samples_only__is_refused() -> None:
    with pytest.raises(InvalidPartition) as caught:
        stratified_holdout(build([1, 1, 1]), seed=1)
    assert str(caught.value) == (
        "held-out part of toy: expected a class of two samples or more, "
        "got 3 samples of as many classes"
    )


CLASSES = st.lists(st.integers(0, 3), max_size=40).map(lambda rows: np.array(rows, np.int64))


@given(CLASSES, st.lists(CLASSES, min_size=1, max_size=4))
def test_deal_alike__any_peers__each_row_of_a_class_that_somebody_holds_goes_to_one_in_proportion(
    labels, held
):
    parts = deal_alike(labels, held)
    known = np.unique(np.concatenate(held))
    dealt = np.sort(np.concatenate(parts))
    assert dealt.tolist() == np.flatnonzero(np.isin(labels, known)).tolist()
    for part, own in zip(parts, held, strict=True):
        assert set(labels[part].tolist()) <= set(own.tolist())
        for each in known:
            rows, all_held = (labels == each).sum(), sum((h == each).sum() for h in held)
            due = (own == each).sum() / all_held * rows
            assert abs((labels[part] == each).sum() - due) <= 1
