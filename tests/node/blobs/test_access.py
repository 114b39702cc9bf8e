"""Signed requests with real keys: a copy works for nobody else, nowhere else, and not for long."""

from __future__ import annotations

import http.client
from contextlib import closing
from types import SimpleNamespace

import pytest
from eth_account import Account
from exchange_lab import RawServer, Wire, be_honest, draw, fetching, open_store, serve

from chain.signatures import Signatures
from chain.states import Reading
from chain.types import Seat
from node.blobs.access import WINDOW_SECONDS, MembersGate, Passport, PublicGate
from node.blobs.disk import DiskBlobs
from node.blobs.errors import AccessRefused, BlobMissing
from node.blobs.fetching import Fetched
from node.blobs.limits import ServingLimits

CONTRACT = "0x" + "ab" * 20
OURS = Signatures(31337, CONTRACT)
KEYS = {seat: Account.from_key((seat + 1).to_bytes(32, "big")) for seat in range(4)}
MEMBERS = {Seat(seat): KEYS[seat].address for seat in (0, 1, 2)}
NOW = 1_700_000_000
PATH = "/blobs/0xaa/0xbb"
PAYLOAD, BLOB = draw(1000)


def passport(seat, *, key=None, now=NOW, signatures=OURS):
    account = KEYS[seat if key is None else key]
    return Passport(
        Seat(seat), sign=lambda reading: signatures.sign(account, reading), clock=lambda: now
    )


def gate(server=0, now=NOW, members=MEMBERS):
    return MembersGate(Seat(server), owner_of=members.get, recover=OURS.recover, clock=lambda: now)


def test_admit__signed_for_this_server_path_and_minute__is_the_reader():
    header = passport(1).header(Seat(0), "GET", PATH)
    assert gate().admit("GET", PATH, header) == 1


def test_admit__public__asks_nobody():
    assert PublicGate().admit("GET", PATH, None) is None


@pytest.mark.parametrize(
    ("server", "method", "path"),
    [(2, "GET", PATH), (0, "HEAD", PATH), (0, "GET", PATH[:-1] + "c")],
    ids=["another server", "another method", "another path"],
)
def test_admit__header_copied__is_refused_elsewhere(server, method, path):
    header = passport(1).header(Seat(0), "GET", PATH)
    assert gate().admit("GET", PATH, header) == 1
    with pytest.raises(AccessRefused, match="expected a signature by"):
        gate(server).admit(method, path, header)


@pytest.mark.parametrize(
    "signatures", [Signatures(1, CONTRACT), Signatures(31337, "0x" + "ac" * 20)]
)
def test_admit__signed_for_another_federation__is_refused(signatures):
    header = passport(1, signatures=signatures).header(Seat(0), "GET", PATH)
    with pytest.raises(AccessRefused, match="expected a signature by"):
        gate().admit("GET", PATH, header)


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS, -1, 0, WINDOW_SECONDS])
def test_admit__within_the_window__is_let_in(seconds):
    header = passport(1).header(Seat(0), "GET", PATH)
    assert gate(now=NOW + seconds).admit("GET", PATH, header) == 1


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1])
def test_admit__outside_the_window__is_refused_though_it_was_let_in_before(seconds):
    clock = SimpleNamespace(now=NOW)
    door = MembersGate(Seat(0), owner_of=MEMBERS.get, recover=OURS.recover, clock=lambda: clock.now)
    header = passport(1).header(Seat(0), "GET", PATH)
    assert door.admit("GET", PATH, header) == 1
    clock.now += seconds
    with pytest.raises(AccessRefused, match=f"within {WINDOW_SECONDS} s of {clock.now}"):
        door.admit("GET", PATH, header)


def test_admit__another_key_under_a_members_seat__is_refused():
    header = passport(1, key=3).header(Seat(0), "GET", PATH)
    with pytest.raises(
        AccessRefused, match=f"expected a signature by {KEYS[1].address}, of seat 1"
    ):
        gate().admit("GET", PATH, header)


def test_admit__no_such_seat__is_refused():
    header = passport(3).header(Seat(0), "GET", PATH)
    with pytest.raises(AccessRefused, match="expected a seat that is held, got seat 3"):
        gate().admit("GET", PATH, header)


def test_admit__seat_changed_hands__is_refused_though_the_signature_was_seen():
    members = dict(MEMBERS)
    door = gate(members=members)
    header = passport(1).header(Seat(0), "GET", PATH)
    assert door.admit("GET", PATH, header) == 1
    members[Seat(1)] = KEYS[3].address
    with pytest.raises(AccessRefused, match="expected a signature by"):
        door.admit("GET", PATH, header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic abc",
        "Holdfast seat=1",
        "Holdfast seat=1, at=1700000000, signature=0x" + "0" * 129,
        "Holdfast seat=1, at=1700000000, signature=0x" + "0" * 130,
        "Holdfast seat=-1, at=1700000000, signature=0x" + "0" * 130,
        "Holdfast seat=1, at=1700000000, signature=0x" + "f" * 130 + "\n",
    ],
)
def test_admit__no_header_of_ours__is_refused(header):
    with pytest.raises(AccessRefused):
        gate().admit("GET", PATH, header)


def test_header__half_a_window__is_signed_once_and_then_afresh():
    signed, clock = [], SimpleNamespace(now=NOW)

    def sign(reading):
        signed.append(reading)
        return OURS.sign(KEYS[1], reading)

    mine = Passport(Seat(1), sign=sign, clock=lambda: clock.now)
    for after in (0, 29, 30):
        clock.now = NOW + after
        header = mine.header(Seat(0), "GET", PATH)
        assert gate(now=clock.now).admit("GET", PATH, header) == 1
    assert [reading.at for reading in signed] == [NOW, NOW + 30]
    assert signed[0] == Reading(Seat(1), Seat(0), "GET", PATH, NOW)


@pytest.fixture
def members_only(tmp_path):
    """Seat 0 serves members, but seat 2 not."""
    store = open_store(tmp_path / "theirs", (PAYLOAD, BLOB))
    limits = ServingLimits(embargo_seconds=0)
    with serve(
        store, may_serve=lambda blob, reader: reader != 2, gate=gate(), limits=limits
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("pass_", "said"),
    [
        (None, "403 access: expected Authorization: Holdfast seat=, at=, signature=, got none"),
        (passport(3), "403 access: expected a seat that is held, got seat 3"),
        (passport(1, key=3), "403 access: expected a signature by"),
        (passport(1, now=NOW - 61), "403 access: expected a time within 60 s"),
        (passport(2), f"403 blob {BLOB.name}: expected a time and a reader to serve it to"),
    ],
    ids=["unsigned", "no member", "another key", "late", "not for this member"],
)
def test_fetch__who_may_not_read__is_refused_with_the_reason(members_only, tmp_path, pass_, said):
    store = DiskBlobs(tmp_path / "mine")
    with fetching(store, {0: members_only.url}, passport=pass_) as mine:
        outcome = mine.fetch(BLOB, 0)
    assert isinstance(outcome, BlobMissing)
    assert said in str(outcome)


def test_fetch__a_member__gets_it(members_only, tmp_path):
    store = DiskBlobs(tmp_path / "mine")
    with fetching(store, {0: members_only.url}, passport=passport(1)) as mine:
        assert mine.fetch(BLOB, 0) == Fetched(BLOB, ((Seat(0), 1),))


def test_fetch__own_endpoint__is_never_asked(tmp_path):
    store = DiskBlobs(tmp_path / "mine")
    with (
        RawServer(be_honest(Wire(PAYLOAD, BLOB))) as server,
        fetching(store, {1: server.url}, passport=passport(1)) as mine,
    ):
        assert isinstance(mine.fetch(BLOB, 1), BlobMissing)
        assert server.asked == []


def test_fetch__signature_given_to_one_server__is_refused_by_another(members_only, tmp_path):
    """A server that is asked passes the very header on to another one."""
    honest = be_honest(Wire(PAYLOAD, BLOB))
    with RawServer(honest) as thief:
        store = DiskBlobs(tmp_path / "mine")
        with fetching(store, {2: thief.url}, passport=passport(1)) as mine:
            assert isinstance(mine.fetch(BLOB, 2), Fetched)
        (stolen,) = [
            line.split(": ", 1)[1]
            for line in thief.heads[0].split("\r\n")
            if line.startswith("Authorization: ")
        ]
    path = f"/blobs/{BLOB.name}/0x{BLOB.tag.hex()}"
    assert gate(server=2).admit("GET", path, stolen) == 1
    with pytest.raises(AccessRefused, match="expected a signature by"):
        gate(server=0).admit("GET", path, stolen)


def test_fetch__forged_again_and_again__is_told_to_come_later(members_only, tmp_path):
    """2000 requests a second and a burst of two seconds: 4000, of which each forgery takes 21."""
    path = f"/blobs/{BLOB.name}/0x{BLOB.tag.hex()}"
    forged = f"Holdfast seat=1, at={NOW}, signature=0x" + "11" * 65
    with closing(http.client.HTTPConnection("127.0.0.1", members_only.port)) as connection:
        statuses = []
        while 429 not in statuses and len(statuses) < 4000:
            connection.request("GET", path, headers={"Authorization": forged})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
    assert statuses[0] == 403
    assert statuses[-1] == 429
