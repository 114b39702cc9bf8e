"""A learner's process whose trainings are fitted into a time: what it does, keeps and tells."""

import json
import logging
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from chain.types import Key, RoundId, Seat
from node.algorithms.catalogue import USUAL, parse_algorithm
from node.data.dataset import Dataset
from node.encoding import Layout, encode_model
from node.learning.catalogue import build_learner
from node.learning.hosting import PACE, Hosting, Place
from node.learning.keeping import choose_kept, describe_shared
from node.learning.pace import FIRST_STEPS, GROWTH, Pace
from node.learning.paced import ASKED, read_pace, write_pace
from node.learning.trainer import ProcessTrainer
from node.learning.worker import Worker
from node.merkle import MODEL_TAG
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Failed, Job

SEAT, PARENT = Seat(1), Key(b"\x01" * 32)
RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 10, 20)
CODE = Path(__file__).parent
GENERATOR = np.random.default_rng(0)
DATA = Dataset("t", GENERATOR.random((70, 3), np.float32), GENERATOR.integers(0, 2, 70), ("a", "b"))
ARRAYS = build_learner("softmax", {}, train=DATA).get_parameters({"seed": 0})
LAYOUT = Layout.from_arrays(ARRAYS)
STEPS_OF_OPTIONS = 3  # 70 rows in batches of 32
SECONDS = 0.05


def build_worker(notes, *, train_seconds=SECONDS, algorithm=USUAL):
    """What answers in a learner's process, here."""
    worker = Worker()
    place = Place(1, 3, notes, train_seconds=train_seconds)
    worker.enrol(SEAT, "softmax", {}, DATA, None, place)
    worker.follow(SEAT, Course(LAYOUT, RULE, 0, 5, algorithm=algorithm))
    return worker


def train(worker, number=1):
    head = encode_model(np.full(LAYOUT.coordinates, number / 100), RULE.model_bits)
    return worker.train(SEAT, RoundId(number), MODEL_TAG, head)


def open_guest(notes, **options):
    arrays = [np.zeros(2, np.float32), np.array(0), np.zeros(1, np.float16)]
    names = [f"array_{at}" for at in range(3)]
    kept = choose_kept(names, arrays)
    course = Course(describe_shared(names, arrays, kept), RULE, 0, 5, kept=kept)

    def enrol(process):
        place = Place(1, 3, notes, train_seconds=60)
        return [
            process.ask("enrol", (SEAT, "guests:make", options, None, None, place)),
            process.ask("follow", (SEAT, course)),
        ]

    return ProcessTrainer(enrol, Hosting(code=CODE, notes=notes))


def run_round(trainer, number):
    head = encode_model(np.full(3, number / 100), RULE.model_bits)
    trainer.start(SEAT, PARENT, Job(RoundId(number), head, MODEL_TAG))
    while (fit := trainer.find(SEAT, PARENT, RoundId(number))) is None:
        wait(trainer.connections(), 0.2)
    return fit


def test_train__no_time_to_be_fitted_into__is_what_the_options_say(tmp_path):
    fit = train(build_worker(tmp_path, train_seconds=None))
    assert (fit.steps, ASKED in fit.metrics) == (STEPS_OF_OPTIONS, False)
    assert list(tmp_path.iterdir()) == []


def test_train__a_time__is_a_few_steps_and_then_as_many_as_fit(tmp_path):
    worker = build_worker(tmp_path)
    first = train(worker, 1)
    expected = read_pace(tmp_path).choose(SECONDS)
    second = train(worker, 2)
    assert (first.samples, first.steps) == (70, FIRST_STEPS)
    assert second.steps == second.metrics[ASKED] == expected
    assert 1 <= expected <= GROWTH * FIRST_STEPS


def test_train__another_process__goes_on_at_the_pace_that_was_kept(tmp_path):
    write_pace(tmp_path, Pace().add(400, 0.1))
    assert train(build_worker(tmp_path)).steps == 200


def test_train__an_algorithm_of_one_step__is_not_fitted(tmp_path):
    fit = train(build_worker(tmp_path, algorithm=parse_algorithm("gradient_descent")))
    assert (fit.steps, ASKED in fit.metrics, (tmp_path / PACE).exists()) == (1, False, False)


def test_train__fednova__scales_the_work_that_was_done(tmp_path):
    write_pace(tmp_path, Pace().add(4000, 1.0))
    fednova = parse_algorithm("fednova:10")
    near, far = (train(build_worker(notes, algorithm=fednova)) for notes in (None, tmp_path))
    assert (near.steps, far.steps) == (10, 200)
    lengths = [np.abs(np.frombuffer(each.payload, "<i2")).sum() for each in (near, far)]
    # Unscaled, twenty times the steps lead many times as far.
    assert lengths[1] < 3 * lengths[0]


def test_train__a_learner_that_makes_steps_of_its_own__says_so_once(tmp_path, caplog):
    with caplog.at_level(logging.INFO), open_guest(tmp_path) as trainer:
        fits = [run_round(trainer, number) for number in (1, 2, 3, 4)]
    assert [fit.steps for fit in fits] == [1] * 4
    told = [record.getMessage() for record in caplog.records]
    for number, line in enumerate((line for line in told if "error=" not in line), 1):
        words = f"seat=1 round={number} act=train samples=4 steps=1 asked="
        assert line.startswith(words)
    lines = [line for line in told if "error=" in line]
    assert (len(told), len(lines)) == (5, 1)
    assert lines[0].startswith('seat=1 round=2 act=train error="learner: steps: expected about con')
    assert lines[0].endswith('got 1: its work is not fitted into learner.train_seconds"')


def test_train__its_process_dies_each_time__asks_for_half_the_next_time(tmp_path):
    asked = []
    with open_guest(tmp_path, bad="crashes") as trainer:
        for number in (1, 2):
            assert run_round(trainer, number) == Failed()
            asked.append(json.loads((tmp_path / PACE).read_text())["unfinished"])
    assert asked == [FIRST_STEPS, FIRST_STEPS // 2]
