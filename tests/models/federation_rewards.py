"""Rewards as the protocol tells them: who has earned what is counted out anew each time."""

from __future__ import annotations

from federation_disputes import DisputesModel
from federation_records import Agreement, objections


class RewardsModel(DisputesModel):
    """The contract keeps totals that a cut rolls back; here there is only what stands."""

    @property
    def earned(self) -> int:
        """What the results that stand have earned, paid or not, in wei."""
        return sum(each.share * len(self._set_aside_for(each)) for each in self.chain)

    def fund(self, now: int, sender: str, value: int = 0) -> None:
        with objections() as need:
            need(self.parameters.reward_wei_per_second > 0, "rewards: none are paid here")
            need(value > 0, "rewards: nothing sent")
        self.funded += value

    def claim(self, now: int, sender: str, seat: int, keys: list[bytes]) -> None:
        tenancy = self._own(seat, sender)
        standing = {a.key: a for a in self.chain[: self.settled(now)]}
        numbers = [self.results[key].round if key in self.results else 0 for key in keys]
        last, amount = tenancy.paid_to, 0
        with objections() as need:
            is_ascending = all(a < b for a, b in zip([last, *numbers], numbers, strict=False))
            need(is_ascending, "rewards: not in ascending order")
            need(all(key in standing for key in keys), "rewards: not a settled result")
            for key in keys:
                if key in standing and seat in self._earners(standing[key]):
                    amount += standing[key].share
            need(amount > 0, "rewards: nothing to claim")
        for number in numbers:
            holder, _ = self.rolls[number].get(seat, (None, 0))
            assert holder is None or holder.owner == sender, "nobody is paid for another's work"
        tenancy.paid_to = numbers[-1]
        self.rewarded += amount

    def settle(self, now: int, sender: str) -> None:
        """What can not be disputed any more is not: to note it changes nothing."""

    def share_out(self, agreement: Agreement) -> int:
        """What each who has a weight in the newest result earns by approving it, in wei."""
        p, below = self.parameters, self.chain[:-1]
        most = p.commit_seconds + p.attest_seconds
        seconds = min(agreement.at - below[-1].at, most) if below else most
        left = self.funded - sum(each.share * len(self._earners(each)) for each in below)
        reward = p.reward_wei_per_second * seconds
        agreement.is_short = left < reward
        return min(reward, left) // self.rounds[-1].active

    def _earners(self, agreement: Agreement) -> set[int]:
        result = self.results[agreement.key]
        return result.credited & set(result.votes)

    def _set_aside_for(self, agreement: Agreement) -> set[int]:
        """Who may earn with a result; of the head all who could still approve it."""
        is_head = agreement is self.chain[-1]
        if is_head and agreement.round == self.voted_from:
            return self.results[agreement.key].credited
        return self._earners(agreement)
