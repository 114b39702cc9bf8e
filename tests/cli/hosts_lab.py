"""Several hosts on one machine: network namespaces behind two switches, whose link can be cut.

Needs iproute2 and the right to make namespaces; nothing outside of them is touched.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

LEFT, RIGHT = "left", "right"
LINK = "trunk"


class Hosts:
    """A hub with the two switches, and the hosts that were added to them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._prefix = f"hf{os.getpid()}"
        self._numbers = count(1)
        self._add_namespace(self._hub)
        for switch in (LEFT, RIGHT):
            self._in_hub("link", "add", switch, "type", "bridge")
            self._in_hub("link", "set", switch, "up")
        self._in_hub("link", "add", LINK, "type", "veth", "peer", "name", f"{LINK}2")
        self._plug(LINK, LEFT)
        self._plug(f"{LINK}2", RIGHT)

    def add(self, name: str, switch: str) -> str:
        """Add a host, and return its address."""
        number = next(self._numbers)
        space, port, address = f"{self._prefix}{name}", f"p{number}", f"10.77.0.{number}"
        self._add_namespace(space)
        self._in_hub("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        self._plug(port, switch)
        for command in (
            ("addr", "add", f"{address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", space, *command)
        return address

    def on(self, name: str) -> tuple[str, ...]:
        """Return what to put before a command that is to run on a host."""
        return ("ip", "netns", "exec", f"{self._prefix}{name}")

    def cut(self) -> None:
        """Let nothing through from one switch to the other."""
        self._in_hub("link", "set", LINK, "down")

    def mend(self) -> None:
        """Undo `cut`."""
        self._in_hub("link", "set", LINK, "up")

    @property
    def _hub(self) -> str:
        return f"{self._prefix}hub"

    def _add_namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._stack.callback(_ip, "netns", "del", name)

    def _in_hub(self, *arguments: str) -> None:
        _ip("-n", self._hub, *arguments)

    def _plug(self, port: str, switch: str) -> None:
        self._in_hub("link", "set", port, "master", switch)
        self._in_hub("link", "set", port, "up")


@contextmanager
def open_hosts() -> Iterator[Hosts]:
    """Skip, with the reason, where namespaces are not to be had."""
    if shutil.which("ip") is None:
        pytest.skip("iproute2 (the command ip) is not there")
    try:
        probe = f"hf{os.getpid()}probe"
        _ip("netns", "add", probe)
        _ip("netns", "del", probe)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
    with ExitStack() as stack:
        yield Hosts(stack)


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True)
