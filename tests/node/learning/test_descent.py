import numpy as np
import pytest

from node.data.dataset import Dataset
from node.learning.descent import compute_class_weights, descend, gather_all, judge
from node.learning.network import allocate_stack, join_layers, split_layers
from node.learning.options import SgdOptions

ROWS = np.array([[0.0, 1.0], [2.0, -1.0], [1.0, 1.0], [-1.0, 0.5]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 0])
TOY = Dataset("toy", ROWS, LABELS, ("a", "b", "c"))
WIDTHS = (2, 3)


def textbook_step(weights, bias, rows, labels, rate, l2=0.0):
    logits = rows @ weights.T + bias
    errors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors[np.arange(len(rows)), labels] -= 1
    gradient = errors.T @ rows / len(rows) + l2 * weights
    return weights - rate * gradient, bias - rate * errors.mean(axis=0)


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_descend__one_full_batch__is_one_step_down_the_gradient(l2: float) -> None:
    start = [np.array([[0.1, -0.2], [0.3, 0.0], [0.0, 0.5]]), np.array([0.1, 0.0, -0.1])]
    stack = join_layers(start, WIDTHS, np.float64)
    options = SgdOptions(learning_rate=0.5, batch_size=4, l2=l2)
    descent = descend(stack, WIDTHS, TOY, options, np.random.default_rng(1))
    expected = textbook_step(*start, ROWS, LABELS, rate=0.5, l2=l2)
    assert descent.steps == 1
    for got, wanted in zip(split_layers(stack), expected, strict=True):
        assert np.allclose(got, wanted, atol=1e-12)


def test_descend__smaller_last_batch__steps_along_its_own_mean() -> None:
    stack = allocate_stack(WIDTHS, np.float64)
    options = SgdOptions(learning_rate=0.5, batch_size=3)
    descent = descend(stack, WIDTHS, TOY, options, np.random.default_rng(1))
    order = np.random.default_rng(1).permutation(4)
    expected = (np.zeros((3, 2)), np.zeros(3))
    for part in (order[:3], order[3:]):
        expected = textbook_step(*expected, ROWS[part], LABELS[part], rate=0.5)
    assert descent.steps == 2
    for got, wanted in zip(split_layers(stack), expected, strict=True):
        assert np.allclose(got, wanted, atol=1e-12)


def test_descend__from_zeros_in_one_step__reports_the_loss_of_guessing() -> None:
    stack = allocate_stack(WIDTHS)
    descent = descend(stack, WIDTHS, TOY, SgdOptions(batch_size=9), np.random.default_rng(1))
    assert descent.loss == pytest.approx(np.log(3))


def test_descend__epochs__are_passes_with_one_generator() -> None:
    twice, once_and_again = allocate_stack(WIDTHS), allocate_stack(WIDTHS)
    options = SgdOptions(batch_size=2, epochs=2)
    assert descend(twice, WIDTHS, TOY, options, np.random.default_rng(3)).steps == 4
    generator = np.random.default_rng(3)
    for _ in range(2):
        descend(once_and_again, WIDTHS, TOY, SgdOptions(batch_size=2), generator)
    assert twice.flat.tolist() == once_and_again.flat.tolist()


def test_descend__rate_far_too_high__ends_in_nan_without_a_warning() -> None:
    stack = allocate_stack((2, 8, 3))
    stack.flat[:] = 1
    options = SgdOptions(learning_rate=1e30, epochs=20)
    descend(stack, (2, 8, 3), TOY, options, np.random.default_rng(1))
    assert np.isnan(stack.flat).any()


def test_judge__model_that_always_says_one_class__is_right_on_that_class() -> None:
    stack = allocate_stack(WIDTHS)
    stack.layers[0][1, -1] = 5  # the bias of class b
    judgement = judge(stack, WIDTHS, TOY, gather_all(TOY))
    assert judgement.samples.tolist() == [2, 2, 0]
    assert judgement.hits.tolist() == [0, 2, 0]
    of_b = np.exp(5) / (np.exp(5) + 2)
    assert judgement.loss == pytest.approx(-(np.log(of_b) + np.log(of_b / np.exp(5))) / 2, rel=1e-5)


def test_judge__several_batches__counts_each_sample_once() -> None:
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, 3000)
    rows = np.eye(3, dtype=np.float32)[labels]
    stack = allocate_stack((3, 3))
    stack.layers[0][:, :3] = np.eye(3)
    dataset = Dataset("toy", rows, labels, ("a", "b", "c"))
    judgement = judge(stack, (3, 3), dataset, gather_all(dataset))
    assert judgement.hits.tolist() == judgement.samples.tolist() == np.bincount(labels).tolist()
    assert judgement.loss == pytest.approx(-np.log(np.e / (np.e + 2)), rel=1e-5)


def test_descend__class_weights__count_a_sample_by_how_rare_its_class_is() -> None:
    # Three of class 0 and one of class 1: they weigh 4 / (2 * 3) and 4 / (2 * 1).
    uneven = Dataset("toy", ROWS, np.array([0, 0, 0, 1]), ("a", "b", "c"))
    start = [np.zeros((3, 2)), np.zeros(3)]
    stack = join_layers(start, WIDTHS, np.float64)
    options = SgdOptions(learning_rate=0.5, batch_size=4, class_weights=True)
    descend(stack, WIDTHS, uneven, options, np.random.default_rng(1))
    errors = np.full((4, 3), 1 / 3)
    errors[np.arange(4), uneven.labels] -= 1
    errors *= np.array([2 / 3, 2 / 3, 2 / 3, 2])[:, np.newaxis]
    weights, bias = split_layers(stack)
    assert np.allclose(weights, -0.5 * errors.T @ ROWS / 4, atol=1e-6)
    assert np.allclose(bias, -0.5 * errors.mean(axis=0), atol=1e-6)
    # A sample of either class pulls as much in sum, so neither wins by its number.
    assert np.isclose(bias[0], bias[1], atol=1e-6)


def test_compute_class_weights__an_absent_class__weighs_nothing_and_a_sample_one_on_the_whole():
    uneven = Dataset("toy", ROWS, np.array([0, 0, 0, 1]), ("a", "b", "c"))
    weights = compute_class_weights(uneven)
    assert weights.tolist() == pytest.approx([2 / 3, 2, 0])
    assert weights[uneven.labels].mean() == pytest.approx(1)
