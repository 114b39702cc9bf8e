"""The learning side of a simulation: data dealt out, learners enrolled, and the task they share."""

from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path

import numpy as np

from chain.types import Key, Parameters, RoundId, Seat
from localnet.pool import Pool, PoolTrainer
from localnet.scenario import Scenario
from node.data.balance import BalanceReport, describe_balance
from node.data.dataset import Dataset
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.encoding import Layout, encode_model, to_payload, update_from_payload
from node.learning.catalogue import build_learner
from node.learning.process import Pending
from node.merkle import MODEL_TAG, compute_root
from node.rule.choices import CALIBRATION_FACTOR
from node.rule.gram import compute_gram
from node.rule.parameters import Rule
from node.spec import Spec, write_spec
from node.training import Course, Job

HELD_OUT = 0.2
"""Share of each class that no peer trains on."""
JUDGING = 0.3
"""What it costs to judge a sample, in trainings of it: measured on MNIST, 784-128-10."""


@dataclass(frozen=True)
class Task:
    """What the federation is created with, and how uneven the peers' data are."""

    spec: Spec
    text: bytes
    parameters: Parameters
    genesis: bytes
    balance: BalanceReport


class Cohort:
    """All peers' learners in a pool of processes."""

    def __init__(self, scenario: Scenario, pool: Pool) -> None:
        self.trainer = PoolTrainer(pool)
        self._pool = pool
        self._scenario = scenario
        self._rule = replace(scenario.rule_with(0), clip=0)
        dataset = load(scenario.dataset, label=scenario.label)
        self.data_fingerprint = dataset.fingerprint()
        train, held_out = stratified_holdout(dataset, HELD_OUT, seed=scenario.seed)
        parts = parse_partition(scenario.partition).split(
            train.labels, scenario.peers, np.random.default_rng(scenario.seed)
        )
        self._balance = describe_balance(train.labels, parts, train.classes)
        # One judge is enough: the first peer's process holds what nobody trains on.
        pool.assign([part.size for part in parts], besides={0: int(JUDGING * held_out.labels.size)})
        self._layout, self._genesis = self._describe_model(train.take(parts[0]))
        enrolments = [
            self._enrol(peer, train.take(part), held_out if peer == 0 else None)
            for peer, part in enumerate(parts)
        ]
        self._settle(enrolments)

    def create_task(self) -> Task:
        """Calibrate where needed, set every peer's course, and return the task."""
        scenario = self._scenario
        self._set_courses(self._rule, is_dry=True)
        clip = self._calibrate() if scenario.needs_calibration else 0
        rule = scenario.rule_with(clip)
        self._set_courses(rule, is_dry=False)
        payload = to_payload(encode_model(self._genesis, rule.model_bits))
        spec = Spec(
            # The spec is public: a path on somebody's disk is not.
            name=f"{Path(scenario.dataset).name}, {scenario.peers} peers",
            seed=scenario.seed,
            learner=scenario.learner,
            options=scenario.options,
            source=Path(scenario.dataset).name,
            label=scenario.label,
            partition=scenario.partition,
            held_out=HELD_OUT,
            layout=self._layout,
        )
        root = compute_root(payload, MODEL_TAG)
        parameters = scenario.parameters(rule, self._layout.coordinates, root)
        return Task(spec, write_spec(spec), parameters, payload, self._balance)

    def evaluate(self, payload: bytes) -> Pending:
        """Ask for loss, samples and metrics of a model on the data that no peer trains on.

        Nobody waits for it, so it is worked out while the chain has its turn.
        """
        return self._pool.ask_at_leisure(0, "evaluate", payload, self._rule.model_bits)

    @property
    def order(self) -> tuple[int, ...]:
        """Peers in the order in which their training is likely to end."""
        return self._pool.order

    def poll(self) -> None:
        """Take the answers that are there, without waiting."""
        self._pool.poll()

    def wait(self, pendings: list[Pending]) -> None:
        """Wait for answers, and raise the first error among them."""
        self._settle(pendings)

    def _describe_model(self, data: Dataset) -> tuple[Layout, np.ndarray]:
        scenario = self._scenario
        learner = build_learner(scenario.learner, scenario.options, train=data)
        arrays = learner.get_parameters({"seed": scenario.seed})
        layout = Layout.from_arrays(arrays)
        return layout, layout.flatten(arrays)

    def _enrol(self, peer: int, data: Dataset, test: Dataset | None) -> Pending:
        scenario = self._scenario
        return self._pool.ask(peer, "enrol", scenario.learner, dict(scenario.options), data, test)

    def _set_courses(self, rule: Rule, *, is_dry: bool) -> None:
        kinds = {} if is_dry else self._scenario.seat_kinds()
        pendings = []
        for peer in range(self._scenario.peers):
            # A stream of its own for every peer, whatever the others draw.
            entropy = np.random.SeedSequence([self._scenario.seed, peer]).generate_state(1)[0]
            alter = kinds[peer].alter if peer in kinds else None
            course = Course(self._layout, rule, self._scenario.seed, int(entropy), alter)
            pendings.append(self._pool.ask(peer, "follow", course))
        self._settle(pendings)

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
            assert fit is not None, "it was waited for"
            update = update_from_payload(fit.payload, head.size, self._rule.update_bytes)
            norms.append(isqrt(compute_gram([update])[0][0]))
        return max(1, CALIBRATION_FACTOR * sorted(norms)[len(norms) // 2])

    def _settle(self, pendings: list[Pending]) -> None:
        self._pool.wait(pendings)
        for pending in pendings:
            pending.result()
