"""What stage 1 leaves of each member, and how it travels.

On the wire 8 bytes for each included seat, in ascending order of seats:

    | clip factor, uint32 big-endian | weight, uint32 big-endian |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from node.errors import CoefficientsRefused
from node.rule.parameters import FACTOR_ONE, WEIGHT_LIMIT, Rule, Selection, Weighting

_PAIR = Struct(">II")
COEFFICIENT_BYTES = _PAIR.size


@dataclass(frozen=True, slots=True)
class Coefficient:
    """The factor `clip / 65536` that shortens an update, and its `weight` in the mean."""

    clip: int
    weight: int


def encode_coefficients(coefficients: Sequence[Coefficient]) -> bytes:
    """Return the bytes that a proposal carries.

    >>> encode_coefficients([Coefficient(65536, 3)]).hex()
    '0001000000000003'
    """
    for position, each in enumerate(coefficients):
        if not (0 <= each.clip < 1 << 32 and 0 <= each.weight < 1 << 32):
            raise CoefficientsRefused(f"rule: coefficient {position}", "two uint32", each)
    return b"".join(_PAIR.pack(each.clip, each.weight) for each in coefficients)


def decode_coefficients(data: bytes, count: int) -> list[Coefficient]:
    """Return the coefficients of `count` included seats."""
    if len(data) != count * COEFFICIENT_BYTES:
        expected = count * COEFFICIENT_BYTES
        raise CoefficientsRefused("rule: bytes of the coefficients", expected, len(data))
    return [Coefficient(clip, weight) for clip, weight in _PAIR.iter_unpack(data)]


def check_coefficients(rule: Rule, coefficients: Sequence[Coefficient]) -> None:
    """Raise `CoefficientsRefused` unless the contract would call them well-formed under `rule`."""
    is_plain = rule.clip == 0 and rule.selection == Selection.NONE
    is_counted = rule.weighting == Weighting.EQUAL and rule.selection == Selection.NONE
    for position, each in enumerate(coefficients):
        if not 0 <= each.clip <= FACTOR_ONE:
            expected = f"at most {FACTOR_ONE}"
            raise CoefficientsRefused(f"rule: clip factor {position}", expected, each.clip)
        if is_plain and each.clip != FACTOR_ONE:
            raise CoefficientsRefused(f"rule: clip factor {position}", FACTOR_ONE, each.clip)
        if each.weight < 0 or (is_counted and each.weight != 1):
            expected = "1" if is_counted else "at least 0"
            raise CoefficientsRefused(f"rule: weight {position}", expected, each.weight)
    total = sum(each.weight for each in coefficients)
    if not 0 < total < WEIGHT_LIMIT:
        raise CoefficientsRefused("rule: sum of the weights", f"1 to {WEIGHT_LIMIT - 1}", total)
