"""Which rounds have ended, how, and how good the head was then; where the open one stands."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chain.ledger import Ledger
from chain.types import Agreed, Key, Root, RoundId
from localnet.report import Progress, RoundEnded, Summary, gas_per_peer_round, mean_seconds
from node.learning.process import Answer
from node.round import Phase

BPS = 10_000


@dataclass(frozen=True)
class _Ended:
    """A round whose head is still being judged."""

    report: RoundEnded
    judgement: Answer


class Chronicle:
    """Reports every round that ends, in order, once its head has been judged.

    `judge` asks for (loss, samples, metrics) of a model, by its root; `elapsed` gives seconds since
    the start, `now` the time that deadlines are compared with (unix seconds).
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        judge: Callable[[Root], Answer],
        elapsed: Callable[[], float],
        now: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._judge = judge
        self._elapsed = elapsed
        self._now = now
        self._queue: deque[_Ended] = deque()
        self._closed = 0
        self._since = 0.0
        self._gas = 0
        self._judged = ledger().head().model_root
        self.judgement = judge(self._judged)
        self.first_end: float | None = None
        self.reported: list[RoundEnded] = []
        while self._has_ended(self._closed + 1):
            self._closed += 1

    @property
    def rounds_ended(self) -> int:
        """How many rounds have ended, earlier lives of a kept run included."""
        return self._closed

    def start(self) -> None:
        """Begin to count the time of the next round."""
        self._since = self._elapsed()

    def add_gas(self, gas: int) -> None:
        """Count what a block used."""
        self._gas += gas

    def note(self) -> None:
        """Look for rounds that have ended."""
        while self._has_ended(self._closed + 1):
            self._closed += 1
            key = self._agreed_key(RoundId(self._closed))
            if key is not None:
                self._follow(self._ledger().result(key).model_root)
            self._queue.append(_Ended(self._describe(RoundId(self._closed), key), self.judgement))
            self._since = self._elapsed()
            self._gas = 0
            if self.first_end is None:
                self.first_end = self._since
        # A result that became void leaves an older one.
        self._follow(self._ledger().head().model_root)

    def take(self) -> Iterator[RoundEnded]:
        """Return the rounds whose head has been judged by now."""
        while self._queue and self._queue[0].judgement.is_done:
            ended = self._queue.popleft()
            loss, _, metrics = ended.judgement.result()
            report = ended.report.judged(metrics.get("accuracy"), loss)
            self.reported.append(report)
            yield report

    def pending(self) -> list[Answer]:
        """Return the judgements to come."""
        return [self.judgement, *(ended.judgement for ended in self._queue)]

    def describe_progress(self, phase: Phase) -> Progress:
        """Return where the open round stands, which is in `phase`."""
        ledger = self._ledger()
        number = ledger.round.number
        opening = ledger.openings.get(number)
        votes, stake_bps = leading_vote(ledger, number)
        return Progress(
            round=number,
            phase=phase.value,
            commits=len(ledger.commitments(opening.parent, number)) if opening else 0,
            votes=votes,
            stake_bps=stake_bps,
            seconds=self._elapsed(),
        )

    def summarise(self, *, is_idle: bool = False) -> Summary:
        """Return what has come of it so far; all that is pending has come."""
        ledger = self._ledger()
        loss, _, metrics = self.judgement.result()
        active = len(ledger.active(ledger.round.number))
        return Summary(
            rounds=self.rounds_ended,
            agreed=len(ledger.agreed),
            accuracy=metrics.get("accuracy"),
            loss=loss,
            head=ledger.head().model_root,
            seconds=self._elapsed(),
            first_round_seconds=self.first_end or 0.0,
            seconds_per_round=mean_seconds(self.reported),
            gas_per_peer_round=gas_per_peer_round(self.reported, active),
            is_idle=is_idle,
            refuted=len(ledger.disputes.refuted),
            voided=len(ledger.voided),
            slashed_wei=ledger.disputes.slashed_wei,
            accuracy_by_class=metrics.get("accuracy_by_class"),
        )

    def _follow(self, head: Root) -> None:
        if head != self._judged:
            self._judged, self.judgement = head, self._judge(head)

    def _has_ended(self, number: int) -> bool:
        current = self._ledger().round
        if number != current.number:
            return number < current.number
        if current.commit_ends_at == 0:
            return True
        parameters = self._ledger().parameters
        assert parameters is not None, "the creation is a ledger's first event"
        opening = self._ledger().openings[RoundId(number)]
        commits = self._ledger().commitments(opening.parent, RoundId(number))
        votes = 0 if len(commits) < parameters.min_updates else parameters.attest_seconds
        return self._now() >= current.commit_ends_at + votes

    def _agreed_key(self, number: RoundId) -> Key | None:
        for logged in reversed(self._ledger().agreed):
            if isinstance(logged.event, Agreed) and logged.event.round == number:
                return logged.event.key
        return None

    def _describe(self, number: RoundId, agreed: Key | None) -> RoundEnded:
        ledger = self._ledger()
        # Numbers that were named when a result became void are passed over.
        opening = ledger.openings.get(number)
        votes, stake_bps = leading_vote(ledger, number)
        head = ledger.head() if agreed is None else ledger.result(agreed)
        return RoundEnded(
            round=number,
            is_agreed=agreed is not None,
            model_root=head.model_root,
            commits=len(ledger.commitments(opening.parent, number)) if opening else 0,
            votes=votes,
            stake_bps=stake_bps,
            seconds=self._elapsed() - self._since,
            gas=self._gas,
        )


def leading_vote(ledger: Ledger, number: RoundId) -> tuple[int, int]:
    """Return votes and stake (bps of the power) behind the leading result of a round."""
    opening = ledger.openings.get(number)
    keys = ledger.proposed_in.get(number, ())
    if opening is None or not keys:
        return 0, 0
    leading = max(keys, key=ledger.stake_behind)
    return len(ledger.votes[leading]), ledger.stake_behind(leading) * BPS // opening.power_wei
