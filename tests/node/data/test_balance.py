import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.data.balance import compute_effective_classes, describe_balance, tell_balance
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


def test_tell_balance__even_peers__says_nothing() -> None:
    labels = np.tile([0, 1], 10)
    report = describe_balance(labels, [np.arange(10), np.arange(10, 20)], ("a", "b"))
    assert tell_balance(report) == ()


def test_tell_balance__rare_classes_absent_ones_and_a_large_peer__are_named() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    parts = [np.arange(31), *(np.array([place]) for place in range(31, 35))]
    lines = tell_balance(describe_balance(labels, parts, ("well", "ill")))
    assert lines[0].startswith("class 'ill' has 5 samples, 'well' has 30: a model may do well and")
    assert lines[1:] == (
        "peer 1 has no sample of well",
        "peer 2 has no sample of well",
        "peer 3 has no sample of well",
        "peer 4 has no sample of well",
        "peer 0 has 89% of all samples",
    )


def test_tell_balance__many_classes_absent__are_cut() -> None:
    labels = np.arange(8)
    names = tuple("abcdefgh")
    lines = tell_balance(describe_balance(labels, [np.array([0]), np.arange(1, 8)], names))
    assert "peer 0 has no sample of b, c, d, e, f and 2 more" in lines
