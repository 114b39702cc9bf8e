import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.data.dataset import Dataset
from node.data.errors import InvalidPartition
from node.data.partition import (
    Dirichlet,
    Iid,
    Natural,
    Partition,
    Quantity,
    Shards,
    deal,
    parse_partition,
    tell_idle_groups,
)
from node.data.recipe import Recipe

PARTITIONS = st.one_of(
    st.just(Iid()),
    st.builds(Dirichlet, st.sampled_from([1e-3, 0.05, 0.5, 1.0, 100.0, 1e6])),
    st.builds(Shards, st.integers(1, 3)),
    st.builds(Quantity, st.sampled_from([1e-3, 0.5, 1e6])),
)
KNOWN = "iid, dirichlet:ALPHA, shards:K, quantity:ALPHA or natural"
LABELS = st.lists(st.integers(0, 5), min_size=30, max_size=300).map(np.array)


def split(partition: Partition, labels: np.ndarray, peers: int, seed: int) -> list[np.ndarray]:
    return partition.split(labels, peers, np.random.default_rng(seed))


@given(PARTITIONS, LABELS, st.integers(1, 10), st.integers(0, 2**40))
def test_split__any_partition__is_disjoint_complete_ascending_and_repeatable(
    partition: Partition, labels: np.ndarray, peers: int, seed: int
) -> None:
    parts = split(partition, labels, peers, seed)
    assert len(parts) == peers
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(len(part) >= 1 and (np.diff(part) > 0).all() for part in parts)
    again = split(partition, labels, peers, seed)
    assert [part.tolist() for part in again] == [part.tolist() for part in parts]


@given(PARTITIONS)
def test_parse_partition__a_partitions_own_text__gives_it_back(partition: Partition) -> None:
    assert parse_partition(str(partition)) == partition


@given(LABELS, st.integers(1, 12), st.sampled_from([1e-3, 0.1, 1.0]), st.integers(0, 2**40))
def test_dirichlet__any_draw__leaves_every_peer_the_minimum(
    labels: np.ndarray, peers: int, alpha: float, seed: int
) -> None:
    parts = split(Dirichlet(alpha), labels, peers, seed)
    assert min(len(part) for part in parts) >= min(10, len(labels) // peers)


def test_iid__sizes__differ_by_one_at_most() -> None:
    sizes = [len(part) for part in split(Iid(), np.zeros(103, np.int64), 10, 1)]
    assert (min(sizes), max(sizes)) == (10, 11)


def test_iid__other_seeds__deal_otherwise() -> None:
    labels = np.zeros(100, np.int64)
    assert split(Iid(), labels, 2, 1)[0].tolist() != split(Iid(), labels, 2, 2)[0].tolist()


def test_shards__two_a_peer__shows_a_peer_few_classes() -> None:
    labels = np.random.default_rng(3).permutation(np.repeat(np.arange(10), 60))
    for part in split(Shards(2), labels, 10, 1):
        assert len(part) == 60
        assert len(np.unique(labels[part])) <= 2


def test_dirichlet__alpha__governs_how_unlike_peers_are() -> None:
    labels = np.repeat(np.arange(10), 200)

    def largest_share(alpha: float) -> float:
        shares = []
        for seed in range(20):
            parts = split(Dirichlet(alpha), labels, 10, seed)
            counts = np.stack([np.bincount(labels[part], minlength=10) for part in parts])
            shares.append((counts.max(axis=0) / 200).mean())
        return float(np.mean(shares))

    # Of a share drawn from Dirichlet(alpha, ten times) the mean is 1/10 whatever alpha; the
    # largest of the ten tends to 1/10 for a great alpha and to 1 for a small one.
    assert largest_share(1e6) < 0.11
    assert 0.3 < largest_share(0.5) < 0.6
    assert largest_share(0.01) > 0.8


def test_dirichlet__first_class__is_shared_in_the_proportions_drawn() -> None:
    labels = np.repeat(np.arange(2), 10_000)
    parts = split(Dirichlet(0.5), labels, 4, 9)
    generator = np.random.default_rng(9)
    generator.permutation(10_000)
    drawn = generator.dirichlet([0.5] * 4)
    got = np.array([(labels[part] == 0).sum() for part in parts]) / 10_000
    assert np.abs(got - drawn).max() <= 1e-4


@pytest.mark.parametrize("partition", [Iid(), Dirichlet(0.5), Shards(1)])
def test_split__as_many_samples_as_peers__gives_each_one(partition: Partition) -> None:
    parts = split(partition, np.array([0, 1, 0, 1]), 4, 1)
    assert [len(part) for part in parts] == [1, 1, 1, 1]


@pytest.mark.parametrize("partition", [Iid(), Dirichlet(0.5), Shards(1)])
def test_split__more_peers_than_samples__is_refused(partition: Partition) -> None:
    with pytest.raises(InvalidPartition) as caught:
        split(partition, np.array([0, 1, 0, 1]), 5, 1)
    assert str(caught.value) == (
        f"partition {partition}: expected a sample for every peer, got 4 samples for 5 peers"
    )


@pytest.mark.parametrize("partition", [Iid(), Dirichlet(0.5), Shards(1)])
def test_split__no_peers__is_refused(partition: Partition) -> None:
    with pytest.raises(InvalidPartition) as caught:
        split(partition, np.array([0, 1]), 0, 1)
    assert str(caught.value) == f"partition {partition}: expected at least one peer, got 0"


def test_shards__more_shards_than_samples__is_refused() -> None:
    with pytest.raises(InvalidPartition) as caught:
        split(Shards(3), np.array([0, 1, 0, 1, 0]), 2, 1)
    assert str(caught.value) == (
        "partition shards:3: expected a sample for each of 6 shards, got 5 samples"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("even", KNOWN),
        ("", KNOWN),
        ("IID", KNOWN),
        ("iid:1", "iid"),
        ("natural:3", "natural"),
        ("quantity:x", "quantity:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet:abc", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet:0", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet:-1", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet:nan", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("dirichlet:inf", "dirichlet:ALPHA, ALPHA from 0.001 to 1e+06"),
        ("shards", "shards:K, K an integer of at least 1"),
        ("shards:0", "shards:K, K an integer of at least 1"),
        ("shards:1.5", "shards:K, K an integer of at least 1"),
        ("shards:²", "shards:K, K an integer of at least 1"),
    ],
)
def test_parse_partition__bad_text__says_what_it_may_be(text: str, expected: str) -> None:
    with pytest.raises(InvalidPartition) as caught:
        parse_partition(text)
    assert str(caught.value) == f"partition: expected {expected}, got {text!r}"


def test_quantity__a_small_alpha__makes_sizes_unlike_and_classes_alike() -> None:
    labels = np.tile(np.arange(2), 500)
    parts = split(Quantity(0.3), labels, 5, 1)
    sizes = sorted(len(part) for part in parts)
    assert sizes[-1] > 5 * sizes[0]
    for part in parts:
        if len(part) > 100:
            assert 0.4 < labels[part].mean() < 0.6


@given(LABELS, st.integers(1, 6), st.integers(0, 2**40))
def test_natural__any_groups__stay_whole_and_leave_nobody_out(
    groups: np.ndarray, peers: int, seed: int
) -> None:
    if len(np.unique(groups)) < peers:
        with pytest.raises(InvalidPartition, match="expected a group for every peer"):
            split(Natural(), groups, peers, seed)
        return
    parts = split(Natural(), groups, peers, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    owners = [set(groups[part].tolist()) for part in parts]
    assert all(owners)
    assert sum(len(each) for each in owners) == len(np.unique(groups))
    # Nothing is drawn.
    assert [part.tolist() for part in split(Natural(), groups, peers, seed + 1)] == [
        part.tolist() for part in parts
    ]


def toy(groups: np.ndarray | None) -> Dataset:
    labels = np.array([0, 0, 1, 1])
    return Dataset("toy", np.zeros((4, 1), np.float32), labels, ("a", "b"), groups=groups)


def test_deal__natural__goes_by_groups_and_others_by_classes() -> None:
    generator = np.random.default_rng(0)
    parts = deal(Natural(), toy(np.array([0, 1, 0, 1])), 2, generator)
    assert [part.tolist() for part in parts] == [[0, 2], [1, 3]]
    assert [len(part) for part in deal(Iid(), toy(None), 2, generator)] == [2, 2]


def test_deal__natural_without_groups__says_what_is_missing() -> None:
    with pytest.raises(InvalidPartition, match="of toy: expected a column declared as group"):
        deal(Natural(), toy(None), 2, np.random.default_rng(0))


def test_tell_idle_groups__declared_and_not_kept_together__names_the_remedy() -> None:
    rows = np.zeros((4, 1), np.float32), np.array([0, 1, 0, 1])
    grouped = Dataset(
        "own.csv", *rows, ("a", "b"), groups=np.array([0, 0, 1, 1]), recipe=Recipe(group="ward")
    )
    assert tell_idle_groups(Iid(), grouped) == (
        "column ward is a group, and --partition iid deals the rows of its 2 groups to all peers: "
        "--partition natural keeps each with one",
    )
    assert tell_idle_groups(Natural(), grouped) == ()
    assert tell_idle_groups(Iid(), Dataset("own.csv", *rows, ("a", "b"))) == ()
