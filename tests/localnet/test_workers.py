"""Worker processes: answers in order, refusals typed, and a death that hangs nobody."""

import signal

import pytest

from chain.types import RoundId
from localnet.pool import Pool
from node.data.sources import load
from node.encoding import Layout, encode_model
from node.errors import WorkerFailed
from node.learning.catalogue import build_learner
from node.learning.errors import InvalidOption
from node.merkle import MODEL_TAG
from node.rule.parameters import Rule, Selection, Weighting
from node.training import Course, Job

RULE = Rule(Weighting.STAKE, Selection.NONE, 0, 0, 0, 2, 14, 20)


@pytest.fixture(scope="module")
def data():
    return load("breast_cancer", label=None)


@pytest.fixture
def pool():
    with Pool(1) as opened:
        opened.assign([1, 1])
        yield opened


def enrol(pool, data, peer=0, **options):
    return pool.ask(peer, "enrol", "softmax", options, data, data)


def test_ask__several__are_answered_in_order(pool, data):
    pendings = [enrol(pool, data), enrol(pool, data, 1), enrol(pool, data, 0, epochs=0)]
    assert not any(pending.is_done for pending in pendings)
    pool.wait(pendings[:2])
    assert [pending.is_done for pending in pendings[:2]] == [True, True]
    pool.wait(pendings)
    with pytest.raises(InvalidOption, match="option epochs: expected an integer of at least 1"):
        pendings[2].result()
    assert pendings[0].result() is None


def test_ask__a_learner_that_raises__is_told_and_the_worker_lives(pool, data):
    wrong = pool.ask(0, "follow", "no course")
    right = enrol(pool, data)
    pool.wait([wrong, right])
    with pytest.raises(WorkerFailed, match=r"learner: get_parameters: .* got AttributeError"):
        wrong.result()
    assert right.result() is None


def set_out(pool, data, **options):
    """Let both peers follow a course; return a head."""
    learner = build_learner("mlp", options, train=data)
    arrays = learner.get_parameters({"seed": 0})
    layout = Layout.from_arrays(arrays)
    for peer in (0, 1):
        pool.ask(peer, "enrol", "mlp", options, data, None)
    pool.wait([pool.ask(peer, "follow", Course(layout, RULE, 0, 5)) for peer in (0, 1)])
    return encode_model(layout.flatten(arrays), RULE.model_bits)


def test_train__another_on_the_same_head__begins_before_the_first_answer_is_read(pool, data):
    head = set_out(pool, data)
    for peer in (0, 1):
        pool.train(peer, Job(RoundId(1), head, MODEL_TAG))
    connection = pool._processes[0].connection
    for _ in range(2):
        assert connection.poll(10), "an answer within seconds, while the parent sends nothing"
        assert connection.recv()[0]


def test_train__answers_larger_than_a_pipe_and_changing_heads__are_as_one_at_a_time(pool, data):
    head = set_out(pool, data, hidden=(20_000,))
    heads = [head, head, head + 1, head + 1, head]
    jobs = [Job(RoundId(number), each, MODEL_TAG) for number, each in enumerate(heads, 1)]
    together = [pool.train(0, job) for job in jobs]
    pool.wait(together)
    assert len(together[0].result().payload) > 2**20
    for job, pending in zip(jobs, together, strict=True):
        alone = pool.train(0, job)
        pool.wait([alone])
        assert pending.result().root == alone.result().root


def kill(pool):
    child = pool._processes[0]._child
    child.kill()
    child.wait()


def test_wait__worker_dies__fails_all_that_was_asked_and_does_not_hang(pool, data):
    pool.wait([enrol(pool, data)])
    # Stopped, so that it cannot answer before it is killed.
    pool._processes[0]._child.send_signal(signal.SIGSTOP)
    pendings = [enrol(pool, data) for _ in range(3)]
    kill(pool)
    pool.wait(pendings)
    for pending in pendings:
        with pytest.raises(WorkerFailed, match="expected a living process, got exit code -9"):
            pending.result()


def test_ask__worker_is_dead__fails_at_once(pool, data):
    kill(pool)
    pending = enrol(pool, data)
    pool.wait([pending])
    with pytest.raises(WorkerFailed):
        pending.result()


def test_assign__uneven_loads__gives_the_heaviest_a_worker_of_its_own():
    with Pool(2) as pool:
        pool.assign([1, 10, 2, 3])
        heavy = pool._of_peer[1]
        assert [peer for peer in range(4) if pool._of_peer[peer] is heavy] == [1]
