"""Where messages meet the chain: many are taken at a time, and what they send shares a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from chain.devnet import envelope, subscriptions
from chain.devnet.devnet import Devnet
from chain.devnet.envelope import Answer
from chain.devnet.errors import LimitExceeded, RequestError, StoreError, UnknownMethod
from chain.devnet.limits import Limits
from chain.devnet.subscriptions import Notice, Session, Subscriptions

_SENDING: Final = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
_RAW: Final = "eth_sendRawTransaction"
INTERNAL: Final = -32603


@dataclass(frozen=True, slots=True)
class Job:
    """One message as it came; `session` is None over HTTP."""

    body: bytes
    session: Session | None = None


@dataclass(slots=True)
class _Draft:
    """The answers to one message; those that wait for the block are objects still."""

    is_batch: bool
    answers: list[bytes | Answer] = field(default_factory=list)
    size_bytes: int = 0
    is_sending: bool = False


class Desk:
    """Answers messages; runs in one thread, which owns the chain while it serves.

    An answer to eth_sendRawTransaction is given when its transaction is on disk: mined, or, where
    automine is off or it cannot be mined yet, among those that wait. All that a round of `run` has
    to send goes into one block, unless a later request of the same message has to see it.
    """

    def __init__(self, devnet: Devnet, limits: Limits) -> None:
        self._devnet = devnet
        self._limits = limits
        self._subscriptions = Subscriptions(devnet, limits.subscriptions)
        self._unsettled: list[Answer] = []

    def run(self, jobs: Sequence[Job]) -> tuple[list[bytes | None], list[Notice]]:
        """Return the answer to each message, None where it wants none, and who is to be told what.

        Notices come after the answers.
        """
        with self._devnet.grouping():
            drafts = [self._serve(job) for job in jobs]
            self._settle()
        return [_encode_draft(draft) for draft in drafts], self._subscriptions.take_notices()

    def _serve(self, job: Job) -> _Draft:
        try:
            message = envelope.parse_message(job.body, most=self._limits.batch)
        except RequestError as error:
            return _Draft(is_batch=False, answers=[envelope.answer_error(error)])
        draft = _Draft(message.is_batch)
        for value in message.requests:
            try:
                request = envelope.check_request(value)
                self._check_room(draft)
            except RequestError as error:
                self._add(draft, envelope.answer_error(error, value))
                continue
            answer = self._answer(request, draft, job.session)
            if not envelope.is_notification(request):
                self._add(draft, answer)
        return draft

    def _answer(
        self, request: Mapping[str, object], draft: _Draft, session: Session | None
    ) -> Answer:
        method = request["method"]
        if draft.is_sending and method != _RAW:
            # Whatever follows in the same message may count on what it sent.
            self._settle()
            draft.is_sending = False
        answer = self._ask(request, session)
        if "error" in answer and draft.is_sending:
            self._settle()
            draft.is_sending = False
            answer = self._ask(request, session)
        if method in _SENDING and "result" in answer:
            self._unsettled.append(answer)
            draft.is_sending = True
        return answer

    def _ask(self, request: Mapping[str, object], session: Session | None) -> Answer:
        try:
            if request["method"] in subscriptions.METHODS:
                return self._subscribe(request, session)
            return self._devnet.handle(request)
        except StoreError as error:
            return _answer_failure({"id": request.get("id")}, error)

    def _subscribe(self, request: Mapping[str, object], session: Session | None) -> Answer:
        if session is None:
            error = UnknownMethod(
                "subscriptions need a WebSocket", expected="a WebSocket", got="HTTP"
            )
            return envelope.answer_error(error, request)
        return self._subscriptions.handle(session, request)

    def _settle(self) -> None:
        unsettled, self._unsettled = self._unsettled, []
        try:
            self._devnet.settle()
        except StoreError as error:
            for answer in unsettled:
                del answer["result"]
                answer.update(_answer_failure(answer, error))

    def _check_room(self, draft: _Draft) -> None:
        most = self._limits.answer_bytes
        if draft.size_bytes > most:
            raise LimitExceeded("answer too large", expected=most, got=draft.size_bytes)

    def _add(self, draft: _Draft, answer: Answer) -> None:
        if draft.is_sending:
            draft.answers.append(answer)
            return
        encoded = envelope.encode(answer)
        draft.size_bytes += len(encoded)
        draft.answers.append(encoded)


def _answer_failure(answer: Mapping[str, object], error: StoreError) -> Answer:
    return {
        "jsonrpc": envelope.VERSION,
        "id": answer.get("id"),
        "error": {"code": INTERNAL, "message": str(error)},
    }


def _encode_draft(draft: _Draft) -> bytes | None:
    if not draft.answers:
        return None
    parts = [each if isinstance(each, bytes) else envelope.encode(each) for each in draft.answers]
    return b"[%s]" % b",".join(parts) if draft.is_batch else parts[0]
