"""A result: what follows from a round's commitments, and the key that names it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chain.types import Root, Seat
from node.encoding import Model, Update, to_payload
from node.merkle import MODEL_TAG, compute_root
from node.rule.aggregate import aggregate
from node.rule.coefficients import encode_coefficients
from node.rule.parameters import Member, Roll, Rule


@dataclass(frozen=True)
class Result:
    """The next model as a payload with its root, and the coefficients as they go on chain."""

    payload: bytes
    model_root: Root
    coefficients: bytes
    credited: tuple[Seat, ...]


Compute = Callable[[Rule, Roll, Sequence[Member], Model, Sequence[Update], Sequence[Root]], Result]


def compute_result(
    rule: Rule,
    roll: Roll,
    members: Sequence[Member],
    head: Model,
    updates: Sequence[Update],
    roots: Sequence[Root],
) -> Result:
    """Return the one result of these inputs; `roots` name head and updates, for whoever remembers.

    Raises QuorumRefused where the rule must not be applied to these members.
    """
    outcome = aggregate(rule, roll, members, head, updates)
    payload = to_payload(outcome.model)
    return Result(
        payload=payload,
        model_root=compute_root(payload, MODEL_TAG),
        coefficients=encode_coefficients(outcome.coefficients),
        credited=outcome.credited,
    )
