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
    """`before`: what was remembered when it began; `after`: what follows if it counts. `gap`: the
    rounds from the last training before it that counts to the first on this head."""

    round: int
    gap: int
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
        return self._find(round_id, name_head(head))[0]

    def count_rounds(self, round_id: int, head: Sequence[NDArray[Any]]) -> int:
        """Return how many rounds lie between the last training that counts and the first on this
        head: 1 where the peer missed none, or has never trained."""
        return self._find(round_id, name_head(head))[1]

    def note(self, round_id: int, head: Sequence[NDArray[Any]], after: Values) -> None:
        """Remember what follows if the training of this round on this head counts."""
        named = name_head(head)
        before, gap = self._find(round_id, named)
        others = [each for each in self._read() if each.head != named]
        trainings = [*others, _Training(round_id, gap, named, dict(before), dict(after))]
        # Stable: of those of one round the last to be trained stays last.
        trainings.sort(key=lambda each: each.round)
        self._state[self._key] = [
            (each.round, each.gap, each.head, each.before, each.after)
            for each in _choose_latest(trainings)
        ]

    def latest(self) -> Values:
        """Return what the last training has left, whether it will count or not."""
        trainings = self._read()
        return trainings[-1].after if trainings else NOTHING

    def _find(self, round_id: int, named: bytes) -> tuple[Values, int]:
        trainings = self._read()
        for each in trainings:
            if each.head == named:
                return each.before, each.gap
        earlier = [each for each in trainings if each.round < round_id]
        return (earlier[-1].after, round_id - earlier[-1].round) if earlier else (NOTHING, 1)

    def _read(self) -> list[_Training]:
        return [_Training(*row) for row in self._state.get(self._key, ())]


def _choose_latest(trainings: Sequence[_Training]) -> Sequence[_Training]:
    """Return the last of them. Of an earlier round than the last one stays in any case: each new
    candidate of this round begins from what that has left, and so does its head if all lapse."""
    chosen = trainings[-TRAININGS:]
    earlier = [each for each in trainings if each.round < chosen[-1].round]
    if earlier and earlier[-1].round < chosen[0].round:
        return [earlier[-1], *chosen[1:]]
    return chosen


def name_head(head: Sequence[NDArray[Any]]) -> bytes:
    """Return the digest of a head's bits."""
    digest = sha256()
    for array in head:
        digest.update(array.tobytes())
    return digest.digest()
