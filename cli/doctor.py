"""`holdfast peer doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.display import print_json
from cli.folder import Folder, PasswordFile, read_password

if TYPE_CHECKING:
    from node.doctor.doctor import Finding

FAULTY = 1


def doctor(
    folder: Folder,
    rounds: Annotated[
        int, typer.Option(min=1, help="For so many rounds the ether should last.")
    ] = 20,
    disk_rounds: Annotated[
        int, typer.Option(min=1, help="For so many rounds the disk should last.")
    ] = 1000,
    password_file: PasswordFile = None,
    as_json: options.Json = False,
) -> None:
    """Look for faults: one line for each check, and what to do. Exit code 1 if there is one."""
    from time import time

    from node.doctor.case import Case
    from node.doctor.doctor import State, examine

    case = Case(
        folder,
        password=lambda: read_password(password_file, is_new=False),
        clock=lambda: int(time()),
        rounds=rounds,
        disk_rounds=disk_rounds,
    )
    has_fault = False
    for finding in examine(case):
        has_fault |= finding.state is State.FAULT
        _tell(finding, as_json=as_json)
    if has_fault:
        raise typer.Exit(FAULTY)


def _tell(finding: "Finding", *, as_json: bool) -> None:
    if as_json:
        content = {"check": finding.check, "state": finding.state.value, "found": finding.found}
        print_json({"event": "finding", **content, "remedy": finding.remedy or None})
        return
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    line = f"{finding.state.value.upper():<8}{finding.check:<11}{finding.found}{remedy}"
    typer.echo(" ".join(line.splitlines()))
