import numpy as np
import pytest

from node.data.errors import InvalidSchema, UnknownSource
from node.data.share import Share, choose_label
from node.data.sources import load
from node.data.split import stratified_holdout


def share(which, count=3):
    return Share("breast_cancer", None, (which, count), "dirichlet:0.5", 0.2, seed=4)


def test_load__all_parts__are_what_is_trained_on_and_nobody_trains_on_what_is_held_out():
    whole, held_out = stratified_holdout(load("breast_cancer"), 0.2, seed=4)
    parts = [share(which).load() for which in (1, 2, 3)]
    assert sum(train.samples for train, _ in parts) == whole.samples
    rows = np.concatenate([train.features for train, _ in parts])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, whole.features))
    assert all(np.array_equal(judged.features, held_out.features) for _, judged in parts)


def test_load__no_part__is_all_of_it():
    train, _ = Share("breast_cancer", None, None, "iid", 0.2, seed=4).load()
    assert train.samples == stratified_holdout(load("breast_cancer"), 0.2, seed=4)[0].samples


def test_load__no_such_source__is_refused():
    with pytest.raises(UnknownSource):
        Share("nothing", None, None, "iid", 0.2, seed=0).load()


@pytest.mark.parametrize(
    ("own", "declared", "chosen"),
    [(None, None, None), ("ill", None, "ill"), (None, "ill", "ill"), ("ill", "ill", "ill")],
)
def test_choose_label__one_or_the_same_twice__is_that(own, declared, chosen):
    assert choose_label(own, declared) == chosen


def test_choose_label__two_that_differ__are_refused_by_name():
    with pytest.raises(InvalidSchema) as caught:
        choose_label("age", "ill")
    assert str(caught.value) == (
        "label of a peer's own data: expected 'ill', as the federation's page says, or none, "
        "got 'age'"
    )
