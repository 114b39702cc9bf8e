"""What contract, model and ledger say, held side by side, and what must hold of each alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from eth_abi.abi import decode
from federation_lab import NOBODY, Lab
from federation_model import FederationModel
from federation_records import RETIRED, Tenancy

from chain.federation import OUTPUTS, encode_call
from chain.keys import compute_running_hash, weigh
from chain.observer import Observer
from chain.rewards import compute_earned
from chain.types import Agreed, Key, Opened, RoundId, Seat, Wei, bitmap_of, seats_of


@dataclass
class Comparison:
    """One moment of a federation, told three times."""

    lab: Lab
    model: FederationModel
    observer: Observer

    def check(self, *, since: int = 0, is_quick: bool = False) -> None:
        """Compare every view; of rows and results only those of rounds from `since` on.

        A quick look is at what most moves change: each view costs a millisecond.
        """
        self.observer.poll()
        self._check_head_and_round()
        self._check_rewards()
        assert self.lab.balance_wei == self.model.balance
        if is_quick:
            return
        self._check_seats()
        self._check_rows(since)
        self._check_results(since)
        self._check_rolls(since)
        self._check_archive(since)
        self._check_invariants()

    def _read(self, function: str, *arguments: object) -> Any:
        """Ask the embedded chain itself: dozens of reads after each move are too many for web3."""
        data = "0x" + encode_call(function, arguments).hex()
        call = {"to": self.lab.federation.address, "data": data}
        answer = self.lab.devnet.handle({"id": 1, "method": "eth_call", "params": [call, "latest"]})
        values = decode(OUTPUTS[function], bytes.fromhex(cast(str, answer["result"])[2:]))
        return values[0] if len(values) == 1 else values

    def _check_head_and_round(self) -> None:
        model, ledger = self.model, self.observer.ledger
        number, named, ends_at, power, active, agreed, ran = self._read("round")
        opened = model.rounds[-1] if model.rounds else None
        assert (number, named, ends_at) == (model.number, model.named, model.commit_end())
        assert (power, active) == ((opened.power, opened.active) if opened else (0, 0))
        assert (agreed, ran) == (model.voted_from, model.ran % 2**16)
        fold = ledger.round
        assert (fold.number, fold.named, fold.commit_ends_at) == (number, named, ends_at)
        assert (fold.power_wei, fold.active, fold.ran) == (power, active, ran)
        last = model.chain[-1] if model.chain else None
        told = (model.head, len(model.chain), model.head_round, last.at if last else 0)
        *read, settled = self._read("head")
        assert tuple(read) == told
        assert settled <= model.settled(self.lab.now), "what is known late is no less true"
        head = ledger.head()
        assert (head.key, head.height, head.round) == told[:3]

    def _check_seats(self) -> None:
        stakes = 0
        ledger, held = self.observer.ledger, {t.seat: t for t in self.model.tenancies}
        assert set(ledger.seats) == set(held)
        for index in range(self.lab.parameters.max_seats):
            words = self._read("seat", index)
            stakes += words[1]
            if index not in held:
                assert words[0] == NOBODY
                assert not any(words[1:])
                continue
            tenancy = held[index]
            owner, stake, earlier, changed_from, until, free_at, *watch = words
            assert (owner, stake) == (tenancy.owner.lower(), tenancy.stake)
            assert (earlier, changed_from) == (tenancy.earlier, tenancy.changed_from)
            assert (until, free_at) == (tenancy.until, tenancy.free_at)
            self._check_watch(tenancy, *watch)
            record = ledger.seats[Seat(index)]
            assert (record.owner, record.endpoint) == (owner, tenancy.endpoint)
            assert record.stakes[-1] == (changed_from, stake)
            assert (record.until, record.free_at) == (until, free_at)

        assert stakes == sum(t.stake for t in self.model.tenancies)

    def _check_watch(self, tenancy: Tenancy, since: int, ran: int, begun: int) -> None:
        record = self.observer.ledger.seats[Seat(tenancy.seat)]
        watch = self.model.watch_of(tenancy)
        told = (watch.at, self.model.ran_at(watch) % 2**16) if watch else (0, 0)
        assert (record.since, record.ran) == told
        assert record.is_retired == (tenancy.end == RETIRED)
        if tenancy.end == RETIRED:
            assert since == tenancy.retired_at
        else:
            assert (since, ran) == told
        assert begun == (0 if tenancy.end else tenancy.begun)
        assert tenancy.end or record.begun == begun

    def _check_rows(self, since: int) -> None:
        ledger, model = self.observer.ledger, self.model
        assert set(ledger.rows) == set(model.rows)
        for (parent, number), row in model.rows.items():
            if number < since:
                continue
            running, word = self._read("row", parent, number)
            assert running == model.running(parent, number)
            assert word % 2**128 == bitmap_of(tuple(Seat(c.seat) for c in row))
            assert word >> 128 == sum(c.stake for c in row)
            told = ledger.commitments(Key(parent), RoundId(number))
            assert [(c.seat, c.root) for c in told] == [(c.seat, c.root) for c in row]
            weights = [
                weigh(self.lab.parameters.weighting, Wei(kept.stake), event.samples)
                for event, kept in zip(told, row, strict=True)
            ]
            again = compute_running_hash(
                Key(parent), RoundId(number), tuple(zip(told, weights, strict=True))
            )
            assert again == running

    def _check_results(self, since: int) -> None:
        ledger, model = self.observer.ledger, self.model
        assert set(ledger.results) == set(model.results)
        for name, result in model.results.items():
            if result.round < since:
                continue
            key = Key(name)
            voters, voted_in, stake, is_agreed = self._read("tally", key)
            assert is_agreed == any(a.key == name for a in model.archive.values())
            assert (voters, voted_in) == (bitmap_of(tuple(map(Seat, result.votes))), result.round)
            assert stake == sum(result.votes.values()) == ledger.stake_behind(key)
            assert set(ledger.votes[key]) == set(result.votes)
            told = ledger.result(key)
            assert (told.included, told.model_root) == (result.included, result.model_root)
            assert set(seats_of(told.credited)) == result.credited

    def _check_archive(self, since: int) -> None:
        model, ledger = self.model, self.observer.ledger
        last = set(sorted(model.archive)[-6:])
        for number in {n for n in model.archive if n >= since} | last | {model.number + 1}:
            agreement = model.archive.get(number)
            read = self._read("archived", number)
            if agreement is None:
                assert not any(read)
                continue
            height, agreed_at, block, asked, is_disputed, is_refuted = read
            assert (agreed_at, block) == (agreement.at, agreement.block)
            assert (is_disputed, is_refuted) == (bool(agreement.asked), agreement.is_refuted)
            if model.is_canonical(agreement):
                assert model.chain[height - 1] is agreement
                assert asked == sum(each.is_open for each in agreement.asked)
        for height, agreement in enumerate(model.chain, 1):
            if agreement.round >= since:
                assert self._read("canonical", height) == agreement.round
        agreed = [cast(Agreed, logged.event) for logged in ledger.agreed]
        assert [event.key for event in agreed] == [a.key for a in model.chain]
        assert len(ledger.voided) == len(model.archive) - len(model.chain)
        for account, amount in model.owed.items():
            assert self._read("owed", account) == amount
        burnt = int(self.lab.get_balance(NOBODY))
        assert burnt == model.burned, "what is burned is nobody's"

    def _check_rewards(self) -> None:
        model, ledger = self.model, self.observer.ledger
        earned = model.earned
        assert self._read("pool") == (model.funded, earned)
        assert (ledger.funded_wei, compute_earned(ledger)) == (model.funded, earned)
        assert model.rewarded <= earned <= model.funded, "no more is paid than there is"
        shares = [cast(Agreed, logged.event).share_wei for logged in ledger.agreed]
        assert shares == [agreement.share for agreement in model.chain]
        for tenancy in model.tenancies:
            assert ledger.paid_to[Seat(tenancy.seat)] == tenancy.paid_to

    def _check_rolls(self, since: int) -> None:
        ledger, model = self.observer.ledger, self.model
        numbers = {n for n in model.rolls if n >= max(since, model.voted_from)}
        for number in numbers | {model.named + 1}:
            for index in range(self.lab.parameters.max_seats):
                counted = ledger.stake_in(Seat(index), RoundId(number))
                assert counted == model.stake_in(index, number), (index, number)

    def _check_invariants(self) -> None:
        told = [logged.event for logged in self.observer.history]
        agreed = [event.round for event in told if isinstance(event, Agreed)]
        assert agreed == sorted(set(agreed)), "a round has one result at most"
        opened = [event.round for event in told if isinstance(event, Opened)]
        assert opened == sorted(set(opened)), "no number is used twice"
        assert set(agreed) <= set(opened)
