"""Time as the simulation has it: it stands still while anybody works, and jumps when all wait."""

START = 1_700_000_000
"""An arbitrary moment, the same for every run: block times are part of what must repeat."""


class SimulatedClock:
    """Unix time in whole seconds, moved by hand, never back."""

    def __init__(self, now: int = START) -> None:
        self._now = now

    def __call__(self) -> int:
        return self._now

    def advance_to(self, moment: int) -> None:
        """Let it be `moment`; nothing happens where that is past."""
        self._now = max(self._now, moment)
