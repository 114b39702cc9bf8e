"""Read what the config of a learner's call must carry."""

from numbers import Integral

from node.learning.errors import InvalidConfig
from node.learning.learner import Config


def get_seed(config: Config) -> int:
    """Return the federation's seed. Raises InvalidConfig unless it is an integer, at least 0."""
    return _get_natural(config, "seed")


def get_round(config: Config) -> int:
    """Return the round's number. Raises InvalidConfig unless it is an integer, at least 0."""
    return _get_natural(config, "round")


def _get_natural(config: Config, name: str) -> int:
    value = config.get(name)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise InvalidConfig(f"config {name}", expected="an integer of at least 0", got=repr(value))
    return int(value)
