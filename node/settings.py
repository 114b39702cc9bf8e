"""A peer's folder: what one organisation keeps, and the page of settings that it may edit.

FOLDER/peer.toml        the settings, with a comment each
FOLDER/keystore.json    the key, encrypted
FOLDER/journal.db       what the peer did and is about to do
FOLDER/history.db       what was read of the chain
FOLDER/blobs/           updates and models
FOLDER/learner.*        what a learner printed, its last failure, its pace, and what it remembers
FOLDER/founding         the creation of a federation, while it is on its way
FOLDER/lock             held by the process that is at work here
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import Field, ValidationError

from node.blobs.limits import ServingLimits
from node.checkpoint import Checkpoint, parse_checkpoint
from node.errors import SettingsRefused
from node.learning.hosting import Hosting
from node.tables import Table, find_misfit, list_entries
from node.whole_file import OWNERS, write_whole

SETTINGS, KEYSTORE, FOUNDING = "peer.toml", "keystore.json", "founding"
JOURNAL, HISTORY, BLOBS = "journal.db", "history.db", "blobs"
MEBIBYTE = 2**20

DEVELOPMENT_CHAINS = (1337, 31337)
"""Chain ids of ganache and geth --dev, and of anvil, hardhat and our own: nothing there is worth
waiting for."""
CONFIRMATIONS = 2
"""How many blocks must stand on what a peer believes, on any other chain."""

LEAST_SECONDS = 60
"""For a training, where nobody has said: on a busy machine a short round is over before it."""
MEMORY_MIB = 4096
"""For a learner's process, where nobody has said."""

_PAGE = """\
# A peer of a Holdfast federation. What stands here concerns this organisation only.

[chain]
# JSON-RPC of a node: http://, https://, ws://, wss://, or the path of an IPC socket.
# With two of them, what they say is compared, and the peer stops where they disagree.
rpc = {rpc}
# The federation, and the chain that it is on.
{contract}
chain_id = {chain_id}
# How many blocks must stand on a block before this peer believes it.
confirmations = {confirmations}
# An agreed result that is known from elsewhere: the peer stops on a chain that has another there.
{checkpoint}

[exchange]
# Where this peer serves blobs, and the URL by which the others reach it.
listen = {listen}
endpoint = {endpoint}
# For https without a proxy in front: files in PEM, the certificate with those that vouch for it.
{certificate}
{key}
# Authorities to trust beside the system's, in PEM, where other peers have a private one.
{ca}
# Whether anybody may read this peer's blobs, or (false) the federation's seats alone.
public = {public}
# What the server gives at most: connections in all and to one address; to one client in a second.
{limits}

[data]
# This organisation's own data: a .csv, .parquet or .npz file, a folder of pictures, one of
# scikit-learn's sets by name, module:function, or own: its learner brings them.
source = {source}
# Column of the labels in a .csv file.
{label}
# For trials where all peers have the same file: "2/5" takes the second of five parts of it.
{share}

[learner]
# The folder with the module of a learner of one's own; by default where the peer is started.
{path}
# The longest that a training may take; by default as long as a round can last.
{seconds}
# For how long it shall train in a round: it makes the local steps that this machine makes in that
# time. By default the epochs that the federation's options say, however long they take.
{train_seconds}
# The most memory that its process may have.
memory_mib = {memory_mib}
"""


class _Chain(Table):
    rpc: list[str] = Field(
        min_length=1, max_length=2, description="a list of one endpoint, or of two"
    )
    contract: str | None = None
    chain_id: int = Field(ge=1)
    confirmations: int = Field(default=CONFIRMATIONS, ge=0, le=1000)
    checkpoint: str | None = Field(
        default=None, pattern=r"^[1-9]\d*:0x[0-9a-fA-F]{64}$", description="HEIGHT:0xKEY"
    )


class _Exchange(Table):
    listen: str = Field(pattern=r"^.+:\d{1,5}$", description="HOST:PORT")
    endpoint: str = Field(
        pattern=r"^https?://",
        max_length=256,
        description="a URL with http:// or https://, of at most 256 characters",
    )
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    public: bool = False
    connections: int | None = Field(default=None, ge=1)
    address_connections: int | None = Field(default=None, ge=1)
    requests_per_second: int | None = Field(default=None, ge=1)
    bytes_per_second: int | None = Field(default=None, ge=2**16)


class _Data(Table):
    source: str
    label: str | None = None
    share: str | None = Field(
        default=None, pattern=r"^[1-9]\d*/[1-9]\d*$", description="I/N such as 2/5"
    )


class _Learner(Table):
    path: str | None = None
    seconds: int | None = Field(default=None, ge=1)
    train_seconds: int | None = Field(default=None, ge=1)
    memory_mib: int = Field(default=MEMORY_MIB, ge=256)


class _Page(Table):
    chain: _Chain
    exchange: _Exchange
    data: _Data
    learner: _Learner = Field(default_factory=_Learner)


def _takes_text(annotation: object) -> bool:
    return annotation is str or annotation == str | None


ENTRIES = {entry: _takes_text(field.annotation) for entry, field in list_entries(_Page)}
"""Every entry of the page, and whether it is a text."""


@dataclass(frozen=True)
class Limits:
    """What the page may say of a server's limits; None: as `node.blobs.limits` has it."""

    connections: int | None = None
    address_connections: int | None = None
    requests_per_second: int | None = None
    bytes_per_second: int | None = None

    def build(self) -> ServingLimits:
        """Return all limits of a server."""
        return ServingLimits(**{name: n for name, n in vars(self).items() if n is not None})


@dataclass(frozen=True)
class Settings:
    """What a peer is told by its own organisation.

    `listen`: host and port. `share`: (which, of how many) parts of a data set that all have, the
    first being 1; None: all of it. `contract` None: the federation is still to be created.
    `confirmations` in blocks.
    `learner_path`: the folder of a learner of one's own; None: where the peer is started.
    `learner_train_seconds`: into which a round's local steps are fitted; None: the spec's epochs.
    `certificate`: the files of the certificate and of its key; None: plain http. `ca`: a file of
    authorities to trust beside the system's.
    """

    rpc: tuple[str, ...]
    contract: str | None
    chain_id: int
    listen: tuple[str, int]
    endpoint: str
    source: str
    label: str | None = None
    share: tuple[int, int] | None = None
    confirmations: int = CONFIRMATIONS
    checkpoint: Checkpoint | None = None
    certificate: tuple[str, str] | None = None
    ca: str | None = None
    is_public: bool = False
    limits: Limits = Limits()
    learner_path: str | None = None
    learner_seconds: int | None = None
    learner_train_seconds: int | None = None
    learner_memory_mib: int = MEMORY_MIB

    def host(self, folder: Path, round_seconds: int) -> Hosting:
        """Return how this peer's learner is kept. `round_seconds`: as long as a round can last;
        what takes longer is trained for nothing."""
        return Hosting(
            code=Path(self.learner_path or ".").resolve(),
            notes=folder.resolve(),
            seconds=float(self.learner_seconds or max(round_seconds, LEAST_SECONDS)),
            memory_bytes=self.learner_memory_mib * MEBIBYTE,
        )


def read_settings(folder: Path) -> Settings:
    """Return the settings of a peer's folder. Raises SettingsRefused, which names the entry."""
    path = folder / SETTINGS
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsRefused(f"{path}", "a peer's settings", error.strerror or error) from error
    except ValueError as error:
        raise SettingsRefused(f"{path}", "TOML", error) from error
    return _build(path, table)


def change_settings(settings: Settings, changes: Sequence[str]) -> Settings:
    """Return the settings with other entries, each given as `exchange.listen=0.0.0.0:7710`: a text
    as it is, anything else as TOML has it. Raises SettingsRefused."""
    table = tomllib.loads(_write(settings))
    for change in changes:
        entry, equals, text = change.partition("=")
        if not equals or entry not in ENTRIES:
            raise SettingsRefused(f"--set {entry}", f"KEY=VALUE, of {', '.join(ENTRIES)}", change)
        section, _, name = entry.partition(".")
        table[section][name] = text if ENTRIES[entry] else _parse_value(entry, text)
    return _build(Path("--set"), table)


def _parse_value(entry: str, text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError as error:
        raise SettingsRefused(f"--set {entry}", "a value as in TOML", repr(text)) from error


def _build(path: Path, table: dict[str, object]) -> Settings:
    page = _validate(path, table)
    exchange = page.exchange
    if (exchange.certificate is None) != (exchange.key is None):
        raise SettingsRefused(f"{path}: exchange", "certificate and key", "one without the other")
    host, _, port = page.exchange.listen.rpartition(":")
    share, checkpoint = _parse_share(path, page.data.share), page.chain.checkpoint
    return Settings(
        rpc=tuple(page.chain.rpc),
        contract=page.chain.contract,
        chain_id=page.chain.chain_id,
        listen=(host, int(port)),
        endpoint=page.exchange.endpoint,
        source=page.data.source,
        label=page.data.label,
        share=share,
        confirmations=page.chain.confirmations,
        checkpoint=None if checkpoint is None else parse_checkpoint(checkpoint),
        certificate=(exchange.certificate, exchange.key)
        if exchange.certificate and exchange.key
        else None,
        ca=exchange.ca,
        is_public=exchange.public,
        limits=Limits(**{each.name: getattr(exchange, each.name) for each in fields(Limits)}),
        learner_path=page.learner.path,
        learner_seconds=page.learner.seconds,
        learner_train_seconds=page.learner.train_seconds,
        learner_memory_mib=page.learner.memory_mib,
    )


def choose_confirmations(chain_id: int) -> int:
    """Return how many blocks to wait for where nobody has said."""
    return 0 if chain_id in DEVELOPMENT_CHAINS else CONFIRMATIONS


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the page, with its comments; a new one for its owner alone, since there may be the key
    of a provider in a node's URL. Raises OSError."""
    write_whole(folder / SETTINGS, _write(settings).encode(), mode=OWNERS)


def _validate(path: Path, table: dict[str, object]) -> _Page:
    try:
        return _Page.model_validate(table)
    except ValidationError as error:
        misfit = find_misfit(_Page, error)
        raise SettingsRefused(f"{path}: {misfit.entry}", misfit.expected, misfit.got) from error


def _write(settings: Settings) -> str:
    host, port = settings.listen
    share = None if settings.share is None else f"{settings.share[0]}/{settings.share[1]}"
    checkpoint = None if settings.checkpoint is None else str(settings.checkpoint)
    return _PAGE.format(
        rpc=json.dumps(list(settings.rpc)),
        contract=_entry("contract", settings.contract),
        chain_id=settings.chain_id,
        confirmations=settings.confirmations,
        checkpoint=_entry("checkpoint", checkpoint),
        listen=json.dumps(f"{host}:{port}"),
        endpoint=json.dumps(settings.endpoint),
        certificate=_entry("certificate", settings.certificate and settings.certificate[0]),
        key=_entry("key", settings.certificate and settings.certificate[1]),
        ca=_entry("ca", settings.ca),
        public=json.dumps(settings.is_public),
        limits=_write_limits(settings.limits),
        source=json.dumps(settings.source),
        label=_entry("label", settings.label),
        share=_entry("share", share),
        path=_entry("path", settings.learner_path),
        seconds=_number("seconds", settings.learner_seconds, usual=900),
        train_seconds=_number("train_seconds", settings.learner_train_seconds, usual=30),
        memory_mib=settings.learner_memory_mib,
    )


def _entry(name: str, value: str | None) -> str:
    """Return a line of TOML, or the same commented out for whoever may want it later."""
    return f'# {name} = ""' if value is None else f"{name} = {json.dumps(value)}"


def _number(name: str, value: int | None, *, usual: int) -> str:
    """Return a line of TOML, or one commented out that shows what the value may be like."""
    return f"# {name} = {usual}" if value is None else f"{name} = {value}"


def _write_limits(limits: Limits) -> str:
    usual, lines = ServingLimits(), []
    for name, value in vars(limits).items():
        mark = "# " if value is None else ""
        lines.append(f"{mark}{name} = {getattr(usual, name) if value is None else value}")
    return "\n".join(lines)


def _parse_share(path: Path, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    which, _, count = text.partition("/")
    if int(which) > int(count):
        raise SettingsRefused(f"{path}: data.share", f"1/{count} to {count}/{count}", repr(text))
    return int(which), int(count)
