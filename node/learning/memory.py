"""What lasts from round to round and follows the chain of heads.

A peer trains on a head before that is agreed, trains again after a crash, and again where a round
has lapsed; what it trained on may be given up. So a training changes nothing: what follows from it
is noted under the head that it was done on, and a training begins from what is noted under the
nearest head below its own. What hangs off a head that is not below is left out by that, and a head
that lapsed rounds were trained on counts once.
"""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from node.learning.learner import Config

LOG = logging.getLogger("holdfast.learner")

Values: TypeAlias = Mapping[str, Any]
NOTHING: Values = MappingProxyType({})
LINE = "line"
"""Entry of the config of `fit`: where the head stands; not there where that is nowhere."""
BELOW = 2
"""So many heads below the last are kept: it began from the first, and where it is not agreed the
first is trained on again, from the second."""
RECENT = 3
"""So many trainings are kept wherever they stand: the last, and two more candidates of its round.
Where there is one candidate a round they are those below it, and cost nothing."""


@dataclass(frozen=True)
class Line:
    """Where a head stands: its key and, nearest first, those below it on which this peer may have
    trained, each with how many agreements there are from that one to this."""

    key: bytes
    below: tuple[tuple[bytes, int], ...] = ()


NOWHERE = Line(b"")
"""Of a training from which nothing follows, such as a dry round."""


class Memory:
    """What one peer remembers in `state`, under `key`. Values pickle, and are not written to."""

    def __init__(self, state: MutableMapping[str, Any], key: str) -> None:
        self._state = state
        self._key = key

    def recall(self, line: Line) -> Values:
        """Return what is remembered as of this head: the same however often it is asked."""
        return self._find(line)[0]

    def count_rounds(self, line: Line) -> int:
        """Return how many rounds were agreed since that was noted: 1 where the peer missed none, or
        nothing is remembered."""
        return self._find(line)[1]

    def note(self, line: Line, after: Values) -> None:
        """Remember what follows from a training on this head."""
        if line == NOWHERE:
            return
        noted = self._read()
        # Last, also where it was there: one that is trained on again may be agreed yet.
        noted.pop(line.key, None)
        noted[line.key] = dict(after)
        self._write(noted, line)

    def adopt(self, line: Line, first: Values) -> Values:
        """Return what the last training has left, or `first` where there is none, and note it under
        the nearest head below: for what must not be lost where heads were given up further down
        than is remembered. `first` on the first head of all."""
        noted = self._read()
        if not line.below:
            return first
        key, _ = line.below[0]
        noted[key] = list(noted.values())[-1] if noted else first
        self._write(noted, line)
        return noted[key]

    def latest(self) -> Values:
        """Return what the last training has left, wherever it stands."""
        noted = self._read()
        return list(noted.values())[-1] if noted else NOTHING

    def _find(self, line: Line) -> tuple[Values, int]:
        noted = self._read()
        for key, rounds in line.below:
            if key in noted:
                return noted[key], rounds
        return NOTHING, 1

    def _write(self, noted: Mapping[bytes, Values], line: Line) -> None:
        keys = list(noted)
        kept = {*[key for key, _ in line.below if key in noted][:BELOW], *keys[-RECENT:]}
        self._state[self._key] = [(key, noted[key]) for key in keys if key in kept]

    def _read(self) -> dict[bytes, Values]:
        """Return what is noted, by the key of the head, in the order in which it was."""
        rows: Sequence[Any] = self._state.get(self._key, ())
        try:
            return dict(rows)
        except (TypeError, ValueError):
            told = "expected pairs (head, what follows), got those of another version: begun anew"
            LOG.warning("act=train state=%s error=%r", self._key, told)
            del self._state[self._key]
            return {}


def get_line(config: Config) -> Line:
    """Return where the head of a `fit` stands."""
    line: Line = config.get(LINE, NOWHERE)
    return line
