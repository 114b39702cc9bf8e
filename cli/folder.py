"""A peer's folder on the command line: which one, and the password of its key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from node.daemon.opening import Account
    from node.settings import Settings

PASSWORD = "HOLDFAST_PASSWORD"
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The peer's folder.")]
AnyFolder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        help="The peer's folder; or, with --seat N, a run kept by `localnet run --keep`, or that "
        "of `localnet up`.",
    ),
]


def _name_folder(context: typer.Context, directory: Path | None) -> Path | None:
    """Say how a folder is named here, to whoever names it as other commands have it."""
    if directory is not None:
        usage = f"FOLDER without a flag: {context.command_path} {directory} --seat N"
        raise typer.BadParameter(f"expected {usage}")
    return directory


NoDir = Annotated[
    Path | None,
    typer.Option("--dir", hidden=True, is_eager=True, callback=_name_folder),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Another value for an entry of the settings, such as exchange.public=true; may be "
        "repeated.",
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        show_default=f"${PASSWORD}, or asked for",
        help="First line: the keystore's password.",
    ),
]


@contextmanager
def open_folder(folder: Path, password_file: Path | None) -> "Iterator[tuple[Settings, Account]]":
    """Have a peer's folder to oneself: its settings and its key.

    Raises SettingsRefused, FolderBusy, WalletRefused.
    """
    from chain.wallet import open_wallet
    from node.folder_lock import lock_folder
    from node.settings import KEYSTORE, read_settings

    # What is no peer's folder is refused before a lock is left in it.
    read_settings(folder)
    with lock_folder(folder):
        # Only now nobody else writes them.
        settings = read_settings(folder)
        password = read_password(password_file, is_new=False)
        yield settings, open_wallet(folder / KEYSTORE, password)


def read_password(file: Path | None, *, is_new: bool) -> str:
    """Return the password: of a file, of the environment, or asked for; never of the command
    line."""
    import os

    if file is not None:
        return read_text(file).split("\n")[0].rstrip("\r")
    if PASSWORD in os.environ:
        # Taken out, since a learner's process inherits what is left there.
        return os.environ.pop(PASSWORD)
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=is_new, err=True))


def read_text(file: Path) -> str:
    """Return what stands in a file. Raises BadParameter where it is no text, and OSError."""
    try:
        return file.read_text()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: expected UTF-8 text, got other bytes") from error
