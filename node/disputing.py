"""Disputes by hand: what a peer does by itself, one step at a time.

All of it reads the ledger as it was polled last, and sends through `chain.sender`, which simulates
first: what the contract would refuse costs nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass

from chain.disputes import MAX_LEAVES, NEW_MODEL, OLD_MODEL, Leaves, compute_deposit
from chain.ledger import Ledger
from chain.sender import Receipt, Sender, Signer, ask_market
from chain.types import Event, Logged, RoundId, Wei
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobError, BlobMissing
from node.blobs.store import Findable, MemoryBlobs
from node.contract import Contract
from node.dispute_story import Question, Story, find_agreement, tell_story
from node.encoding import MODEL_BYTES
from node.errors import InputRefused
from node.evidence import build_answer
from node.merkle import LEAF_BYTES, compute_depth
from node.refutation import (
    Case,
    build_evidence,
    find_claimed,
    find_shown,
    find_wrong,
    open_case,
    recompute,
)


@dataclass(frozen=True)
class Compared:
    """A coordinate as it was agreed and as it follows from the updates; `agreed` is None in a leaf
    where nothing should be at all."""

    coordinate: int
    agreed: int | None
    right: int

    @property
    def is_wrong(self) -> bool:
        return self.agreed != self.right


def open_round(contract: Contract, round_id: RoundId) -> Case:
    """Return the case of a round's agreed result, standing or void. Raises InputRefused."""
    ledger = contract.observer.ledger
    event = find_agreement(ledger, round_id).event
    return open_case(ledger, contract.naming, event.key)  # type: ignore[union-attr]


def tell_round(contract: Contract, round_id: RoundId) -> Story:
    """Return what became of a round's agreed result. Raises InputRefused."""
    observer = contract.observer
    assert observer.block is not None, "it was polled, and its creation is mined"
    return tell_story(observer.ledger, observer.block, observer.history, round_id)


def take_over(case: Case, whiches: Iterable[int], store: DiskBlobs, other: DiskBlobs) -> None:
    """Put into a store what it lacks of a case and another folder has. Raises BlobCorrupt."""
    for which in whiches:
        blob = case.blob_of(which)
        found = other.find(blob.root, blob.tag)
        if found is not None and not store.has(blob):
            store.put(found, other.get(found))


def read_shown(ledger: Ledger, case: Case, which: int, store: DiskBlobs) -> bool:
    """Put into a store what answers have shown on the chain; return whether that was all of it."""
    shown = ledger.disputes.shown.get((case.result.round, which), {})
    found = find_shown(shown, case.blob_of(which))
    if found is None:
        return False
    store.put(*found)
    return True


def read_case(case: Case, store: Findable) -> MemoryBlobs:
    """Return all that is there of what a result was made from and became, each checked once.

    What is missing is missed where it is needed. Raises BlobCorrupt.
    """
    blobs = MemoryBlobs()
    for blob in (*case.sources.values(), case.new):
        found = store.find(blob.root, blob.tag)
        if found is not None:
            blobs.keep(found, store.get(found))
    return blobs


def compare(case: Case, blobs: MemoryBlobs, coordinate: int | None) -> Compared | None:
    """Return how a coordinate was agreed and how it should be; None as the coordinate: the first
    wrong one, and None if the whole result is right.

    Raises InputRefused for one that is in no leaf of the tree, BlobMissing.
    """
    if coordinate is None:
        coordinate = find_wrong(case, blobs)
        if coordinate is None:
            return None
    leaves = 1 << compute_depth(case.new.size_bytes)
    if not 0 <= coordinate < leaves * LEAF_BYTES // MODEL_BYTES:
        most = leaves * LEAF_BYTES // MODEL_BYTES - 1
        raise InputRefused("dispute: coordinate", f"0 to {most}", coordinate)
    right, claimed = recompute(case, blobs), _read_claimed(case, blobs)
    if coordinate * MODEL_BYTES // LEAF_BYTES * LEAF_BYTES >= len(right):
        is_there = len(claimed) > coordinate * MODEL_BYTES // LEAF_BYTES * LEAF_BYTES
        return Compared(coordinate, None if is_there else 0, 0)
    return Compared(coordinate, _value_at(claimed, coordinate), _value_at(right, coordinate))


def build_proof(case: Case, blobs: MemoryBlobs, coordinate: int) -> tuple[int, int, bytes]:
    """Return what `refute` is called with. Raises InputRefused, BlobMissing."""
    return int(case.result.round), coordinate, build_evidence(case, blobs, coordinate)


def send_refutation(contract: Contract, account: Signer, proof: tuple[int, int, bytes]) -> Receipt:
    """Refute. Raises DisputeRefused and AlreadyDone, with nothing sent."""
    return _send(contract, account, "refute", *proof)


def choose_leaves(case: Case, which: int, first: int, count: int | None) -> Leaves:
    """Return what to ask for; as much as goes into one challenge where nobody says how much.

    Raises InputRefused for a seat that is not included; the contract says what else cannot be.
    """
    if which not in (OLD_MODEL, NEW_MODEL) and which not in case.updates:
        seats = ", ".join(map(str, sorted(case.updates)))
        raise InputRefused("dispute: challenge", f"seat {seats}, before or after", f"seat {which}")
    most = min(MAX_LEAVES, 1 << compute_depth(case.blob_of(which).size_bytes))
    return Leaves(case.result.round, which, first, most if count is None else count)


def send_challenge(
    contract: Contract, account: Signer, case: Case, leaves: Leaves
) -> tuple[Receipt, Wei]:
    """Ask for leaves; return the deposit too: half as much again as is due, as the base fee may
    rise until it is mined. Raises DisputeRefused, AlreadyDone, Refused for too little ether."""
    _, market = ask_market(contract.federation.web3)
    deposit = compute_deposit(
        contract.parameters,
        leaves.count,
        len(case.inputs.commitments),
        market.base_wei * 3 // 2,
    )
    record = astuple(case.record)
    receipt = _send(contract, account, "challenge", record, *leaves.words, value_wei=deposit)
    return receipt, deposit


def list_unanswered(story: Story) -> Sequence[Question]:
    """Return the challenges that wait for an answer, in the order of asking."""
    return [question for question in story.questions if question.is_open]


def send_answer(
    contract: Contract, account: Signer, case: Case, leaves: Leaves, store: DiskBlobs
) -> Receipt:
    """Show the leaves of a challenge. Raises BlobMissing, BlobCorrupt, DisputeRefused."""
    payload = store.get(case.blob_of(leaves.which))
    data = build_answer(case.inputs, leaves.which, leaves.first, leaves.count, payload)
    return _send(contract, account, "answer", astuple(case.record), *leaves.words, data)


def list_closable(story: Story, account: str, now: int) -> Sequence[Question]:
    """Return the challenges that can be closed at a time: unanswered ones on a result that stands;
    on a void one what was not answered; of a refuted one the account's deposits that were lost."""
    return [question for question in story.questions if _is_closable(story, question, account, now)]


def send_close(contract: Contract, account: Signer, case: Case, leaves: Leaves) -> Receipt:
    """Close a challenge. Raises DisputeRefused, AlreadyDone."""
    return _send(contract, account, "close", astuple(case.record), *leaves.words)


def send_collect(contract: Contract, account: Signer) -> Receipt:
    """Be paid what the account has earned or has back. Raises AlreadyDone."""
    return _send(contract, account, "collect")


def events_of(contract: Contract, receipt: Receipt) -> Iterator[Event]:
    """Return what a transaction told, after looking at the chain again."""
    contract.observer.poll()
    history: Iterable[Logged] = contract.observer.history
    return (each.event for each in history if each.at.transaction == receipt.transaction)


def _is_closable(story: Story, question: Question, account: str, now: int) -> bool:
    if question.paid_wei is not None:
        return False
    if question.answerer is None:
        return not story.stands or now >= question.asked.answer_until
    is_own = question.asked.challenger.lower() == account.lower()
    return story.refuted is not None and is_own


def _read_claimed(case: Case, blobs: MemoryBlobs) -> bytes:
    try:
        return find_claimed(case, blobs)
    except BlobError as error:
        raise BlobMissing(
            f"model after round {case.result.round}, {case.new.name}", "here", "not to be had"
        ) from error


def _value_at(payload: bytes, coordinate: int) -> int:
    """Return a coordinate of a model's payload; 0 behind its end."""
    first = coordinate * MODEL_BYTES
    return int.from_bytes(payload[first : first + MODEL_BYTES], "little", signed=True)


def _send(
    contract: Contract, account: Signer, function: str, *arguments: object, value_wei: int = 0
) -> Receipt:
    call = contract.federation.call(function, *arguments, value_wei=value_wei)
    return Sender(contract.federation.web3, account).send(call)
