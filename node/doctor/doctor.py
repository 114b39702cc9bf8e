"""All checks of a peer, in order: what each needs, and what to do where it finds a fault."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from chain.errors import ChainError
from node.doctor import at_endpoint, in_folder, on_chain
from node.doctor.case import Case, Fault, Unread
from node.errors import NodeError


class State(Enum):
    """What a check came to. `UNREAD`: what it found is in order, and the rest is for a later one to
    read; `SKIPPED`: it needs what another one has found at fault."""

    OK = "ok"
    UNREAD = "unread"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    check: str
    state: State
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """`look` returns what it found in order. It raises Fault, or what the code that it tries raises
    anyhow; then `remedy` says what to do, of the peer's FOLDER."""

    name: str
    needs: tuple[str, ...]
    look: Callable[[Case], str]
    remedy: str


CHECKS = (
    Check("settings", (), in_folder.check_settings, "correct the entry"),
    Check(
        "keystore",
        (),
        in_folder.check_keystore,
        "give the right password, or put the keystore back from a copy",
    ),
    Check("folder", (), in_folder.check_folder, "let the peer's user write there"),
    Check(
        "journal",
        ("folder",),
        in_folder.check_own_journal,
        "never go on without it: put back no old copy either, but leave with this seat and join "
        "with a new folder",
    ),
    Check("blobs", ("folder",), in_folder.check_blobs, "see to the disk"),
    Check(
        "chain",
        ("settings",),
        on_chain.check_chain,
        "start the node, or correct chain.rpc or chain.chain_id in the settings",
    ),
    Check("clock", ("chain",), on_chain.check_clock, "set the clock"),
    Check("balance", ("chain", "keystore"), on_chain.check_balance, "send ether to the account"),
    Check(
        "contract",
        ("chain",),
        on_chain.check_contract,
        "correct chain.contract in the settings (`federation create` prints it)",
    ),
    Check("seat", ("contract", "keystore"), on_chain.check_seat, "holdfast peer join FOLDER"),
    Check(
        "apart",
        ("contract", "keystore"),
        on_chain.check_apart,
        "one of the two is wrong; where it is this one, another port in exchange.listen and "
        "exchange.endpoint, then holdfast peer set-endpoint FOLDER",
    ),
    Check(
        "registered",
        ("seat",),
        at_endpoint.check_registered,
        "holdfast peer set-endpoint FOLDER, or correct exchange.endpoint in the settings",
    ),
    Check(
        "https",
        ("settings",),
        at_endpoint.check_files,
        "correct exchange.certificate, .key and .ca in the settings",
    ),
    Check(
        "endpoint",
        ("https", "folder"),
        at_endpoint.check_endpoint,
        "let exchange.endpoint lead to exchange.listen: name, firewall, proxy, and a router that "
        "also leads its own network there",
    ),
    # After `contract`, which says by what the data are read; without it they are looked for.
    Check("data", ("settings",), in_folder.check_data, "correct data.source in the settings"),
    Check(
        "learner",
        ("contract", "data"),
        in_folder.check_learner,
        "let its module start here, and that of data.source where that is code: install what they "
        "import, and name their folder as learner.path in the settings",
    ),
    Check("disk", ("contract", "folder"), in_folder.check_disk, "make room"),
)


def examine(case: Case) -> Iterator[Finding]:
    """Make all checks, one after the other."""
    sound: set[str] = set()
    with case.opened:
        for check in CHECKS:
            finding = _look(check, case, sound)
            if finding.state in (State.OK, State.UNREAD):
                sound.add(check.name)
            yield finding


def _look(check: Check, case: Case, sound: set[str]) -> Finding:
    missing = [name for name in check.needs if name not in sound]
    if missing:
        return Finding(check.name, State.SKIPPED, f"needs {' and '.join(missing)}")
    remedy = check.remedy.replace("FOLDER", str(case.folder))
    try:
        found = check.look(case)
    except Unread as unread:
        return Finding(check.name, State.UNREAD, str(unread))
    except Fault as fault:
        return Finding(check.name, State.FAULT, str(fault), fault.remedy or remedy)
    except (NodeError, ChainError, OSError) as error:
        return Finding(check.name, State.FAULT, str(error), remedy)
    return Finding(check.name, State.OK, found)
