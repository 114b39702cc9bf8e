"""Peers that do not play by the rules: how they alter what they learned, what they approve, and
what they serve.

A kind is written `KIND` or `KIND:STRENGTH`. Those that alter updates do not clip them either. All
but those that lie approve what is right, and all but those that lie or hide dispute what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from chain.types import Root
from localnet.errors import ScenarioRefused
from node.encoding import Floats, Model, Update, model_from_payload, to_payload
from node.merkle import MODEL_TAG, compute_root
from node.result import Compute, Result
from node.rule.parameters import Member, Roll, Rule

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
    serves one honest peer alone, each such seat another one. `is_lying`: it approves nothing but a
    model with wrong coordinates, the same that all who lie approve. `is_hiding`: it serves only its
    like.
    """

    kind: str
    alter: Alter | None = None
    absent_rounds: int = 0
    is_garbling: bool = False
    is_withholding: bool = False
    is_choosing: bool = False
    is_lying: bool = False
    is_hiding: bool = False

    @property
    def is_guarding(self) -> bool:
        """Whether it takes part in disputes as the honest do."""
        return not (self.is_lying or self.is_hiding)


class Lying:
    """The rule, but for some coordinates of the result: one in a hundred is turned over.

    Which ones follows from the right result, so that all who lie agree.
    """

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def __call__(
        self,
        rule: Rule,
        roll: Roll,
        members: Sequence[Member],
        head: Model,
        updates: Sequence[Update],
        roots: Sequence[Root],
    ) -> Result:
        right = self._compute(rule, roll, members, head, updates, roots)
        model = model_from_payload(right.payload, head.size).copy()
        generator = np.random.default_rng(list(right.model_root))
        wrong = generator.choice(model.size, -(-model.size // 100), replace=False)
        model[wrong] = ~model[wrong]
        payload = to_payload(model)
        return replace(right, payload=payload, model_root=compute_root(payload, MODEL_TAG))


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
        "lie": lambda s: Byzantine("lie", is_lying=True),
        "hide": lambda s: Byzantine("hide", is_hiding=True),
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
