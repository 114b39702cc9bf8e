"""The log of a peer at work: one line each, `key=value`, with nothing secret in it.

    time=2026-11-21T14:51:27.884Z level=info room=daemon seat=2 act=ready

`room` is the part of the peer that speaks. What libraries have to say stands behind `message=`.
"""

import json
import logging
import sys
import time

from chain.errors import hide_secrets

ROOT = "holdfast."


class KeyValues(logging.Formatter):
    """Writes a record on one line. A message of our own is in this form already."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        message = record.getMessage()
        if not record.name.startswith(ROOT):
            message = f"message={json.dumps(message)}"
        if record.exc_info:
            message += f" trace={json.dumps(self.formatException(record.exc_info))}"
        line = (
            f"time={at}.{int(record.msecs):03}Z level={record.levelname.lower()} "
            f"room={record.name.removeprefix(ROOT)} {message}"
        )
        return hide_secrets(line.replace("\n", "\\n"))


def start_logging() -> None:
    """Write what our own rooms decide to stderr, and what goes wrong in libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValues())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger(ROOT.rstrip(".")).setLevel(logging.INFO)
    # It tells paths of URLs apart from their hosts, and there may be keys in them.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    # A node that is silent is told by whoever asked it, in a line and without a trace.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
