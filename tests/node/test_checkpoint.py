"""A history leads down to the genesis model key by key, or it is refused."""

import copy
from dataclasses import replace

import pytest
from peers_lab import PeersLab

from chain.types import Key
from node.checkpoint import Checkpoint, check_descent, parse_checkpoint
from node.errors import CheckpointRefused

HEIGHT = 3


@pytest.fixture(scope="module")
def lived():
    with PeersLab() as lab:
        yield lab.play(HEIGHT)


@pytest.fixture
def ledger(lived):
    return copy.deepcopy(lived)


def key_at(ledger, height):
    return ledger.agreed[height - 1].event.key


def test_check_descent__every_height_of_an_honest_history__is_a_checkpoint(ledger):
    check_descent(ledger)
    for height in range(1, HEIGHT + 1):
        check_descent(ledger, Checkpoint(height, key_at(ledger, height)))


@pytest.mark.parametrize("height", range(1, HEIGHT + 1))
def test_check_descent__another_result_at_the_checkpoint__is_refused(ledger, height):
    with pytest.raises(CheckpointRefused, match=f"height {height}: expected 0x1111"):
        check_descent(ledger, Checkpoint(height, Key(b"\x11" * 32)))


def test_check_descent__chain_not_as_far_as_the_checkpoint__is_refused(ledger):
    checkpoint = Checkpoint(HEIGHT + 1, key_at(ledger, HEIGHT))
    with pytest.raises(CheckpointRefused, match="as far, got one at height 3"):
        check_descent(ledger, checkpoint)


@pytest.mark.parametrize("field", ["model_root", "commitments", "coefficients"])
@pytest.mark.parametrize("height", [1, HEIGHT])
def test_check_descent__a_result_that_is_not_what_its_key_says__is_refused(ledger, field, height):
    key = key_at(ledger, height)
    logged = ledger.results[key]
    changed = replace(logged.event, **{field: b"\x22" * len(getattr(logged.event, field))})
    ledger.results[key] = replace(logged, event=changed)
    with pytest.raises(CheckpointRefused, match=f"height {height}: expected a result on"):
        check_descent(ledger)


def test_check_descent__a_result_left_out__is_refused(ledger):
    del ledger.agreed[1]
    with pytest.raises(CheckpointRefused, match="height 2"):
        check_descent(ledger)


@pytest.mark.parametrize("text", ["", "7", "0:0x" + "ab" * 32, "7:0xab", "7:" + "ab" * 32, "x:0x"])
def test_parse_checkpoint__another_form__says_which_was_expected(text):
    with pytest.raises(CheckpointRefused, match="expected HEIGHT:0x and 64 hex digits"):
        parse_checkpoint(text)
