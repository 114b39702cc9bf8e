"""How the log writes a time."""

import time


def write_time(unix_seconds: int) -> str:
    """Return a time in UTC, to the second.

    >>> write_time(0)
    '1970-01-01T00:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_seconds))
