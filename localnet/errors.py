"""What a local federation refuses.

LocalnetError
├── ScenarioRefused   flags that do not describe a federation
├── WorkerFailed      a training process died
└── KeptRunRefused    a folder that holds no run, half of one, or another one
"""

from node.errors import NodeError


class LocalnetError(NodeError):
    """Root of this package; as everywhere: reason, expected, got."""


class ScenarioRefused(LocalnetError):
    """A scenario that cannot be run."""


class WorkerFailed(LocalnetError):
    """A training process ended before its work did."""


class KeptRunRefused(LocalnetError):
    """A folder that is not the kept run that was asked for."""
