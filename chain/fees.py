"""What to offer for gas under EIP-1559: enough at first, and more where it was not.

All fees are in wei for a unit of gas. https://eips.ethereum.org/EIPS/eip-1559
"""

from dataclasses import dataclass

FEE_LIMIT_WEI = 500 * 10**9
"""What is offered at most: far above ordinary days, and a vote costs 0.1 ether even then."""


@dataclass(frozen=True)
class Market:
    """What the latest block cost, and the tip that the node suggests."""

    base_wei: int
    tip_wei: int


@dataclass(frozen=True)
class Offer:
    """The most that is paid, and how much of it goes to whoever makes the block."""

    max_fee_wei: int
    tip_wei: int

    def is_enough(self, market: Market) -> bool:
        """Whether a block like the latest would pay its maker what is usual."""
        return self.tip_wei >= market.tip_wei and (
            self.max_fee_wei >= market.base_wei + market.tip_wei
        )


def compute_offer(market: Market, limit_wei: int) -> Offer:
    """Return an offer that holds while the base fee doubles, as far as the limit allows.

    >>> compute_offer(Market(base_wei=10, tip_wei=2), limit_wei=100)
    Offer(max_fee_wei=22, tip_wei=2)
    """
    max_fee_wei = min(limit_wei, 2 * market.base_wei + market.tip_wei)
    return Offer(max_fee_wei, min(market.tip_wei, max_fee_wei))


def compute_higher_offer(last: Offer, market: Market, limit_wei: int) -> Offer | None:
    """Return an offer with which nodes replace the last one; None: the limit does not allow it.

    Both parts rise by an eighth, since nodes ask for a tenth (geth, anvil).

    >>> compute_higher_offer(Offer(80, 8), Market(base_wei=100, tip_wei=2), limit_wei=1000)
    Offer(max_fee_wei=209, tip_wei=9)
    """
    least_wei, tip_wei = _raise(last.max_fee_wei), max(_raise(last.tip_wei), market.tip_wei)
    max_fee_wei = min(limit_wei, max(least_wei, 2 * market.base_wei + tip_wei))
    if max_fee_wei < max(least_wei, tip_wei):
        return None
    return Offer(max_fee_wei, tip_wei)


def _raise(wei: int) -> int:
    """Return an eighth more, rounded up, and at least one more."""
    return max(wei + 1, -(-9 * wei // 8))
