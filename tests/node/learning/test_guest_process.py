"""A learner of one's own in its process: what becomes of a good one, and what a bad one costs."""

import logging
import re
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import pytest

from chain.types import Key, RoundId, Seat
from node.encoding import encode_model, to_payload
from node.errors import WorkerFailed
from node.learning.errors import UnknownLearner, UnknownShape
from node.learning.hosting import LOG, LOG_BYTES, STATE, TRACEBACK, Hosting, Place
from node.learning.keeping import choose_kept, describe_shared
from node.learning.memory import Line
from node.learning.process import LearnerProcess
from node.learning.trainer import ProcessTrainer
from node.merkle import MODEL_TAG
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Failed, Job

SEAT, PARENT = Seat(1), Key(b"\x01" * 32)
RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 10, 20)
CODE = Path(__file__).parent
MEMORY_BYTES = 2 * 2**30
LOOP_SECONDS = 5.0


def host(notes, seconds=60.0):
    return Hosting(code=CODE, notes=notes, seconds=seconds, memory_bytes=MEMORY_BYTES)


@pytest.fixture(scope="module")
def course():
    process = LearnerProcess(Hosting(code=CODE))
    try:
        place = Place(1, 3)
        process.settle(process.ask("enrol", (SEAT, "guests:make", {}, None, None, place)))
        names, arrays = process.settle(process.ask("describe", (SEAT,)))
    finally:
        process.close()
    kept = choose_kept(names, arrays)
    return Course(describe_shared(names, arrays, kept), RULE, 0, 5, kept=kept)


def open_trainer(course, notes, name="guests:make", seconds=60.0, **options):
    def enrol(process):
        place = Place(1, 3, notes)
        return [
            process.ask("enrol", (SEAT, name, options, None, None, place)),
            process.ask("follow", (SEAT, course)),
        ]

    return ProcessTrainer(enrol, host(notes, seconds))


def encode_head(course, value=0):
    arrays = [np.full(2, value, "float32"), np.full(1, value, "float16")]
    return encode_model(course.layout.flatten(arrays), 20)


def run_round(trainer, course, number):
    # As after rounds that were agreed: another head each time, at first zeros.
    head = encode_head(course, number - 1)
    below = tuple((b"%d" % (number - back), back) for back in range(1, number))
    line = Line(b"%d" % number, below)
    trainer.start(SEAT, PARENT, Job(RoundId(number), head, MODEL_TAG, line))
    while (fit := trainer.find(SEAT, PARENT, RoundId(number))) is None:
        wait(trainer.connections(), 0.2)
    return fit


def judge(trainer, course):
    pending = trainer.judge(SEAT, to_payload(encode_head(course)), RULE.model_bits)
    while not pending.is_done:
        wait(trainer.connections(), 0.2)
        trainer.poll()
    return pending


def test_fit__rounds_and_a_restart__go_on_with_state_and_kept_arrays(course, tmp_path):
    with open_trainer(course, tmp_path) as trainer:
        assert [run_round(trainer, course, number).metrics["rounds"] for number in (1, 2)] == [1, 2]
    with open_trainer(course, tmp_path) as trainer:
        fit = run_round(trainer, course, 3)
    assert fit.metrics == {"steps": 1, "rounds": 3, "count": 2}
    assert fit.samples == 4
    assert "round 3" in (tmp_path / LOG).read_text()
    assert not (tmp_path / TRACEBACK).exists()


def test_fit__wrapped_by_to_client__is_the_same(course, tmp_path):
    with (
        open_trainer(course, None) as plain,
        open_trainer(course, tmp_path, name="guests:make_wrapped") as wrapped,
    ):
        assert run_round(plain, course, 1).root == run_round(wrapped, course, 1).root


@pytest.mark.parametrize(
    ("bad", "told", "traceback"),
    [
        (
            "raises",
            r"got ValueError: no such column: age \(guests\.py line \d+; traceback in .*\)",
            "no such column",
        ),
        ("nan", r"array 'array_0' at \(0,\): expected a finite number, got nan", "NotFinite"),
        ("misshapen", r"shape of array 'array_0': expected \(2,\), got \(3, 3\)", "Mismatch"),
        ("leaks", r"got MemoryError: Unable to allocate 4\.00 GiB", "MemoryError"),
        pytest.param(
            "loops",
            r"expected an answer, got none in 5 s, so its process was ended",
            None,
            marks=pytest.mark.slow,
        ),
        ("crashes", r"expected a living process, got exit code 7", None),
        ("leaves", r"got SystemExit: done here", "SystemExit"),
    ],
)
def test_fit__a_bad_learner__costs_the_round_and_is_told_in_a_line(
    course, tmp_path, caplog, bad, told, traceback
):
    # A loop is slow because its time must be enough for a process to begin on a busy machine.
    with open_trainer(course, tmp_path, bad=bad, seconds=LOOP_SECONDS) as trainer:
        for number in (1, 2):
            with caplog.at_level(logging.ERROR):
                assert run_round(trainer, course, number) == Failed()
        assert trainer.tally.failed == 2
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    for line in lines:
        assert "\n" not in line
        assert re.search(told, line.replace("\\'", "'"))
    assert not (tmp_path / STATE).exists()
    if traceback is None:
        assert not (tmp_path / TRACEBACK).exists()
    else:
        assert traceback in (tmp_path / TRACEBACK).read_text()


def test_open__a_learner_that_cannot_start__leaves_the_traceback_that_says_why(course, tmp_path):
    with (
        pytest.raises(WorkerFailed, match=r"start: .* got KeyError: 'unheard-of'"),
        open_trainer(course, tmp_path, bad="unheard-of"),
    ):
        pass
    assert "KeyError: 'unheard-of'" in (tmp_path / TRACEBACK).read_text()


def test_judge__after_rounds__is_of_the_model_with_what_the_peer_keeps(course, tmp_path):
    with open_trainer(course, tmp_path) as trainer:
        run_round(trainer, course, 1)
        loss, samples, metrics = judge(trainer, course).result()
    # Rows (1, 2), (3, 4), (5, 6), (7, 8), and a model of zeros.
    assert (loss, samples, metrics) == (25.5, 4, {"accuracy": 0.5})


def test_judge__an_accuracy_that_is_no_number__is_refused_and_costs_no_round(course, tmp_path):
    with open_trainer(course, tmp_path, bad="boasts") as trainer:
        pending = judge(trainer, course)
        with pytest.raises(WorkerFailed, match="could not convert string to float: 'excellent'"):
            pending.result()
        assert run_round(trainer, course, 1).metrics["rounds"] == 1


def test_judge__a_class_whose_accuracy_is_no_number__is_told_without_classes(course, tmp_path):
    with open_trainer(course, tmp_path, bad="vague") as trainer:
        assert judge(trainer, course).result()[2] == {"accuracy": 0.5}


def test_judge__after_a_failure__is_of_a_new_process(course, tmp_path):
    with open_trainer(course, tmp_path, bad="crashes") as trainer:
        assert run_round(trainer, course, 1) == Failed()
        assert judge(trainer, course).result()[1] == 4


def test_find__a_training_goes_on__is_told_with_what_the_learner_said_last(
    course, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("node.learning.trainer.PROGRESS_SECONDS", 0.0)
    (tmp_path / LOG).write_text("epoch 1\nepoch 2: loss 0.5\r\n")
    with open_trainer(course, tmp_path) as trainer, caplog.at_level(logging.INFO):
        run_round(trainer, course, 1)
    # What was there before, or, where the first look came late, what it has printed since.
    said = r"seat=1 round=1 act=train seconds=0 says='(epoch 2: loss 0\.5|round 1)'"
    assert re.search(said, caplog.text)


def test_fit__a_learner_that_prints_without_end__leaves_a_short_log(course, tmp_path):
    with open_trainer(course, tmp_path, bad="chatters") as trainer:
        for number in (1, 2):
            assert run_round(trainer, course, number).metrics["rounds"] == number
    assert (tmp_path / LOG).stat().st_size <= LOG_BYTES


def test_open__a_long_log__is_begun_anew(course, tmp_path):
    (tmp_path / LOG).write_bytes(b"x" * (LOG_BYTES + 1))
    with open_trainer(course, tmp_path) as trainer:
        run_round(trainer, course, 1)
    assert (tmp_path / LOG).read_text() == "round 1\n"


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("guests:make_nothing", UnknownShape, "expected an object with get_parameters, fit and"),
        ("guests:absent", UnknownLearner, "expected 'absent' in guests, got none"),
        ("no_such_module:make", UnknownLearner, "expected a module 'no_such_module' in"),
        ("guests:KINDS", UnknownLearner, "expected a factory, called with one context, got dict"),
        ("guests:ma ke", UnknownLearner, "expected module:factory, such as"),
    ],
)
def test_enrol__what_is_no_learner__is_told(course, tmp_path, name, error, told):
    with pytest.raises(error, match=told):
        open_trainer(course, tmp_path, name=name)


def test_enrol__files_named_as_ours__shadow_nothing(course, tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    for name in ("node", "chain", "cli", "contracts"):
        (code / f"{name}.py").write_text("raise RuntimeError('taken for ours')\n")
    (code / "own.py").write_text((CODE / "guests.py").read_text())
    monkeypatch.chdir(code)
    process = LearnerProcess(replace(host(tmp_path), code=code))
    try:
        asked = process.ask("enrol", (SEAT, "own:make", {}, None, None, Place(1, 3)))
        assert process.settle(asked) is None
        process.settle(process.ask("follow", (SEAT, course)))
    finally:
        process.close()


def test_enrol__a_module_that_seeds_generators_when_loaded__begins_alike_all_the_same(tmp_path):
    # As torch does with its own, so that two peers began with two models.
    (tmp_path / "drawing.py").write_text(
        "import numpy as np\nimport guests\n\nnp.random.seed(None)\n\n"
        "class Drawing(guests.Mean):\n"
        "    def __init__(self, context):\n"
        "        super().__init__(context)\n"
        "        self.start = np.random.random(2)\n"
        "    def get_parameters(self, config):\n"
        "        return [self.start]\n"
    )
    (tmp_path / "guests.py").write_text((CODE / "guests.py").read_text())
    found = []
    for _ in range(2):
        process = LearnerProcess(Hosting(code=tmp_path))
        try:
            place = Place(1, 3)
            asked = process.ask("enrol", (SEAT, "drawing:Drawing", {}, None, None, place))
            process.settle(asked)
            found.append(process.settle(process.ask("describe", (SEAT,)))[1][0].tolist())
        finally:
            process.close()
    assert found[0] == found[1]


def test_enrol__a_module_that_raises__is_told_with_its_line(course, tmp_path):
    code = tmp_path / "code"
    code.mkdir()
    (code / "broken.py").write_text("import numpy\n\n1 / 0\n")
    process = LearnerProcess(replace(host(tmp_path), code=code))
    try:
        asked = process.ask("enrol", (SEAT, "broken:make", {}, None, None, Place(1, 3)))
        with pytest.raises(WorkerFailed, match=r"ZeroDivisionError: .* \(broken\.py line 3;"):
            process.settle(asked)
    finally:
        process.close()
