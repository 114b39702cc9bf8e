"""The learning side of a simulation: data dealt out, learners enrolled, and the task they share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chain.types import Key, Parameters, RoundId, Seat
from localnet.dealing import HELD_OUT, DealReport, deal_out
from localnet.judgement import JointJudgement
from localnet.kept import note_folder
from localnet.pool import Pool, PoolTrainer
from localnet.scenario import Scenario
from node.calibration import Movement, calibrate, choose_model_bits
from node.data.dataset import Dataset
from node.data.recipe_file import describe_recipe
from node.data.sources import load
from node.data.split import deal_alike
from node.encoding import encode_model, to_payload, update_from_payload
from node.learning.hosting import Place
from node.learning.keeping import choose_kept, describe_shared
from node.learning.process import Answer, Pending
from node.merkle import MODEL_TAG, compute_root
from node.rule.choices import CALIBRATION_FACTOR
from node.rule.gram import compute_gram
from node.rule.parameters import Rule
from node.spec import Spec, rule_of, write_spec
from node.training import Course, Fit, Job

JUDGING = 0.3
"""What it costs to judge a sample, in trainings of it: measured on MNIST, 784-128-10."""
POLL_SECONDS = 1.0
"""Between two looks at judges that have not answered."""
JUDGE = 0
"""The peer that judges where all have the same test data, and the same model."""


@dataclass(frozen=True)
class Task:
    """What the federation is created with, and what is to be said of the peers' data (None: their
    own business). `reasons`: why units and clip are as they are, where that was found out."""

    spec: Spec
    text: bytes
    parameters: Parameters
    genesis: bytes
    deal: DealReport | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Hand:
    """What one peer is dealt; None: its learner brings its own."""

    train: Dataset | None = None
    test: Dataset | None = None


class Cohort:
    """All peers' learners in a pool of processes. `notes`: a folder for what they remember."""

    def __init__(self, scenario: Scenario, pool: Pool, notes: Path | None = None) -> None:
        self.trainer = PoolTrainer(pool)
        self._pool = pool
        self._scenario = scenario
        self._notes = notes
        self._rule = replace(scenario.rule_with(0), clip=0)
        self._deal_report: DealReport | None = None
        self._judges: Sequence[int] = range(scenario.peers) if scenario.brings_data else [JUDGE]
        self._answer: Answer | None = None
        self._asked: list[Pending] = []
        self._judged = b""
        self.data_fingerprint = "own"
        self.recipe: dict[str, Any] | None = None
        hands = [_Hand()] * scenario.peers if scenario.brings_data else self._deal()
        if scenario.brings_data:
            pool.assign([1] * scenario.peers)
        self._settle([self._enrol(peer, hand) for peer, hand in enumerate(hands)])
        self._describe_model()

    def create_task(self, known: Parameters | None = None) -> Task:
        """Calibrate where needed, set every peer's course, and return the task.

        `known`: those of a federation that goes on. What a learner of one's own remembers has moved
        since, so that another dry round would find something else.
        """
        scenario, reasons = self._scenario, tuple[str, ...]()
        if scenario.has_own_learner and known is not None:
            self._rule = rule_of(known)
        elif scenario.has_own_learner:
            self._rule, reasons = self._choose_rule()
        elif scenario.needs_calibration:
            self._set_courses(self._rule, is_dry=True)
            self._rule = scenario.rule_with(self._calibrate())
        else:
            self._rule = scenario.rule_with(0)
        rule = self._rule
        self._set_courses(rule, is_dry=False)
        payload = to_payload(encode_model(self._genesis, rule.model_bits))
        spec = Spec(
            # The spec is public: a path on somebody's disk is not.
            name=f"{self._name_task()}, {scenario.peers} peers",
            seed=scenario.seed,
            learner=scenario.learner,
            options=scenario.options,
            source=Path(scenario.dataset).name,
            label=scenario.label,
            partition=scenario.partition,
            held_out=HELD_OUT,
            layout=self._layout,
            kept=self._kept,
            schema=scenario.schema(),
            algorithm=scenario.build_algorithm(),
        )
        root = compute_root(payload, MODEL_TAG)
        parameters = scenario.parameters(rule, self._layout.coordinates, root)
        if scenario.has_own_learner and known is not None:
            parameters = replace(parameters, genesis=known.genesis)
        elif scenario.has_own_learner:
            self._check_judges(payload)
        return Task(spec, write_spec(spec), parameters, payload, self._deal_report, reasons)

    def evaluate(self, payload: bytes) -> Answer:
        """Ask for loss, samples and metrics of a model on the data that no peer trains on.

        Nobody waits for it, so it is worked out while the chain has its turn.
        """
        if self._answer is None or self._judged != payload:
            asked = [self._judge(peer, payload) for peer in self._judges]
            self._asked, self._judged = asked, payload
            joint = JointJudgement(dict(zip(self._judges, asked, strict=True)))
            # A learner of one's own may fail at it, and the run goes on.
            is_joint = self._scenario.has_own_learner or self._judges != [JUDGE]
            self._answer = joint if is_joint else asked[0]
        return self._answer

    @property
    def order(self) -> tuple[int, ...]:
        """Peers as they are likely to finish a round's training."""
        return self._pool.order

    def wait(self, answers: Sequence[Answer]) -> None:
        """Return when all of these are answered."""
        self._pool.wait(answers)

    def poll(self, timeout_seconds: float = 0) -> None:
        """Take the answers that are there, or wait a moment for the next."""
        self._pool.poll(timeout_seconds)

    def describe_progress(self) -> str:
        """Return how far the trainings are that go on, and what one of their learners said last."""
        unfinished = self.trainer.unfinished
        if not unfinished:
            return ""
        says = self._pool.describe_progress(unfinished[0])
        done = self._scenario.peers - len(unfinished)
        return f"{done} of {self._scenario.peers} trained" + (f": {says}" if says else "")

    def _deal(self) -> list[_Hand]:
        """Return every peer's data, and give each a worker by how much that is."""
        scenario = self._scenario
        dataset = self._load()
        self.data_fingerprint = dataset.fingerprint()
        self.recipe = describe_recipe(dataset)
        dealt = deal_out(scenario, dataset)
        train, held_out, parts = dealt.train, dealt.held_out, dealt.parts
        self._deal_report = dealt.report
        if scenario.keep_arrays:
            # Each has a model of its own, and is judged on its own kind of data.
            tests = deal_alike(held_out.labels, [train.labels[part] for part in parts])
            self._judges = [peer for peer, rows in enumerate(tests) if rows.size]
            self._pool.assign([part.size for part in parts])
            return [
                _Hand(train.take(part), held_out.take(rows) if rows.size else held_out)
                for part, rows in zip(parts, tests, strict=True)
            ]
        # One judge is enough: the first peer's process holds what nobody trains on.
        besides = {JUDGE: int(JUDGING * held_out.labels.size)}
        self._pool.assign([part.size for part in parts], besides=besides)
        has_test = scenario.has_own_learner
        return [
            _Hand(train.take(part), held_out if has_test or peer == JUDGE else None)
            for peer, part in enumerate(parts)
        ]

    def _load(self) -> Dataset:
        """Return all data; what is code is read in a process of its own."""
        scenario = self._scenario
        if ":" not in scenario.dataset:
            return load(scenario.dataset, label=scenario.label, schema=scenario.schema())
        asked = self._pool.ask_apart("read", scenario.dataset, scenario.label, scenario.schema())
        dataset: Dataset = asked.result()
        return dataset

    def _enrol(self, peer: int, hand: _Hand) -> Pending:
        scenario = self._scenario
        notes = None if self._notes is None else note_folder(self._notes, peer)
        place = Place(peer, scenario.peers, notes, scenario.seed)
        learner = scenario.learner, dict(scenario.options)
        return self._pool.ask(peer, "enrol", *learner, hand.train, hand.test, place)

    def _describe_model(self) -> None:
        asked = self._pool.ask(0, "describe")
        self._settle([asked])
        names, arrays = asked.result()
        self._kept = choose_kept(names, arrays, self._scenario.keep_arrays)
        self._layout = describe_shared(names, arrays, self._kept)
        stays = {each.at for each in self._kept}
        shared: list[NDArray[Any]] = [a for at, a in enumerate(arrays) if at not in stays]
        self._genesis = self._layout.flatten(shared)

    def _name_task(self) -> str:
        scenario = self._scenario
        return scenario.learner if scenario.brings_data else Path(scenario.dataset).name

    def _judge(self, peer: int, payload: bytes) -> Pending:
        return self._pool.ask_at_leisure(peer, "evaluate", payload, self._rule.model_bits)

    def _set_courses(self, rule: Rule, *, is_dry: bool) -> None:
        kinds = {} if is_dry else self._scenario.seat_kinds()
        pendings = []
        for peer in range(self._scenario.peers):
            # A stream of its own for every peer, whatever the others draw.
            entropy = np.random.SeedSequence([self._scenario.seed, peer]).generate_state(1)[0]
            alter = kinds[peer].alter if peer in kinds else None
            course = Course(
                self._layout,
                rule,
                self._scenario.seed,
                int(entropy),
                alter,
                self._kept,
                self._scenario.build_algorithm(),
            )
            pendings.append(self._pool.ask(peer, "follow", course))
        self._settle(pendings)

    def _choose_rule(self) -> tuple[Rule, tuple[str, ...]]:
        """Return the rule for a learner that nobody has measured, by a dry round of all peers; who
        fails in it is left out."""
        options = self._scenario.rule_options()
        if options.update_bits is not None and not options.needs_calibration:
            return options.build(0), ()
        bits = options.model_bits
        if options.update_bits is None:
            bits = choose_model_bits(bits, float(np.abs(self._genesis).max()))
        rule = replace(self._rule, model_bits=bits)
        self._set_courses(rule, is_dry=True)
        head = encode_model(self._genesis, bits)
        peers = range(self._scenario.peers)
        asked = [self._pool.ask(peer, "measure", head) for peer in peers]
        self._pool.wait(asked)
        movements: list[Movement] = [each.value for each in asked if each.error is None]
        for peer, each in zip(peers, asked, strict=True):
            if each.error is not None:
                self._pool.renew(peer)
        if not movements:
            asked[0].result()
        calibration = calibrate(options, movements, self._layout.names)
        return calibration.options.build(0), calibration.reasons

    def _calibrate(self) -> int:
        """Return the clip: a multiple of the median norm of a round that nobody sees."""
        head = encode_model(self._genesis, self._rule.model_bits)
        job = Job(RoundId(1), head, MODEL_TAG)
        dry = Key(b"dry")
        for peer in range(self._scenario.peers):
            self.trainer.start(Seat(peer), dry, job)
        norms = []
        for peer in range(self._scenario.peers):
            self.trainer.release(Seat(peer))
            fit = self.trainer.find(Seat(peer), dry, RoundId(1))
            assert isinstance(fit, Fit), (
                "it was waited for, and a built-in learner's failure raises"
            )
            update = update_from_payload(fit.payload, head.size, self._rule.update_bytes)
            norms.append(isqrt(compute_gram([update])[0][0]))
        return max(1, CALIBRATION_FACTOR * sorted(norms)[len(norms) // 2])

    def _check_judges(self, payload: bytes) -> None:
        """Raise what the first judge's learner raises at the first model, where they all do: no
        head would ever be judged."""
        self.evaluate(payload)
        self._pool.start_leisure()
        # One that takes long is not waited for where another has answered.
        while not any(each.is_done and each.error is None for each in self._asked):
            if all(each.is_done for each in self._asked):
                self._asked[0].result()
            self._pool.poll(POLL_SECONDS)

    def _settle(self, pendings: list[Pending]) -> None:
        self._pool.wait(pendings)
        for pending in pendings:
            pending.result()
