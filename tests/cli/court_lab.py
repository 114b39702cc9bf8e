"""A federation whose results are what a test says, on a chain served in this process; and whoever
disputes them by commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from command_lab import Holdfast, Outcome
from consortium_lab import Consortium, free_port
from dispute_lab import Case, Court, open_court
from eth_account import Account
from federation_lab import OpenLab
from server_lab import serve

from chain.wallet import read_address
from node.blobs.access import PublicGate
from node.blobs.disk import DiskBlobs
from node.blobs.serving import BlobServer
from node.blobs.store import Blob
from node.merkle import MODEL_TAG, compute_root


def plant(*coordinates: int) -> Any:
    """Return a lie: each of these one nearer to zero."""

    def lie(model: list[int]) -> None:
        for k in coordinates:
            model[k] += 1 if model[k] < 0 else -1

    return lie


@dataclass
class Trial:
    """The court, and `w`: a folder with a key that has ether and no seat."""

    court: Court
    consortium: Consortium
    stack: ExitStack

    @property
    def url(self) -> str:
        return self.consortium.url

    @property
    def address(self) -> str:
        return self.court.lab.federation.address

    @property
    def blobs(self) -> Path:
        return Path(self.consortium.folder("w")) / "blobs"

    def keep(self, case: Case, directory: Path | None = None) -> None:
        """Put all that a result was made from and became into a folder; into that of `w`."""
        store = DiskBlobs(directory or self.blobs)
        for blob, payload in self.list_blobs(case):
            store.put(blob, payload)

    def list_blobs(self, case: Case) -> list[tuple[Blob, bytes]]:
        named = [(MODEL_TAG, case.old), (MODEL_TAG, case.new)]
        named += [(self.court.tag(case.record.round, s), p) for s, p in case.updates.items()]
        return [(Blob(compute_root(p, tag), len(p), tag), p) for tag, p in named]

    def serve(self, case: Case, seat: int, directory: Path) -> None:
        """Let a seat serve a result to everybody, at an endpoint that it registers."""
        self.keep(case, directory)
        port = free_port()
        self.stack.enter_context(
            BlobServer(
                DiskBlobs(directory),
                PublicGate(),
                lambda blob, reader: True,
                host="127.0.0.1",
                port=port,
            )
        )
        self.court.lab.act("set_endpoint", seat, f"http://127.0.0.1:{port}", by=seat)

    def dispute(self, verb: str, *arguments: object, name: str = "w") -> Outcome:
        """Run one of the commands that send, with a folder's key."""
        own = ("--peer", self.consortium.folder(name))
        password = ("--password-file", str(self.consortium.password))
        outcome: Outcome = self.consortium.here(
            "dispute", verb, *map(str, arguments), *own, *password
        )
        return outcome

    def show(self, *arguments: object) -> Outcome:
        """Run `dispute show` against the endpoint."""
        source = ("--rpc", self.url, "--contract", self.address)
        outcome: Outcome = self.consortium.here("dispute", "show", *map(str, arguments), *source)
        return outcome

    def own(self, seat: int, name: str) -> None:
        """Make a folder of the key that has a seat."""
        folder = Path(self.consortium.folder(name))
        folder.mkdir()
        key = self.court.lab.devnet.accounts[seat].key
        keystore = Account.encrypt(key, "a password", kdf="scrypt", iterations=2**10)
        (folder / "keystore.json").write_text(json.dumps(keystore))
        self.consortium.init(name, "1/2", "--contract", self.address)

    def wait(self, seconds: int) -> None:
        """Let the next block come so much later, and make one."""
        self.court.lab.next_at(self.court.lab.now + seconds)
        self.court.lab.act("set_endpoint", 0, "x", by=0)

    def count_sent(self, name: str = "w") -> int:
        """Return how many transactions a folder's key has had mined."""
        return int(self.court.lab.web3.eth.get_transaction_count(self._address(name)))

    def balance(self, name: str = "w") -> int:
        return self.court.lab.get_balance(self._address(name))

    def _address(self, name: str) -> Any:
        return read_address(Path(self.consortium.folder(name)) / "keystore.json")


@contextmanager
def open_trial(
    open_lab: OpenLab, tmp_path: Path, here: Holdfast, **changes: object
) -> Iterator[Trial]:
    """Open a court whose clock stands at today's time, and give `w` a key and ether."""
    court = open_court(open_lab, **changes)  # type: ignore[arg-type]
    court.lab.next_at(int(time()))
    with ExitStack() as stack:
        served = stack.enter_context(serve(court.lab.devnet))
        consortium = Consortium(tmp_path, stack, here, f"http://{served.host}")
        trial = Trial(court, consortium, stack)
        consortium.init("w", "1/2", "--contract", trial.address)
        yield trial
