"""What lasts from round to round and follows the head: it goes on only when the head has.

A peer trains on a head before that is agreed, trains again after a crash, and again for the next
round where one has lapsed. So a training does not change what is remembered; it is noted with the
head that it began from, and counts once a training begins from another head.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, TypeAlias

from numpy.typing import NDArray

Values: TypeAlias = Mapping[str, Any]
NOTHING: Values = MappingProxyType({})
TRAININGS = 3
"""So many are kept: of this head, of the one before, and of a candidate that was not agreed. A head
that is given up later than that (a dispute) is trained on with what came of it."""


@dataclass(frozen=True)
class _Training:
    """`before`: what was remembered when it began; `after`: what follows if it counts."""

    round: int
    head: bytes
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Memory:
    """The trainings of one peer in `state`, under `key`. Values pickle, and are not written to."""

    def __init__(self, state: MutableMapping[str, Any], key: str) -> None:
        self._state = state
        self._key = key

    def recall(self, round_id: int, head: Sequence[NDArray[Any]]) -> Values:
        """Return what is remembered as of this head: the same however often it is asked."""
        named, trainings = name_head(head), self._read()
        for each in trainings:
            if each.head == named:
                return each.before
        earlier = [each for each in trainings if each.round < round_id]
        return earlier[-1].after if earlier else NOTHING

    def note(self, round_id: int, head: Sequence[NDArray[Any]], after: Values) -> None:
        """Remember what follows if the training of this round on this head counts."""
        named, before = name_head(head), self.recall(round_id, head)
        others = [each for each in self._read() if each.head != named]
        trainings = [*others, _Training(round_id, named, dict(before), dict(after))]
        # Stable: of those of one round the last to be trained stays last.
        trainings.sort(key=lambda each: each.round)
        rows = [(each.round, each.head, each.before, each.after) for each in trainings[-TRAININGS:]]
        self._state[self._key] = rows

    def latest(self) -> Values:
        """Return what the last training has left, whether it will count or not."""
        trainings = self._read()
        return trainings[-1].after if trainings else NOTHING

    def _read(self) -> list[_Training]:
        return [_Training(*row) for row in self._state.get(self._key, ())]


def name_head(head: Sequence[NDArray[Any]]) -> bytes:
    """Return the digest of a head's bits."""
    digest = sha256()
    for array in head:
        digest.update(array.tobytes())
    return digest.digest()
