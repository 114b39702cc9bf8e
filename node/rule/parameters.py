"""The parameters of the rule, and which of them are refused."""

from dataclasses import dataclass
from enum import IntEnum

from chain.types import Seat, Wei
from node.errors import RuleRefused

BPS = 10_000  # one in basis points
HALF_BPS = 5_000
WEIGHT_UNITS = 4_096  # the whole power in weight units: 2**12, so sums of products stay small
FACTOR_ONE = 1 << 16  # a clip factor of one
WEIGHT_LIMIT = 1 << 25  # the weights of one result stay below this in sum
MAX_UPDATE_BYTES = 2
MAX_COORDINATES = 2**32 - 1  # these three bound what the contract keeps, too
MAX_CLIP = 2**63 - 1
MAX_MODEL_BITS = 31


class Weighting(IntEnum):
    """What a member counts by."""

    STAKE = 0
    EQUAL = 1
    SAMPLES = 2


class Selection(IntEnum):
    """Who vouches for whom before anything is averaged."""

    NONE = 0
    VOUCHED = 1
    MULTI_KRUM = 2


@dataclass(frozen=True)
class Rule:
    """How updates become a step of the head; `clip` is an L2 norm in units of an update."""

    weighting: Weighting
    selection: Selection
    trim_bps: int
    faults_bps: int
    clip: int
    update_bytes: int
    update_bits: int
    model_bits: int

    @property
    def guard(self) -> int:
        """How many bits finer the model is than an update."""
        return self.model_bits - self.update_bits


@dataclass(frozen=True)
class Member:
    """A seat whose update is included: its stake at the opening, and the samples it claims."""

    seat: Seat
    stake_wei: Wei
    samples: int


@dataclass(frozen=True)
class Roll:
    """The federation at the opening of a round: the stake of all active seats, and their number."""

    power_wei: Wei
    active: int


def check_rule(rule: Rule, coordinates: int) -> None:
    """Raise `RuleRefused` where the rule's guarantee or its arithmetic would not hold.

    >>> check_rule(Rule(Weighting.STAKE, Selection.VOUCHED, 0, 2000, 0, 2, 14, 20), 10)
    Traceback (most recent call last):
    node.errors.RuleRefused: rule: selection needs a clip: expected clip > 0, got 0
    """
    if not 1 <= coordinates <= MAX_COORDINATES:
        expected = f"1 to {MAX_COORDINATES}"
        raise RuleRefused("rule: coordinates out of range", expected, coordinates)
    _check_shares(rule)
    _check_guarantee(rule)
    _check_integers(rule)


def _check_shares(rule: Rule) -> None:
    if not 0 <= rule.trim_bps <= HALF_BPS:
        raise RuleRefused("rule: trim out of range", f"trim_bps 0 to {HALF_BPS}", rule.trim_bps)
    if not 0 <= rule.faults_bps < HALF_BPS:
        expected = f"faults_bps 0 to {HALF_BPS - 1}"
        raise RuleRefused("rule: faults out of range", expected, rule.faults_bps)


def _check_guarantee(rule: Rule) -> None:
    if not 0 <= rule.clip <= MAX_CLIP:
        raise RuleRefused("rule: clip out of range", f"clip 0 to {MAX_CLIP}", rule.clip)
    if rule.selection != Selection.NONE and rule.clip == 0:
        raise RuleRefused("rule: selection needs a clip", "clip > 0", rule.clip)
    if rule.selection == Selection.NONE and rule.trim_bps < rule.faults_bps:
        expected = f"a selection, or trim_bps of at least faults_bps = {rule.faults_bps}"
        raise RuleRefused("rule: trims less than the faults", expected, rule.trim_bps)
    if rule.faults_bps and rule.weighting == Weighting.SAMPLES:
        raise RuleRefused("rule: claimed samples bear no faults", "faults_bps 0", rule.faults_bps)


def _check_integers(rule: Rule) -> None:
    if rule.update_bytes not in (1, MAX_UPDATE_BYTES):
        raise RuleRefused("rule: update size", "update_bytes 1 or 2", rule.update_bytes)
    if rule.update_bits < 0:
        raise RuleRefused("rule: update unit", "update_bits >= 0", rule.update_bits)
    if rule.guard < 0:
        expected = f"model_bits >= update_bits = {rule.update_bits}"
        raise RuleRefused("rule: model coarser than updates", expected, rule.model_bits)
    if rule.model_bits > MAX_MODEL_BITS:
        raise RuleRefused("rule: model unit", f"model_bits up to {MAX_MODEL_BITS}", rule.model_bits)
    bits = 8 * rule.update_bytes + rule.guard + 26
    if bits > 62:
        raise RuleRefused("rule: sums overflow", "8 * update_bytes + guard + 26 <= 62", bits)
