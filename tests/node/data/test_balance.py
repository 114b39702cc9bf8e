import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.data.balance import compute_effective_classes, describe_balance
from node.data.partition import Dirichlet, Iid

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])


def test_describe_balance__one_class_each__is_half_away_from_the_whole() -> None:
    report = describe_balance(LABELS, [np.arange(4), np.arange(4, 8)], ("a", "b"))
    assert [peer.counts for peer in report.peers] == [(4, 0), (0, 4)]
    assert [peer.effective_classes for peer in report.peers] == [1.0, 1.0]
    assert [peer.distance for peer in report.peers] == [0.5, 0.5]
    assert (report.skew, report.classes) == (0.5, ("a", "b"))


def test_describe_balance__even_parts__has_no_skew() -> None:
    report = describe_balance(LABELS, [np.array([0, 4]), np.array([1, 2, 5, 6])], ("a", "b"))
    assert [(peer.peer, peer.samples) for peer in report.peers] == [(0, 2), (1, 4)]
    assert [peer.effective_classes for peer in report.peers] == pytest.approx([2.0, 2.0])
    assert report.skew == 0.0


def test_describe_balance__class_nobody_has__is_counted_as_none() -> None:
    report = describe_balance(LABELS, [np.arange(8)], ("a", "b", "c"))
    assert report.peers[0].counts == (4, 4, 0)


def test_describe_balance__dirichlet__is_more_skewed_than_iid() -> None:
    labels = np.repeat(np.arange(5), 100)
    classes = tuple("abcde")
    generator = np.random.default_rng(1)
    iid = describe_balance(labels, Iid().split(labels, 5, generator), classes)
    skewed = describe_balance(labels, Dirichlet(0.1).split(labels, 5, generator), classes)
    assert iid.skew < 0.15 < skewed.skew < 1.0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any))
def test_compute_effective_classes__any_counts__lies_between_one_and_those_present(
    counts: list[int],
) -> None:
    effective = compute_effective_classes(np.array(counts))
    assert 1.0 <= effective <= sum(count > 0 for count in counts) * (1 + 1e-12)
