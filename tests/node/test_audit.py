"""A clean history has no finding; what is broken in one is named: block, round, seat, leaf."""

from dataclasses import replace

import pytest
from peers_lab import COORDINATES, PARAMETERS, PeersLab

from chain.keys import compute_genesis_key, compute_result_key
from chain.types import (
    Agreed,
    Attested,
    Committed,
    Created,
    Joined,
    Opened,
    Parameters,
    Proposed,
)
from node.audit import Audit
from node.blobs.disk import DiskBlobs
from node.blobs.store import Blob
from node.merkle import MODEL_TAG, compute_root
from node.round import Phase

ROUNDS = 3


def audit(lab, history=None):
    """Return the rounds that matched, and the finding."""
    genesis = compute_genesis_key(
        lab.federation.chain_id, lab.federation.address, lab.parameters.genesis
    )
    replay = Audit(genesis, lab.federation.chain_id, lab.federation.address, lab.store)
    checked = list(replay.run(lab.observer.history if history is None else history))
    return [each.round for each in checked], replay.finding


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Three agreed rounds of four peers, blobs on disk."""
    directory = tmp_path_factory.mktemp("blobs")
    with PeersLab(store=DiskBlobs(directory)) as lab:
        lab.play(ROUNDS)
        # What the round that is open has left does not matter here.
        last = max(i for i, e in enumerate(lab.observer.history) if isinstance(e.event, Agreed))
        lab.until_agreed = lab.observer.history[: last + 1]
        lab.directory = directory
        yield lab


@pytest.fixture
def damage(kept):
    """Change files of blobs; they are as before after the test."""
    originals = {}

    def change(root, to):
        path = kept.directory / ("0x" + root.hex())
        originals[path] = path.read_bytes()
        changed = to(bytearray(originals[path]))
        if changed is None:
            path.unlink()
        else:
            path.write_bytes(changed)

    yield change
    for path, content in originals.items():
        path.write_bytes(content)


def flip(at):
    def change(payload):
        payload[at] ^= 0x10
        return payload

    return change


def events(lab, kind):
    return [logged for logged in lab.until_agreed if isinstance(logged.event, kind)]


def test_audit__clean__yields_every_agreed_round_and_no_finding(kept):
    assert audit(kept) == ([1, 2, 3], None)


def test_audit__sweep__finds_nothing_and_yields_every_blob(kept):
    replay = Audit(b"\x00" * 32, 1, kept.federation.address, kept.store)
    assert len(list(replay.sweep(kept.store))) >= 4 * ROUNDS + ROUNDS + 1
    assert replay.finding is None


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("at", [0, 599])
def test_audit__a_bit_flipped_in_an_update__names_block_round_seat_and_leaf(
    kept, damage, number, at
):
    logged = events(kept, Committed)[number]
    damage(logged.event.root, flip(at))
    matched, finding = audit(kept)
    # A commitment may come before the round on whose result it builds is agreed.
    assert matched == [e.event.round for e in events(kept, Agreed) if e.at < logged.at]
    assert (finding.block, finding.round) == (logged.at.block, logged.event.round)
    assert (finding.seats, finding.leaf) == ((logged.event.seat,), at // 256)
    assert "expected its own root" in finding.what


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("at", [0, 1199])
def test_audit__a_bit_flipped_in_an_agreed_model__names_where_it_was_proposed(
    kept, damage, number, at
):
    logged = events(kept, Proposed)[number]
    damage(logged.event.model_root, flip(at))
    matched, finding = audit(kept)
    assert matched == list(range(1, logged.event.round))
    assert (finding.block, finding.round) == (logged.at.block, logged.event.round)
    assert (finding.seats, finding.leaf) == ((logged.event.seat,), at // 256)


def test_audit__a_bit_flipped_in_genesis__names_the_creation(kept, damage):
    damage(kept.parameters.genesis, flip(300))
    matched, finding = audit(kept)
    assert (matched, finding.block, finding.leaf) == ([], kept.created_at, 1)


def test_audit__a_truncated_update__names_its_first_missing_leaf(kept, damage):
    logged = events(kept, Committed)[5]
    damage(logged.event.root, lambda payload: payload[:300])
    _, finding = audit(kept)
    assert (finding.seats, finding.leaf) == ((logged.event.seat,), 1)


def test_audit__a_missing_update__is_named_at_its_commitment(kept, damage):
    logged = events(kept, Committed)[5]
    damage(logged.event.root, lambda payload: None)
    matched, finding = audit(kept)
    assert matched == list(range(1, logged.event.round))
    assert (finding.block, finding.seats) == (logged.at.block, (logged.event.seat,))
    assert "expected a file in" in finding.what


def test_audit__a_missing_agreed_model__names_the_voters(kept, damage):
    logged = events(kept, Agreed)[-1]
    root = events(kept, Proposed)[-1].event.model_root
    damage(root, lambda payload: None)
    matched, finding = audit(kept, kept.until_agreed)
    assert (matched, finding.block, finding.round) == ([1, 2], logged.at.block, 3)
    assert len(finding.seats) >= 3


# -- results that do not recompute -------------------------------------------------------------


def drive(lab, change, voters):
    """After one sound round, put a changed result to the vote by hand; returns its block."""
    lab.play(1)
    lab.reach(Phase.ATTEST)
    ledger = lab.observer.ledger
    # Take the first honest proposal as a pattern, and let nobody vote for it any more.
    for _ in range(10):
        lab.turn()
        lab.observer.poll()
        if ledger.candidates():
            break
    honest = lab.observer.ledger.candidates()[-1]
    wrong = change(honest)
    arguments = (wrong.round, voters[0], wrong.parent, wrong.commitments, wrong.included)
    call = lab.federation.call("propose", *arguments, wrong.model_root, wrong.coefficients)
    lab.senders[voters[0]].submit(call)
    lab.mining.mine()
    lab.observer.poll()
    proposed = ledger.results[lab.observer.ledger.proposed_in[wrong.round][-1]]
    for seat in voters[1:]:
        lab.senders[seat].submit(lab.federation.call("attest", seat, proposed.event.key))
    lab.mining.mine()
    lab.observer.poll()
    return proposed


def wrong_model(lab, at=700):
    def change(honest):
        blob = Blob(honest.model_root, COORDINATES * 4)
        payload = bytearray(lab.store.get(blob))
        payload[at] ^= 1
        root = compute_root(payload, MODEL_TAG)
        lab.store.put(Blob(root, len(payload)), bytes(payload))
        return replace(honest, model_root=root)

    return change


def wrong_weight(honest):
    pair = honest.coefficients[:4] + (12345).to_bytes(4, "big")
    return replace(honest, coefficients=pair + honest.coefficients[8:])


def test_audit__a_wrong_model_agreed__names_block_voters_and_leaf():
    with PeersLab() as lab:
        proposed = drive(lab, wrong_model(lab), (1, 2, 3))
        assert lab.observer.ledger.head().key == proposed.event.key
        matched, finding = audit(lab)
        assert matched == [1]
        assert (finding.block, finding.round) == (proposed.at.block, 2)
        assert (finding.seats, finding.leaf) == ((1, 2, 3), 700 // 256)
        assert finding.what.startswith("attested model 0x")


def test_audit__wrong_coefficients_agreed__names_block_and_voters():
    with PeersLab() as lab:
        proposed = drive(lab, wrong_weight, (1, 2, 3))
        assert lab.observer.ledger.head().key == proposed.event.key
        matched, finding = audit(lab)
        assert (matched, finding.block, finding.seats) == ([1], proposed.at.block, (1, 2, 3))
        assert "coefficients" in finding.what


def test_audit__a_lone_wrong_proposal__is_named_though_it_was_never_agreed():
    with PeersLab() as lab:
        proposed = drive(lab, wrong_model(lab), (3,))
        lab.play(3)
        matched, finding = audit(lab)
        assert matched == [1, 2, 3]
        assert (finding.block, finding.round) == (proposed.at.block, 2)
        assert (finding.seats, finding.leaf) == ((3,), 700 // 256)


def test_audit__updates_that_the_rule_refuses__are_named():
    """Two of four seats' updates cannot outvote a fifth of faults at half of the weight."""
    with PeersLab(min_updates=1, faults_bps=4000) as lab:
        two = 0b11

        def change(honest):
            return replace(honest, included=two, coefficients=honest.coefficients[:16])

        proposed = drive(lab, change, (1, 2, 3))
        matched, finding = audit(lab)
        assert (matched, finding.block, finding.seats) == ([1], proposed.at.block, (1, 2, 3))
        assert "the rule refuses these updates" in finding.what


def test_audit__a_copied_root_among_the_commitments__is_nobody_elses_fault(tmp_path):
    """A seat that commits another one's root, or the head's, hurts only itself."""
    with PeersLab(store=DiskBlobs(tmp_path)) as lab:
        del lab.peers[3]
        lab.turn()
        lab.observer.poll()
        row = lab.observer.ledger.commitments(lab.observer.ledger.genesis, 1)
        copy = lab.federation.call("commit", 1, 3, row[0].parent, row[0].root, 10, 1)
        lab.senders[3].submit(copy)
        lab.mining.mine()
        lab.play(2)
        assert audit(lab) == ([1, 2], None)


# -- histories that were tampered with ---------------------------------------------------------


def index_of(lab, kind, which=0):
    found = [i for i, e in enumerate(lab.until_agreed) if isinstance(e.event, kind)]
    return found[which]


@pytest.mark.parametrize("kind", [Created, Joined, Opened, Committed, Proposed, Attested, Agreed])
def test_audit__an_event_left_out__is_named(kept, kind):
    history = list(kept.until_agreed)
    left_out = history.pop(index_of(kept, kind))
    matched, finding = audit(kept, history)
    assert finding is not None
    assert finding.block >= left_out.at.block
    assert matched == []


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (Created, {"parameters": replace(Parameters(**PARAMETERS), coordinates=301)}),
        (Created, {"spec": b"holdfast = 1"}),
        (Joined, {"stake_wei": PARAMETERS["min_stake_wei"] - 1}),
        (Opened, {"parent": b"\x05" * 32}),
        (Opened, {"round": 2}),
        (Committed, {"root": b"\x05" * 32}),
        (Committed, {"seat": 3}),
        (Committed, {"seat": 7}),
        (Committed, {"round": 9}),
        (Committed, {"parent": b"\x05" * 32}),
        (Proposed, {"model_root": b"\x05" * 32}),
        (Proposed, {"included": 0b0111}),
        (Proposed, {"coefficients": bytes(32)}),
        (Proposed, {"commitments": b"\x05" * 32}),
        (Proposed, {"key": b"\x05" * 32}),
        (Attested, {"key": b"\x05" * 32}),
        (Attested, {"seat": 99}),
        (Agreed, {"key": b"\x05" * 32}),
        (Agreed, {"height": 2}),
        (Agreed, {"round": 2}),
    ],
)
def test_audit__an_event_changed__is_named(kept, kind, changed):
    history = list(kept.until_agreed)
    at = index_of(kept, kind)
    history[at] = replace(history[at], event=replace(history[at].event, **changed))
    matched, finding = audit(kept, history)
    assert finding is not None
    assert finding.block >= history[at].at.block
    assert matched == []


def test_audit__a_consistent_lie_about_the_model__is_found_by_the_recomputation(kept):
    """The proposal changed, and its key and everything that names it with it."""
    at = index_of(kept, Proposed)
    honest = kept.until_agreed[at].event
    lie = replace(honest, model_root=b"\x05" * 32)
    key = compute_result_key(
        lie.round, lie.parent, lie.commitments, lie.included, lie.model_root, lie.coefficients
    )

    def rename(logged):
        event = lie if logged.event == honest else logged.event
        names = {n: key for n in ("key", "parent") if getattr(event, n, None) == honest.key}
        event = replace(event, **names) if event is not lie else replace(lie, key=key)
        return replace(logged, event=event)

    matched, finding = audit(kept, [rename(logged) for logged in kept.until_agreed])
    assert (matched, finding.round) == ([], 1)
    assert finding.what.startswith("attested model 0x0505")


def test_audit__two_events_exchanged__are_out_of_order(kept):
    for at in range(len(kept.until_agreed) - 1):
        history = list(kept.until_agreed)
        history[at], history[at + 1] = history[at + 1], history[at]
        _, finding = audit(kept, history)
        assert finding is not None, f"events {at} and {at + 1}"


def test_audit__two_commitments_exchanged_with_their_places__break_the_running_hash(kept):
    first, second = index_of(kept, Committed), index_of(kept, Committed, 1)
    history = list(kept.until_agreed)
    one, other = history[first], history[second]
    history[first] = replace(one, event=other.event)
    history[second] = replace(other, event=one.event)
    matched, finding = audit(kept, history)
    assert matched == []
    assert "does not follow from the commitments" in finding.what


def test_audit__of_another_contract__finds_no_blob_of_its_updates(kept):
    replay = Audit(
        kept.observer.ledger.genesis, kept.federation.chain_id, "0x" + "11" * 20, kept.store
    )
    assert list(replay.run(kept.until_agreed)) == []
    assert replay.finding is not None
