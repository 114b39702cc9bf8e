"""What a learner can refuse, each told in one line.

NodeError
└── LearningError
    ├── UnknownLearner     a name that no built-in learner answers to
    ├── InvalidOption      an option that is unknown, or of a value that cannot be
    ├── InvalidConfig      a round's config without its round or seed
    └── InvalidParameters  arrays that are not the layers of this model
"""

from node.errors import NodeError


class LearningError(NodeError):
    """Root of this package: what a learner was given, it cannot learn from."""


class UnknownLearner(LearningError):
    """No built-in learner has this name."""


class InvalidOption(LearningError):
    """The learner has no such option, or the option cannot have this value."""


class InvalidConfig(LearningError):
    """The config of a call lacks what the learner's determinism rests on."""


class InvalidParameters(LearningError):
    """The parameters do not have the shapes of this model."""
