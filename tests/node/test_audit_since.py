"""An audit from a checkpoint on: no blob older than it is needed, everything newer is."""

import pytest
from peers_lab import PeersLab

from chain.types import Key
from node.audit import Audit
from node.blobs.disk import DiskBlobs
from node.checkpoint import Checkpoint
from node.daemon.gathering import list_wanted

ROUNDS = 3


@pytest.fixture
def lived(tmp_path):
    with PeersLab(store=DiskBlobs(tmp_path / "blobs")) as lab:
        lab.play(ROUNDS)
        lab.files = tmp_path / "blobs"
        yield lab


def audit(lab, since=None):
    federation = lab.federation
    genesis = lab.observer.ledger.genesis
    replay = Audit(genesis, federation.chain_id, federation.address, lab.store, since)
    checked = list(replay.run(lab.observer.history))
    return [each.height for each in checked], replay.finding


def checkpoint_at(lab, height):
    return Checkpoint(height, lab.observer.ledger.agreed[height - 1].event.key)


def keep_only(lab, wanted):
    names = {each.blob.name for each in wanted}
    for path in lab.files.iterdir():
        if path.is_file() and path.name.split(".")[0] not in names:
            path.unlink()


@pytest.mark.parametrize("height", range(1, ROUNDS + 1))
def test_run__since_a_checkpoint__needs_what_the_list_of_wanted_blobs_says(lived, height):
    wanted = list_wanted(lived.observer.ledger, lived.contract.naming, height)
    keep_only(lived, wanted)
    heights, finding = audit(lived, checkpoint_at(lived, height))
    assert finding is None
    assert heights == list(range(height + 1, ROUNDS + 1))


def test_run__from_genesis__needs_the_whole_list_and_says_what_is_missing(lived):
    keep_only(lived, list_wanted(lived.observer.ledger, lived.contract.naming))
    assert audit(lived) == ([1, 2, 3], None)
    keep_only(lived, list_wanted(lived.observer.ledger, lived.contract.naming, 1))
    _, finding = audit(lived)
    assert finding is not None


@pytest.mark.parametrize("missing", [0, 1])
def test_run__a_blob_since_the_checkpoint_is_gone__is_told(lived, missing):
    wanted = list_wanted(lived.observer.ledger, lived.contract.naming, 2)
    keep_only(lived, [each for number, each in enumerate(wanted) if number != missing])
    heights, finding = audit(lived, checkpoint_at(lived, 2))
    assert heights == []
    assert wanted[missing].blob.name in finding.what


def test_run__another_result_at_the_checkpoint__is_told(lived):
    heights, finding = audit(lived, Checkpoint(2, Key(b"\x11" * 32)))
    assert heights == []
    assert "expected the checkpoint 2:0x1111" in finding.what


def test_run__chain_ends_below_the_checkpoint__is_told(lived):
    heights, finding = audit(lived, Checkpoint(ROUNDS + 1, Key(b"\x11" * 32)))
    assert heights == []
    assert "got height 3" in finding.what
