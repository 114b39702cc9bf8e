"""Amounts of ether in words."""

ETHER = 10**18


def say(wei: int) -> str:
    """Return an amount as people read it, exact to the wei.

    >>> say(1_500_000_000_000_000_000), say(1), say(0)
    ('1.5 ether', '0.000000000000000001 ether', '0 ether')
    """
    whole, rest = divmod(wei, ETHER)
    part = f"{rest:018}".rstrip("0")
    return f"{whole}.{part} ether" if part else f"{whole} ether"
