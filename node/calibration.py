"""From a dry round of a learner to the units of its federation: pure arithmetic, and why.

An update is told in 8 or 16 bits a coordinate, in units of `2**-update_bits`: coarse units lose
small steps in noise, fine ones cut long steps off. A model is told in 32 bits, in units of
`2**-model_bits`. Both, and the clip, are chosen by how far a round goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import frexp
from statistics import median

import numpy as np

from node.encoding import Floats, Layout
from node.rule.choices import CALIBRATION_FACTOR, UPDATE_BITS, RuleOptions

STEP_HEADROOM = 8
"""So many times the longest step of a dry round still fits a coordinate: other peers' data, and
later rounds, may ask for more than the founder's first."""
VALUE_HEADROOM = 16
"""So many times the largest value fits the model: it grows for as long as it is trained."""
MOST_GUARD_BITS = {1: 28, 2: 20}
"""By bytes: how much finer a model may be than its updates (`rule: sums overflow`)."""
UNLIKE = 64
"""An array that moves so many times as far as most sets the units of all, and is worth a word."""


@dataclass(frozen=True)
class Movement:
    """How far a dry round went: the longest step and the largest value of each array, and the norm
    of the whole step."""

    steps: tuple[float, ...]
    values: tuple[float, ...]
    norm: float


@dataclass(frozen=True)
class Calibration:
    """The rule with everything chosen, and a line for each choice."""

    options: RuleOptions
    reasons: tuple[str, ...]


def measure_movement(layout: Layout, head: Floats, trained: Floats) -> Movement:
    """Return how far `trained` is from `head`, float64 `(d,)` each."""
    step, steps, values, first = np.abs(trained - head), [], [], 0
    for size in layout.sizes:
        part = slice(first, first + size)
        steps.append(float(step[part].max(initial=0.0)))
        values.append(float(np.abs(trained[part]).max(initial=0.0)))
        first += size
    return Movement(tuple(steps), tuple(values), float(np.linalg.norm(trained - head)))


def calibrate(
    options: RuleOptions, movements: Sequence[Movement], names: Sequence[str]
) -> Calibration:
    """Return `options` with units and clip chosen where none is named, by a dry round of one peer
    or of several.

    >>> few = Movement((0.01,), (0.5,), 0.1)
    >>> calibrate(RuleOptions(), [few], ["weight"]).options.update_bits
    18
    """
    longest = max(max(each.steps) for each in movements)
    largest = max(max(each.values) for each in movements)
    reasons = []
    if options.update_bits is None:
        options, told = _choose_units(options, longest, largest)
        reasons += told
    if options.needs_calibration:
        assert options.update_bits is not None, "it was just chosen"
        norm = median(each.norm for each in movements)
        clip = max(1, round(CALIBRATION_FACTOR * norm * 2**options.update_bits))
        options = replace(options, clip=clip)
        whose = "the dry round's" if len(movements) == 1 else "the median of the dry rounds'"
        reasons.append(f"clip {clip}: {CALIBRATION_FACTOR} times {whose} norm, {norm:.3g}")
    return Calibration(options, (*reasons, *_warn(movements, names)))


def choose_model_bits(most_bits: int, largest: float) -> int:
    """Return the finest unit, up to `most_bits`, in which `largest` and much more can be told."""
    return max(0, min(most_bits, _fit_bits(2.0**31, largest * VALUE_HEADROOM)))


def _choose_units(
    options: RuleOptions, longest: float, largest: float
) -> tuple[RuleOptions, list[str]]:
    size = options.update_bytes
    reasons = []
    model_bits = choose_model_bits(options.model_bits, largest)
    if model_bits < options.model_bits:
        reasons.append(
            f"model_bits {model_bits}, not {options.model_bits}: values up to {largest:.3g}, and "
            f"room for {VALUE_HEADROOM} times that"
        )
    if longest == 0:
        update_bits = min(model_bits, UPDATE_BITS.get(size, 0))
        reasons.append(f"update_bits {update_bits}: the usual, since the dry round moved nothing")
    else:
        fits = _fit_bits(2 ** (8 * size - 1) - 1, longest * STEP_HEADROOM)
        coarsest = max(0, model_bits - MOST_GUARD_BITS.get(size, 0))
        update_bits = min(max(fits, coarsest), model_bits)
        reach = 2.0 ** (8 * size - 1 - update_bits)
        reasons.append(
            f"update_bits {update_bits}: steps up to {longest:.3g} in the dry round, told in units "
            f"of {2.0**-update_bits:.2g} up to {reach:.3g}"
        )
    return replace(options, update_bits=update_bits, model_bits=model_bits), reasons


def _fit_bits(limit: float, value: float) -> int:
    """Return the largest number of bits by which `value` may be shifted and not pass `limit`."""
    # Not by a logarithm, which rounds at the very edges.
    _, exponent = frexp(limit / value) if value else frexp(limit)
    return exponent - 1


def _warn(movements: Sequence[Movement], names: Sequence[str]) -> list[str]:
    """Return a line for each array that moves far more than the most."""
    of_array = [max(each.steps[at] for each in movements) for at in range(len(names))]
    usual = median(of_array)
    return [
        f"array {name!r} moves {step / usual:.0f} times as far as most and sets the unit of all: "
        "scale what it is computed from, or let it stay with each peer (learner.keep)"
        for name, step in zip(names, of_array, strict=True)
        if usual and step > UNLIKE * usual
    ]
