"""The checks of what lies on this machine's disk."""

import os
import shutil
from pathlib import Path

from chain.types import Seat
from chain.wallet import open_wallet, read_address
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt
from node.daemon.opening import (
    count_round_seconds,
    describe_place,
    describe_share,
)
from node.data.dataset import Dataset
from node.data.errors import DataError, InvalidCell, InvalidSchema, MissingPackage
from node.data.share import OWN, choose_label
from node.data.sources import load
from node.doctor.case import Case, Fault, Unread
from node.errors import LayoutMismatch
from node.journal import check_journal
from node.learning.process import LearnerProcess, Pending
from node.learning.trainer import ProcessTrainer
from node.settings import BLOBS, JOURNAL, KEYSTORE, read_settings
from node.spec import parse_spec, rule_of
from node.training import Course

MODEL_BYTES = 4
"""Of a coordinate of a model."""
MEBIBYTE = 2**20


def check_settings(case: Case) -> str:
    """The page of settings is one."""
    case.settings = read_settings(case.folder)
    return str(case.folder / "peer.toml")


def check_keystore(case: Case) -> str:
    """The password opens the keystore."""
    path = case.folder / KEYSTORE
    # First what needs no password, so that nobody is asked for one in vain.
    told = read_address(path)
    account = open_wallet(path, case.password())
    if account.address != told:
        raise Fault(
            f"{path} names {told}, and holds the key of {account.address}",
            "put back a copy of it that was not changed",
        )
    case.address = account.address
    return account.address


def check_folder(case: Case) -> str:
    """Folder and files can be written to."""
    paths = [case.folder, *(case.folder / name for name in (JOURNAL, BLOBS))]
    for path in paths:
        if path.exists() and not os.access(path, os.W_OK):
            raise Fault(f"{path} cannot be written to", "give it to the user that runs the peer")
    blobs = case.folder / BLOBS
    if blobs.exists() and not blobs.is_dir():
        raise Fault(f"{blobs} is no folder", "move it away: the peer makes its own")
    return f"{case.folder} can be written to"


def check_own_journal(case: Case) -> str:
    """The journal is sound."""
    path = case.folder / JOURNAL
    if not path.exists():
        return "none yet: the first start makes one"
    check_journal(path)
    return f"{path} is sound"


def check_blobs(case: Case) -> str:
    """Every blob is what its name says."""
    if not (case.folder / BLOBS).is_dir():
        return "none yet"
    store = DiskBlobs(case.folder / BLOBS)
    count = 0
    for blob in store.kept():
        try:
            store.check(blob)
        except BlobCorrupt as error:
            raise Fault(
                str(error),
                f"put {blob.name} back from a copy, or delete it with its .leaves: a model comes "
                "again from the others, an own update does not",
            ) from error
        count += 1
    return f"{count}, all sound"


def check_data(case: Case) -> str:
    """The organisation's own data can be read."""
    settings = case.settings
    if settings.source == OWN:
        raise Unread("the learner brings its own: `learner` looks at them")
    if ":" in settings.source:
        raise Unread(f"{settings.source}: code, which `learner` runs")
    try:
        case.dataset = _load_as_declared(case)
    except DataError as error:
        if settings.contract is None or case.is_reached or not Path(settings.source).exists():
            raise Fault(str(error), _advise(error, settings.source)) from error
        # Which column holds what is for the federation to declare.
        raise Unread(
            f"{settings.source}: there, to be read as a federation declares that is not reached"
        ) from error
    part = "" if settings.share is None else f", one part in {settings.share[1]} is this peer's"
    return f"{settings.source}: {case.dataset.samples} samples{part}"


def _load_as_declared(case: Case) -> Dataset:
    settings = case.settings
    if not case.is_reached:
        return load(settings.source, label=settings.label)
    spec = parse_spec(case.contract.observer.ledger.spec)
    if spec.source == OWN:
        return load(settings.source, label=settings.label)
    return load(settings.source, label=choose_label(settings.label, spec.label), schema=spec.schema)


def check_learner(case: Case) -> str:
    """The spec's learner starts on these data, and its model is the federation's."""
    spec = parse_spec(case.contract.observer.ledger.spec)
    share = describe_share(case.settings, spec)
    rule = rule_of(case.contract.parameters)
    course = Course(spec.layout, rule, spec.seed, 0, kept=spec.kept, algorithm=spec.algorithm)
    # Any seat will do, as there may be none yet; and what the learner remembers is not for a check
    # to change.
    place = describe_place(case.settings, spec, case.contract, Seat(0), None)
    hosting = case.settings.host(case.folder, count_round_seconds(case.contract))

    asked: list[Pending] = []

    def enrol(process: LearnerProcess) -> list[Pending]:
        learner = spec.learner, dict(spec.options)
        asked[:] = [
            process.ask("enrol_share", (0, *learner, share, place)),
            process.ask("follow", (0, course)),
        ]
        return asked

    try:
        with ProcessTrainer(enrol, hosting):
            pass
    except LayoutMismatch as error:
        raise Fault(
            f"{spec.learner} on {case.settings.source}: {error}",
            f"data with the columns and classes of the federation's (its spec says {spec.source})",
        ) from error
    except DataError as error:
        raise Fault(str(error), _advise(error, case.settings.source)) from error
    samples = asked[0].result()
    data = "data of its own" if samples is None else f"{samples} samples"
    return f"{spec.layout.coordinates:,} coordinates of {spec.learner}, on {data}"


def _advise(error: DataError, source: str) -> str:
    """Return what to do about data that the federation's learner cannot be given."""
    match error:
        case InvalidSchema():
            return (
                f"rename the column in {source} to what the federation declares, or agree on a "
                "declaration that has it (a new federation)"
            )
        case InvalidCell():
            return f"correct that cell of {source}"
        case MissingPackage():
            return "install that package"
    return "correct data.source in the settings"


def check_disk(case: Case) -> str:
    """There is room for the blobs of the rounds to come: nothing is deleted by itself."""
    parameters = case.contract.parameters
    of_round = parameters.coordinates * (
        MODEL_BYTES + parameters.update_bytes * max(1, len(case.contract.observer.ledger.seats))
    )
    free, needed = shutil.disk_usage(case.folder).free, case.disk_rounds * of_round
    what = f"{case.disk_rounds} rounds with all seats ({_show(of_round)} each)"
    if free < needed:
        raise Fault(
            f"{_show(free)} free, too little for {what}",
            f"make room for {_show(needed - free)} more at {case.folder}",
        )
    return f"{_show(free)} free, enough for {what}"


def _show(size_bytes: int) -> str:
    return f"{size_bytes / MEBIBYTE:.3g} MiB"
