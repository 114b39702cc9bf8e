"""Contract and model side by side: every move is made on both, and what they say is compared."""

from __future__ import annotations

import copy

from federation_lab import NOBODY, PAIR, Lab, make_root
from federation_model import FederationModel, Refused

from chain.errors import Reverted
from chain.keys import compute_genesis_key, compute_result_key, compute_running_hash, weigh
from chain.observer import Observer
from chain.types import Key, Root, RoundId, Seat, Wei, bitmap_of, seats_of


class Pair:
    """A federation twice."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        genesis = compute_genesis_key(
            lab.federation.chain_id, lab.federation.address, lab.parameters.genesis
        )
        self.model = FederationModel(lab.parameters, genesis)
        self.observer = Observer(lab.federation, created_at=lab.created_at)
        self.sent = 0
        self.done = 0

    @property
    def keys(self) -> list[bytes]:
        """The head, the keys that were proposed, newest first, and one that was not."""
        return [self.model.head, *reversed(self.model.results), self.model.genesis, bytes(32)]

    def owner(self, account: int) -> str:
        return self.lab.devnet.accounts[account].address

    # Moves --------------------------------------------------------------------------------

    def join(self, account: int, value: int) -> None:
        self._move("join", account, ("here", []), (value,), value)

    def top_up(self, account: int, seat: int, value: int) -> None:
        self._move("top_up", account, (seat,), (seat, value), value)

    def leave(self, account: int, seat: int) -> None:
        self._move("leave", account, (seat,), (seat,))

    def withdraw(self, account: int, seat: int) -> None:
        self._move("withdraw", account, (seat,), (seat,))

    def commit(self, account: int, seat: int, number: int, parent: bytes, samples: int) -> None:
        root = make_root(seat, number)
        arguments = (number, seat, parent, root, samples, 1)
        self._move("commit", account, arguments, (seat, number, parent, root, samples))

    def propose(
        self, account: int, seat: int, number: int, parent: bytes, drop: int, model: int
    ) -> None:
        """Propose what was committed, the seats in the map `drop` left out."""
        row = self.model.rows.get((parent, number), [])
        included = bitmap_of(tuple(Seat(c.seat) for c in row)) & ~drop
        running, root = self.model.running(parent, number), make_root(model)
        coefficients = PAIR * len(seats_of(included))
        key = compute_result_key(
            RoundId(number), Key(parent), running, included, Root(root), coefficients
        )
        self._move(
            "propose",
            account,
            (number, seat, parent, running, included, root, coefficients),
            (seat, number, parent, running, included, key),
        )

    def attest(self, account: int, seat: int, key: bytes) -> None:
        self._move("attest", account, (seat, key), (seat, key))

    def attest_and_commit(
        self, account: int, seat: int, key: bytes, number: int, samples: int
    ) -> None:
        root = make_root(seat, number)
        arguments = (seat, key, number, root, samples, 1)
        self._move("attest_and_commit", account, arguments, (seat, key, number, root, samples))

    def jump(self, to: int) -> None:
        """Let the next block have this time, if it is still to come."""
        self.lab.clock.at = max(self.lab.clock.at, to)

    def _move(
        self,
        function: str,
        account: int,
        arguments: tuple[object, ...],
        told: tuple[object, ...],
        value: int = 0,
    ) -> None:
        refusal: str | None = None
        try:
            self.lab.act(function, *arguments, by=account, value_wei=value)
        except Reverted as error:
            refusal = str(error.got)
        before = copy.deepcopy(self.model)
        is_allowed = True
        try:
            getattr(self.model, function)(self.lab.now, self.owner(account), *told)
        except Refused:
            self.model, is_allowed = before, False
        self.sent += 1
        self.done += is_allowed
        assert is_allowed == (refusal is None), (function, told, refusal)
        self.compare()

    # Comparisons --------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare what changes all the time."""
        model, federation = self.model, self.lab.federation
        number, named, ends_at, power, active, agreed, _ = federation.read("round")
        opened = model.rounds[-1] if model.rounds else None
        assert (number, named, ends_at) == (model.number, model.named, model.commit_end())
        assert (power, active) == ((opened.power, opened.active) if opened else (0, 0))
        assert agreed == model.head_round
        key, height, head_round, _ = federation.get_head()
        assert (key, height, head_round) == (model.head, len(model.chain), model.head_round)
        assert self.lab.balance_wei == model.balance

    def compare_all(self) -> None:
        """Compare everything, the fold over the events included."""
        self.compare()
        self._compare_seats()
        self._compare_rounds()

    def _compare_seats(self) -> None:
        self.observer.poll()
        ledger = self.observer.ledger
        total = 0
        for index in range(self.lab.parameters.max_seats):
            owner, stake, _, _, until, free_at = self.lab.read_seat(index)
            total += stake
            held, record = self.model.holder(index), ledger.seats.get(Seat(index))
            if held is None:
                assert owner == NOBODY
                assert stake == 0
                assert record is None
                continue
            assert (owner.lower(), stake) == (held.owner.lower(), held.stake)
            assert (until != 0, free_at) == (held.is_leaving, held.free_at)
            assert record is not None
            assert (record.owner, record.stakes[-1][1]) == (owner, stake)
            assert (record.until, record.free_at) == (until, free_at)
        assert total == self.lab.balance_wei

    def _compare_rounds(self) -> None:
        federation, ledger, model = self.lab.federation, self.observer.ledger, self.model
        assert ledger.round == federation.get_round()
        key, height, head_round, _ = federation.get_head()
        head = ledger.head()
        assert (head.key, head.height, head.round) == (key, height, head_round)
        assert set(ledger.rows) == set(model.rows)
        for (parent, number), row in model.rows.items():
            running, committed, stake = federation.get_row(Key(parent), RoundId(number))
            assert running == model.running(parent, number)
            assert committed == bitmap_of(tuple(Seat(c.seat) for c in row))
            assert stake == sum(c.stake for c in row)
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
        assert set(ledger.results) == set(model.results)
        for name, result in model.results.items():
            voters, voted_in, stake = federation.get_tally(Key(name))
            assert (voters, voted_in) == (bitmap_of(tuple(map(Seat, result.votes))), result.round)
            assert stake == sum(result.votes.values()) == ledger.stake_behind(Key(name))
            assert set(ledger.votes[Key(name)]) == set(result.votes)
        live = {n for n in model.rolls if n >= model.head_round}
        for number in live:
            for index in range(self.lab.parameters.max_seats):
                counted = ledger.stake_in(Seat(index), RoundId(number))
                assert counted == model.stake_in(index, number), (index, number)
