"""With honest peers and the plain mean, the protocol is FedAvg, to encoding noise."""

import numpy as np
from runs_lab import small

from localnet.network import Localnet
from node.data.partition import parse_partition
from node.data.sources import load
from node.data.split import stratified_holdout
from node.encoding import decode_model, model_from_payload
from node.learning.catalogue import build_learner

SCENARIO = small(
    dataset="digits",
    learner="mlp",
    options={"hidden": [16], "epochs": 2, "learning_rate": 0.2},
    partition="dirichlet:0.5",
    rule="mean",
    rounds=6,
)


def run_plainly(scenario):
    """Return parameters and accuracy of FedAvg with equal weights, in floats and a plain loop."""
    train, test = stratified_holdout(load(scenario.dataset), seed=scenario.seed)
    parts = parse_partition(scenario.partition).split(
        train.labels, scenario.peers, np.random.default_rng(scenario.seed)
    )
    learners = [
        build_learner(
            scenario.learner, scenario.options, train=train.take(part), test=test, partition=peer
        )
        for peer, part in enumerate(parts)
    ]
    model = learners[0].get_parameters({"seed": scenario.seed})
    for number in range(1, scenario.rounds + 1):
        config = {"seed": scenario.seed, "round": number}
        fits = [learner.fit(model, config)[0] for learner in learners]
        model = [np.mean(arrays, axis=0, dtype=np.float64) for arrays in zip(*fits, strict=True)]
        model = [array.astype(np.float32) for array in model]
    metrics = learners[0].evaluate(model, {"seed": scenario.seed, "round": 0})[2]
    return np.concatenate([array.ravel() for array in model]), metrics["accuracy"]


def test_run__mean_of_honest_peers__is_plain_federated_averaging():
    expected, accuracy = run_plainly(SCENARIO)
    with Localnet(SCENARIO) as net:
        for _ in net.run():
            pass
        summary = net.summary()
        blob = net.setting.contract.naming.model_blob(summary.head)
        model = model_from_payload(net.setting.store.get(blob), expected.size)
    got = decode_model(model, SCENARIO.model_bits)
    assert abs(summary.accuracy - accuracy) <= 0.01
    # An update's unit is 6e-5; six rounds of learning on top of its rounding leave a few of them.
    assert np.abs(got - expected).max() < 0.01
    assert np.linalg.norm(got - expected) < 0.01 * np.linalg.norm(expected)
