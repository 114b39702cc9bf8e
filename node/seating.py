"""A peer's dealings with its seat: found the federation, join it, leave it, and be paid back."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from chain.admission import OPEN, compute_admission_proof, compute_admission_root
from chain.connect import open_endpoints
from chain.deployment import (
    JUDGE,
    Deployment,
    build_creation,
    build_judge,
    check_parameters,
    read_creation,
)
from chain.errors import Replaced, Reverted, Stranded, WrongChain
from chain.pending import Pending, decode_pending
from chain.sender import Receipt, Sender, Signer
from chain.types import Clock, Parameters, Root, Seat, Wei
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob
from node.contract import Contract
from node.earnings import find_settled
from node.errors import PeerRefused
from node.founding import ETHER, Founding, Plan, found, name_subject
from node.learning.hosting import Place
from node.learning.trial import Trial
from node.rewarding import note_settled
from node.rule.parameters import Weighting
from node.settings import BLOBS, FOUNDING, Settings
from node.whole_file import write_whole


def create_federation(
    folder: Path,
    settings: Settings,
    account: Signer,
    plan: Plan,
    tell: Callable[[str], None] = lambda reason: None,
) -> tuple[Parameters, Deployment]:
    """Create a federation with its judge on the chain of the settings, the first model in the
    folder's store.

    The founder's own data give the model's layout and the clip. What is about to be sent is on disk
    before it is, so a call that died anywhere is made good by the next, with the same plan: one
    federation comes of both. `end_founding` is for when its address is in the settings. Raises what
    plan, data, learner and chain refuse; nothing is sent then. `tell` hears why units and clip are
    as they are.
    """
    path = folder / FOUNDING
    with open_endpoints(settings.rpc) as web3:
        if web3.eth.chain_id != settings.chain_id:
            raise WrongChain(settings.chain_id, web3.eth.chain_id)
        sender = Sender(web3, account)

        def note(pending: Pending) -> None:
            write_whole(path, plan.digest.hex().encode() + b"\n" + pending.encode())

        pending = _read_founding(path, plan)
        founding = None
        if pending is None:
            founding = _found(folder, settings, plan)
            for reason in founding.reasons:
                tell(reason)
            check_parameters(sender, founding.text, founding.parameters)
            pending = sender.submit(build_judge(), note)
        try:
            receipt = sender.follow(pending, note)
            if receipt.function == JUDGE:
                founding = founding or _found(folder, settings, plan)
                assert receipt.contract is not None, "a mined creation has an address"
                call = build_creation(founding.text, founding.parameters, receipt.contract)
                receipt = sender.follow(sender.submit(call, note), note)
            deployment = read_creation(web3, receipt)
        except (Reverted, Replaced, Stranded):
            # Nothing came of it, and nothing will: the next call begins anew.
            end_founding(folder)
            raise
        return deployment.federation.get_parameters(), deployment


def is_founding(folder: Path) -> bool:
    """Whether a founding was begun here, and perhaps not ended."""
    return (folder / FOUNDING).exists()


def end_founding(folder: Path) -> None:
    """Forget how a federation was created: its address is kept elsewhere."""
    (folder / FOUNDING).unlink(missing_ok=True)


def _found(folder: Path, settings: Settings, plan: Plan) -> Founding:
    admission = Root(compute_admission_root(plan.admitted)) if plan.admitted else Root(OPEN)
    which, count = settings.share or (1, plan.page.seats.max_seats)
    place = Place(which - 1, count, None, plan.page.seed)
    subject = name_subject(plan, settings.source, settings.label, place)
    times = plan.page.time
    hosting = settings.host(folder, times.commit_seconds + times.attest_seconds)
    with Trial(subject, hosting) as trial:
        founding = found(plan, trial, admission)
    genesis = founding.parameters.genesis
    DiskBlobs(folder / BLOBS).put(Blob(genesis, len(founding.genesis)), founding.genesis)
    return founding


def _read_founding(path: Path, plan: Plan) -> Pending | None:
    """Return the transaction of a founding that was begun. Raises PeerRefused for another plan."""
    if not path.exists():
        return None
    digest, _, pending = path.read_bytes().partition(b"\n")
    if digest.decode() != plan.digest.hex():
        raise PeerRefused(
            f"plan of the founding begun in {path}",
            "the same page as then, to go on (or the file removed, to lose what was sent)",
            "another page",
        )
    return decode_pending(pending)


def join(
    contract: Contract, account: Signer, endpoint: str, stake_wei: Wei, admitted: Sequence[str]
) -> Receipt:
    """Take a seat. `admitted`: the admission list, needed where the federation has one.

    Raises PeerRefused for a key that has a seat, or a stake that is none here; ListRefused,
    SeatRefused.
    """
    _check_stake(contract.parameters, stake_wei)
    for seat, record in contract.observer.ledger.seats.items():
        if record.owner.lower() == account.address.lower():
            raise PeerRefused(f"seat of {account.address}", "none yet", f"seat {seat}")
    sender = Sender(contract.federation.web3, account)
    waiting = sender.count_waiting()
    if waiting:
        # Perhaps a joining that was interrupted: a second one would stake a second time.
        raise PeerRefused(
            f"transactions of {account.address}", "none on its way (try again)", waiting
        )
    proof: tuple[bytes, ...] = ()
    if contract.parameters.admission != OPEN:
        proof = compute_admission_proof(admitted, account.address)
    call = contract.federation.call("join", endpoint, proof, value_wei=stake_wei)
    return sender.send(call)


def _check_stake(parameters: Parameters, stake_wei: Wei) -> None:
    """Refuse what the contract would, with the numbers."""
    least = parameters.min_stake_wei
    if parameters.weighting == Weighting.EQUAL and stake_wei != least:
        expected = f"{_show(least)} exactly, as all seats weigh the same here"
        raise PeerRefused("stake", expected, _show(stake_wei))
    if stake_wei < least:
        expected = f"at least {_show(least)}, the federation's minimum"
        raise PeerRefused("stake", expected, _show(stake_wei))


def _show(wei: Wei) -> str:
    return f"{(Decimal(wei) / ETHER).normalize():f} ether"


def call_for_seat(
    contract: Contract, account: Signer, function: str, seat: Seat, value_wei: int = 0
) -> Receipt:
    """Call `leave` or `activate` for a seat; the latter takes ether. Raises SeatRefused, with the
    contract's reason."""
    call = contract.federation.call(function, seat, value_wei=value_wei)
    return Sender(contract.federation.web3, account).send(call)


def withdraw(contract: Contract, account: Signer, seat: Seat, clock: Clock) -> Receipt:
    """Begin a seat's unbonding, or be paid its stake after it. Raises SeatRefused, with the
    contract's reason.

    Where more results wait to be settled than the payment would note, they are noted first.
    """
    observer, sender = contract.observer, Sender(contract.federation.web3, account)
    assert observer.block is not None, "its creation is mined"
    now = max(clock(), observer.block.timestamp)
    free_at = observer.ledger.seats[seat].free_at
    if free_at and now >= free_at:
        note_settled(contract, sender, find_settled(observer.ledger, observer.block, now))
    return sender.send(contract.federation.call("withdraw", seat))


def set_endpoint(contract: Contract, account: Signer, seat: Seat, endpoint: str) -> Receipt:
    """Register where others reach a seat's blobs. Raises NotOwner, SeatRefused."""
    call = contract.federation.call("set_endpoint", seat, endpoint)
    return Sender(contract.federation.web3, account).send(call)
