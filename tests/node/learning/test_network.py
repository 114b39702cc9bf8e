from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.learning.errors import InvalidParameters
from node.learning.network import (
    allocate_buffers,
    allocate_stack,
    backward,
    compute_losses,
    draw_weights,
    forward,
    join_layers,
    split_layers,
)

WIDTHS = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(lambda w: (*w[:-1], w[-1] + 1))

GOLDEN_WEIGHTS = [
    "0x1.6a50b00000000p-2",
    "0x1.1f9d100000000p+0",
    "0x1.8f3c4c0000000p-1",
    "-0x1.8df1480000000p-1",
    "-0x1.2163e00000000p-1",
    "0x1.0e7b4a0000000p+0",
]


def textbook_probabilities(parameters: list, rows: np.ndarray) -> np.ndarray:
    """The network written plainly, a sample a row."""
    activations = rows
    for weights, bias in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
        activations = np.maximum(activations @ weights.T + bias, 0)
    logits = activations @ parameters[-2].T + parameters[-1]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def textbook_loss(parameters: list, rows: np.ndarray, labels: np.ndarray) -> float:
    probabilities = textbook_probabilities(parameters, rows)
    return float(-np.log(probabilities[np.arange(len(rows)), labels]).mean())


def draw_problem(widths: tuple, batch: int, seed: int) -> tuple:
    generator = np.random.default_rng(seed)
    parameters = [
        generator.normal(size=shape)
        for into, out in pairwise(widths)
        for shape in ((out, into), (out,))
    ]
    rows = generator.normal(size=(batch, widths[0]))
    return parameters, rows, generator.integers(0, widths[-1], batch)


def run_forward(widths: tuple, parameters: list, rows: np.ndarray) -> tuple:
    batch = len(rows)
    inputs = np.vstack([rows.T, np.ones(batch)])
    stack = join_layers(parameters, widths, np.float64)
    buffers = allocate_buffers(widths, batch, np.float64)
    probabilities = np.empty((widths[-1], batch))
    forward(stack.layers, inputs, buffers, probabilities)
    return stack, inputs, buffers, probabilities


@given(WIDTHS, st.integers(1, 9), st.integers(0, 2**32))
def test_forward__any_widths__is_the_network_written_plainly(
    widths: tuple, batch: int, seed: int
) -> None:
    parameters, rows, _ = draw_problem(widths, batch, seed)
    probabilities = run_forward(widths, parameters, rows)[-1]
    assert np.allclose(probabilities.T, textbook_probabilities(parameters, rows), atol=1e-12)


@pytest.mark.parametrize("widths", [(4, 3), (4, 5, 3), (3, 6, 5, 4), (2, 5, 4, 3, 2)])
@pytest.mark.parametrize("batch", [1, 7])
def test_backward__against_finite_differences__is_the_gradient(widths: tuple, batch: int) -> None:
    parameters, rows, labels = draw_problem(widths, batch, seed=4)
    stack, inputs, buffers, probabilities = run_forward(widths, parameters, rows)
    targets = np.eye(widths[-1])[labels].T
    gradient = allocate_stack(widths, np.float64)
    backward(stack.layers, inputs, probabilities, targets, 1 / batch, buffers, gradient.layers)
    step = 1e-6
    for array, analytic in zip(parameters, split_layers(gradient), strict=True):
        numeric = np.empty_like(array)
        for at in np.ndindex(array.shape):
            saved = array[at]
            array[at] = saved + step
            above = textbook_loss(parameters, rows, labels)
            array[at] = saved - step
            numeric[at] = (above - textbook_loss(parameters, rows, labels)) / (2 * step)
            array[at] = saved
        assert np.abs(analytic - numeric).max() < 1e-7


def test_forward__huge_logits__stay_probabilities() -> None:
    parameters = [np.array([[1e4], [-1e4], [0.0]]), np.zeros(3)]
    probabilities = run_forward((1, 3), parameters, np.array([[1.0], [-1.0]]))[-1]
    assert probabilities.T.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_compute_losses__probability_of_zero__is_large_and_finite() -> None:
    losses = compute_losses(np.array([[0.5, 0], [0.5, 1]]), np.array([[1.0, 1], [0, 0]]))
    assert losses[0] == pytest.approx(np.log(2))
    assert losses[1] == pytest.approx(-np.log(np.finfo(np.float64).tiny))


@given(WIDTHS, st.integers(0, 2**32))
def test_split_layers__of_joined_parameters__gives_them_back_as_copies(
    widths: tuple, seed: int
) -> None:
    parameters = draw_weights(widths, np.random.default_rng(seed))
    stack = join_layers(parameters, widths)
    back = split_layers(stack)
    stack.flat[:] = 99
    assert [array.tolist() for array in back] == [array.tolist() for array in parameters]
    assert stack.flat.size == sum(array.size for array in parameters)


@pytest.mark.parametrize(
    ("shapes", "got"),
    [
        ([(3, 2)], "[(3, 2)]"),
        ([(2, 3), (3,)], "[(2, 3), (3,)]"),
        ([(1, 2), (3,)], "[(1, 2), (3,)]"),  # would broadcast
    ],
)
def test_join_layers__other_shapes__is_refused(shapes: list, got: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        join_layers([np.zeros(shape) for shape in shapes], (2, 3))
    assert str(caught.value) == f"parameters: expected [(3, 2), (3,)], got {got}"


def test_draw_weights__many__have_the_variance_of_he() -> None:
    weights, bias = draw_weights((200, 300), np.random.default_rng(1))
    assert weights.dtype == bias.dtype == np.float32
    assert weights.var() == pytest.approx(2 / 200, rel=0.02)
    assert np.abs(weights).max() <= np.float32(np.sqrt(6 / 200))
    assert not bias.any()


def test_draw_weights__known_seed__is_this_to_the_bit() -> None:
    # Golden: a genesis model that another release or processor draws otherwise splits federations.
    weights = draw_weights((3, 2), np.random.default_rng(7))[0]
    assert [value.hex() for value in weights.ravel().tolist()] == GOLDEN_WEIGHTS
