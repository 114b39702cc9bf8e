"""The rule as a whole: members, head and updates in, next model, coefficients and credit out."""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.types import Seat
from node.encoding import Model, Update
from node.errors import QuorumRefused
from node.rule.coefficients import Coefficient
from node.rule.combine import check_arrays, combine
from node.rule.gram import compute_gram
from node.rule.parameters import Member, Roll, Rule, Selection, check_rule
from node.rule.selection import Gram, compute_coefficients
from node.rule.weights import compute_faults, compute_faulty_weight, compute_weights


@dataclass(frozen=True, eq=False)  # arrays have no truth value to compare by
class Aggregate:
    """A result: the next `model`, int32 `(d,)`, one coefficient a member, and who is credited."""

    model: Model
    coefficients: tuple[Coefficient, ...]
    credited: tuple[Seat, ...]


def check_quorum(rule: Rule, roll: Roll, members: Sequence[Member]) -> None:
    """Raise unless these members could be aggregated; asks for no update, so it costs nothing.

    `QuorumRefused` where as much as half of the included weight may be faulty (`2 B >= W`), or
    where multi_krum has fewer than `2 f + 3` members; `InputRefused` where members and roll clash.
    """
    weight = sum(compute_weights(rule, roll, members))
    faulty = compute_faulty_weight(rule, roll)
    if 2 * faulty >= weight:
        raise QuorumRefused("rule: included weight too low", f"above 2 * {faulty}", weight)
    if rule.selection == Selection.MULTI_KRUM:
        faults = compute_faults(rule, roll)
        if len(members) < 2 * faults + 3:
            expected = f"at least 2 * {faults} + 3 members"
            raise QuorumRefused("rule: too few for multi_krum", expected, len(members))


def aggregate(
    rule: Rule, roll: Roll, members: Sequence[Member], head: Model, updates: Sequence[Update]
) -> Aggregate:
    """Return the one result of these inputs, the same on every machine.

    `members` stand in ascending order of seats, `updates` (arrays `(d,)` or one `(n, d)`) in the
    same order, of the rule's dtype; `head` is int32 `(d,)`. Raises what `check_rule`,
    `check_quorum` and `combine` raise, and `QuorumRefused` where all who are selected weigh 0.
    """
    check_rule(rule, head.size)
    check_quorum(rule, roll, members)  # before the matrix: a refusal costs nothing
    check_arrays(rule, head, updates, len(members))
    gram = compute_gram(updates) if rule.clip else None
    coefficients = select_members(rule, roll, members, gram)
    credited = tuple(
        member.seat for member, each in zip(members, coefficients, strict=True) if each.weight
    )
    model = combine(rule, head, updates, coefficients)
    return Aggregate(model, tuple(coefficients), credited)


def select_members(
    rule: Rule, roll: Roll, members: Sequence[Member], gram: Gram | None
) -> list[Coefficient]:
    """Return stage 1: one coefficient for each member, from the Gram matrix of their updates.

    `gram` is None for a rule without a clip, which asks for none. Raises what `check_quorum`
    raises, and `QuorumRefused` where all who are selected weigh 0.
    """
    check_quorum(rule, roll, members)
    coefficients = compute_coefficients(
        rule.selection,
        rule.clip,
        gram,
        compute_weights(rule, roll, members),
        compute_faulty_weight(rule, roll),
        compute_faults(rule, roll),
    )
    if not any(each.weight for each in coefficients):
        raise QuorumRefused("rule: the selected weigh nothing", "a sum of weights > 0", 0)
    return coefficients
