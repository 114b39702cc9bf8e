"""How unlike the peers' data is, in figures that a table can show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PeerBalance:
    """What one peer holds.

    `counts`: samples of each class, in class order. `effective_classes`: the number of equally
    frequent classes that would be as hard to guess, exp of the entropy (Hill number of order 1):
    1.0 for a single class, the number of classes when all are equally frequent. `distance`: share
    of its samples that would have to change class to match the whole, in [0, 1] (total variation).
    """

    peer: int
    samples: int
    counts: tuple[int, ...]
    effective_classes: float
    distance: float


@dataclass(frozen=True)
class BalanceReport:
    """All peers, and over them the mean distance weighted by samples: 0 is iid."""

    classes: tuple[str, ...]
    peers: tuple[PeerBalance, ...]
    skew: float


def describe_balance(
    labels: NDArray[np.int64], parts: Sequence[NDArray[np.int64]], classes: tuple[str, ...]
) -> BalanceReport:
    """Return the class balance of `parts`, the indices into `labels` that each peer holds.

    The whole that peers are held against is what the parts together hold. Every part has at least
    one sample, which the partitions guarantee.
    """
    counts = np.stack([np.bincount(labels[part], minlength=len(classes)) for part in parts])
    whole = counts.sum(axis=0) / counts.sum()
    peers = tuple(_describe_peer(peer, row, whole) for peer, row in enumerate(counts))
    skew = sum(peer.samples * peer.distance for peer in peers) / int(counts.sum())
    return BalanceReport(classes=classes, peers=peers, skew=skew)


def compute_effective_classes(counts: NDArray[np.int64]) -> float:
    """Return exp of the entropy of `counts`, (classes,), of which at least one is not zero.

    >>> round(compute_effective_classes(np.array([5, 5, 0])), 6)
    2.0
    """
    frequencies = counts[counts > 0] / counts.sum()
    return float(np.prod(frequencies**-frequencies))


def _describe_peer(peer: int, counts: NDArray[np.int64], whole: NDArray[np.float64]) -> PeerBalance:
    samples = int(counts.sum())
    return PeerBalance(
        peer=peer,
        samples=samples,
        counts=tuple(int(count) for count in counts),
        effective_classes=compute_effective_classes(counts),
        distance=float(np.abs(counts / samples - whole).sum() / 2),
    )


def describe_evenness(report: BalanceReport) -> str:
    """Return how evenly classes are spread, in figures and what these mean.

    >>> mixed = np.array([0, 1, 0, 1])
    >>> describe_evenness(describe_balance(mixed, [np.array([0, 1]), np.array([2, 3])], ("a", "b")))
    'classes as varied as 2.0 to 2.0 equally frequent ones, of 2; skew 0.00: that part of the \
samples would have to change class for all peers to be alike (0 is iid)'
    """
    worth = [peer.effective_classes for peer in report.peers]
    return (
        f"classes as varied as {min(worth):.1f} to {max(worth):.1f} equally frequent ones, of "
        f"{len(report.classes)}; skew {report.skew:.2f}: that part of the samples would have to "
        "change class for all peers to be alike (0 is iid)"
    )


UNEVEN = 3
"""A class so many times as frequent as another, or a peer with so many times its share, is told."""


def tell_balance(report: BalanceReport) -> tuple[str, ...]:
    """Return in words what of the balance may need a remedy."""
    totals = np.sum([peer.counts for peer in report.peers], axis=0)
    lines = [*tell_counts(report.classes, totals.tolist())]
    for peer in report.peers:
        missing = [
            name for name, count in zip(report.classes, peer.counts, strict=True) if not count
        ]
        if missing:
            lines.append(f"peer {peer.peer} has no sample of {_enumerate(missing)}")
    mean = totals.sum() / len(report.peers)
    for peer in report.peers:
        if peer.samples >= UNEVEN * mean:
            share = peer.samples / totals.sum()
            lines.append(f"peer {peer.peer} has {share:.0%} of all samples")
    return tuple(lines)


def tell_counts(classes: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """Return in words how uneven the classes are; nothing where they are not."""
    rarest, commonest = int(np.argmin(counts)), int(np.argmax(counts))
    if counts[commonest] < UNEVEN * max(1, counts[rarest]):
        return ()
    return (
        f"class {classes[rarest]!r} has {counts[rarest]} samples, "
        f"{classes[commonest]!r} has {counts[commonest]}: a model may do well and never "
        "name the rare one; look at accuracy by class, and weight classes (class_weights)",
    )


NAMED = 5


def _enumerate(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
