"""What to simulate: peers, data, learner, rule, faults, seed; checked before anything starts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chain.types import Parameters, Root, Seat, Wei
from localnet.byzantine import Byzantine, parse_byzantine
from localnet.errors import ScenarioRefused
from node.algorithms.algorithm import Algorithm
from node.algorithms.catalogue import USUAL, parse_algorithm
from node.data.schema import Schema, parse_schema
from node.data.share import OWN
from node.learning.reference import is_reference
from node.rule.aggregate import check_quorum
from node.rule.choices import RuleOptions
from node.rule.parameters import Member, Roll, Rule, check_rule

ETHER = 10**18
USUAL_UPDATES = 3
"""Fewest commits of a round."""


@dataclass(frozen=True)
class Scenario:
    """One simulated federation; the defaults are those of development (see docs/protocol.md).

    `learner`: one that comes with Holdfast, or one's own as `module:factory`; `keep_arrays`: names
    or patterns of arrays that stay with each peer; `dataset` "own": the learner brings its data.
    `algorithm`: NAME, NAME:VALUE or NAME:KEY=VALUE,... as in a page.
    `data`: what the columns of a table are, as in a page's table of that name.
    `clip` None: four times the median norm of a dry first round; 0: none. `trim_bps` and
    `faults_bps` None: as the rule has them. `watchtower`: one without a seat looks on.
    `order_seed` None: peers act in the order of their seats.
    """

    peers: int = 10
    rounds: int = 10
    dataset: str = "digits"
    label: str | None = None
    partition: str = "dirichlet:0.5"
    data: Mapping[str, Any] = field(default_factory=dict)
    learner: str = "mlp"
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_arrays: tuple[str, ...] = ()
    algorithm: str = USUAL.name
    rule: str = "vouched"
    weighting: str = "stake"
    trim_bps: int | None = None
    faults_bps: int | None = None
    clip: int | None = None
    update_bytes: int = 2
    update_bits: int | None = None
    model_bits: int = 20
    min_updates: int = USUAL_UPDATES
    commit_seconds: int = 600
    grace_seconds: int = 30
    attest_seconds: int = 300
    byzantine: tuple[str, ...] = ()
    watchtower: bool = False
    seed: int = 0
    order_seed: int | None = None

    def check(self) -> None:
        """Raise ScenarioRefused, AlgorithmRefused, RuleRefused or QuorumRefused where this cannot
        be run as it is."""
        if not 1 <= self.peers <= 128:
            raise ScenarioRefused("peers", "1 to 128", self.peers)
        if self.rounds < 1:
            raise ScenarioRefused("rounds", "at least 1", self.rounds)
        if self.brings_data and not self.has_own_learner:
            expected = f"data for {self.learner}: only a learner of your own brings its own"
            raise ScenarioRefused("dataset", expected, repr(self.dataset))
        if not 0 <= self.seed < 2**63:
            raise ScenarioRefused("seed", "0 to 2**63 - 1", self.seed)
        self.build_algorithm()
        self.rule_options().check_names()
        if not 1 <= self.min_updates <= self.peers:
            most = f"1 to {self.peers}, as there are {self.peers} peers"
            raise ScenarioRefused("min_updates", most, self.min_updates)
        shortest = min(self.commit_seconds, self.grace_seconds, self.attest_seconds)
        if shortest < 1:
            raise ScenarioRefused("seconds of a phase", "at least 1", shortest)
        self.seat_kinds()
        self.schema()
        # A clip to be calibrated is at least 1.
        rule = self.rule_with(1 if self.clip is None else self.clip)
        check_rule(rule, 1)
        # Where not even all of them together will do, no round would ever be agreed.
        everybody = [Member(Seat(index), Wei(ETHER), 1) for index in range(self.peers)]
        check_quorum(rule, Roll(Wei(self.peers * ETHER), self.peers), everybody)

    def rule_with(self, calibrated_clip: int) -> Rule:
        """Return the rule with the clip as given, or as calibrated, or none."""
        return self.rule_options().build(calibrated_clip)

    @property
    def needs_calibration(self) -> bool:
        """Whether a dry round must find the clip."""
        return self.rule_options().needs_calibration

    def build_algorithm(self) -> Algorithm:
        """Return what peers do around their training. Raises AlgorithmRefused."""
        return parse_algorithm(self.algorithm)

    def schema(self) -> Schema:
        """Return what the columns of the data are. Raises InvalidSchema."""
        return parse_schema(self.data)

    @property
    def has_own_learner(self) -> bool:
        """Whether the learner is a module's, and none that comes with Holdfast."""
        return is_reference(self.learner)

    @property
    def brings_data(self) -> bool:
        """Whether the learner reads data of its own."""
        return self.dataset == OWN

    def rule_options(self) -> RuleOptions:
        """Return the rule by name, and what is to differ."""
        return RuleOptions(
            name=self.rule,
            weighting=self.weighting,
            trim_bps=self.trim_bps,
            faults_bps=self.faults_bps,
            clip=self.clip,
            update_bytes=self.update_bytes,
            update_bits=self.update_bits,
            model_bits=self.model_bits,
        )

    def seat_kinds(self) -> dict[int, Byzantine]:
        """Return the Byzantine seats, dealt from the highest seat down in the order given."""
        seats = iter(range(self.peers - 1, -1, -1))
        kinds: dict[int, Byzantine] = {}
        for text in self.byzantine:
            count, kind = parse_byzantine(text)
            for _ in range(count):
                seat = next(seats, None)
                if seat is None:
                    raise ScenarioRefused("byzantine seats", f"at most {self.peers}", text)
                kinds[seat] = kind
        return kinds

    def parameters(self, rule: Rule, coordinates: int, genesis: Root) -> Parameters:
        """Return what the contract is created with."""
        return Parameters(
            coordinates=coordinates,
            genesis=genesis,
            update_bytes=rule.update_bytes,
            update_bits=rule.update_bits,
            model_bits=rule.model_bits,
            weighting=int(rule.weighting),
            selection=int(rule.selection),
            trim_bps=rule.trim_bps,
            faults_bps=rule.faults_bps,
            clip=rule.clip,
            min_updates=self.min_updates,
            min_stake_wei=Wei(ETHER),
            max_seats=self.peers,
            commit_seconds=self.commit_seconds,
            grace_seconds=self.grace_seconds,
            attest_seconds=self.attest_seconds,
            challenge_seconds=3600,
            answer_seconds=900,
            retire_seconds=3600,
            max_missed=10,
            admission=bytes(32),
            challenge_blocks=0,
            max_unsettled=1024,
            bond_wei=Wei(10**16),
            challenger_cap_wei=Wei(10**17),
            reward_wei_per_second=Wei(0),
        )

    def to_json(self) -> str:
        """Return the scenario as a kept run remembers it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Scenario":
        """Return the scenario that `to_json` wrote."""
        values = json.loads(text)
        tuples = {name: tuple(values.get(name, ())) for name in ("byzantine", "keep_arrays")}
        return cls(**{**values, **tuples})

    def find_changes(self, asked: "Scenario") -> tuple[str, str] | None:
        """Return what `asked` has otherwise, as it is here and as it is there; None: it is the same
        run, whatever its number of rounds."""
        # By way of JSON, as a kept one comes: lists and tuples are alike there.
        here, there = asdict(self), asdict(Scenario.from_json(asked.to_json()))
        changed = [name for name in here if name != "rounds" and here[name] != there[name]]
        if not changed:
            return None
        told = (", ".join(f"{name} {each[name]}" for name in changed) for each in (here, there))
        return next(told), next(told)

    def with_rounds(self, rounds: int) -> "Scenario":
        """Return the same federation for another number of rounds."""
        return replace(self, rounds=rounds)

    def with_rule(self, rule: str) -> "Scenario":
        """Return the same federation under another rule, as that rule comes."""
        return replace(self, rule=rule, trim_bps=None, faults_bps=None, clip=None)

    def with_weighting(self, weighting: str) -> "Scenario":
        """Return the same federation with other weights."""
        return replace(self, weighting=weighting)

    def with_algorithm(self, algorithm: str) -> "Scenario":
        """Return the same federation under another algorithm."""
        return replace(self, algorithm=algorithm)

    def with_honest_seats(self) -> "Scenario":
        """Return the same federation with nobody Byzantine."""
        return replace(self, byzantine=())


def choose_min_updates(peers: int) -> int:
    """Return the fewest commits of a round where nobody has said: as usual, or all of fewer peers.

    >>> choose_min_updates(2), choose_min_updates(10)
    (2, 3)
    """
    return max(1, min(USUAL_UPDATES, peers))
