"""From a founder's page to what the contract is created with."""

import pytest

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.sender import Sender
from node.data.sources import load
from node.errors import RuleRefused, SpecRefused
from node.founding import found, read_plan
from node.merkle import MODEL_TAG, compute_root
from node.spec import parse_spec

PAGE = """
holdfast = 1
name = "digits of three clinics"
seed = 7
[learner]
name = "mlp"
options = { hidden = [8], learning_rate = 0.3 }
[data]
source = "digits"
[seats]
min_updates = 2
max_seats = 5
[time]
commit_seconds = 60
"""
OPEN = bytes(32)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_found__a_page__is_what_a_federation_can_be_created_with(digits):
    founding = found(read_plan(PAGE.encode()), digits, OPEN)
    assert founding.is_calibrated
    assert founding.parameters.clip > 0
    assert founding.parameters.commit_seconds == 60
    assert founding.parameters.attest_seconds == 300
    assert founding.parameters.genesis == compute_root(founding.genesis, MODEL_TAG)
    assert len(founding.genesis) == 4 * founding.parameters.coordinates
    assert parse_spec(founding.text) == founding.spec
    with Devnet(clock=lambda: 1_700_000_000, accounts=1) as devnet:
        web3 = connect_devnet(devnet)
        sender = Sender(web3, devnet.accounts[0])
        deployment = deploy(web3, sender, founding.text, founding.parameters)
        assert deployment.federation.get_parameters() == founding.parameters


def test_found__twice__is_the_same_to_the_byte(digits):
    first, second = (found(read_plan(PAGE.encode()), digits, OPEN) for _ in range(2))
    assert first == second


def test_found__a_clip_is_named__trains_nothing(digits):
    page = PAGE + "[rule]\nclip = 77\n"
    founding = found(read_plan(page.encode()), digits, OPEN)
    assert not founding.is_calibrated
    assert founding.parameters.clip == 77


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("holdfast = 1", "holdfast = 2", "plan: holdfast: expected version 1, got 2"),
        ('name = "mlp"', "", "plan: learner.name: expected a text, got none"),
        ("commit_seconds = 60", "commit_seconds = 0", "plan: time.commit_seconds: expected"),
        (
            "commit_seconds = 60",
            "commit = 60",
            "plan: time.commit: expected one of commit_sec",
        ),
        ("[seats]", "[seats", "plan: expected TOML"),
    ],
)
def test_read_plan__a_wrong_entry__is_named(old, new, told):
    assert old in PAGE
    with pytest.raises(SpecRefused) as caught:
        read_plan(PAGE.replace(old, new).encode())
    assert told in str(caught.value)


@pytest.mark.parametrize("rule", ['name = "krum"', 'weighting = "votes"', "faults_bps = 5000"])
def test_read_plan__a_rule_that_cannot_hold__is_refused(rule):
    with pytest.raises(RuleRefused, match="expected"):
        read_plan((PAGE + f"[rule]\n{rule}\n").encode())
