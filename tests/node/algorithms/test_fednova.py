"""FedNova: equal work changes nothing, unequal work no longer decides where it leads."""

import numpy as np
from algorithms_lab import Federation, draw_peers, find_optimum

from node.algorithms.fedavg import FedAvg
from node.algorithms.fednova import FedNova, scale_work


def test_run__equal_work__is_federated_averaging_to_the_bit():
    heads = [Federation(draw_peers(steps=7), each).run(5) for each in (FedNova(7), FedAvg())]
    assert heads[0].tobytes() == heads[1].tobytes()


def test_run__unequal_work__is_closer_to_the_optimum_than_averaging():
    peers = draw_peers(rate=0.006)
    for peer, steps in zip(peers, (1, 2, 4, 40), strict=True):
        peer.steps = steps
    optimum = find_optimum(peers)
    averaged = Federation(peers, FedAvg()).run(300)
    normalised = Federation(peers, FedNova(8)).run(300)
    far, near = (np.linalg.norm(head - optimum) for head in (averaged, normalised))
    assert far > 0.3
    # Not 0: within a round each drifts towards its own, as in averaging with equal work.
    assert near < far / 5


def test_run__one_step_of_each_whatever_their_number__is_the_mean_gradient():
    """The equation itself: with tau 1 the head moves by the mean of the peers' mean gradients."""
    peers = draw_peers()
    for peer, steps in zip(peers, (1, 3, 5, 9), strict=True):
        peer.steps = steps
    head = Federation(peers, FedNova(1)).run(1)
    moves = [Federation([peer], FedAvg()).run(1) / peer.steps for peer in peers]
    np.testing.assert_allclose(head, np.mean(moves, axis=0), atol=1e-15)


def test_scale_work__half_the_steps__goes_twice_as_far():
    head, trained = np.array([1.0, 2.0]), np.array([1.5, 1.0])
    assert scale_work(head, trained, 8, 4).tolist() == [2.0, 0.0]
    assert scale_work(head, trained, 8, 8) is trained
