"""How much each client has had lately: buckets that fill at a steady rate."""

from collections import OrderedDict
from collections.abc import Hashable


class Rates:
    """Buckets of one size for many clients, of whom the `clients` that came last are remembered.

    A bucket holds `burst_seconds` of its rate. Whoever finds anything in it may take what he needs
    and leave a debt; whoever does not, waits until the debt is paid off.
    """

    def __init__(self, per_second: float, *, burst_seconds: float, clients: int) -> None:
        self.per_second = per_second
        self._most = per_second * burst_seconds
        self._clients = clients
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, client: Hashable, amount: float, now: float) -> float:
        """Take an amount at a time (seconds of any clock) and return 0, or, where there is nothing
        to take, return the seconds to wait."""
        level, at = self._buckets.pop(client, (self._most, now))
        level = min(self._most, level + (now - at) * self.per_second)
        wait = 0.0 if level > 0 else max(-level / self.per_second, 1e-3)
        self._buckets[client] = level if wait else level - amount, now
        if len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
        return wait
