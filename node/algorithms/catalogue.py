"""From the name of an algorithm, and its options, to the algorithm."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from types import MappingProxyType
from typing import Any

from node.algorithms.admm import Admm
from node.algorithms.algorithm import Algorithm
from node.algorithms.errors import AlgorithmRefused
from node.algorithms.fedavg import FedAvg
from node.algorithms.fednova import FedNova
from node.algorithms.fedprox import FedProx
from node.algorithms.gradient_descent import GradientDescent
from node.algorithms.momentum import Momentum
from node.algorithms.scaffold import Scaffold

KINDS: tuple[type[Any], ...] = (
    FedAvg,
    FedProx,
    Scaffold,
    FedNova,
    GradientDescent,
    Admm,
    Momentum,
)
ALGORITHMS: Mapping[str, type[Any]] = MappingProxyType({kind.name: kind for kind in KINDS})
USUAL: Algorithm = FedAvg()


def build_algorithm(name: str, options: Mapping[str, Any]) -> Algorithm:
    """Return the algorithm of that name. Raises AlgorithmRefused."""
    kind = ALGORITHMS.get(name)
    if kind is None:
        raise AlgorithmRefused("algorithm", ", ".join(ALGORITHMS), repr(name))
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            expected = ", ".join(known) or "none"
            raise AlgorithmRefused(f"option of algorithm {name}", expected, repr(option))
    for field in fields(kind):
        if field.default is MISSING and field.name not in options:
            given = f"one, as {name}:{field.name}=VALUE"
            raise AlgorithmRefused(f"algorithm {name}: {field.name}", given, "none")
    algorithm: Algorithm = kind(**options)
    return algorithm


def describe_algorithm(algorithm: Algorithm) -> tuple[str, dict[str, Any]]:
    """Return name and options: what `build_algorithm` makes it of again."""
    options: dict[str, Any] = asdict(algorithm)  # type: ignore[call-overload]
    return algorithm.name, {name: each for name, each in options.items() if each is not None}


def split_algorithm(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and options of NAME, NAME:VALUE (of its first option) or NAME:KEY=VALUE,...

    >>> split_algorithm("fedprox:0.1")
    ('fedprox', {'mu': 0.1})
    """
    name, _, rest = text.partition(":")
    parts = [part.partition("=") for part in rest.split(",")] if rest else []
    options: dict[str, Any] = {}
    for key, equals, value in parts:
        option = key if equals else _name_first(name)
        if option in options:
            raise AlgorithmRefused(f"algorithm {name}: {option}", "one value", f"two in {text!r}")
        options[option] = _read(value if equals else key)
    return name, options


def parse_algorithm(text: str) -> Algorithm:
    """Return the algorithm that a command line names. Raises AlgorithmRefused."""
    return build_algorithm(*split_algorithm(text))


def _name_first(name: str) -> str:
    kind = ALGORITHMS.get(name)
    options = fields(kind) if kind is not None else ()
    return options[0].name if options else "value"


def _read(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
