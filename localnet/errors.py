"""What a local federation refuses.

LocalnetError
├── ScenarioRefused   flags that do not describe a federation
├── NobodyLearns      learners of one's own all of which fail, again and again
├── KeptRunRefused    a folder that holds no run, half of one, or another one
├── FleetRefused      a federation of programs that cannot be begun, or told what it was told
├── SourceRefused     a federation to read of which a part is not given
└── PlotRefused       a picture that cannot be drawn
"""

from node.errors import NodeError


class LocalnetError(NodeError):
    """Root of this package; as everywhere: reason, expected, got."""


class ScenarioRefused(LocalnetError):
    """A scenario that cannot be run."""


class NobodyLearns(LocalnetError):
    """Every training of every peer fails, so no round will ever begin."""


class KeptRunRefused(LocalnetError):
    """A folder that is not the kept run that was asked for."""


class FleetRefused(LocalnetError):
    """A folder without a federation, or a program that is not there to be told anything."""


class SourceRefused(LocalnetError):
    """A part of a federation that is needed here and was not given."""


class PlotRefused(LocalnetError):
    """matplotlib is not installed, or the file is none that a picture goes to."""
