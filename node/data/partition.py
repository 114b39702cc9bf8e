"""Deal the samples of one data set out to peers, evenly or not.

Every way keeps three laws: the parts are disjoint, together they are all the samples, and the
same generator state gives the same parts. Indices within a part ascend.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.data.errors import InvalidPartition

Indices = NDArray[np.int64]

MINIMUM_SAMPLES = 10  # of a peer, where there are as many: less is a gradient of noise
ALPHA_LEAST, ALPHA_MOST = 1e-3, 1e6  # beyond, it is one peer per class, or iid, and no float


class Partition(Protocol):
    """A way of dealing samples out; its text is what `parse_partition` reads."""

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return for each peer the indices, ascending, of its samples: at least one each."""
        ...


@dataclass(frozen=True)
class Iid:
    """Shuffled and cut: every peer sees the same distribution, sizes differ by one at most."""

    def __str__(self) -> str:
        return "iid"

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return even parts of a shuffle. Raises InvalidPartition (fewer samples than peers)."""
        _check_sizes(len(labels), peers, self)
        return [np.sort(part) for part in np.array_split(generator.permutation(len(labels)), peers)]


@dataclass(frozen=True)
class Dirichlet:
    """Each class is shared out in proportions drawn from a symmetric Dirichlet distribution.

    The smaller `alpha`, the fewer peers hold most of a class. Sizes differ too. A draw can leave a
    peer with next to nothing; then samples drawn at random move to the smallest part from the
    largest, one at a time, until each has `min(10, n // peers)`. That always ends, unlike a
    redraw, which for a small alpha and many peers is refused nearly every time.

    Source: Hsu, Qi and Brown 2019 for the label distribution by alpha; Yurochkin et al. 2019 for
    drawing class by class, as Flower's DirichletPartitioner does.
    """

    alpha: float

    def __str__(self) -> str:
        return f"dirichlet:{self.alpha:g}"

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return parts of unlike classes. Raises InvalidPartition (fewer samples than peers)."""
        _check_sizes(len(labels), peers, self)
        owner = np.empty(len(labels), dtype=np.int64)
        for label in np.unique(labels):
            members = generator.permutation(np.flatnonzero(labels == label))
            shares = generator.dirichlet(np.full(peers, self.alpha))
            cuts = np.rint(np.cumsum(shares)[:-1] * len(members)).astype(np.int64)
            for peer, part in enumerate(np.split(members, cuts)):
                owner[part] = peer
        _raise_to_minimum(owner, peers, generator)
        return [np.flatnonzero(owner == peer) for peer in range(peers)]


@dataclass(frozen=True)
class Shards:
    """Sorted by label and cut into `per_peer` shards for each peer: a peer sees few classes.

    Source: McMahan et al. 2017 (their MNIST case is two shards a peer).
    """

    per_peer: int

    def __str__(self) -> str:
        return f"shards:{self.per_peer}"

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return parts of few classes. Raises InvalidPartition (fewer samples than shards)."""
        _check_sizes(len(labels), peers, self)
        count = peers * self.per_peer
        if len(labels) < count:
            raise InvalidPartition(
                f"partition {self}", expected=f"a sample for each of {count} shards",
                got=f"{len(labels)} samples",
            )  # fmt: skip
        # Shuffled before the stable sort, so that which samples of a class meet is drawn too.
        order = generator.permutation(len(labels))
        shards = np.array_split(order[np.argsort(labels[order], kind="stable")], count)
        dealt = generator.permutation(count).reshape(peers, self.per_peer)
        return [np.sort(np.concatenate([shards[shard] for shard in hand])) for hand in dealt]


@dataclass(frozen=True)
class Quantity:
    """Every peer sees the same distribution, of unlike amounts: sizes are drawn from a symmetric
    Dirichlet distribution, and raised to `min(10, n // peers)` where they are less.

    Source: Li, Diao, Chen and He 2022 (quantity skew).
    """

    alpha: float

    def __str__(self) -> str:
        return f"quantity:{self.alpha:g}"

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return parts of unlike sizes. Raises InvalidPartition (fewer samples than peers)."""
        _check_sizes(len(labels), peers, self)
        shares = generator.dirichlet(np.full(peers, self.alpha))
        cuts = np.rint(np.cumsum(shares)[:-1] * len(labels)).astype(np.int64)
        owner = np.empty(len(labels), dtype=np.int64)
        for peer, part in enumerate(np.split(generator.permutation(len(labels)), cuts)):
            owner[part] = peer
        _raise_to_minimum(owner, peers, generator)
        return [np.flatnonzero(owner == peer) for peer in range(peers)]


@dataclass(frozen=True)
class Natural:
    """Rows that belong together stay together: a hospital's, a writer's, a device's.

    It splits by groups in the place of labels. The largest group goes to the peer with the fewest
    samples, and so on; nothing is drawn.
    """

    def __str__(self) -> str:
        return "natural"

    def split(
        self, labels: NDArray[np.int64], peers: int, generator: np.random.Generator
    ) -> list[Indices]:
        """Return parts of whole groups. Raises InvalidPartition (fewer groups than peers)."""
        groups, counts = np.unique(labels, return_counts=True)
        if len(groups) < peers:
            raise InvalidPartition(
                f"partition {self}",
                expected="a group for every peer",
                got=f"{len(groups)} groups for {peers} peers",
            )
        sizes = np.zeros(peers, dtype=np.int64)
        owner: dict[int, int] = {}
        for place in np.argsort(-counts, kind="stable"):
            poorest = int(sizes.argmin())
            owner[int(groups[place])] = poorest
            sizes[poorest] += counts[place]
        owners = np.array([owner[int(group)] for group in labels])
        return [np.flatnonzero(owners == peer) for peer in range(peers)]


def deal(
    partition: Partition, dataset: Dataset, peers: int, generator: np.random.Generator
) -> list[Indices]:
    """Return for each peer its rows of a data set: by class, or by group where that is the way.

    Raises InvalidPartition, also for data that know no groups.
    """
    if not isinstance(partition, Natural):
        return partition.split(dataset.labels, peers, generator)
    if dataset.groups is None:
        raise InvalidPartition(
            f"partition {partition} of {dataset.name}",
            expected="a column declared as group",
            got="none",
        )
    return partition.split(dataset.groups, peers, generator)


def tell_idle_groups(partition: Partition, dataset: Dataset) -> tuple[str, ...]:
    """Return in words that groups were declared and nothing keeps them together."""
    if dataset.groups is None or isinstance(partition, Natural):
        return ()
    groups = len(np.unique(dataset.groups))
    return (
        f"column {dataset.recipe.group} is a group, and --partition {partition} deals the rows of "
        f"its {groups} groups to all peers: --partition natural keeps each with one",
    )


def parse_partition(text: str) -> Partition:
    """Return the partition that `iid`, `dirichlet:ALPHA`, `shards:K`, `quantity:ALPHA` or `natural`
    names.

    Raises InvalidPartition when the name is unknown or its number is not one, or out of range.

    >>> parse_partition("dirichlet:0.5")
    Dirichlet(alpha=0.5)
    """
    name, colon, argument = text.partition(":")
    parse = _PARSERS.get(name)
    if parse is None:
        raise InvalidPartition(
            "partition",
            expected="iid, dirichlet:ALPHA, shards:K, quantity:ALPHA or natural",
            got=repr(text),
        )
    return parse(argument if colon else None, text)


def _parse_iid(argument: str | None, text: str) -> Partition:
    if argument is not None:
        raise InvalidPartition("partition", expected="iid", got=repr(text))
    return Iid()


def _parse_natural(argument: str | None, text: str) -> Partition:
    if argument is not None:
        raise InvalidPartition("partition", expected="natural", got=repr(text))
    return Natural()


def _parse_dirichlet(argument: str | None, text: str) -> Partition:
    return Dirichlet(_parse_alpha("dirichlet", argument, text))


def _parse_quantity(argument: str | None, text: str) -> Partition:
    return Quantity(_parse_alpha("quantity", argument, text))


def _parse_alpha(name: str, argument: str | None, text: str) -> float:
    try:
        alpha = float(argument or "")
    except ValueError:
        alpha = math.nan
    if not ALPHA_LEAST <= alpha <= ALPHA_MOST:
        raise InvalidPartition(
            "partition",
            expected=f"{name}:ALPHA, ALPHA from {ALPHA_LEAST:g} to {ALPHA_MOST:g}",
            got=repr(text),
        )
    return alpha


def _parse_shards(argument: str | None, text: str) -> Partition:
    if argument is None or not (argument.isascii() and argument.isdigit()) or int(argument) < 1:
        raise InvalidPartition(
            "partition", expected="shards:K, K an integer of at least 1", got=repr(text)
        )
    return Shards(int(argument))


_PARSERS: Mapping[str, Callable[[str | None, str], Partition]] = MappingProxyType(
    {
        "iid": _parse_iid,
        "dirichlet": _parse_dirichlet,
        "shards": _parse_shards,
        "quantity": _parse_quantity,
        "natural": _parse_natural,
    }
)


def _check_sizes(samples: int, peers: int, partition: Partition) -> None:
    if peers < 1:
        raise InvalidPartition(
            f"partition {partition}", expected="at least one peer", got=str(peers)
        )
    if samples < peers:
        raise InvalidPartition(
            f"partition {partition}",
            expected="a sample for every peer",
            got=f"{samples} samples for {peers} peers",
        )


def _raise_to_minimum(owner: Indices, peers: int, generator: np.random.Generator) -> None:
    """Change `owner` (sample to peer) until every peer has the minimum; ties go to the lowest."""
    minimum = min(MINIMUM_SAMPLES, len(owner) // peers)
    sizes = np.bincount(owner, minlength=peers)
    while sizes.min() < minimum:
        # The largest holds more than the minimum, or the sizes could not sum to len(owner).
        poorest, richest = int(sizes.argmin()), int(sizes.argmax())
        moved = generator.choice(np.flatnonzero(owner == richest))
        owner[moved] = poorest
        sizes[richest] -= 1
        sizes[poorest] += 1
