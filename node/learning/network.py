"""A multilayer perceptron as equations: forward, gradient, loss.

Samples are columns. With a_0 the inputs, and a row of ones under every a so that the last column
of a layer's matrix W is its bias:

    a_l = max(0, W_l a_{l-1})            hidden layers
    p   = softmax(W_L a_{L-1})           output, each column a distribution over the classes
    loss = -mean over columns of log p[class]

    e_L = (p - targets) * scale          scale: 1 / batch, times the learning rate if one likes
    e_l = (W_{l+1}' e_{l+1}) * [a_l > 0]   W' is W transposed, without the bias
    gradient of W_l = e_l a_{l-1}'

Without hidden layers this is softmax regression. Every product is written into memory allocated
once per `Buffers`: for small models the time of a step is that of calling numpy.

Source: Rumelhart, Hinton and Williams 1986; initial weights after He et al. 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from node.learning.errors import InvalidParameters
from node.learning.learner import Parameters

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Widths: TypeAlias = tuple[int, ...]  # inputs, hidden layers, classes


@dataclass(frozen=True, eq=False)
class Stack:
    """The matrices of all layers, (out, in + 1) each, as views of one vector.

    One vector, so that a step moves the whole model in one subtraction.
    """

    flat: FloatArray
    layers: tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class Buffers:
    """Where one batch of columns is worked on.

    `hidden[l]`: (width + 1, batch), activations over their row of ones. `errors[l]`: (width,
    batch). `slopes[l]`: (width, batch), the derivative of the ReLU. `column`: (batch,).
    """

    hidden: tuple[FloatArray, ...]
    errors: tuple[FloatArray, ...]
    slopes: tuple[FloatArray, ...]
    column: FloatArray


def allocate_stack(widths: Widths, dtype: DTypeLike = np.float32) -> Stack:
    """Return a stack of zeros for layers of these widths."""
    shapes = [(out, into + 1) for into, out in pairwise(widths)]
    flat: FloatArray = np.zeros(sum(rows * columns for rows, columns in shapes), dtype=dtype)
    layers, start = [], 0
    for rows, columns in shapes:
        end = start + rows * columns
        layers.append(flat[start:end].reshape(rows, columns))
        start = end
    return Stack(flat, tuple(layers))


def allocate_buffers(widths: Widths, batch: int, dtype: DTypeLike = np.float32) -> Buffers:
    """Return the memory that `batch` columns need on their way through the layers."""
    return Buffers(
        hidden=tuple(np.ones((width + 1, batch), dtype=dtype) for width in widths[1:-1]),
        errors=tuple(np.empty((width, batch), dtype=dtype) for width in widths[1:]),
        slopes=tuple(np.empty((width, batch), dtype=dtype) for width in widths[1:-1]),
        column=np.empty(batch, dtype=dtype),
    )


def join_layers(parameters: Parameters, widths: Widths, dtype: DTypeLike = np.float32) -> Stack:
    """Return a stack of its own holding `parameters`. Raises InvalidParameters on other shapes."""
    expected = compute_shapes(widths)
    got = [tuple(array.shape) for array in parameters]
    if got != expected:
        raise InvalidParameters("parameters", expected=str(expected), got=str(got))
    stack = allocate_stack(widths, dtype)
    for layer, weights, bias in zip(stack.layers, parameters[0::2], parameters[1::2], strict=True):
        layer[:, :-1] = weights
        layer[:, -1] = bias
    return stack


def split_layers(stack: Stack) -> Parameters:
    """Return weights (out, in) and bias (out,) of each layer in turn, as copies."""
    return [part.copy() for layer in stack.layers for part in (layer[:, :-1], layer[:, -1])]


def compute_shapes(widths: Widths) -> list[tuple[int, ...]]:
    """Return the shapes of `split_layers`.

    >>> compute_shapes((64, 32, 10))
    [(32, 64), (32,), (10, 32), (10,)]
    """
    return [shape for into, out in pairwise(widths) for shape in ((out, into), (out,))]


def draw_weights(widths: Widths, generator: np.random.Generator) -> Parameters:
    """Return float32 weights uniform in ±sqrt(6 / in), whose variance is He's 2 / in; biases 0.

    Uniform, not normal, because all peers must draw the same bits on any processor: this takes
    one multiplication and one correctly rounded root, a normal draw takes a library's logarithm.
    """
    parameters: Parameters = []
    for into, out in pairwise(widths):
        signed = 2.0 * generator.random((out, into)) - 1.0
        parameters.append((signed * np.sqrt(6.0 / into)).astype(np.float32))
        parameters.append(np.zeros(out, dtype=np.float32))
    return parameters


def forward(
    layers: Sequence[FloatArray], inputs: FloatArray, buffers: Buffers, probabilities: FloatArray
) -> None:
    """Write into `probabilities` (classes, batch) what the layers make of `inputs` (k + 1, batch).

    The last row of `inputs` is ones. Leaves the activations in `buffers` for `backward`.
    """
    below = inputs
    for layer, above in zip(layers[:-1], buffers.hidden, strict=True):
        np.matmul(layer, below, out=above[:-1])
        np.maximum(above, 0, out=above)  # the ones stay ones
        below = above
    np.matmul(layers[-1], below, out=probabilities)
    column = buffers.column
    np.maximum.reduce(probabilities, axis=0, out=column)
    np.subtract(probabilities, column, out=probabilities)  # so that exp cannot overflow
    np.exp(probabilities, out=probabilities)
    np.add.reduce(probabilities, axis=0, out=column)
    np.divide(probabilities, column, out=probabilities)


def backward(
    layers: Sequence[FloatArray],
    inputs: FloatArray,
    probabilities: FloatArray,
    targets: FloatArray,
    scale: float | FloatArray,
    buffers: Buffers,
    gradient: Sequence[FloatArray],
) -> None:
    """Write into `gradient` that of the batch's summed loss, times `scale`, after `forward`.

    `targets`: (classes, batch), ones and zeros; `gradient`: shaped as `layers`. `scale` may differ
    by sample, (batch,).
    """
    error = buffers.errors[-1]
    np.subtract(probabilities, targets, out=error)
    np.multiply(error, scale, out=error)
    for level in range(len(layers) - 1, 0, -1):
        below = buffers.hidden[level - 1]
        np.matmul(error, below.T, out=gradient[level])
        back, slope = buffers.errors[level - 1], buffers.slopes[level - 1]
        np.matmul(layers[level][:, :-1].T, error, out=back)
        np.sign(below[:-1], out=slope)  # 1 where a > 0, else 0: a is never negative
        np.multiply(back, slope, out=back)
        error = back
    np.matmul(error, inputs.T, out=gradient[0])


def compute_losses(probabilities: FloatArray, targets: FloatArray) -> FloatArray:
    """Return -log of each sample's probability of its class, (…, batch) from (…, classes, batch).

    A probability that has underflowed to 0 counts as the smallest normal float of its type, so a
    hopeless sample costs much and not infinitely much.
    """
    of_class = (probabilities * targets).sum(axis=-2)
    losses: FloatArray = -np.log(np.maximum(of_class, np.finfo(of_class.dtype).tiny))
    return losses
