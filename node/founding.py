"""From a page that an organisation writes to all that a federation is created with.

The page says what is learned and by which rule; the founder's own data give the model's layout and,
where no clip is named, a dry round of its own learner gives that.
"""

import tomllib
from dataclasses import dataclass, fields
from hashlib import sha256
from math import isqrt

from pydantic import Field, ValidationError

from chain.types import Parameters, Root, RoundId, Wei
from node.data.dataset import Dataset
from node.data.split import stratified_holdout
from node.encoding import Layout, encode_model, to_payload, update_from_payload
from node.errors import SpecRefused
from node.learning.catalogue import build_learner
from node.merkle import MODEL_TAG, compute_root
from node.rule.choices import CALIBRATION_FACTOR, RuleOptions
from node.rule.gram import compute_gram
from node.rule.parameters import Rule, check_rule
from node.spec import DataTable, LearnerTable, Spec, write_spec
from node.tables import Table, find_misfit
from node.training import Course, Job, train

ETHER = 10**18


class _Rule(Table):
    name: str = "vouched"
    weighting: str = "stake"
    trim_bps: int | None = None
    faults_bps: int | None = None
    clip: int | None = None
    update_bytes: int = 2
    update_bits: int | None = None
    model_bits: int = 20


class _Seats(Table):
    max_seats: int = Field(default=128, ge=1, le=128)
    min_updates: int = Field(default=3, ge=1)
    min_stake_wei: int = Field(default=ETHER, ge=1)
    max_missed: int = 10
    admitted: list[str] = Field(default_factory=list)


class _Time(Table):
    commit_seconds: int = Field(default=600, ge=1)
    grace_seconds: int = Field(default=30, ge=1)
    attest_seconds: int = Field(default=300, ge=1)
    challenge_seconds: int = Field(default=3600, ge=1)
    answer_seconds: int = Field(default=900, ge=1)
    retire_seconds: int = Field(default=3600, ge=1)


class _Disputes(Table):
    challenge_blocks: int = Field(default=12, ge=0)
    max_unsettled: int = Field(default=1024, ge=1)
    bond_wei: int = Field(default=ETHER // 100, ge=1)
    challenger_cap_wei: int = Field(default=ETHER // 10, ge=0)


class _Rewards(Table):
    reward_wei_per_second: int = Field(default=0, ge=0)


class _Page(Table):
    holdfast: int
    name: str
    seed: int = Field(default=0, ge=0)
    learner: LearnerTable
    data: DataTable
    rule: _Rule = Field(default_factory=_Rule)
    seats: _Seats = Field(default_factory=_Seats)
    time: _Time = Field(default_factory=_Time)
    disputes: _Disputes = Field(default_factory=_Disputes)
    rewards: _Rewards = Field(default_factory=_Rewards)


@dataclass(frozen=True)
class Plan:
    """What the page says. `admitted`: addresses that may join; none: everybody. `digest`: sha256
    of the page."""

    page: _Page
    rule: RuleOptions
    admitted: tuple[str, ...]
    digest: bytes


@dataclass(frozen=True)
class Founding:
    """What the contract is created with, and the first model."""

    spec: Spec
    text: bytes
    parameters: Parameters
    genesis: bytes
    is_calibrated: bool


def read_plan(text: bytes, name: str = "plan") -> Plan:
    """Return what a founder's page of that name says. Raises SpecRefused, which names the entry, or
    RuleRefused for a rule whose guarantee does not hold."""
    try:
        page = _Page.model_validate(tomllib.loads(text.decode()))
    except ValidationError as error:
        misfit = find_misfit(_Page, error)
        raise SpecRefused(f"{name}: {misfit.entry}", misfit.expected, misfit.got) from error
    except (ValueError, RecursionError) as error:
        raise SpecRefused(name, "TOML", str(error)) from error
    if page.holdfast != 1:
        raise SpecRefused(f"{name}: holdfast", "version 1", page.holdfast)
    rule = RuleOptions(**page.rule.model_dump())
    rule.check_names()
    # A clip to be calibrated is at least 1.
    check_rule(rule.build(1 if rule.clip is None else rule.clip), 1)
    return Plan(page, rule, tuple(page.seats.admitted), sha256(text).digest())


def found(plan: Plan, dataset: Dataset, admission: Root) -> Founding:
    """Return what to create the federation with; trains one dry round to calibrate the clip.

    `admission` is the root over `plan.admitted`, zero for none. Raises what learner, encoder and
    rule refuse.
    """
    page = plan.page
    train_on, _ = stratified_holdout(dataset, page.data.held_out, seed=page.seed)
    learner = build_learner(page.learner.name, page.learner.options, train=train_on)
    arrays = learner.get_parameters({"seed": page.seed})
    layout = Layout.from_arrays(arrays)
    genesis = layout.flatten(arrays)
    clip = 0
    if plan.rule.needs_calibration:
        course = Course(layout, plan.rule.build(0), page.seed, 0)
        head = encode_model(genesis, course.rule.model_bits)
        fit = train(learner, course, Job(RoundId(1), head, MODEL_TAG))
        update = update_from_payload(fit.payload, head.size, course.rule.update_bytes)
        clip = max(1, CALIBRATION_FACTOR * isqrt(compute_gram([update])[0][0]))
    rule = plan.rule.build(clip)
    check_rule(rule, layout.coordinates)
    payload = to_payload(encode_model(genesis, rule.model_bits))
    spec = _write(page, layout)
    root = compute_root(payload, MODEL_TAG)
    return Founding(
        spec=spec,
        text=write_spec(spec),
        parameters=_set_parameters(page, rule, layout.coordinates, root, admission),
        genesis=payload,
        is_calibrated=plan.rule.needs_calibration,
    )


def _write(page: _Page, layout: Layout) -> Spec:
    return Spec(
        name=page.name,
        seed=page.seed,
        learner=page.learner.name,
        options=page.learner.options,
        source=page.data.source,
        label=page.data.label,
        partition=page.data.partition,
        held_out=page.data.held_out,
        layout=layout,
    )


def _set_parameters(
    page: _Page, rule: Rule, coordinates: int, genesis: Root, admission: Root
) -> Parameters:
    arithmetic = {field.name: getattr(rule, field.name) for field in fields(rule)}
    seats = page.seats.model_dump(exclude={"admitted", "min_stake_wei"})
    return Parameters(
        coordinates=coordinates,
        genesis=genesis,
        min_stake_wei=Wei(page.seats.min_stake_wei),
        admission=admission,
        **(arithmetic | {"weighting": int(rule.weighting), "selection": int(rule.selection)}),
        **seats,
        **page.time.model_dump(),
        **page.disputes.model_dump(),
        **page.rewards.model_dump(),
    )
