"""Heads of the peers' own (FedPer): what they are worth, and that they stay at home."""

import numpy as np
import pytest
from algorithms_lab import stand

from localnet.kept import learners_path
from localnet.network import Localnet
from localnet.scenario import Scenario
from node.data.partition import deal, parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.encoding import encode_model
from node.learning.catalogue import build_learner
from node.learning.context import State, read_state
from node.learning.keeping import KEY, Keeping, choose_kept
from node.learning.memory import Memory

PEERS, ROUNDS = 5, 6
OPTIONS = {"hidden": [16], "learning_rate": 0.2}
HEAD = ("array_2", "array_3")
"""Of an mlp with one hidden layer: weights and bias of the last."""


def join(part, peer, keep):
    """Return a peer whose last layer stays with it, or goes to all."""
    train, test = stratified_holdout(part, 0.3, seed=1)
    learner = build_learner("mlp", OPTIONS, train=train, test=test, partition=peer)
    arrays = learner.get_parameters({"seed": 1})
    names = [f"array_{at}" for at in range(len(arrays))]
    return Keeping(learner, choose_kept(names, arrays, keep), State())


def average(parts, keep):
    """Return the mean accuracy of the peers, each on its own kind of data."""
    peers = [join(part, peer, keep) for peer, part in enumerate(parts)]
    # Of all, since it is then that each begins to keep its own.
    head, *_ = [peer.get_parameters({"seed": 1}) for peer in peers]
    for number in range(1, ROUNDS + 1):
        config = {"seed": 1, "round": number, "line": stand(number)}
        fits = [peer.fit(head, config)[0] for peer in peers]
        head = [np.mean(arrays, axis=0) for arrays in zip(*fits, strict=True)]
    return np.mean([peer.evaluate(head, {"seed": 1})[2]["accuracy"] for peer in peers])


def test_run__skewed_labels__a_head_of_ones_own_beats_the_shared_one():
    dataset = load("digits")
    cut = deal(parse_partition("shards:2"), dataset, PEERS, np.random.default_rng(1))
    parts = [dataset.take(part) for part in cut]
    own, shared = average(parts, HEAD), average(parts, ())
    assert own > 0.9
    assert own > shared + 0.1


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("personal") / "run"
    scenario = Scenario(peers=5, rounds=6, options=OPTIONS, keep_arrays=HEAD, partition="shards:2")
    with Localnet(scenario, directory=folder) as net:
        for _ in net.run():
            pass
        return folder, net.setting.task.spec, net.summary()


def test_run__skewed_labels_in_a_federation__each_is_judged_by_its_own_head(kept):
    summary = kept[2]
    # Of ten classes a peer has seen two: a head of one peer alone would be right in a fifth.
    assert summary.accuracy > 0.85


def test_run__built_in_learners__share_all_but_the_head(kept):
    spec = kept[1]
    assert spec.layout.names == ("array_0", "array_1")
    assert [each.name for each in spec.kept] == list(HEAD)
    assert spec.layout.coordinates == 16 * 64 + 16


def test_run__private_heads__differ_and_are_in_no_file_but_the_peers_own(kept):
    folder = kept[0]
    heads = [
        Memory(read_state(learners_path(folder) / f"{peer:03}"), KEY).latest()["arrays"][0]
        for peer in range(PEERS)
    ]
    assert not np.array_equal(heads[0], heads[1])
    files = [
        path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and learners_path(folder) not in path.parents
    ]
    assert sum(map(len, files)) > 10_000
    for head in heads:
        # As floats, and as the integers that a model would have of them.
        forms = head.tobytes(), encode_model(head.ravel().astype(np.float64), 20).tobytes()
        for form in forms:
            assert not any(form[:32] in content for content in files)
