"""A peer's dealings with its seat: found the federation, join it, leave it, and be paid back."""

from collections.abc import Sequence
from pathlib import Path

from chain.admission import OPEN, compute_admission_proof, compute_admission_root
from chain.connect import open_endpoints
from chain.deployment import Deployment, deploy
from chain.errors import WrongChain
from chain.sender import Receipt, Sender, Signer
from chain.types import Root, Seat, Wei
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob
from node.contract import Contract
from node.data.sources import load
from node.errors import PeerRefused
from node.founding import Founding, Plan, found
from node.settings import BLOBS, Settings


def create_federation(
    folder: Path, settings: Settings, account: Signer, plan: Plan
) -> tuple[Founding, Deployment]:
    """Create a federation on the chain of the settings, the first model in the folder's store.

    The founder's own data give the model's layout and the clip. Raises what plan, data, learner and
    chain refuse; nothing is sent then.
    """
    admission = Root(compute_admission_root(plan.admitted)) if plan.admitted else Root(OPEN)
    founding = found(plan, load(settings.source, label=settings.label), admission)
    genesis = founding.parameters.genesis
    DiskBlobs(folder / BLOBS).put(Blob(genesis, len(founding.genesis)), founding.genesis)
    with open_endpoints(settings.rpc) as web3:
        if web3.eth.chain_id != settings.chain_id:
            raise WrongChain(settings.chain_id, web3.eth.chain_id)
        sender = Sender(web3, account)
        return founding, deploy(web3, sender, founding.text, founding.parameters)


def join(
    contract: Contract, account: Signer, endpoint: str, stake_wei: Wei, admitted: Sequence[str]
) -> Receipt:
    """Take a seat. `admitted`: the admission list, needed where the federation has one.

    Raises PeerRefused for a key that has a seat, ListRefused, SeatRefused.
    """
    for seat, record in contract.observer.ledger.seats.items():
        if record.owner.lower() == account.address.lower():
            raise PeerRefused(f"seat of {account.address}", "none yet", f"seat {seat}")
    proof: tuple[bytes, ...] = ()
    if contract.parameters.admission != OPEN:
        proof = compute_admission_proof(admitted, account.address)
    call = contract.federation.call("join", endpoint, proof, value_wei=stake_wei)
    return Sender(contract.federation.web3, account).send(call)


def call_for_seat(contract: Contract, account: Signer, function: str, seat: Seat) -> Receipt:
    """Call `leave`, `withdraw` or `activate` for a seat. Raises SeatRefused, with the contract's
    reason."""
    return Sender(contract.federation.web3, account).send(contract.federation.call(function, seat))


def set_endpoint(contract: Contract, account: Signer, seat: Seat, endpoint: str) -> Receipt:
    """Register where others reach a seat's blobs. Raises NotOwner, SeatRefused."""
    call = contract.federation.call("set_endpoint", seat, endpoint)
    return Sender(contract.federation.web3, account).send(call)
