"""Peers on a real contract: killed at every line, given rotten or copied blobs, they go on."""

from collections import Counter

import pytest
from eth_abi.abi import decode
from peers_lab import Fuse, InlineTrainer, PeersLab, exhaust

from chain.federation import INPUTS, SELECTORS
from chain.types import Agreed, Attested, Committed
from localnet.byzantine import Byzantine
from node.blobs.disk import DiskBlobs
from node.blobs.errors import StoreFailed
from node.blobs.store import MemoryBlobs
from node.errors import NotFinite
from node.round import Phase, Pull
from node.timestamp import write_time
from node.training import Failed

ROUNDS = 2
KILLED = 1


def arguments(call, function):
    """Return a call's arguments, None where it is of another function."""
    if call.data[:4] != SELECTORS[function]:
        return None
    return decode(INPUTS[function], call.data[4:])


def sent_commitments(lives):
    """Return every (parent, round) → roots that a seat ever sent, accepted or not."""
    roots = {}
    for call in lives.sent:
        if (commit := arguments(call, "commit")) is not None:
            roots.setdefault((commit[2], commit[0]), set()).add(commit[3])
        elif (both := arguments(call, "attest_and_commit")) is not None:
            roots.setdefault((both[1], both[2]), set()).add(both[3])
    return roots


def sent_votes(lives):
    keys = set()
    for call in lives.sent:
        for function in ("attest", "attest_and_commit"):
            if (vote := arguments(call, function)) is not None:
                keys.add(vote[1])
    return keys


def play_with_crash(directory, at, *, is_pure):
    """Kill one peer at its `at`-th effect; return ledger and how often it was killed."""
    directory.mkdir()
    with PeersLab(3, directory, min_updates=2) as lab:
        fuse = Fuse(at)
        lab.peers[KILLED] = lab.start(KILLED, fuse, is_pure=is_pure)
        ledger = lab.play(ROUNDS, lambda seat: lab.start(seat, is_pure=is_pure))
        lives, journal = lab.lives[KILLED], lab.lives[KILLED].opened
        assert all(len(roots) == 1 for roots in sent_commitments(lives).values())
        assert sent_votes(lives)
        assert all(map(journal.has_recomputed, sent_votes(lives)))
        commits = Counter(
            (event.seat, event.parent, event.round)
            for event in (logged.event for logged in lab.observer.history)
            if isinstance(event, Committed)
        )
        assert set(commits.values()) == {1}
        # Nobody else waited for it, and no round was lost over it.
        assert [logged.event.round for logged in ledger.agreed] == [1, 2]
        return ledger, fuse.touches >= at


@pytest.mark.parametrize(
    "first",
    [3, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 4))],
)
def test_peer__killed_at_every_effect__ends_with_the_head_of_a_peer_that_was_not(tmp_path, first):
    """Four tests share the effects out. The odd ones kill before an effect; the even ones, just
    after one, find the same on disk as the next odd one does. One is enough for every day."""
    with PeersLab(3, min_updates=2) as lab:
        undisturbed = lab.play(ROUNDS).head()
    at = first
    while True:
        ledger, was_killed = play_with_crash(tmp_path / str(at), at, is_pure=True)
        assert ledger.head() == undisturbed, f"killed at effect {at}"
        if not was_killed:
            break
        at += 4
    assert at > 50, "two rounds have so many effects to be killed at"


@pytest.mark.parametrize("at", range(2, 64, 5))
def test_peer__killed_and_learning_otherwise_afterwards__still_says_one_thing(tmp_path, at):
    """A learner that is no pure function: what the journal chose first is what is ever sent."""
    play_with_crash(tmp_path / "journals", at, is_pure=False)


def test_peer__killed_over_and_over__still_ends_with_that_head(tmp_path):
    with PeersLab(3, min_updates=2) as lab:
        undisturbed = lab.play(ROUNDS).head()
    with PeersLab(3, tmp_path, min_updates=2) as lab:

        def again(seat):
            # Each life gets one effect further than the one before: none gets on by luck.
            return lab.start(seat, Fuse(2 * lab.lives[seat].count))

        lab.peers[KILLED] = lab.start(KILLED, Fuse(1))
        assert lab.play(ROUNDS, again).head() == undisturbed
        assert lab.lives[KILLED].count > 5


def test_peer__on_disk_and_in_memory__ends_with_the_same_head(tmp_path):
    heads = set()
    for store in (MemoryBlobs(), DiskBlobs(tmp_path)):
        with PeersLab(store=store) as lab:
            heads.add(lab.play(2).head())
    assert len(heads) == 1


@pytest.mark.parametrize("disk", [False, True])
def test_peer__a_copied_root__counts_as_an_update_that_nobody_serves(tmp_path, disk):
    """Seat 3 commits to the root of seat 0's update: it is under no tag of its own."""
    with PeersLab(store=DiskBlobs(tmp_path) if disk else None) as lab:
        del lab.peers[3]
        lab.turn()
        lab.observer.poll()
        row = lab.observer.ledger.commitments(lab.observer.ledger.genesis, 1)
        call = lab.federation.call("commit", 1, 3, row[0].parent, row[0].root, 10, 1)
        lab.senders[3].submit(call)
        lab.mining.mine()
        ledger = lab.play(1)
        result = ledger.result(ledger.head().key)
        assert result.seats == (0, 1, 2)
        assert len(ledger.commitments(result.parent, 1)) == 4


@pytest.mark.parametrize("disk", [False, True])
def test_peer__the_heads_own_root_committed__is_no_update_either(tmp_path, disk):
    with PeersLab(store=DiskBlobs(tmp_path) if disk else None) as lab:
        del lab.peers[3]
        parent = lab.observer.ledger.genesis
        lab.senders[3].submit(
            lab.federation.call("commit", 1, 3, parent, lab.parameters.genesis, 10, 1)
        )
        ledger = lab.play(1)
        assert ledger.result(ledger.head().key).seats == (0, 1, 2)


def rot(directory, root):
    path = directory / ("0x" + root.hex())
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def test_peer__head_rotten_on_its_disk__pulls_it_again_and_goes_on(tmp_path):
    with PeersLab(store=DiskBlobs(tmp_path)) as lab:
        head = lab.play(1).head()
        path = tmp_path / ("0x" + head.model_root.hex())
        sound = path.read_bytes()
        rot(tmp_path, head.model_root)
        lab.peers = {seat: lab.start(seat) for seat in lab.peers}
        # Nobody has it sound: they ask, and ask again later, and train on nothing rotten.
        assert lab.peers[0].step() == Pull()
        assert exhaust(lab.peers[0]) > lab.clock()
        path.write_bytes(sound)
        assert lab.play(3).head().height == 3


def test_peer__an_update_rots_before_the_votes__is_left_out(tmp_path):
    with PeersLab(store=DiskBlobs(tmp_path)) as lab:
        lab.reach(Phase.ATTEST)
        row = lab.observer.ledger.commitments(lab.observer.ledger.genesis, 1)
        rot(tmp_path, next(c.root for c in row if c.seat == 2))
        ledger = lab.play(1)
        assert ledger.result(ledger.head().key).seats == (0, 1, 3)


def test_peer__back_in_the_middle_of_the_votes__first_pulls_the_head():
    """It was away while the head moved, and comes back in ATTEST without the head's model."""
    with PeersLab() as lab:
        late = lab.peers.pop(3)
        head = lab.play(1).head()
        lab.reach(Phase.ATTEST)
        assert lab.observer.ledger.round.number == 2
        assert lab.observer.ledger.head() == head
        assert late.step() == Pull()
        exhaust(late)
        lab.peers[3] = late
        ledger = lab.play(3)
        assert 3 in ledger.result(ledger.head().key).seats


def test_peer__full_disk__stops_with_the_stores_error():
    class Full(MemoryBlobs):
        is_full = False

        def keep(self, blob, payload):
            if self.is_full and not self.has(blob):
                raise StoreFailed(f"blob {blob.name}", "room to write it", "none")
            super().keep(blob, payload)

    store = Full()
    with PeersLab(store=store) as lab:
        lab.play(1)
        store.is_full = True
        with pytest.raises(StoreFailed):
            lab.play(2)
        store.is_full = False
        lab.peers = {seat: lab.start(seat) for seat in lab.peers}
        assert lab.play(3).head().height == 3


def test_peer__learner_refused__raises_what_the_encoder_said():
    class Broken(InlineTrainer):
        def find(self, seat, parent, round_id):
            raise NotFinite("encoding: array 'w' at (0,)", "a finite number", "nan")

    with PeersLab() as lab:
        lab.peers[0] = lab.start(0, trainer=Broken(lab.parameters))
        with pytest.raises(NotFinite, match="array 'w'"):
            lab.play(1)


def test_peer__one_of_four_absent__every_round_is_agreed_without_it():
    with PeersLab() as lab:
        del lab.peers[2]
        ledger = lab.play(3)
        assert [logged.event.round for logged in ledger.agreed] == [1, 2, 3]
        assert all(2 not in ledger.result(logged.event.key).seats for logged in ledger.agreed)


def test_peer__two_of_four_absent__rounds_lapse_until_one_is_back():
    with PeersLab(min_updates=2) as lab:
        away = {seat: lab.peers.pop(seat) for seat in (2, 3)}
        lab.reach(Phase.LAPSED)
        assert lab.observer.ledger.agreed == []
        lab.peers[2] = away[2]
        assert lab.play(1).head().round >= 2


def test_peer__a_wrong_proposal__gets_no_honest_vote():
    with PeersLab() as lab:
        del lab.peers[3]
        lab.reach(Phase.ATTEST)
        round_id, parent = lab.observer.ledger.round.number, lab.observer.ledger.head().key
        running, included, _ = lab.federation.get_row(parent, round_id)
        pair = (2**16).to_bytes(4, "big") + (1).to_bytes(4, "big")
        coefficients = pair * included.bit_count()
        lab.senders[3].submit(
            lab.federation.call(
                "propose", round_id, 3, parent, running, included, b"\x66" * 32, coefficients
            )
        )
        ledger = lab.play(1)
        wrong = next(key for key in ledger.results if ledger.result(key).seat == 3)
        assert set(ledger.votes[wrong]) == {3}
        assert ledger.head().key != wrong
        kinds = [type(logged.event) for logged in lab.observer.history]
        assert kinds.count(Agreed) == 1
        assert kinds.count(Attested) >= 4


@pytest.mark.parametrize(
    "kind",
    [
        Byzantine("withhold", is_withholding=True),
        Byzantine("garbage", is_garbling=True),
        Byzantine("serve_half", is_choosing=True),
    ],
)
def test_peer__a_seat_that_serves_badly__costs_no_round(kind):
    with PeersLab(5, kinds={4: kind}) as lab:
        ledger = lab.play(2)
        assert [logged.event.round for logged in ledger.agreed] == [1, 2]
        is_included = 4 in ledger.result(ledger.head().key).seats
        assert is_included == kind.is_choosing, "re-served by the one who has it"


class FailingOnce:
    """A trainer whose first training fails, as when its process is killed."""

    def __init__(self, trainer):
        self._trainer = trainer
        self.starts = 0

    def start(self, seat, parent, job):
        self.starts += 1
        if self.starts > 1:
            self._trainer.start(seat, parent, job)

    def find(self, seat, parent, round_id):
        return Failed() if self.starts == 1 else self._trainer.find(seat, parent, round_id)


def test_peers__every_training_of_a_round_fails__are_tried_again_and_the_round_is_agreed(caplog):
    with PeersLab() as lab:
        for seat in lab.peers:
            trainer = FailingOnce(InlineTrainer(lab.parameters))
            lab.peers[seat] = lab.start(seat, trainer=trainer)
        again = write_time(lab.clock() + lab.parameters.commit_seconds)
        lab.turn()
        assert lab.observer.ledger.round.number == 0
        assert caplog.messages[0] == (
            f"seat=0 round=1 act=train next='trains again at {again}, or in the next round'"
        )
        lab.clock.advance_to(lab.clock() + lab.parameters.commit_seconds)
        ledger = lab.play(1)
        assert len(ledger.result(ledger.head().key).seats) == 4


def test_peer__a_training_fails_while_others_commit__says_that_the_round_goes_on_without_it(caplog):
    with PeersLab() as lab:
        lab.peers[3] = lab.start(3, trainer=FailingOnce(InlineTrainer(lab.parameters)))
        late = lab.peers.pop(3)
        lab.reach(Phase.COMMIT)
        exhaust(late)
        assert caplog.messages == [
            "seat=3 round=1 act=train "
            "next='this round goes on without this peer, which trains again in the next'"
        ]
        lab.peers[3] = late
        ledger = lab.play(2)
        assert [3 in ledger.result(logged.event.key).seats for logged in ledger.agreed] == [
            False,
            True,
        ]
