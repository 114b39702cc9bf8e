"""`check_rule` and the contract's constructor refuse the same parameters."""

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.errors import ParametersRefused
from chain.sender import Sender
from chain.types import Parameters
from node.errors import RuleRefused
from node.rule.parameters import Selection, Weighting, check_rule
from node.spec import rule_of

DEFAULT = Parameters(
    coordinates=10,
    genesis=b"\x01" * 32,
    update_bytes=2,
    update_bits=14,
    model_bits=20,
    weighting=int(Weighting.STAKE),
    selection=int(Selection.VOUCHED),
    trim_bps=0,
    faults_bps=2000,
    clip=4000,
    min_updates=3,
    min_stake_wei=10**18,
    max_seats=10,
    commit_seconds=600,
    grace_seconds=30,
    attest_seconds=300,
    challenge_seconds=3600,
    answer_seconds=900,
    retire_seconds=3600,
    max_missed=10,
    admission=bytes(32),
    challenge_blocks=0,
    max_unsettled=1024,
    bond_wei=10**16,
    challenger_cap_wei=10**17,
    reward_wei_per_second=0,
)
DEFENCES = [
    {"weighting": weighting, "selection": selection, "trim_bps": trim, "faults_bps": faults}
    for weighting, selection, (trim, faults) in product(
        map(int, Weighting), map(int, Selection), [(0, 0), (1999, 2000), (2000, 2000)]
    )
]
EDGES = [
    {name: value}
    for name, values in {
        "coordinates": (0, 1, 2**32 - 1, 2**32),
        "update_bytes": (0, 1, 2, 3),
        "update_bits": (0, 20, 21),
        "model_bits": (13, 14, 31, 32),
        "trim_bps": (0, 5000, 5001),
        "faults_bps": (0, 4999, 5000),
        "clip": (0, 1, 2**63 - 1, 2**63),
    }.items()
    for value in values
]
UNITS = [
    {"update_bytes": size, "update_bits": bits, "model_bits": 31}
    for size, bits in product((1, 2), (2, 3, 10, 11))
]
CLIPS = [{"selection": s, "clip": c, "faults_bps": 0} for s, c in product(Selection, (0, 1))]


@pytest.fixture(scope="module")
def sender():
    with Devnet(clock=lambda: 1_700_000_000, accounts=1) as devnet:
        yield Sender(connect_devnet(devnet), devnet.accounts[0])


def is_taken_here(parameters):
    try:
        check_rule(rule_of(parameters), parameters.coordinates)
    except RuleRefused:
        return False
    return True


def is_taken_on_chain(sender, parameters):
    try:
        deploy(sender.web3, sender, b"", parameters)
    except ParametersRefused as error:
        reason = error
    else:
        return True
    assert str(reason).startswith("rule: ")
    return False


def test_check_rule__table_of_parameters__gives_the_verdict_of_the_constructor(sender):
    verdicts = Counter()
    for changed in [{}, *DEFENCES, *EDGES, *UNITS, *CLIPS]:
        parameters = replace(DEFAULT, **changed)
        verdict = is_taken_here(parameters)
        assert verdict == is_taken_on_chain(sender, parameters), changed
        verdicts[verdict] += 1
    assert min(verdicts[True], verdicts[False]) > 20


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {
            "update_bytes": st.integers(0, 3),
            "update_bits": st.integers(0, 33),
            "model_bits": st.integers(0, 33),
            "weighting": st.sampled_from([0, 0, 1, 2]),
            "selection": st.integers(0, 2),
            "trim_bps": st.sampled_from([0, 2000]) | st.integers(0, 5001),
            "faults_bps": st.sampled_from([0, 2000]) | st.integers(0, 5000),
            "clip": st.sampled_from([0, 1, 4000]),
        }
    )
)
def test_check_rule__any_parameters__gives_the_verdict_of_the_constructor(sender, changed):
    parameters = replace(DEFAULT, **changed)
    verdict = is_taken_here(parameters)
    event(f"taken: {verdict}")
    assert verdict == is_taken_on_chain(sender, parameters)
