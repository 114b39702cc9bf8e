"""What a learner can refuse, each told in one line.

NodeError
└── LearningError
    ├── UnknownLearner     a name that no built-in learner answers to, or no such factory
    ├── UnknownShape       an object that no adapter makes a learner of
    ├── NotStarted         what is asked of a learner that could not be started
    ├── StateRefused       a learner's state or pace that cannot be kept or read
    ├── StateForeign       a state of somebody else's that names what is not to be called
    ├── InvalidOption      an option that is unknown, or of a value that cannot be
    ├── InvalidConfig      a round's config without its round or seed
    └── InvalidParameters  arrays that are not the layers of this model
"""

from node.errors import NodeError


class LearningError(NodeError):
    """Root of this package: what a learner was given, it cannot learn from."""


class UnknownLearner(LearningError):
    """No built-in learner has this name, and no module has such a factory."""


class UnknownShape(LearningError):
    """What a factory returned is none of the shapes that a learner can have."""


class NotStarted(LearningError):
    """The learner could not be started: why, was the answer to that."""


class StateRefused(LearningError):
    """A learner's state does not pickle, or the file of it or of its pace is damaged."""


class StateForeign(LearningError):
    """A state out of somebody else's hands has more in it than arrays, numbers and texts."""


class InvalidOption(LearningError):
    """The learner has no such option, or the option cannot have this value."""


class InvalidConfig(LearningError):
    """The config of a call lacks what the learner's determinism rests on."""


class InvalidParameters(LearningError):
    """The parameters do not have the shapes of this model."""
