"""The calls about seats as the protocol tells them, on a history that is searched."""

from __future__ import annotations

from admission_model import find_path
from federation_history import FederationHistory
from federation_records import (
    LEFT,
    RETIRED,
    Need,
    Record,
    Refused,
    Tenancy,
    Watch,
    key_of,
    objections,
)

from chain.types import seats_of

SEATS = 128
WEI_LIMIT = 2**95


class SeatsModel(FederationHistory):
    """Every call is given the time of its block and who sent it; a refused one changes nothing."""

    def join(
        self, now: int, sender: str, endpoint: str, proof: list[bytes], value: int = 0
    ) -> None:
        free = set(range(self.parameters.max_seats)) - {t.seat for t in self.tenancies}
        with objections() as need:
            is_listed = not self.admitted or find_path(self.admitted, sender) == list(proof)
            need(is_listed, "seats: not on the admission list")
            self._weigh_stake(need, value)
            need(bool(free), "seats: every seat is taken")
            need(self._has_room(value), "seats: total stake of 2**95 wei or more")
        stakes = [(self.named + 1, value)]
        self._seat(Tenancy(min(free), sender, endpoint, stakes, paid_to=self.named))

    def top_up(self, now: int, sender: str, seat: int, value: int = 0) -> None:
        tenancy = self._own(seat, sender)
        first = self.named + 1
        with objections() as need:
            need(value > 0, "seats: nothing sent")
            need(tenancy.end != LEFT, "seats: leaving")
            need(tenancy.end != RETIRED, "seats: retired")
            self._weigh_stake(need, tenancy.stake + value)
            is_settled = tenancy.changed_from == first or tenancy.changed_from <= self.head_round
            need(is_settled, "seats: the last change does not count yet")
            need(self._has_room(value), "seats: total stake of 2**95 wei or more")
        before = [stake for stake in tenancy.stakes if stake[0] != first]
        tenancy.stakes = [*before, (first, tenancy.stake + value)]
        self.present[seat] = (tenancy, tenancy.stake)

    def set_endpoint(self, now: int, sender: str, seat: int, endpoint: str) -> None:
        self._own(seat, sender).endpoint = endpoint

    def leave(self, now: int, sender: str, seat: int) -> None:
        tenancy = self._own(seat, sender)
        _check_stays(tenancy)
        self._end(tenancy, LEFT)

    def withdraw(self, now: int, sender: str, seat: int) -> None:
        tenancy = self.holder(seat)
        if tenancy is None:
            raise Refused(frozenset({"seats: no such seat"}))
        with objections() as need:
            is_own = tenancy.owner == sender or tenancy.stake == 0
            need(is_own, "seats: not the owner")
        with objections() as need:
            need(tenancy.end != "", "seats: leave first")
        if tenancy.free_at == 0:
            with objections() as need:
                is_counted = self.is_still_counted(tenancy, now)
                need(not is_counted, "seats: a round may still count the seat")
            window = self.parameters.challenge_seconds + 2 * self.parameters.answer_seconds
            tenancy.free_at = now + window
            tenancy.end = LEFT
            return
        with objections() as need:
            approved = [a for a in self.chain if a.round < tenancy.until]
            is_settled = len(approved) <= self.settled(now)
            need(now >= tenancy.free_at and is_settled, "seats: still unbonding")
        self.tenancies.remove(tenancy)

    # Retirement ---------------------------------------------------------------------------

    def retire(self, now: int, sender: str, seat: int) -> None:
        tenancy = self._find(seat)
        watch = self.watch_of(tenancy)
        if watch is None:
            with objections() as need:
                need(self.stake_in(seat, self.number) > 0, "seats: not counted yet")
            tenancy.watch = Watch(now, len(self.rounds), len(self.votes))
            return
        with objections() as need:
            is_silent = now - watch.at >= self.parameters.retire_seconds
            need(is_silent, "seats: silent for too short a time")
            has_missed = self.missed(watch) >= self.parameters.max_missed
            need(has_missed, "seats: too few rounds missed")
        tenancy.retired_at = watch.at
        self._end(tenancy, RETIRED)

    def retire_withholder(self, now: int, sender: str, seat: int, records: list[Record]) -> None:
        tenancy = self._find(seat)
        watch = self.watch_of(tenancy)
        agreed = self.records()
        fitting = 0
        while fitting < min(len(records), len(agreed)):
            if key_of(records[fitting]) != agreed[fitting].key:
                break
            fitting += 1
        shown = agreed[:fitting]
        committed_to = [r for r in shown if seat in self.committed(r.parent, r.round)]
        left_out = [r for r in committed_to if seat not in seats_of(r.included)]
        with objections() as need:
            need(not records or fitting > 0, "seats: not the head's record")
            need(fitting in (0, len(records)), "seats: not the parent's record")
            need(left_out == committed_to, "seats: the seat was included")
            is_older = any(r.round < tenancy.begun for r in shown)
            need(not is_older, "seats: older than the seat")
            is_enough = len(left_out) >= self.parameters.max_missed
            need(is_enough, "seats: too few results left the seat out")
        tenancy.retired_at = watch.at if watch else now
        self._end(tenancy, RETIRED)

    def activate(self, now: int, sender: str, seat: int, value: int = 0) -> None:
        tenancy = self._own(seat, sender)
        stake = tenancy.stake + value
        with objections() as need:
            need(tenancy.end == RETIRED, "seats: not retired")
            is_counted = self.is_still_counted(tenancy, now)
            need(not is_counted, "seats: a round may still count the seat")
            self._weigh_stake(need, stake)
            need(self._has_room(stake), "seats: total stake of 2**95 wei or more")
        self.tenancies.remove(tenancy)
        stakes = [(self.named + 1, stake)]
        again = Tenancy(seat, tenancy.owner, tenancy.endpoint, stakes, paid_to=tenancy.paid_to)
        self._seat(again)

    # Within -------------------------------------------------------------------------------

    def _own(self, seat: int, sender: str) -> Tenancy:
        tenancy = self.holder(seat)
        with objections() as need:
            need(seat < SEATS, "seats: no such seat")
            need(tenancy is not None and tenancy.owner == sender, "seats: not the owner")
        assert tenancy is not None, "just checked"
        return tenancy

    def _find(self, seat: int) -> Tenancy:
        """The tenancy that anybody may ask to retire."""
        tenancy = self.holder(seat)
        if tenancy is None:
            # An index that nobody holds is no seat, and one that counts in no round.
            raise Refused(frozenset({"seats: no such seat", "seats: not counted yet"}))
        _check_stays(tenancy)
        return tenancy

    def _weigh_stake(self, need: Need, stake: int) -> None:
        least = self.parameters.min_stake_wei
        need(stake >= least, "seats: stake below the minimum")
        is_equal = self.parameters.weighting != 1 or stake == least
        need(is_equal, "seats: equal weights need the minimum stake exactly")

    def _has_room(self, stake: int) -> bool:
        return sum(wei for _, wei in self.present.values()) + stake < WEI_LIMIT

    def _seat(self, tenancy: Tenancy) -> None:
        self.tenancies.append(tenancy)
        self.present[tenancy.seat] = (tenancy, tenancy.stake)

    def _end(self, tenancy: Tenancy, end: str) -> None:
        tenancy.end = end
        tenancy.until = self.named + 1
        tenancy.watch = None
        del self.present[tenancy.seat]


def _check_stays(tenancy: Tenancy) -> None:
    with objections() as need:
        need(tenancy.end != LEFT, "seats: leaving")
        need(tenancy.end != RETIRED, "seats: retired")
