"""Seats and rounds as the protocol tells them, for comparison with the contract.

Written from the text, as a history that is searched: who is on the roll, what was committed, who
voted, when. The contract keeps running totals, deadlines and flags instead, so a slip in one is not
a slip in the other. Two rules are the contract's own and not the text's: a second change of a stake
waits until the head's round counts the first one, and a round that lapses for want of commitments
holds its seats back until its time for votes is over too.
"""

from __future__ import annotations

import copy

from federation_records import Agreement, Commitment, Opened, Proposed, Refused, objections
from federation_rewards import RewardsModel

from chain.types import seats_of

UNCLIPPED = 2**16
STAKE, EQUAL, SAMPLES = range(3)
UNSELECTED, VOUCHED, MULTI_KRUM = range(3)


class FederationModel(RewardsModel):
    """The state after some moves. Every move is given the time of its block and its sender."""

    def commit(
        self,
        now: int,
        sender: str,
        number: int,
        seat: int,
        parent: bytes,
        root: bytes,
        samples: int,
        steps: int,
    ) -> None:
        self._own(seat, sender)
        stake = self.stake_in(seat, number)
        phase, is_next = self.phase(now), number == self.number + 1
        joins = phase == "commit" and parent == self.head and number == self.number
        opens = phase in ("idle", "lapsed") and parent == self.head and is_next
        early = phase == "attest" and is_next and self._is_proposed(parent)
        with objections() as need:
            need(stake > 0, "rounds: the seat does not count in this round")
            need(root != bytes(32), "rounds: an empty root")
            is_first = seat not in self.committed(parent, number)
            need(is_first, "rounds: already committed")
            need(joins or is_next, "rounds: not a round to commit to")
            is_on_result = joins or opens or early or not is_next
            need(is_on_result, "rounds: the parent is not a result to build on")
            is_staffed = number <= self.named or len(self.present) >= self.parameters.min_updates
            need(is_staffed, "rounds: too few active seats")
            waiting = len(self.chain) - self.settled(now) + (parent != self.head)
            has_room = number <= self.named or waiting < self.parameters.max_unsettled
            need(has_room, "rounds: too many unsettled results")
        if number not in self.rolls:
            self.rolls[number] = dict(self.present)
            power = sum(stake for _, stake in self.present.values())
            self.fixed[number] = (power, len(self.present))
        weight = (stake, 1, samples)[self.parameters.weighting]
        row = self.rows.setdefault((parent, number), [])
        row.append(Commitment(seat, root, weight, stake, now))
        if opens:
            self._open(now)

    def propose(
        self,
        now: int,
        sender: str,
        number: int,
        seat: int,
        parent: bytes,
        commitments: bytes,
        included: int,
        model_root: bytes,
        coefficients: bytes,
    ) -> None:
        self._own(seat, sender)
        result = Proposed(number, parent, commitments, included, model_root, coefficients)
        phase, seats = self.phase(now), set(seats_of(included))
        with objections() as need:
            need(number == self.number and number > 0, "rounds: not the open round")
            need(phase != "commit", "rounds: commitments are still open")
            need(phase in ("commit", "attest"), "rounds: the round is over")
            need(parent == self.head, "rounds: the parent is not the head")
            is_row = commitments == self.running(parent, number)
            need(is_row, "rounds: not the commitments of this round")
            has_committed = seats <= self.committed(parent, number)
            need(has_committed, "rounds: an included seat has not committed")
            need(len(seats) >= self._least(), "rounds: too few updates")
            need(result.key not in self.results, "rounds: already proposed")
            counts = self.stake_in(seat, number) > 0
            need(counts, "rounds: the seat does not count in this round")
            for objection in self._judge(coefficients, len(seats)):
                need(False, objection)
        self.results[result.key] = result
        self.attest(now, sender, seat, result.key)

    def attest(self, now: int, sender: str, seat: int, key: bytes) -> None:
        voter = self._own(seat, sender)
        with objections() as need:
            need(key in self.results, "rounds: no such result")
        result = self.results[key]
        stake = self.stake_in(seat, result.round)
        is_live = result.round == self.number and self.phase(now) == "attest"
        with objections() as need:
            need(seat not in result.votes, "rounds: already approved")
            need(stake > 0, "rounds: the seat does not count in this round")
            is_late = key == self.head and result.round == self.voted_from
            need(is_live or is_late, "rounds: the vote on this result is over")
        result.votes[seat] = stake
        self.votes.append(voter)
        if is_live and 3 * sum(result.votes.values()) >= 2 * self.rounds[-1].power:
            self.rounds[-1].agreed = key
            agreement = Agreement(key, result.round, now, self.block, result.parent)
            self.chain.append(agreement)
            self.archive[result.round] = agreement
            agreement.share = self.share_out(agreement)
            if self.rows.get((key, self.number + 1)):
                self._open(now)

    def attest_and_commit(
        self,
        now: int,
        sender: str,
        seat: int,
        key: bytes,
        number: int,
        root: bytes,
        samples: int,
        steps: int,
    ) -> None:
        before = copy.deepcopy(vars(self))
        try:
            self.attest(now, sender, seat, key)
            self.commit(now, sender, number, seat, key, root, samples, steps)
        except Refused:
            vars(self).update(before)
            raise

    # Within -------------------------------------------------------------------------------

    def _skip_named(self) -> None:
        """Let no round open that was named under another head."""
        while self.number < self.named:
            last = self.rounds[-1]
            skipped = Opened(self.number + 1, self.head, 0, last.power, last.active, is_cut=True)
            self.rounds.append(skipped)

    def _open(self, now: int) -> None:
        number = self.number + 1
        self.rounds.append(Opened(number, self.head, now, *self.fixed[number]))

    def _is_proposed(self, key: bytes) -> bool:
        """Whether a key was proposed in the last round."""
        return key in self.results and self.results[key].round == self.number

    def _least(self) -> int:
        """How many updates a result of the last round needs."""
        active = self.rounds[-1].active if self.rounds else 0
        faulty = active * self.parameters.faults_bps // 10_000
        least = [self.parameters.min_updates]
        if self.parameters.weighting == EQUAL:
            least.append(2 * faulty + 1)
        if self.parameters.selection == MULTI_KRUM:
            least.append(2 * faulty + 3)
        return max(least)

    def _judge(self, coefficients: bytes, count: int) -> list[str]:
        """What is wrong with the form of coefficients for so many seats."""
        words = [coefficients[i : i + 4] for i in range(0, len(coefficients), 4)]
        numbers = [int.from_bytes(word, "big") for word in words]
        clips, weights = numbers[::2], numbers[1::2]
        is_plain = self.parameters.selection == UNSELECTED
        wrong = {
            "rule: not 8 bytes for every included seat": len(coefficients) != 8 * count,
            "rule: every weight is 0": sum(weights) == 0,
            "rule: weights of 2**25 or more": sum(weights) >= 2**25,
            "rule: a clip factor above 2**16": any(c > UNCLIPPED for c in clips),
            "rule: clipped without a clip": is_plain
            and self.parameters.clip == 0
            and any(c != UNCLIPPED for c in clips),
            "rule: equal weights are 1": is_plain
            and self.parameters.weighting == EQUAL
            and any(w != 1 for w in weights),
        }
        return [reason for reason, is_so in wrong.items() if is_so]
