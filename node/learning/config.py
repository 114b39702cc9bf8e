"""Read what the config of a learner's call must carry, and what it may."""

from numbers import Integral

from node.learning.errors import InvalidConfig
from node.learning.learner import Config

LOCAL_STEPS = "local_steps"
"""Entry of the config of `fit`: how many steps to make, instead of what the options say."""


def get_seed(config: Config) -> int:
    """Return the federation's seed. Raises InvalidConfig unless it is an integer, at least 0."""
    return _get_natural(config, "seed")


def get_round(config: Config) -> int:
    """Return the round's number. Raises InvalidConfig unless it is an integer, at least 0."""
    return _get_natural(config, "round")


def get_local_steps(config: Config) -> int | None:
    """Return the steps that `fit` is asked for; None: as many as the options say. Raises
    InvalidConfig unless it is an integer, at least 1."""
    value = config.get(LOCAL_STEPS)
    if value is None:
        return None
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        expected = "an integer of at least 1"
        raise InvalidConfig(f"config {LOCAL_STEPS}", expected=expected, got=repr(value))
    return int(value)


def _get_natural(config: Config, name: str) -> int:
    value = config.get(name)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise InvalidConfig(f"config {name}", expected="an integer of at least 0", got=repr(value))
    return int(value)
