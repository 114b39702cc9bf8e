"""The folder of a federation whose peers are programs, and what can be done to them.

up.json        scenario, chain, contract; written last, so it marks a whole
founding       there before that; what else is there then has no worth
up.pid         who holds it together
last_round     after which no peer has a part in any; not there: there is none
plan.toml      the founder's page
password       of all keystores: the keys are play money's
routes.json    the wires of the peers; `cut/I`: those of peer I are cut
chain/         the embedded chain
peers/I/       the folder of peer I, as `holdfast peer` knows it
pids/, logs/   of every program
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chain.types import Seat
from localnet.errors import FleetRefused
from localnet.fleet.processes import STOP_SECONDS, Processes, await_end, find_noted, note_own
from localnet.fleet.relay import CUT, cut_path, read_wires
from localnet.scenario import Scenario
from node.learning.process import ONE_THREAD
from node.whole_file import write_whole

UP, FOUNDING, HELD, PASSWORD = "up.json", "founding", "up.pid", "password"
LAST_ROUND = "last_round"
CHAIN, RELAY = "chain", "relay"
PARTS = ("chain", "peers", "pids", "logs", "cut")
BLOCK_SECONDS = 1
"""A block comes at least this often: deadlines are times of blocks."""


@dataclass(frozen=True)
class Charter:
    """What `up.json` says. `anvil`: the program whose chain it is; None: the embedded one."""

    scenario: Scenario
    anvil: str | None
    chain_port: int
    contract: str

    @property
    def url(self) -> str:
        """Where the chain is, past all cuts."""
        return f"http://127.0.0.1:{self.chain_port}"

    @property
    def socket_url(self) -> str:
        """The same as a WebSocket, over which a question costs half as much."""
        return f"ws://127.0.0.1:{self.chain_port}"


def write_charter(directory: Path, charter: Charter) -> None:
    """Mark a folder as a whole federation. Raises OSError."""
    content = {**vars(charter), "scenario": json.loads(charter.scenario.to_json())}
    write_whole(directory / UP, json.dumps(content, indent=1).encode())


def has_charter(directory: Path) -> bool:
    """Whether a folder holds a whole federation."""
    return (directory / UP).exists()


def read_charter(directory: Path) -> Charter:
    """Return what a folder holds. Raises FleetRefused."""
    try:
        content = json.loads((directory / UP).read_text())
    except (OSError, ValueError) as error:
        raise FleetRefused(f"{directory}", "a federation of localnet up", "none") from error
    scenario = Scenario.from_json(json.dumps(content.pop("scenario")))
    return Charter(scenario, **content)


def chain_folder(directory: Path) -> Path:
    """Return where the embedded chain is."""
    return directory / "chain"


def peer_folder(directory: Path, seat: int) -> Path:
    """Return where the folder of a peer is."""
    return directory / "peers" / str(seat)


def peer_folders(directory: Path) -> list[Path]:
    """Return the folders of all peers that `up` has made, in order of their seats."""
    found = (int(each.name) for each in (directory / "peers").iterdir() if each.name.isdigit())
    return [peer_folder(directory, seat) for seat in sorted(found)]


class Fleet:
    """The programs of a federation. `program`: the command that is `holdfast`."""

    def __init__(self, directory: Path, program: Sequence[str], relay: Sequence[str]) -> None:
        self.directory = directory
        self._program = tuple(program)
        self._relay = tuple(relay)
        self._gone: set[int] = set()
        self.processes = Processes(directory)

    @property
    def password(self) -> Path:
        """Where the password of the keystores is."""
        return self.directory / PASSWORD

    def peer_folder(self, seat: int) -> Path:
        """Return the folder of a peer."""
        return peer_folder(self.directory, seat)

    def log_path(self, seat: int) -> Path:
        """Return the log of a peer."""
        return self.processes.log_path(_name(seat))

    def judge_notes(self) -> Path:
        """Return the folder of what learners and modules print that belong to no peer. Raises
        OSError."""
        notes = self.directory.resolve() / "logs" / "judge"
        notes.mkdir(parents=True, exist_ok=True)
        return notes

    def start_chain(self, port: int, anvil: str | None) -> None:
        """Start the chain. Raises OSError."""
        if anvil is None:
            folder = str(chain_folder(self.directory))
            command = [*self._program, "chain", "serve", "--dir", folder, "--port", str(port)]
            command += ["--block-seconds", str(BLOCK_SECONDS), "--on-demand"]
        else:
            command = [anvil, "--port", str(port), "--hardfork", "prague", "--silent"]
            command += ["--block-time", str(BLOCK_SECONDS), "--mixed-mining"]
        self.processes.start(CHAIN, command)

    def set_last_round(self, rounds: int | None) -> None:
        """Note with which round those that are started from now on are to end; None: none. Raises
        OSError."""
        if rounds is None:
            (self.directory / LAST_ROUND).unlink(missing_ok=True)
        else:
            write_whole(self.directory / LAST_ROUND, f"{rounds}\n".encode())

    def start_relay(self) -> None:
        """Start what connects the peers, all of them. Raises OSError."""
        shutil.rmtree(self.directory / CUT, ignore_errors=True)
        self.processes.start(RELAY, [*self._relay, str(self.directory)])

    def start(self, seat: int) -> None:
        """Start a peer. Raises FleetRefused where it runs, where there is no such peer, or nothing
        for it to connect to."""
        self._check_relay()
        self._check_known(seat)
        if self.is_alive(seat):
            raise FleetRefused(f"peer {seat}", "one that does not run", "one that does")
        folder = str(self.peer_folder(seat))
        command = [*self._program, "peer", "run", folder, "--password-file", str(self.password)]
        with suppress(FileNotFoundError):
            command += ["--last-round", (self.directory / LAST_ROUND).read_text().strip()]
        # Many peers share the cores of this machine.
        self.processes.start(_name(seat), command, ONE_THREAD)

    def is_alive(self, seat: int) -> bool:
        """Whether a peer's program lives, paused or not."""
        return self.processes.find(_name(seat)) is not None

    def members(self, seat: int) -> list[int]:
        """Return the processes of a peer: its daemon and its learner."""
        return self.processes.members(_name(seat))

    def kill(self, seat: int) -> None:
        """Kill a peer as a power cut would. Raises FleetRefused where it does not run."""
        self._send(seat, signal.SIGKILL)

    def pause(self, seat: int) -> None:
        """Stop a peer and its learner where they are. Raises FleetRefused."""
        self._send(seat, signal.SIGSTOP, to_all=True)

    def resume(self, seat: int) -> None:
        """Let a paused peer go on. Raises FleetRefused."""
        self._send(seat, signal.SIGCONT, to_all=True)

    def cut(self, seat: int) -> None:
        """Cut a peer off: it reaches no chain, and nobody reaches it. Raises FleetRefused."""
        self._check_wired(seat)
        mark = cut_path(self.directory, seat)
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        self.processes.send(RELAY, signal.SIGHUP)

    def mend(self, seat: int) -> None:
        """Connect a peer again that was cut off. Raises FleetRefused."""
        self._check_wired(seat)
        cut_path(self.directory, seat).unlink(missing_ok=True)
        self.processes.send(RELAY, signal.SIGHUP)

    def is_running(self) -> bool:
        """Whether any program of the folder lives."""
        return any(self.processes.members(name) for name in self.processes.names())

    def stop(self) -> None:
        """End everything: peers first, so that they end in peace."""
        self.stop_peers()
        self.processes.stop([n for n in (RELAY, CHAIN) if n in self.processes.names()])

    def stop_peers(self) -> None:
        """End all peers."""
        self.processes.stop([n for n in self.processes.names() if n not in (CHAIN, RELAY)])

    def end(self) -> None:
        """End everything, and first of all whoever holds it together. Raises FleetRefused where
        nothing was ever begun."""
        if not self.processes.names() and not has_charter(self.directory):
            raise FleetRefused(f"{self.directory}", "a federation of localnet up", "none")
        holder = find_noted(self.directory / HELD)
        if holder is not None:
            os.kill(holder.pid, signal.SIGTERM)
            await_end(self.directory / HELD, 2 * STOP_SECONDS)
        self.stop()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Note that this process holds the federation together. Raises FleetRefused where another
        one does, OSError."""
        note = self.directory / HELD
        if find_noted(note) is not None:
            raise FleetRefused(f"{self.directory}", "a federation that nobody holds", "another up")
        self.directory.mkdir(parents=True, exist_ok=True)
        note_own(note)
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    @contextmanager
    def founding(self) -> Iterator[None]:
        """Mark the folder as unfinished meanwhile; what an earlier try left is removed. Raises
        FleetRefused for a folder with something else in it."""
        mark = self.directory / FOUNDING
        if mark.exists():
            for part in PARTS:
                shutil.rmtree(self.directory / part, ignore_errors=True)
        elif found := sorted({each.name for each in self.directory.iterdir()} - {HELD}):
            raise FleetRefused(f"{self.directory}", "an empty folder, or a federation", found[0])
        mark.touch()
        yield
        mark.unlink()

    def take_gone(self) -> list[int]:
        """Return the peers whose programs have ended since the last time."""
        self.processes.bury()
        gone = {seat for seat in self._seats() if not self.is_alive(seat)}
        news, self._gone = sorted(gone - self._gone), gone
        return news

    def _seats(self) -> list[int]:
        return [int(each.name) for each in peer_folders(self.directory)]

    def _check_known(self, seat: int) -> None:
        if not has_charter(self.directory):
            raise FleetRefused(f"{self.directory}", "a federation of localnet up", "none")
        seats = self._seats()
        if seat not in seats:
            raise FleetRefused(f"peer {seat}", f"one of 0 to {max(seats)}", "no such peer")

    def _send(self, seat: int, number: signal.Signals, *, to_all: bool = False) -> None:
        self._check_known(seat)
        if not self.processes.send(_name(seat), number, to_all=to_all):
            raise FleetRefused(f"peer {seat}", "one that runs", "one that does not")

    def _check_wired(self, seat: int) -> None:
        self._check_relay()
        wired = {wire.peer for wire in read_wires(self.directory)}
        if seat not in wired:
            # Who joined later came by himself, past the relay.
            raise FleetRefused(f"wires of peer {seat}", f"peers 0 to {max(wired)}", "another")

    def _check_relay(self) -> None:
        if self.processes.find(RELAY) is None:
            raise FleetRefused(f"{self.directory}", "a federation that is up", "one that is not")


def _name(seat: int) -> str:
    return f"peer-{Seat(seat)}"
