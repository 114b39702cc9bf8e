"""One suite of laws for every store: memory, disk, joint, and a shelf of a local network."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.types import Seat
from localnet.exchange import LocalExchange
from node.blobs.disk import DiskBlobs
from node.blobs.errors import BlobCorrupt, BlobMissing
from node.blobs.joint import JointBlobs
from node.blobs.store import Blob, MemoryBlobs
from node.merkle import MODEL_TAG, compute_root

TAG = b"\x07" * 32
PAYLOAD = bytes(range(256)) * 3


def name(payload, tag=TAG):
    return Blob(compute_root(payload, tag), len(payload), tag)


@pytest.fixture(scope="module", params=["memory", "disk", "joint", "shelf"])
def make(request, tmp_path_factory):
    """Return what makes an empty store."""

    def build():
        if request.param == "memory":
            return MemoryBlobs()
        if request.param == "disk":
            return DiskBlobs(tmp_path_factory.mktemp("blobs"))
        if request.param == "joint":
            return JointBlobs([])
        return LocalExchange(MemoryBlobs(), {}, [Seat(0)]).shelf(Seat(0))

    return build


@given(payloads=st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=4))
def test_put__any_payloads__come_back_as_they_were(make, payloads):
    store = make()
    for payload in payloads:
        store.put(name(payload), payload)
        store.put(name(payload), payload)
    for payload in payloads:
        assert store.has(name(payload))
        assert store.get(name(payload)) == payload


def test_keep__what_the_caller_hashed__comes_back_as_it_was(make):
    store = make()
    store.keep(name(PAYLOAD), PAYLOAD)
    store.keep(name(PAYLOAD), PAYLOAD)
    assert store.get(name(PAYLOAD)) == PAYLOAD


@pytest.mark.parametrize(
    "wrong",
    [PAYLOAD[:-1], PAYLOAD + b"\x00", b"", b"\x01" + PAYLOAD[1:]],
    ids=["cut", "grown", "empty", "changed"],
)
def test_put__another_payload__is_refused_and_nothing_is_kept(make, wrong):
    store = make()
    with pytest.raises(BlobCorrupt) as caught:
        store.put(name(PAYLOAD), wrong)
    assert caught.value.expected != caught.value.got
    assert not store.has(name(PAYLOAD))
    with pytest.raises(BlobMissing):
        store.get(name(PAYLOAD))


def test_put__zeros_at_the_end_left_out__is_refused():
    """Both lengths have one root; the size tells them apart."""
    long, short = PAYLOAD + bytes(7), PAYLOAD + bytes(6)
    assert name(long).root == name(short).root
    with pytest.raises(BlobCorrupt, match=f"expected {len(long)} bytes, got {len(short)} bytes"):
        MemoryBlobs().put(name(long), short)


def test_get__never_put__is_missing(make):
    store = make()
    assert not store.has(name(PAYLOAD))
    with pytest.raises(BlobMissing, match=name(PAYLOAD).name):
        store.get(name(PAYLOAD))


def test_drop__kept__is_gone_and_twice_is_once(make):
    store = make()
    store.put(name(PAYLOAD), PAYLOAD)
    store.drop(name(PAYLOAD))
    store.drop(name(PAYLOAD))
    assert not store.has(name(PAYLOAD))
    with pytest.raises(BlobMissing):
        store.get(name(PAYLOAD))


@pytest.mark.parametrize("tag", [b"\x08" * 32, MODEL_TAG])
def test_has__root_copied_under_another_tag__is_not_there(make, tag):
    """Who commits to a root that he copied must not pass for somebody whose update is here."""
    store = make()
    store.put(name(PAYLOAD), PAYLOAD)
    copied = replace(name(PAYLOAD), tag=tag)
    assert not store.has(copied)
    with pytest.raises((BlobMissing, BlobCorrupt)):
        store.get(copied)
    with pytest.raises(BlobCorrupt):
        store.put(copied, PAYLOAD)
    assert store.get(name(PAYLOAD)) == PAYLOAD


def test_joint__a_payload_in_one_of_two_folders__is_found_and_none_is_put_there(tmp_path):
    here, there = DiskBlobs(tmp_path / "a"), DiskBlobs(tmp_path / "b")
    there.put(name(PAYLOAD), PAYLOAD)
    joint, other = JointBlobs([here, there]), b"another"
    assert joint.get(name(PAYLOAD)) == PAYLOAD
    assert joint.find(name(PAYLOAD).root, TAG) == name(PAYLOAD)
    assert joint.find(name(other).root, TAG) is None
    joint.put(name(other), other)
    assert joint.get(name(other)) == other
    assert not here.has(name(other))
    assert not there.has(name(other))
    with pytest.raises(BlobMissing, match="expected a file in one of 2 peers' folders, got none"):
        joint.get(name(b"a third"))


@pytest.mark.parametrize(
    "damaged", [b"\x01" + PAYLOAD[1:], PAYLOAD[:-1]], ids=["changed", "cut short"]
)
def test_joint__a_damaged_copy_before_a_sound_one__hides_it_not(tmp_path, damaged):
    here, there = DiskBlobs(tmp_path / "a"), DiskBlobs(tmp_path / "b")
    blob = name(PAYLOAD)
    for store in (here, there):
        store.put(blob, PAYLOAD)
    (tmp_path / "a" / blob.name).write_bytes(damaged)
    joint = JointBlobs([here, there])
    assert joint.find(blob.root, TAG) == blob
    assert joint.get(blob) == PAYLOAD
    (tmp_path / "b" / blob.name).write_bytes(b"")
    with pytest.raises(BlobCorrupt) as caught:
        here.get(blob)
    with pytest.raises(BlobCorrupt) as first:
        joint.get(blob)
    assert str(first.value) == str(caught.value)
