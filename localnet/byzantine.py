"""Peers that do not play by the rules: how they alter what they learned, and what they serve.

A kind is written `KIND` or `KIND:STRENGTH`. Those that alter updates do not clip them either; to
vote, all of them follow the protocol.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from localnet.errors import ScenarioRefused
from node.encoding import Floats

Alter = Callable[[Floats, Floats, np.random.Generator], Floats]
"""(trained, head, generator) → what the peer pretends to have learned, float64 `(d,)` each."""


@dataclass(frozen=True)
class Scale:
    """The honest step times a factor; a negative one flips its sign."""

    factor: float

    def __call__(self, trained: Floats, head: Floats, generator: np.random.Generator) -> Floats:
        return head + self.factor * (trained - head)


@dataclass(frozen=True)
class Noise:
    """A Gaussian step, `strength` times as long as the honest one."""

    strength: float

    def __call__(self, trained: Floats, head: Floats, generator: np.random.Generator) -> Floats:
        step = generator.standard_normal(head.size)
        length = float(np.sqrt(np.square(trained - head).sum() / np.square(step).sum()))
        return head + self.strength * length * step


@dataclass(frozen=True)
class Byzantine:
    """One kind of misbehaviour.

    `absent_rounds`: it takes no part in so many rounds, counted from the first. `is_garbling`: it
    serves bytes that are not its update's. `is_withholding`: it serves nobody. `is_choosing`: it
    serves one honest peer alone, each such seat another one.
    """

    kind: str
    alter: Alter | None = None
    absent_rounds: int = 0
    is_garbling: bool = False
    is_withholding: bool = False
    is_choosing: bool = False


FOR_EVER = 2**32
"""More rounds than a federation can have."""

KINDS: Mapping[str, Callable[[float | None], Byzantine]] = MappingProxyType(
    {
        "sign_flip": lambda s: Byzantine("sign_flip", Scale(-1.0 if s is None else -s)),
        "boost": lambda s: Byzantine("boost", Scale(10.0 if s is None else s)),
        "noise": lambda s: Byzantine("noise", Noise(10.0 if s is None else s)),
        "zero": lambda s: Byzantine("zero", Scale(0.0)),
        "absent": lambda s: Byzantine("absent", absent_rounds=FOR_EVER if s is None else int(s)),
        "garbage": lambda s: Byzantine("garbage", is_garbling=True),
        "withhold": lambda s: Byzantine("withhold", is_withholding=True),
        "serve_half": lambda s: Byzantine("serve_half", is_choosing=True),
    }
)
WITH_STRENGTH = frozenset({"sign_flip", "boost", "noise", "absent"})


def parse_byzantine(text: str) -> tuple[int, Byzantine]:
    """Return how many seats, and of which kind, `COUNT:KIND[:STRENGTH]` asks for.

    >>> parse_byzantine("2:sign_flip:10")[1].alter
    Scale(factor=-10.0)
    """
    expected = "COUNT:KIND[:STRENGTH] with KIND " + ", ".join(KINDS)
    count, _, rest = text.partition(":")
    kind, has_strength, strength = rest.partition(":")
    if not 0 < len(count) <= 3 or not count.isdecimal() or kind not in KINDS:
        raise ScenarioRefused("byzantine", expected, repr(text))
    if not has_strength:
        return int(count), KINDS[kind](None)
    if kind not in WITH_STRENGTH:
        raise ScenarioRefused("byzantine", f"no strength for {kind}", repr(text))
    try:
        value = float(strength)
    except ValueError as error:
        raise ScenarioRefused("byzantine", "a number as strength", repr(text)) from error
    if not 0 < value < FOR_EVER:
        raise ScenarioRefused("byzantine", "a positive strength", repr(text))
    if kind == "absent" and value != int(value):
        raise ScenarioRefused("byzantine", "a whole number of rounds", repr(text))
    return int(count), KINDS[kind](value)
