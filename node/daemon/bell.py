"""How other threads wake the loop of a peer."""

import os
from contextlib import suppress
from multiprocessing.connection import Connection

CLOSED = -1


class Bell:
    """Rung by other threads, heard by the loop."""

    def __init__(self) -> None:
        self._ear, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self.connection = Connection(self._ear, writable=False)

    def ring(self) -> None:
        # A full pipe was rung often enough, and a closed one has nobody to hear it.
        with suppress(OSError):
            os.write(self._rope, b"\0")

    def mute(self) -> None:
        """Take the ringing so far as heard."""
        while self.connection.poll():
            os.read(self._ear, 4096)

    def close(self) -> None:
        # A signal may ring still, and the number of the rope may be another file's by then.
        rope, self._rope = self._rope, CLOSED
        self.connection.close()
        os.close(rope)
