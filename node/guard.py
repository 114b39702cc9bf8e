"""What one account does about agreed results: it examines those that it has not recomputed itself,
and refutes, challenges, answers, closes and collects, as `node.dispute` decides.

What was found out is not kept over a restart: it is found out again.
"""

import logging
from dataclasses import astuple

from chain.disputes import MAX_LEAVES, NEW_MODEL, Leaves, compute_deposit
from chain.errors import Refused
from chain.sender import ask_market
from chain.types import Agreed, Block, Key, Logged, Parameters, Seat
from node import action as acts
from node.action import Action, DisputeAction
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.holdings import Holdings
from node.blobs.store import Blob
from node.contract import Contract
from node.dispute import Finding, Knowledge
from node.docket import Charge, Docket, Doubt, Party, build_docket, find_end
from node.evidence import build_answer
from node.journal import Journal
from node.merkle import LEAF_BYTES, MODEL_TAG, compute_depth, compute_root
from node.outbox import Outbox
from node.refutation import Case, build_evidence, find_shown, find_wrong, open_case, recompute

LOG = logging.getLogger("holdfast.peer")


def find_retry_seconds(parameters: Parameters) -> int:
    """Return how long to wait before others are asked again: a dozen tries in ATTEST."""
    return max(1, parameters.attest_seconds // 12)


class Guard:
    """Of one account, with a seat or without. What the chain would not have is tried again after a
    twelfth of ATTEST, as blobs are."""

    def __init__(
        self,
        contract: Contract,
        outbox: Outbox,
        holdings: Holdings,
        journal: Journal,
        party: Party,
    ) -> None:
        self._contract = contract
        self._outbox = outbox
        self._holdings = holdings
        self._journal = journal
        self._party = party
        self._retry_seconds = find_retry_seconds(contract.parameters)
        self._name = "seat=none" if party.seat is None else f"seat={party.seat}"
        self._right: set[Key] = set()
        self._wrong: dict[Key, int] = {}
        self._unlike: set[Key] = set()
        """Results that are wrong, where is not known yet: their model is not here."""
        self._longer: set[Key] = set()
        """Results whose model is here with something that stands behind it."""
        self._cases: dict[Key, Case] = {}
        self._passed: list[Key] = []
        """The first results of the chain, of which none need be looked at any more."""
        self._put_off: dict[Action, int] = {}

    def observe(self, block: Block, now: int) -> Docket:
        """Return what is open as of a block."""
        ledger = self._contract.observer.ledger
        self._pass_by(block, now)
        suspects = [
            logged
            for logged in (*ledger.agreed[len(self._passed) :], *ledger.voided)
            if not self._is_right(_key_of(logged))
        ]
        docket = build_docket(ledger, block, self._party, suspects, now)
        keys = _keys_of(docket)
        self._cases = {key: case for key, case in self._cases.items() if key in keys}
        return docket

    def recall(self, docket: Docket, now: int, *, ahead: int) -> Knowledge:
        """Return what is known of a docket; `ahead`: by how much the chain's clock is before this
        machine's, in seconds."""
        self._put_off = {action: at for action, at in self._put_off.items() if now < at}
        return Knowledge(
            findings={doubt.key: self._describe(doubt, ahead) for doubt in docket.doubts},
            held=frozenset(each.leaves for each in docket.charges if self._can_answer(each)),
            lacking=self._list_lacking(docket, ahead),
            put_off=frozenset(self._put_off),
        )

    def wanted(self, docket: Docket) -> frozenset[Blob]:
        """Return the blobs that an open docket is about."""
        cases = [self._case(key) for key in _keys_of(docket)]
        return frozenset(
            blob for case in cases for blob in (case.old, case.new, *case.updates.values())
        )

    def perform(self, action: DisputeAction, now: int) -> None:
        """Do what was decided."""
        match action:
            case acts.Gather(key, which):
                self._gather(self._case(key), which)
            case acts.Examine(key):
                self._examine(self._case(key))
            case acts.Refute(key, coordinate):
                self._refute(action, self._case(key), coordinate, now)
            case acts.Challenge(key, leaves):
                self._challenge(action, self._case(key), leaves, now)
            case acts.Answer(key, leaves):
                self._answer(action, self._case(key), leaves, now)
            case acts.Close(key, leaves):
                self._act(action, now, "close", key, leaves)
            case acts.Collect():
                self._send(action, now, "collect")

    def _pass_by(self, block: Block, now: int) -> None:
        """Leave behind what is right or can no longer be disputed, from the first result on."""
        agreed, passed = self._contract.observer.ledger.agreed, self._passed
        # A key stands on its parent's: if one is there, so are those under it.
        while passed and (
            len(passed) > len(agreed) or _key_of(agreed[len(passed) - 1]) != passed[-1]
        ):
            passed.pop()
        for logged in agreed[len(passed) :]:
            end = find_end(self._contract.observer.ledger, block, logged, is_canonical=True)
            is_over = end is not None and now >= end
            if not is_over and not self._is_right(_key_of(logged)):
                break
            passed.append(_key_of(logged))

    def _is_right(self, key: Key) -> bool:
        return key in self._right or self._journal.has_recomputed(key)

    def _case(self, key: Key) -> Case:
        if key not in self._cases:
            ledger = self._contract.observer.ledger
            self._cases[key] = open_case(ledger, self._contract.naming, key)
        return self._cases[key]

    def _describe(self, doubt: Doubt, ahead: int) -> Finding:
        if doubt.key in self._wrong:
            return Finding(coordinate=self._wrong[doubt.key])
        case, holdings = self._case(doubt.key), self._holdings
        needed = case.sources
        if doubt.key in self._unlike - self._longer:
            needed[NEW_MODEL] = case.new
        missing = {
            which: self._again_at(blob, ahead)
            for which, blob in needed.items()
            if not holdings.has(blob)
        }
        in_vain = (self._choose_leaves(case, which) for which in missing if missing[which])
        return Finding(
            missing=missing,
            coming=frozenset(which for which in missing if holdings.is_coming(needed[which])),
            leaves=next((leaves for leaves in in_vain if leaves is not None), None),
        )

    def _choose_leaves(self, case: Case, which: int) -> Leaves | None:
        """Return the next leaves to ask for on the chain; None: all were. Where to begin follows
        from the account, so that several ask for different ones."""
        size = case.blob_of(which).size_bytes
        count = min(MAX_LEAVES, 1 << compute_depth(size))
        blocks = -(-size // (LEAF_BYTES * count))
        start = int(self._party.account, 16) % blocks
        asked = self._contract.observer.ledger.disputes.asked
        for step in range(blocks):
            first = (start + step) % blocks * count
            leaves = Leaves(case.result.round, which, first, count)
            if leaves not in asked:
                return leaves
        return None

    def _list_lacking(self, docket: Docket, ahead: int) -> dict[Leaves, int]:
        lacking = {}
        for charge in docket.charges:
            blob = self._case(charge.key).blob_of(charge.leaves.which)
            if not self._holdings.has(blob) and not self._holdings.is_coming(blob):
                lacking[charge.leaves] = self._again_at(blob, ahead)
        return lacking

    def _again_at(self, blob: Blob, ahead: int) -> int:
        """Return when to ask others by the chain's time (unix seconds); 0: nobody was asked."""
        retry_at = self._holdings.retry_at(blob)
        return retry_at + ahead if retry_at else 0

    def _can_answer(self, charge: Charge) -> bool:
        return self._holdings.has(self._case(charge.key).blob_of(charge.leaves.which))

    def _gather(self, case: Case, which: tuple[int, ...]) -> None:
        ledger = self._contract.observer.ledger
        voters = tuple(ledger.votes[case.result.key])
        for each in which:
            blob = case.blob_of(each)
            if not self._read_shown(case, each):
                sources = voters if each >= NEW_MODEL - 1 else (Seat(each), *voters)
                self._holdings.fetch(blob, sources)

    def _read_shown(self, case: Case, which: int) -> bool:
        """Put a blob together from what answers have shown of it on the chain; return whether they
        have shown all."""
        blob = case.blob_of(which)
        shown = self._contract.observer.ledger.disputes.shown.get((case.result.round, which), {})
        found = find_shown(shown, blob)
        if found is None:
            return False
        self._holdings.keep(*found)
        if found[0] != blob:
            self._longer.add(case.result.key)
        return True

    def _examine(self, case: Case) -> None:
        key, number = case.result.key, case.result.round
        try:
            payload = recompute(case, self._holdings)
            if compute_root(payload, MODEL_TAG) == case.result.model_root:
                self._holdings.keep(case.new, payload)
                self._right.add(key)
                LOG.info("%s round=%d act=examine found=right", self._name, number)
                return
            self._unlike.add(key)
            if self._holdings.has(case.new) or key in self._longer:
                coordinate = find_wrong(case, self._holdings)
                assert coordinate is not None, "its root is another one"
                self._wrong[key] = coordinate
                LOG.info("%s round=%d act=examine wrong=%d", self._name, number, coordinate)
        except (BlobMissing, BlobCorrupt) as error:
            # Noted as not held by now, so it is fetched again before the next try.
            LOG.warning("%s round=%d act=examine error=%r", self._name, number, str(error))

    def _refute(self, action: DisputeAction, case: Case, coordinate: int, now: int) -> None:
        try:
            data = build_evidence(case, self._holdings, coordinate)
        except (BlobMissing, BlobCorrupt) as error:
            del self._wrong[case.result.key]
            LOG.warning("%s act=refute error=%r", self._name, str(error))
            return
        self._send(action, now, "refute", int(case.result.round), coordinate, data)

    def _challenge(self, action: DisputeAction, case: Case, leaves: Leaves, now: int) -> None:
        """Deposit half as much again as is due now: the base fee may rise until it is mined."""
        federation, parameters = self._contract.federation, self._contract.parameters
        _, market = ask_market(federation.web3)
        deposit = compute_deposit(
            parameters,
            leaves.count,
            len(case.inputs.commitments),
            market.base_wei * 3 // 2,
        )
        arguments = (astuple(case.record), *leaves.words)
        try:
            self._send(action, now, "challenge", *arguments, value_wei=deposit)
        except Refused as error:
            # Too little ether for the deposit, as a rule: all else goes on.
            self._put_off[action] = now + self._retry_seconds
            LOG.warning("%s act=challenge error=%r", self._name, str(error))

    def _answer(self, action: DisputeAction, case: Case, leaves: Leaves, now: int) -> None:
        try:
            payload = self._holdings.get(case.blob_of(leaves.which))
        except (BlobMissing, BlobCorrupt) as error:
            LOG.warning("%s act=answer error=%r", self._name, str(error))
            return
        data = build_answer(case.inputs, leaves.which, leaves.first, leaves.count, payload)
        self._act(action, now, "answer", case.result.key, leaves, data)

    def _act(
        self,
        action: DisputeAction,
        now: int,
        function: str,
        key: Key,
        leaves: Leaves,
        *more: object,
    ) -> None:
        self._send(action, now, function, astuple(self._case(key).record), *leaves.words, *more)

    def _send(
        self, action: DisputeAction, now: int, function: str, *arguments: object, value_wei: int = 0
    ) -> None:
        call = self._contract.federation.call(function, *arguments, value_wei=value_wei)
        subject = b"" if isinstance(action, acts.Collect) else action.key
        number = self._contract.observer.ledger.round.number
        if not self._outbox.submit(call, number, subject):
            self._put_off[action] = now + self._retry_seconds


def _key_of(logged: Logged) -> Key:
    assert isinstance(logged.event, Agreed), "nothing else is agreed"
    return logged.event.key


def _keys_of(docket: Docket) -> set[Key]:
    return {doubt.key for doubt in docket.doubts} | {charge.key for charge in docket.charges}
