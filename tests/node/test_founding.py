"""From a founder's page to what the contract is created with."""

from dataclasses import replace

import pytest

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.sender import Sender
from node.daemon.opening import describe_share
from node.data.errors import InvalidSchema
from node.errors import LayoutMismatch, RuleRefused, SpecRefused
from node.founding import found, name_subject, read_plan
from node.learning.hosting import Hosting, Place
from node.learning.keeping import Kept
from node.learning.trial import Trial
from node.merkle import MODEL_TAG, compute_root
from node.settings import Settings
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


def found_by(page, code=None):
    plan = read_plan(page.encode())
    subject = name_subject(plan, "digits", None, Place(0, 5, None, plan.page.seed))
    with Trial(subject, Hosting(code=code)) as trial:
        return found(plan, trial, OPEN)


def test_found__a_page__is_what_a_federation_can_be_created_with():
    founding = found_by(PAGE)
    assert len(founding.reasons) == 1
    assert founding.reasons[0].startswith(f"clip {founding.parameters.clip}: 4 times the dry")
    assert founding.parameters.update_bits == 14
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


@pytest.mark.slow
def test_found__twice__is_the_same_to_the_byte():
    assert found_by(PAGE) == found_by(PAGE)


def test_found__a_clip_is_named__trains_nothing():
    founding = found_by(PAGE + "[rule]\nclip = 77\n")
    assert founding.reasons == ()
    assert founding.parameters.clip == 77


OWN_MODULE = """
import numpy as np

class Table:
    def get_parameters(self, config):
        return [np.zeros((2, 3), np.float32), np.array(7), np.full(2, 5.0)]

    def fit(self, parameters, config):
        weight, count, bias = parameters
        return [weight + np.float32(0.5), count + 1, bias], 9, {}

    def evaluate(self, parameters, config):
        return 0.0, 1, {}

def make(context):
    return Table()
"""
OWN_PAGE = 'holdfast = 1\nname = "own"\nlearner = "table:make"\n'


def test_found__a_learner_of_ones_own__is_asked_for_its_model_and_measured(tmp_path):
    (tmp_path / "table.py").write_text(OWN_MODULE)
    founding = found_by(OWN_PAGE, code=tmp_path)
    assert founding.spec.learner == "table:make"
    assert founding.spec.source == "own"
    assert founding.spec.layout.shapes == ((2, 3), (2,))
    assert founding.spec.layout.dtypes == ("float32", "float64")
    assert founding.spec.kept == (Kept("array_1", (), "int64", 1),)
    assert parse_spec(founding.text) == founding.spec
    # 8 steps of 0.5 fit 15 bits in units of 2**-12; six of them have a norm of sqrt(6) / 2.
    assert founding.parameters.update_bits == 12
    assert founding.parameters.clip == round(4 * 6**0.5 / 2 * 2**12)
    assert [reason.split(":")[0] for reason in founding.reasons] == [
        "array 'array_1' (int64, 1) stays with each peer",
        "update_bits 12",
        f"clip {founding.parameters.clip}",
    ]


def test_found__the_page_tells_of_another_model__is_refused(tmp_path):
    (tmp_path / "table.py").write_text(OWN_MODULE)
    page = OWN_PAGE + "[model]\narrays = [{ name = 'array_0', shape = [3], dtype = 'float32' }]\n"
    with pytest.raises(LayoutMismatch, match="plan: model: expected"):
        found_by(page, code=tmp_path)


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


def test_read_plan__a_learner_that_is_none__is_told_what_it_may_be():
    page = OWN_PAGE.replace('learner = "table:make"', "learner = 5")
    told = "plan: learner: expected a name, module:factory, or a table, got 5"
    with pytest.raises(SpecRefused, match=f"^{told}$"):
        read_plan(page.encode())


@pytest.mark.parametrize("rule", ['name = "krum"', 'weighting = "votes"', "faults_bps = 5000"])
def test_read_plan__a_rule_that_cannot_hold__is_refused(rule):
    with pytest.raises(RuleRefused, match="expected"):
        read_plan((PAGE + f"[rule]\n{rule}\n").encode())


LABELLED = PAGE.replace('source = "digits"', 'source = "own.csv"\nlabel = "ill"')
OWN_FILE = Settings(
    ("http://node",), None, 31337, ("::1", 7710), "http://clinic.example", "own.csv"
)


def test_label_of_the_page__no_other_named__is_learned_by_founder_and_peers():
    plan = read_plan(LABELLED.encode())
    assert name_subject(plan, "own.csv", None, Place(0, 5, None, 7)).share.label == "ill"
    spec = replace(found_by(PAGE).spec, source="own.csv", label="ill")
    assert describe_share(OWN_FILE, spec).label == "ill"


def test_label_of_the_page__another_named__is_refused_to_founder_and_peers():
    plan, told = read_plan(LABELLED.encode()), "expected 'ill', as .* or none, got 'age'"
    with pytest.raises(InvalidSchema, match=told):
        name_subject(plan, "own.csv", "age", Place(0, 5, None, 7))
    spec = replace(found_by(PAGE).spec, source="own.csv", label="ill")
    with pytest.raises(InvalidSchema, match=told):
        describe_share(replace(OWN_FILE, label="age"), spec)
