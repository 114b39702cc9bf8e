"""What a factory is called with, in the shape of Flower's Context.

A factory that was written for Flower as `client_fn(context)` finds here what it finds there:
`node_config`, `run_config`, `state`. `data` is ours.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.learning.errors import StateForeign, StateRefused
from node.learning.foreign_state import load_foreign
from node.learning.hosting import STATE, Place
from node.whole_file import OWNERS, write_whole


class State(dict[str, Any]):
    """What a learner remembers: a dictionary that outlives rounds and restarts, of values that
    pickle. Flower's views by kind of record are there too."""

    def _records(self, *kinds: str) -> dict[str, Any]:
        return {name: each for name, each in self.items() if type(each).__name__ in kinds}

    @property
    def array_records(self) -> dict[str, Any]:
        return self._records("ArrayRecord", "ParametersRecord")

    @property
    def metric_records(self) -> dict[str, Any]:
        return self._records("MetricRecord", "MetricsRecord")

    @property
    def config_records(self) -> dict[str, Any]:
        return self._records("ConfigRecord", "ConfigsRecord")


@dataclass(frozen=True, eq=False)
class Data:
    """The peer's own rows of the data that its settings name: what is trained on, and what nobody
    trains on. x: (n, k) uint8 or float32; y: (n,) int64, indices into `classes`, or float32 where
    a number is learned: then there are no classes."""

    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    classes: tuple[str, ...]


@dataclass
class Context:
    """The one argument of a factory.

    `node_config`: `partition-id` and `num-partitions`. `run_config`: the learner's options of the
    spec. `data`: None where the learner brings its own.
    """

    node_config: Mapping[str, Any]
    run_config: Mapping[str, Any]
    state: State = field(default_factory=State)
    data: Data | None = None
    node_id: int = 0
    run_id: int = 0


def describe_data(train: Dataset | None, test: Dataset | None) -> Data | None:
    """Return a peer's rows as a factory is given them; without a test part that of the training."""
    if train is None:
        return None
    judged = train if test is None else test
    if train.targets is not None and judged.targets is not None:
        return Data(train.features, train.targets, judged.features, judged.targets, ())
    return Data(train.features, train.labels, judged.features, judged.labels, train.classes)


def recall_state(place: Place) -> State:
    """Return what the learner of a place remembers; of a foreign state that has more in it than
    arrays and numbers, nothing. Raises StateRefused."""
    if not place.is_foreign:
        return read_state(place.notes)
    try:
        return read_state(place.notes, is_foreign=True)
    except StateForeign:
        # Told by whoever found the place foreign: what is printed here is a learner's.
        return State()


def read_state(notes: Path | None, *, is_foreign: bool = False) -> State:
    """Return what a learner remembers; nothing where nothing was kept. `is_foreign`: nothing that
    is in it is run. Raises StateRefused, and StateForeign for a foreign one that wants to be."""
    path = None if notes is None else notes / STATE
    if path is None or not path.exists():
        return State()
    try:
        content = path.read_bytes()
        return State(load_foreign(content) if is_foreign else pickle.loads(content))
    except StateForeign:
        raise
    except Exception as error:  # - a damaged pickle raises anything
        reason = f"{type(error).__name__}: {error}"
        raise StateRefused(f"{path}", "a learner's state (or no such file)", reason) from error


def write_state(notes: Path | None, state: State) -> None:
    """Keep what a learner remembers; the file appears whole or not at all. Raises StateRefused for
    a value that does not pickle, and OSError."""
    if notes is None or (not state and not (notes / STATE).exists()):
        return
    try:
        content = pickle.dumps(dict(state))
    except Exception as error:  # - so does a value that cannot be one
        reason = f"{type(error).__name__}: {error}"
        raise StateRefused("learner: context.state", "values that pickle", reason) from error
    notes.mkdir(parents=True, exist_ok=True)
    # Arrays that stay with their peer are in it.
    write_whole(notes / STATE, content, mode=OWNERS)
