"""The constructor: a combination whose guarantee does not hold is refused, with the reason."""

from dataclasses import replace
from typing import Any, cast

import pytest
from federation_lab import PARAMETERS, Clock

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.errors import ParametersRefused
from chain.keys import compute_genesis_key
from chain.sender import Sender
from chain.types import Created

NO_SELECTION = {"selection": 0, "clip": 0}
EDGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("rule: no coordinates", {"coordinates": 0}, {"coordinates": 1}),
    ("rule: 2**32 coordinates or more", {"coordinates": 2**32}, {"coordinates": 2**32 - 1}),
    ("rule: no genesis model", {"genesis": bytes(32)}, {"genesis": bytes(31) + b"\1"}),
    ("rule: update_bytes is neither 1 nor 2", {"update_bytes": 0}, {"update_bytes": 1}),
    ("rule: update_bytes is neither 1 nor 2", {"update_bytes": 3}, {"update_bytes": 2}),
    ("rule: updates finer than the model", {"update_bits": 21}, {"update_bits": 20}),
    (
        "rule: model_bits of 32 or more",
        {"model_bits": 32, "update_bits": 20},
        {"model_bits": 31, "update_bits": 20},
    ),
    ("rule: a sum could pass 2**62", {"update_bits": 0, "model_bits": 21}, {"update_bits": 0}),
    (
        "rule: a sum could pass 2**62",
        {"update_bytes": 1, "update_bits": 0, "model_bits": 29},
        {"update_bytes": 1, "update_bits": 0, "model_bits": 28},
    ),
    ("rule: unknown weighting", {"weighting": 3}, {"weighting": 2, "faults_bps": 0}),
    ("rule: unknown selection", {"selection": 3}, {"selection": 2}),
    ("rule: trim_bps above 5000", {"trim_bps": 5001}, {"trim_bps": 5000}),
    ("rule: faults_bps of 5000 or more", {"faults_bps": 5000}, {"faults_bps": 4999}),
    (
        "rule: trims less than the faults",
        {**NO_SELECTION, "trim_bps": 1999},
        {**NO_SELECTION, "trim_bps": 2000},
    ),
    ("rule: trims less than the faults", {"selection": 0}, {"selection": 0, "faults_bps": 0}),
    ("rule: a selection needs a clip", {"clip": 0}, {"clip": 1}),
    ("rule: clip of 2**63 or more", {"clip": 2**63}, {"clip": 2**63 - 1}),
    (
        "rule: claimed samples cannot bound faults",
        {"weighting": 2, "faults_bps": 1},
        {"weighting": 2, "faults_bps": 0},
    ),
    ("rule: min_updates is 0", {"min_updates": 0}, {"min_updates": 1}),
    ("phase: commit_seconds is 0", {"commit_seconds": 0}, {"commit_seconds": 1}),
    ("phase: grace_seconds is 0", {"grace_seconds": 0}, {"grace_seconds": 1}),
    ("phase: attest_seconds is 0", {"attest_seconds": 0}, {"attest_seconds": 1}),
    *(
        (
            "phase: a deadline of 2**32 seconds or more",
            {name: 2**32},
            {name: 2**32 - 1},
        )
        for name in ("commit_seconds", "grace_seconds", "attest_seconds")
    ),
    ("seats: min_stake_wei is 0", {"min_stake_wei": 0}, {"min_stake_wei": 1}),
    ("seats: min_stake_wei of 2**88 or more", {"min_stake_wei": 2**88}, {"min_stake_wei": 2**87}),
    ("seats: more than 128 seats", {"max_seats": 129}, {"max_seats": 128}),
    ("seats: fewer seats than min_updates", {"max_seats": 2}, {"max_seats": 3}),
    ("results: challenge_seconds is 0", {"challenge_seconds": 0}, {"challenge_seconds": 1}),
    ("results: answer_seconds is 0", {"answer_seconds": 0}, {"answer_seconds": 1}),
    *(
        ("results: a window of 2**32 seconds or more", {name: 2**32}, {name: 2**32 - 1})
        for name in ("challenge_seconds", "answer_seconds")
    ),
    (
        "seats: a window of 2**32 seconds or more",
        {"retire_seconds": 2**32},
        {"retire_seconds": 2**32 - 1},
    ),
    (
        "results: a window of 2**32 blocks or more",
        {"challenge_blocks": 2**32},
        {"challenge_blocks": 2**32 - 1},
    ),
    ("results: max_unsettled is 0", {"max_unsettled": 0}, {"max_unsettled": 1}),
    ("disputes: bond_wei is 0", {"bond_wei": 0}, {"bond_wei": 1}),
    *(
        ("disputes: 2**95 wei or more", {name: 2**95}, {name: 2**95 - 1})
        for name in ("bond_wei", "challenger_cap_wei")
    ),
    ("rewards: 2**95 wei or more", {"reward_wei_per_second": 2**95}, {"reward_wei_per_second": 1}),
    (
        "disputes: a refutation over 131,072 bytes",
        {"max_seats": 128, "coordinates": 2**28 + 1},
        {"max_seats": 128, "coordinates": 2**28},
    ),
    ("seats: retire_seconds is 0", {"retire_seconds": 0}, {"retire_seconds": 1}),
    ("seats: max_missed is 0", {"max_missed": 0}, {"max_missed": 2}),
    ("seats: max_missed is 1", {"max_missed": 1}, {"max_missed": 2}),
    ("seats: max_missed of 2**15 or more", {"max_missed": 2**15}, {"max_missed": 2**15 - 1}),
]


@pytest.fixture(scope="module")
def devnet() -> Any:
    with Devnet(clock=Clock(), accounts=1) as devnet:
        yield devnet


@pytest.mark.parametrize(("reason", "bad", "good"), EDGES)
def test_creation__either_side_of_an_edge__refused_with_the_reason_or_created(
    devnet: Devnet, reason: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    web3 = connect_devnet(devnet)
    sender = Sender(web3, devnet.accounts[0])
    height = web3.eth.block_number
    with pytest.raises(ParametersRefused) as caught:
        deploy(web3, sender, b"spec", replace(PARAMETERS, **bad))
    assert caught.value.got == reason
    assert web3.eth.block_number == height, "nothing is sent"
    parameters = replace(PARAMETERS, **good)
    assert deploy(web3, sender, b"spec", parameters).federation.get_parameters() == parameters


def test_creation__another_judge_or_none__refused(devnet: Devnet) -> None:
    web3 = connect_devnet(devnet)
    sender = Sender(web3, devnet.accounts[0])
    made = deploy(web3, sender, b"spec", PARAMETERS)
    for judge in ("0x" + "00" * 20, devnet.accounts[0].address, made.federation.address):
        with pytest.raises(ParametersRefused) as caught:
            deploy(web3, sender, b"spec", PARAMETERS, judge=judge)
        assert caught.value.got == "disputes: not the judge"


def test_creation__the_judge_of_another_federation__serves_as_well(devnet: Devnet) -> None:
    web3 = connect_devnet(devnet)
    sender = Sender(web3, devnet.accounts[0])
    first = deploy(web3, sender, b"spec", PARAMETERS)
    judge = first.federation.get_judge()
    again = deploy(web3, sender, b"spec", PARAMETERS, judge=judge)
    assert again.federation.get_judge() == judge
    assert again.block == first.block + 1, "no second judge"


@pytest.mark.parametrize("size", [0, 1, 16_384])
def test_creation__a_spec__told_to_the_byte(devnet: Devnet, size: int) -> None:
    web3 = connect_devnet(devnet)
    sender = Sender(web3, devnet.accounts[0])
    spec = bytes(i % 251 for i in range(size))
    made = deploy(web3, sender, spec, PARAMETERS)
    (event,) = made.federation.get_events(made.block, made.block)
    assert event.event == Created(spec, PARAMETERS)
    head = made.federation.get_head()
    chain_id, address = made.federation.chain_id, made.federation.address
    assert head == (compute_genesis_key(chain_id, address, PARAMETERS.genesis), 0, 0, 0)


def test_creation__a_spec_of_more_than_16384_bytes__refused(devnet: Devnet) -> None:
    web3 = connect_devnet(devnet)
    sender = Sender(web3, devnet.accounts[0])
    from chain.errors import Reverted

    with pytest.raises(Reverted):
        deploy(web3, sender, bytes(16_385), PARAMETERS)
    assert cast(int, web3.eth.get_balance(cast(Any, devnet.accounts[0].address))) > 0
