"""Where a peer of a whole federation keeps what is not on the chain, and which folders are whole
federations: kept runs, and those of `localnet up`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.types import Seat
from localnet import kept
from localnet.errors import SourceRefused
from localnet.fleet.fleet import UP, has_charter, peer_folder, peer_folders, read_charter
from node.data.recipe_file import leave_out_own, read_recipe
from node.settings import JOURNAL, SETTINGS


@dataclass(frozen=True)
class Desk:
    """A peer's journal, and the folder of its learner's notes."""

    journal: Path
    notes: Path


def is_whole(directory: Path) -> bool:
    """Whether a folder holds a whole federation rather than one peer."""
    return kept.has_run(directory) or has_charter(directory)


def check_own(folder: Path) -> None:
    """Raise SourceRefused unless a folder, which is no whole federation, is a peer's."""
    if not (folder / SETTINGS).exists():
        ways = f"({SETTINGS}), a kept run ({kept.RUN}) or a federation of localnet up ({UP}) in it"
        raise SourceRefused(f"{folder}", f"a peer's settings {ways}", "none of them")


def find_home(folder: Path) -> tuple[Path, Seat] | None:
    """Return the federation of `localnet up` that made a peer's folder, and its seat there; None:
    it is a folder by itself, as that of whoever joined later."""
    folder = folder.resolve()
    home = folder.parent.parent
    if not has_charter(home):
        return None
    seats = {peer_folder(home, seat): seat for seat in list_seats(home)}
    return (home, seats[folder]) if folder in seats else None


def list_seats(directory: Path) -> list[Seat]:
    """Return the seats whose desks are in a whole federation's folder."""
    whole = read_charter(directory) if has_charter(directory) else kept.read_run(directory)
    return [Seat(peer) for peer in range(whole.scenario.peers)]


def choose_seat(directory: Path, seat: int | None) -> Seat:
    """Return the seat that is asked for. Raises SourceRefused where nobody has it, or none is
    named."""
    seats = list_seats(directory)
    if seat not in seats:
        among = f"--seat N, one of {seats[0]} to {seats[-1]}"
        got = "none" if seat is None else seat
        raise SourceRefused(f"{directory}, a whole federation", among, got)
    return Seat(seat)


def find_desk(directory: Path, seat: Seat) -> Desk | None:
    """Return where a seat of a whole federation keeps its things; None: not in this folder."""
    if seat not in list_seats(directory):
        return None
    if has_charter(directory):
        folder = peer_folder(directory, seat)
        return Desk(folder / JOURNAL, folder)
    notes = kept.note_folder(kept.learners_path(directory), seat)
    return Desk(kept.journal_path(directory, seat), notes)


def find_recipe(folder: Path) -> dict[str, Any] | None:
    """Return how rows became features, as a kept run has it, a peer's folder, or the first peer of
    `localnet up` that has; of rows that are one peer's own it says nothing. None: nobody has it.
    Raises UnreadableFile."""
    if kept.has_run(folder):
        return read_recipe(folder)
    folders = peer_folders(folder) if has_charter(folder) else [folder]
    found = next(filter(None, map(read_recipe, folders)), None)
    return None if found is None else leave_out_own(found)
