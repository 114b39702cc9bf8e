"""Contributions of a history: a height is measured by its neighbours, and the newest waits."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from peers_lab import PeersLab

from chain.keys import compute_genesis_key
from chain.ledger import Ledger
from chain.types import Agreed, Committed
from node.blobs.errors import BlobMissing
from node.blobs.naming import Naming
from node.contributions import (
    Contributions,
    compute_shares_bps,
    measure_history,
    read_agreed,
    sum_contributions,
)
from node.errors import InputRefused
from node.rule.contribution import compute_contributions
from node.spec import rule_of

ROUNDS = 4


@pytest.fixture(scope="module")
def lab():
    with PeersLab() as lab:
        lab.play(ROUNDS)
        yield lab


def genesis_of(lab):
    federation = lab.federation
    return compute_genesis_key(federation.chain_id, federation.address, lab.parameters.genesis)


def measure(lab, history=None, store=None):
    federation = lab.federation
    history = lab.observer.history if history is None else history
    return list(
        measure_history(
            genesis_of(lab), federation.chain_id, federation.address, store or lab.store, history
        )
    )


@pytest.fixture(scope="module")
def agreed(lab):
    """What was agreed at each height, as a follower reads it."""
    ledger, found = Ledger(genesis_of(lab)), []
    naming = Naming(lab.federation.chain_id, lab.federation.address, lab.parameters)
    for logged in lab.observer.history:
        ledger.apply(logged)
        if isinstance(logged.event, Agreed):
            found.append(read_agreed(ledger, naming, lab.store, logged.event))
    return found


def test_read_agreed__each_height__builds_on_the_one_below(agreed):
    assert [each.height for each in agreed] == [1, 2, 3, 4]
    for below, above in pairwise(agreed):
        assert np.array_equal(below.agreement.model, above.agreement.head)
    assert all(len(each.agreement.members) == 4 for each in agreed)


def test_measure_history__a_played_one__measures_every_height_but_the_newest(lab, agreed):
    rule = rule_of(lab.parameters)
    measured = measure(lab)
    assert [each.height for each in measured] == [1, 2, 3]
    assert [each.round for each in measured] == [each.round for each in agreed[:3]]
    before = None
    for each, below, above in zip(measured, agreed, agreed[1:], strict=False):
        found = compute_contributions(rule, below.agreement, above.agreement, before)
        assert each.by_seat == dict(enumerate(found))
        assert any(found)
        before = below.agreement.head


@pytest.mark.parametrize(("since", "heights"), [(0, [1, 2, 3]), (1, [3]), (2, []), (9, [])])
def test_measure_history__since_a_height__passes_over_it_and_the_next(lab, since, heights):
    federation = lab.federation
    found = list(
        measure_history(
            genesis_of(lab),
            federation.chain_id,
            federation.address,
            lab.store,
            lab.observer.history,
            since,
        )
    )
    assert [each.height for each in found] == heights
    assert found == [each for each in measure(lab) if each.height in heights]


def test_sum_contributions__some_heights__adds_up_by_seat_whatever_the_sign(lab):
    measured = measure(lab)
    totals = sum_contributions(measured)
    assert list(totals) == [0, 1, 2, 3]
    assert totals == {s: sum(each.by_seat[s] for each in measured) for s in totals}
    assert sum_contributions([]) == {}


def test_measure_history__an_update_is_lost__is_told(lab):
    lost = next(e.event for e in lab.observer.history if isinstance(e.event, Committed))
    naming = Naming(lab.federation.chain_id, lab.federation.address, lab.parameters)
    blob = naming.committed_blob(lost)
    payload = lab.store.get(blob)
    lab.store.drop(blob)
    try:
        with pytest.raises(BlobMissing):
            measure(lab)
    finally:
        lab.store.keep(blob, payload)


def test_measure_history__nothing_agreed__measures_nothing(lab):
    first = next(i for i, e in enumerate(lab.observer.history) if isinstance(e.event, Agreed))
    assert measure(lab, lab.observer.history[:first]) == []
    assert measure(lab, lab.observer.history[: first + 1]) == []


def test_add__begun_above_genesis__passes_over_one_height_and_then_agrees(lab, agreed):
    contributions = Contributions(rule_of(lab.parameters))
    found = [contributions.add(each) for each in agreed[1:]]
    assert found[:2] == [None, None]
    assert found[2] == measure(lab)[2]


def test_add__not_the_next_height__is_refused(lab, agreed):
    contributions = Contributions(rule_of(lab.parameters))
    contributions.add(agreed[0])
    with pytest.raises(InputRefused) as caught:
        contributions.add(agreed[2])
    assert str(caught.value) == "contributions: height: expected 2, got 3"
    # What was refused leaves no trace.
    assert contributions.add(agreed[1]) == measure(lab)[0]


def test_add__on_another_model__is_refused(lab, agreed):
    contributions = Contributions(rule_of(lab.parameters))
    contributions.add(agreed[0])
    with pytest.raises(InputRefused, match="contribution: next head"):
        contributions.add(replace(agreed[2], height=2))
    assert contributions.add(agreed[1]) == measure(lab)[0]


@pytest.mark.parametrize(
    ("totals", "shares"),
    [
        ({}, {}),
        ({3: 0}, {3: 0}),
        ({0: -7, 5: -1}, {0: 0, 5: 0}),
        ({0: 1, 1: 1, 2: 1}, {0: 3333, 1: 3333, 2: 3333}),
        ({0: 3 * 10**40, 1: 10**40, 2: -(10**50)}, {0: 7500, 1: 2500, 2: 0}),
    ],
)
def test_compute_shares_bps__sums__are_shared_among_the_positive(totals, shares):
    assert compute_shares_bps(totals) == shares
