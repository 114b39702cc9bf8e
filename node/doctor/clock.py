"""Whether this machine's clock can be right, judged by the chain's.

A block's time says that it was that late at least, so a clock behind it is wrong for certain. A
clock far ahead of the latest block is wrong only if a block was due since: chains that mine on
demand, as development nodes do, rest for as long as nobody sends. So a late block counts as a fault
only where the blocks before it came at one pace; and then it cannot be told from here whether the
clock is ahead or the node has lost the others.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from node.blobs.access import WINDOW_SECONDS
from node.doctor.case import Fault

TOLERANCE_SECONDS = WINDOW_SECONDS // 2
"""Two clocks that are each so far off at most, in opposite directions, still read each other's
signed requests."""
LATE_BLOCKS = 8
"""So many blocks in a row are not missed by chance where a third of the validators is away."""
SAMPLE = 13


def judge_clock(now: int, times: Sequence[int], *, is_development: bool = False) -> str:
    """Return what there is to say of a clock that shows `now`, given the times of the latest blocks
    (unix seconds, ascending, at least one). Raises Fault.

    `is_development`: of a chain whose own clock may run ahead, since each transaction has a block
    there, and each block a second.
    """
    behind = times[-1] - now
    if behind > TOLERANCE_SECONDS and is_development:
        return f"{_tell_age(-behind)}, as it may be on a development chain"
    if behind > TOLERANCE_SECONDS:
        raise Fault(
            f"this clock is {behind} s behind the latest block",
            "set the clock, and keep it so (NTP)",
        )
    pace = find_pace(times)
    if pace is None:
        return f"{_tell_age(-behind)}; blocks keep no pace here, so that says nothing more"
    if -behind > TOLERANCE_SECONDS + LATE_BLOCKS * pace:
        raise Fault(
            f"latest block {-behind} s ago by this clock, where one comes every {pace:g} s",
            "see whether the clock is ahead (NTP) or the node has stopped following its chain",
        )
    return f"{_tell_age(-behind)}, one every {pace:g} s"


def find_pace(times: Sequence[int]) -> float | None:
    """Return the seconds between two blocks of a chain that keeps a pace; None: of one that does
    not, or so fast (1 s and less) that a burst on demand looks the same.

    >>> find_pace([0, 12, 24, 36, 60, 72, 84])
    12.0
    >>> find_pace([0, 1, 2, 900, 901, 4000, 4001]) is None
    True
    """
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if len(gaps) < SAMPLE // 2:
        return None
    pace = float(median(gaps))
    is_kept = 4 * sum(abs(gap - pace) <= 1 for gap in gaps) >= 3 * len(gaps)
    return pace if pace > 1 and is_kept else None


def _tell_age(seconds: int) -> str:
    return f"latest block {abs(seconds)} s {'ago' if seconds >= 0 else 'ahead'}"
