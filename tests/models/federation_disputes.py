"""The calls about disputes as the protocol tells them: what is wrong, who pays, who is paid."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from federation_records import (
    RETIRED,
    Agreement,
    Asked,
    Proposed,
    Record,
    Refused,
    key_of,
    objections,
)
from federation_seats import SeatsModel

from chain.types import seats_of

OLD_MODEL, NEW_MODEL = 128, 129
LEAF_BYTES = 256


class DisputesModel(SeatsModel):
    """Whether evidence is what it seems is known from who made it; what follows is told here."""

    def refute(self, now: int, sender: str, number: int, coordinate: int, data: bytes) -> None:
        assert self.blobs is not None
        key, is_spoilt = self.blobs.shown[data]
        if is_spoilt:
            raise Refused(SPOILT)
        result = self.results[key]  # type: ignore[index]
        agreement = self.archive.get(number)
        with objections() as need:
            need(self.is_wrong(result, coordinate), "disputes: the coordinate is right")
            is_agreed = agreement is not None and agreement.key == key
            need(is_agreed, "disputes: not an agreed result")
        assert agreement is not None
        with objections() as need:
            need(not agreement.is_refuted, "disputes: refuted before")
            need(self.is_disputable(agreement, now), "disputes: too late")
        agreement.is_refuted = True
        if self.is_canonical(agreement):
            self._cut(agreement)
        taken = self._slash(result, 1, now)
        cap = self.parameters.challenger_cap_wei
        agreement.pot = min(agreement.lost, cap, taken // 2)
        earned = min(cap, taken // 2 - agreement.pot)
        self._owe(sender, earned)
        self.burned += taken - agreement.pot - earned

    def challenge(
        self,
        now: int,
        sender: str,
        record: Record,
        which: int,
        first: int,
        count: int,
        value: int = 0,
    ) -> None:
        agreement = self._find_agreement(record)
        reached, depth = self.size_of(which)
        result = self.results[agreement.key]
        with objections() as need:
            need(self.is_canonical(agreement), "disputes: the result is void")
            need(self.is_disputable(agreement, now), "disputes: too late")
            is_known = which in seats_of(result.included) or which in (OLD_MODEL, NEW_MODEL)
            is_block = count in (1, 2, 4, 8, 16, 32, 64) and count <= 2**depth
            is_there = is_block and first % count == 0 and first < reached
            need(is_known and is_there, "evidence: no such leaves")
            committed = len(self.committed(result.parent, result.round))
            gas = 120_000 + 14_000 * count + 2_500 * committed
            least = max(self.parameters.bond_wei, 2 * gas * self.base_fee)
            need(least <= value < 2**95, "disputes: deposit out of range")
            before = [
                a for a in agreement.asked if (a.which, a.first, a.count) == (which, first, count)
            ]
            need(not before, "disputes: challenged before")
        until = now + self.parameters.answer_seconds
        agreement.asked.append(Asked(which, first, count, sender, value, until))

    def answer(
        self,
        now: int,
        sender: str,
        record: Record,
        which: int,
        first: int,
        count: int,
        data: bytes,
    ) -> None:
        assert self.blobs is not None
        agreement = self._find_agreement(record)
        asked = self._find_asked(agreement, which, first, count)
        with objections() as need:
            is_open = asked is not None and asked.is_open
            need(is_open, "disputes: not challenged")
        assert asked is not None
        if self.blobs.shown.get(data) != (agreement.key, which, first, count):
            raise Refused(SPOILT | {"disputes: too late", "disputes: the result is void"})
        with objections() as need:
            need(self.is_canonical(agreement), "disputes: the result is void")
            need(now < asked.until, "disputes: too late")
        asked.is_answered = True
        self._owe(sender, asked.bond)

    def close(
        self, now: int, sender: str, record: Record, which: int, first: int, count: int
    ) -> None:
        agreement = self._find_agreement(record)
        asked = self._find_asked(agreement, which, first, count)
        if asked is None or asked.is_closed:
            raise Refused(frozenset({"disputes: nothing to pay back"}))
        paid = asked.bond
        if asked.is_answered:
            paid = min(paid, agreement.pot)
            with objections() as need:
                need(paid > 0, "disputes: nothing to pay back")
            agreement.pot -= paid
        elif self.is_canonical(agreement):
            with objections() as need:
                need(now >= asked.until, "disputes: still to be answered")
            self._cut(agreement)
            taken = self._slash(self.results[agreement.key], 5, now)
            more = min(paid, taken // 2)
            self.burned += taken - more
            paid += more
        asked.is_closed = True
        self._owe(asked.challenger, paid)

    def collect(self, now: int, sender: str) -> None:
        with objections() as need:
            need(self.owed.get(sender, 0) > 0, "disputes: nothing to collect")
        del self.owed[sender]

    # Within -------------------------------------------------------------------------------

    def is_wrong(self, result: Proposed, coordinate: int) -> bool:
        """Whether a coordinate is not what follows from what the result says it was made from."""
        assert self.blobs is not None
        told = self.blobs.models[result.model_root]
        old = self.blobs.models[self.model_root_of(result.parent)]
        if coordinate >= len(told):
            return False
        raw = [result.coefficients[i : i + 8] for i in range(0, len(result.coefficients), 8)]
        total, weights = Fraction(0), 0
        for seat, pair in zip(seats_of(result.included), raw, strict=True):
            clip, weight = int.from_bytes(pair[:4], "big"), int.from_bytes(pair[4:], "big")
            value = self.blobs.update(seat, result.round)[coordinate]
            total += weight * floor(Fraction(value * clip, 2**16) + Fraction(1, 2))
            weights += weight
        guard = self.parameters.model_bits - self.parameters.update_bits
        step = floor(total / weights * 2**guard + Fraction(1, 2))
        return told[coordinate] != min(max(old[coordinate] + step, -(2**31)), 2**31 - 1)

    def model_root_of(self, key: bytes) -> bytes:
        return self.parameters.genesis if key == self.genesis else self.results[key].model_root

    def _find_agreement(self, record: Record) -> Agreement:
        key = key_of(record)
        found = next((a for a in self.archive.values() if a.key == key), None)
        with objections() as need:
            need(found is not None, "disputes: not an agreed result")
        assert found is not None
        return found

    def _find_asked(self, agreement: Agreement, which: int, first: int, count: int) -> Asked | None:
        leaves = (which, first, count)
        return next((a for a in agreement.asked if (a.which, a.first, a.count) == leaves), None)

    def size_of(self, which: int) -> tuple[int, int]:
        """How many leaves a blob has, and how deep its tree is."""
        width = 4 if which >= OLD_MODEL else self.parameters.update_bytes
        reached = -(-self.parameters.coordinates * width // LEAF_BYTES)
        depth = 0
        while 2**depth < reached:
            depth += 1
        return reached, depth

    def _cut(self, agreement: Agreement) -> None:
        """Void a canonical result and all above it; no round that was named goes on or opens."""
        height = next(i for i, each in enumerate(self.chain) if each is agreement)
        del self.chain[height:]
        if self.rounds[-1].parent != self.head:
            self.rounds[-1].is_cut = True
        self._skip_named()
        self.cut_at = self.number

    def _slash(self, result: Proposed, divisor: int, now: int) -> int:
        taken = 0
        for seat in result.votes:
            tenancy = self.holder(seat)
            assert tenancy is not None, "who approved what can be disputed is still there"
            lost = tenancy.stake // divisor
            taken += lost
            first, left = tenancy.changed_from, tenancy.stake - lost
            tenancy.stakes = [(first, left)]
            for number, roll in self.rolls.items():
                if roll.get(seat, (None,))[0] is tenancy:
                    roll[seat] = (tenancy, left if number >= first else 0)
            if not tenancy.end:
                watch = self.watch_of(tenancy)
                tenancy.retired_at = watch.at if watch else now
                self._end(tenancy, RETIRED)
        return taken

    def _owe(self, account: str, amount: int) -> None:
        self.owed[account] = self.owed.get(account, 0) + amount


SPOILT = frozenset(
    {
        "evidence: not the commitments",
        "evidence: not the parent's record",
        "evidence: not each seat once, in ascending order",
        "evidence: no such coordinate",
        "merkle: not a leaf of the tree",
        "disputes: not an agreed result",
    }
)
"""Why evidence that was spoilt may be refused: which word of it gives way is not told here."""
