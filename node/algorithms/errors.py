"""What an algorithm can refuse, each told in one line.

NodeError
└── AlgorithmRefused   an algorithm that nobody knows, an option that it has not, or a learner that
                       cannot do what the algorithm asks of it
"""

from node.errors import NodeError


class AlgorithmRefused(NodeError):
    """The algorithm is none, or cannot be followed with this learner."""
