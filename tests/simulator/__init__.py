"""A deterministic simulator: the very node core on a clock, network, disk and chain made of nothing
but a seed.

`World` draws a plan from its seed and plays it; `invariants` says what must never break, `counters`
what must have been met. A failing seed is printed with the command that repeats it.
"""

import sys
from pathlib import Path

# The independent model of the contract is what decides here what a transaction does.
sys.path.append(str(Path(__file__).parents[1] / "models"))
