"""Who serves what to whom, kind by kind."""

import pytest

from chain.types import Seat
from localnet.byzantine import parse_byzantine
from localnet.exchange import LocalExchange
from node.blobs.errors import BlobMissing
from node.blobs.holdings import Outcome
from node.blobs.store import Blob, MemoryBlobs
from node.merkle import compute_root

PAYLOAD = bytes(range(100))
TAG = b"\x09" * 32
BLOB = Blob(compute_root(PAYLOAD, TAG), 100, TAG)
HONEST = [Seat(0), Seat(1), Seat(2)]


def build(*kinds):
    """Three honest seats, then one of each kind, all of these with the blob."""
    dealt = {3 + i: parse_byzantine(f"1:{kind}")[1] for i, kind in enumerate(kinds)}
    exchange = LocalExchange(MemoryBlobs(), dealt, HONEST)
    for seat in dealt:
        exchange.shelf(Seat(seat)).put(BLOB, PAYLOAD)
    return exchange


def test_fetch__an_honest_holder__serves_though_it_was_not_named():
    exchange = build()
    exchange.shelf(Seat(2)).put(BLOB, PAYLOAD)
    assert exchange.fetch(Seat(0), BLOB, ()) == PAYLOAD
    assert not exchange.shelf(Seat(0)).has(BLOB)


def test_fetch__nobody_has_it__is_missing():
    with pytest.raises(BlobMissing, match="expected a seat that serves it, got none"):
        build().fetch(Seat(0), BLOB, (Seat(1),))


@pytest.mark.parametrize("kind", ["sign_flip", "boost", "noise", "zero", "absent"])
def test_fetch__one_that_only_learns_badly__serves(kind):
    assert build(kind).fetch(Seat(0), BLOB, (Seat(3),)) == PAYLOAD


@pytest.mark.parametrize("kind", ["withhold", "garbage"])
def test_fetch__one_that_serves_nobody_sound__names_it(kind):
    exchange = build(kind)
    for reader in HONEST:
        with pytest.raises(BlobMissing, match="seat 3: "):
            exchange.fetch(reader, BLOB, (Seat(3),))


def test_fetch__served_badly_by_the_first__is_had_from_another():
    exchange = build("garbage", "withhold")
    exchange.shelf(Seat(1)).put(BLOB, PAYLOAD)
    assert exchange.fetch(Seat(0), BLOB, (Seat(3), Seat(4))) == PAYLOAD


def test_fetch__serve_half__serves_one_honest_seat_each_another():
    exchange = build("serve_half", "serve_half")
    for source, chosen in ((3, 0), (4, 1)):
        lone = LocalExchange(exchange.store, exchange._kinds, HONEST)
        lone.hold(Seat(source), BLOB)
        served = []
        for reader in HONEST:
            try:
                lone.fetch(reader, BLOB, (Seat(source),))
            except BlobMissing:
                continue
            served.append(reader)
        assert served == [chosen]


def test_fetch__re_served__reaches_all_whom_the_first_refused():
    exchange = build("serve_half")
    shelf = exchange.shelf(Seat(0))
    shelf.start(BLOB, (Seat(3),))
    assert shelf.outcome(BLOB) == Outcome()
    assert shelf.outcome(BLOB) is None
    assert exchange.fetch(Seat(2), BLOB, (Seat(3),)) == PAYLOAD


def test_shelf__of_another_seat__holds_nothing_of_it():
    exchange = build()
    exchange.shelf(Seat(0)).put(BLOB, PAYLOAD)
    with pytest.raises(BlobMissing, match="expected held by seat 1"):
        exchange.shelf(Seat(1)).get(BLOB)
    exchange.shelf(Seat(0)).drop(BLOB)
    with pytest.raises(BlobMissing):
        exchange.fetch(Seat(2), BLOB, (Seat(0),))
