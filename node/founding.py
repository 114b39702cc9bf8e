"""From a page that an organisation writes to all that a federation is created with.

The page says what is learned and by which rule; the founder's learner tells the model's layout, and
a dry round of it gives the units and the clip that the page does not name.
"""

import tomllib
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError

from chain.types import Parameters, Root, Wei
from node.algorithms.algorithm import Algorithm
from node.algorithms.catalogue import USUAL
from node.calibration import calibrate, choose_model_bits
from node.data.share import OWN, Share, choose_label
from node.encoding import Floats, Layout, encode_model, to_payload
from node.errors import LayoutMismatch, SpecRefused
from node.learning.hosting import Place
from node.learning.keeping import Kept, choose_kept, describe_shared
from node.learning.reference import is_reference
from node.learning.trial import Subject, Trial
from node.merkle import MODEL_TAG, compute_root
from node.rule.choices import RuleOptions
from node.rule.parameters import Rule, check_rule
from node.spec import (
    NAMED,
    AlgorithmEntry,
    AlgorithmTable,
    DataTable,
    LearnerTable,
    ModelTable,
    Spec,
    name_learner,
    write_spec,
)
from node.tables import Table, find_misfit
from node.training import Course

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


class _Learner(LearnerTable):
    keep: list[str] = Field(default_factory=list)


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
    learner: Annotated[_Learner, BeforeValidator(name_learner), NAMED]
    algorithm: AlgorithmEntry = Field(default_factory=AlgorithmTable)
    data: DataTable = Field(default_factory=DataTable)
    model: ModelTable | None = None
    rule: _Rule = Field(default_factory=_Rule)
    seats: _Seats = Field(default_factory=_Seats)
    time: _Time = Field(default_factory=_Time)
    disputes: _Disputes = Field(default_factory=_Disputes)
    rewards: _Rewards = Field(default_factory=_Rewards)


@dataclass(frozen=True)
class Plan:
    """What the page says, with rule and algorithm. `admitted`: addresses that may join; none:
    everybody. `digest`: sha256 of the page."""

    page: _Page
    rule: RuleOptions
    admitted: tuple[str, ...]
    digest: bytes
    algorithm: Algorithm = USUAL


@dataclass(frozen=True)
class Founding:
    """What the contract is created with, and the first model; `reasons`: a line for everything that
    a dry round has decided."""

    spec: Spec
    text: bytes
    parameters: Parameters
    genesis: bytes
    reasons: tuple[str, ...]


def read_plan(text: bytes, name: str = "plan") -> Plan:
    """Return what a founder's page of that name says. Raises SpecRefused, which names the entry,
    AlgorithmRefused, or RuleRefused for a rule whose guarantee does not hold."""
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
    admitted, algorithm = tuple(page.seats.admitted), page.algorithm.build()
    return Plan(page, rule, admitted, sha256(text).digest(), algorithm)


def name_subject(plan: Plan, source: str, label: str | None, place: Place) -> Subject:
    """Return the learner that the page is about, on a founder's own data. Raises InvalidSchema for
    another label than the page's."""
    page = plan.page
    share = Share(
        source,
        choose_label(label, page.data.label),
        None,
        page.data.partition,
        page.data.held_out,
        page.seed,
        page.data.build_schema(),
    )
    if is_reference(page.learner.name) and page.data.source == OWN:
        share = replace(share, source=OWN)
    return Subject(page.learner.name, page.learner.options, share, place)


def found(plan: Plan, trial: Trial, admission: Root) -> Founding:
    """Return what to create the federation with; a dry round decides what the page leaves open.

    `admission` is the root over `plan.admitted`, zero for none. Raises what learner, encoder and
    rule refuse, and LayoutMismatch where the page tells of another model.
    """
    page = plan.page
    names, arrays = trial.describe()
    kept = choose_kept(names, arrays, page.learner.keep)
    layout = describe_shared(names, arrays, kept)
    _check_model(page, layout, kept)
    stays = {each.at for each in kept}
    genesis = layout.flatten([array for at, array in enumerate(arrays) if at not in stays])
    options, reasons = calibrate_by(trial, plan, layout, kept, genesis)
    rule = options.build(0)
    check_rule(rule, layout.coordinates)
    payload = to_payload(encode_model(genesis, rule.model_bits))
    # Later on one that fails costs nobody anything, so nobody would be told.
    trial.judge(payload, rule.model_bits)
    spec = _write(page, layout, kept, plan.algorithm)
    root = compute_root(payload, MODEL_TAG)
    return Founding(
        spec=spec,
        text=write_spec(spec),
        parameters=_set_parameters(page, rule, layout.coordinates, root, admission),
        genesis=payload,
        reasons=(*(_tell_kept(each) for each in kept), *reasons),
    )


def calibrate_by(
    trial: Trial, plan: Plan, layout: Layout, kept: tuple[Kept, ...], genesis: Floats
) -> tuple[RuleOptions, tuple[str, ...]]:
    """Return the rule with units and clip chosen, and why; nothing is trained where the page has
    both."""
    options = plan.rule
    if not is_reference(plan.page.learner.name) and options.update_bits is None:
        # Of those that come with Holdfast the units were measured, once and for all.
        options = replace(options, update_bits=options.build(0).update_bits)
    if options.update_bits is not None and not options.needs_calibration:
        # Not even a step, but what the algorithm asks of the learner is checked.
        trial.follow(_set_course(plan, options.build(0), layout, kept))
        return options, ()
    if options.update_bits is None:
        bits = choose_model_bits(options.model_bits, float(np.abs(genesis).max()))
        rule = replace(options.build(0), clip=0, model_bits=bits)
    else:
        rule = replace(options.build(0), clip=0)
    head = encode_model(genesis, rule.model_bits)
    movement = trial.measure(_set_course(plan, rule, layout, kept), head)
    calibration = calibrate(options, [movement], layout.names)
    return calibration.options, calibration.reasons


def _set_course(plan: Plan, rule: Rule, layout: Layout, kept: tuple[Kept, ...]) -> Course:
    return Course(layout, rule, plan.page.seed, 0, kept=kept, algorithm=plan.algorithm)


def _check_model(page: _Page, layout: Layout, kept: tuple[Kept, ...]) -> None:
    """Raise LayoutMismatch where the page tells of another model than the learner has."""
    if page.model is None:
        return
    told, told_kept = page.model.build_layout(), page.model.build_kept()
    if told != layout:
        raise LayoutMismatch("plan: model", told.to_dict(), layout.to_dict())
    if told_kept != kept:
        raise LayoutMismatch("plan: model: kept", told_kept, kept)


def _tell_kept(kept: Kept) -> str:
    size = " by ".join(map(str, kept.shape)) or "1"
    return f"array {kept.name!r} ({kept.dtype}, {size}) stays with each peer"


def _write(page: _Page, layout: Layout, kept: tuple[Kept, ...], algorithm: Algorithm) -> Spec:
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
        kept=kept,
        schema=page.data.build_schema(),
        algorithm=algorithm,
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
