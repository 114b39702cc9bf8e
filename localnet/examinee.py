"""A peer whose learner is to judge a model on the peer's own data: with a folder of its own, in a
kept run, or in the folder of `localnet up`, whether that runs or has ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from chain.types import Seat
from chain.wallet import read_address
from localnet import kept
from localnet.desk import check_own, choose_seat, find_desk, find_home, is_whole
from localnet.errors import KeptRunRefused, SourceRefused
from localnet.fleet.fleet import peer_folder
from localnet.network import open_notes, usual_hosting
from localnet.scenario import Scenario
from localnet.source import Source, open_kept
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blobs
from node.contract import Contract
from node.daemon.opening import (
    count_round_seconds,
    describe_place,
    describe_share,
    find_seat,
    open_contract,
)
from node.data.share import OWN, Share
from node.data.sources import load
from node.learning.context import read_state
from node.learning.errors import StateForeign
from node.learning.hosting import Hosting, Place
from node.learning.process import LearnerProcess
from node.learning.trial import Subject
from node.settings import BLOBS, KEYSTORE, Settings, read_settings
from node.spec import parse_spec


@dataclass(frozen=True)
class Examinee:
    """The federation with the blobs that are at hand, and the learner: on which data, kept how.
    `left_out`: what of the folder is not used, and why; None: nothing."""

    contract: Contract
    blobs: Blobs
    seat: Seat
    subject: Subject
    hosting: Hosting
    left_out: str | None = None


@contextmanager
def open_examinee(folder: Path, seat: int | None, code: Path | None) -> Iterator[Examinee]:
    """Open the peer of a folder, or a seat of the whole federation that is in it. `code`: where the
    module of a kept run's learner is; None: where the command runs.

    Raises SourceRefused, KeptRunRefused, PeerRefused for a key without a seat, SettingsRefused, and
    what opening a chain raises.
    """
    home = find_home(folder)
    if home is not None:
        folder, seat = home[0], home[1] if seat is None else seat
    if not is_whole(folder):
        check_own(folder)
    if code is not None and not kept.has_run(folder):
        expected = "only for a kept run: elsewhere the peer's settings say it"
        raise SourceRefused("--learner-path", expected, code)
    opened = _open_whole(folder, seat, code) if is_whole(folder) else _open_own(folder, seat)
    with opened as examinee:
        yield _distrust(examinee) if is_whole(folder) else examinee


def _distrust(examinee: Examinee) -> Examinee:
    """Return the peer of a whole federation, which may have come from somebody else: of what its
    learner remembers nothing is run. Raises StateRefused for a damaged state."""
    subject, told = examinee.subject, None
    place = replace(subject.place, is_foreign=True)
    try:
        read_state(place.notes, is_foreign=True)
    except StateForeign as error:
        told = f"{error}; judged as a learner that remembers nothing"
    return replace(examinee, subject=replace(subject, place=place), left_out=told)


@contextmanager
def _open_own(folder: Path, seat: int | None) -> Iterator[Examinee]:
    settings = read_settings(folder)
    with open_contract(settings) as contract:
        own = find_seat(contract, read_address(folder / KEYSTORE))
        if seat is not None and seat != own:
            expected = f"its own, {own}: the data of others are not here"
            raise SourceRefused(f"seat of {folder}", expected, seat)
        yield _describe_member(contract, DiskBlobs(folder / BLOBS), folder, settings, own)


@contextmanager
def _open_whole(directory: Path, seat: int | None, code: Path | None) -> Iterator[Examinee]:
    chosen = choose_seat(directory, seat)
    with open_kept(directory) as source:
        source.contract.observer.poll()
        if kept.has_run(directory):
            yield _describe_simulated(source, directory, chosen, code)
            return
        folder = peer_folder(directory, chosen)
        settings = read_settings(folder)
        yield _describe_member(source.contract, source.blobs, folder, settings, chosen)


def _describe_member(
    contract: Contract, blobs: Blobs, folder: Path, settings: Settings, seat: Seat
) -> Examinee:
    """Describe a peer that is a program, by its settings."""
    spec = parse_spec(contract.observer.ledger.spec)
    share = describe_share(settings, spec)
    place = describe_place(settings, spec, contract, seat, folder.resolve())
    subject = Subject(spec.learner, spec.options, share, place)
    hosting = settings.host(folder, count_round_seconds(contract))
    return Examinee(contract, blobs, seat, subject, hosting)


def _describe_simulated(source: Source, directory: Path, seat: Seat, code: Path | None) -> Examinee:
    """Describe a peer of a kept run, by its scenario; the data are dealt again as they were. Raises
    KeptRunRefused where they are others by now."""
    run, desk = kept.read_run(directory), find_desk(directory, seat)
    assert desk is not None, "the seat was chosen among those that are here"
    scenario, spec = run.scenario, parse_spec(source.contract.observer.ledger.spec)
    # What the run let its learners use it has not written down; whoever asks may interrupt.
    hosting = replace(usual_hosting(scenario), seconds=None, memory_bytes=None)
    if code is not None:
        hosting = replace(hosting, code=code.resolve())
    if _read_fingerprint(scenario, hosting) != run.data:
        expected = "the data it was begun with"
        raise KeptRunRefused(f"run kept in {directory}", expected, "other data")
    share = Share(
        source=scenario.dataset,
        label=scenario.label,
        part=(seat + 1, scenario.peers),
        partition=scenario.partition,
        held_out=spec.held_out,
        seed=scenario.seed,
        schema=scenario.schema(),
    )
    place = Place(seat, scenario.peers, desk.notes.resolve(), scenario.seed)
    subject = Subject(spec.learner, spec.options, share, place)
    return Examinee(source.contract, source.blobs, seat, subject, hosting)


def _read_fingerprint(scenario: Scenario, hosting: Hosting) -> str:
    """Return that of the data as they are now; what is code is read in a process of its own."""
    if scenario.brings_data:
        return OWN
    source, label, schema = scenario.dataset, scenario.label, scenario.schema()
    if ":" not in source:
        return load(source, label=label, schema=schema).fingerprint()
    # What the module prints is not ours to tell.
    with open_notes() as notes:
        process = LearnerProcess(replace(hosting, notes=notes))
        try:
            found: str = process.settle(process.ask("read", (source, label, schema))).fingerprint()
        finally:
            process.close()
    return found
