"""Minibatch stochastic gradient descent over one data set, and the judging of what it finds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.learning.batches import Chunk, iterate_chunks
from node.learning.network import (
    Buffers,
    FloatArray,
    Stack,
    Widths,
    allocate_buffers,
    allocate_stack,
    backward,
    compute_losses,
    forward,
)
from node.learning.options import SgdOptions

JUDGED_TOGETHER = 256  # columns of a batch that is only judged; any number gives the same model


@dataclass(frozen=True)
class Descent:
    """Steps taken, and the mean loss over the samples, each as the step met it that used it."""

    steps: int
    loss: float


@dataclass(frozen=True, eq=False)
class Pull:
    """What is added to the gradient at w: `linear` + `mu` (w - `anchor`), all shaped as `flat`."""

    linear: FloatArray
    mu: float
    anchor: FloatArray


@dataclass(frozen=True, eq=False)
class Judgement:
    """Mean loss, and per class (classes,) how many samples there are and how many were right."""

    loss: float
    samples: NDArray[np.int64]
    hits: NDArray[np.int64]


def descend(
    stack: Stack,
    widths: Widths,
    dataset: Dataset,
    options: SgdOptions,
    generator: np.random.Generator,
    pull: Pull | None = None,
    local_steps: int | None = None,
) -> Descent:
    """Move `stack` in place by SGD; the order of samples is drawn from `generator`. It goes on for
    the epochs of the options, or (not None) for so many steps.

    Each step subtracts `learning_rate` times the gradient of the batch's mean loss, and of the
    `pull`. A rate too high for the data ends in NaNs, which is for the caller to refuse: no warning
    is given.
    """
    dtype = stack.flat.dtype
    gradient = allocate_stack(widths, dtype)
    workspaces: dict[int, Buffers] = {}
    weights = compute_class_weights(dataset) if options.class_weights else None
    steps, used, loss_sum = 0, 0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for order in _draw_orders(dataset.samples, options, generator, local_steps):
            used += len(order)
            for chunk in iterate_chunks(dataset, order, options.batch_size, dtype):
                batch = chunk.inputs.shape[1]
                if batch not in workspaces:
                    workspaces[batch] = allocate_buffers(widths, batch, dtype)
                workspace = workspaces[batch]
                loss_sum += _descend_chunk(
                    stack, gradient, chunk, options, weights, workspace, pull
                )
                steps += len(chunk.inputs)
    return Descent(steps=steps, loss=loss_sum / used)


def _draw_orders(
    samples: int, options: SgdOptions, generator: np.random.Generator, local_steps: int | None
) -> Iterator[NDArray[np.int64]]:
    """Yield the order of the samples in each epoch, the last one cut off where the steps end."""
    steps_of_epoch = -(-samples // options.batch_size)
    left = options.epochs * steps_of_epoch if local_steps is None else local_steps
    while left > 0:
        yield generator.permutation(samples)[: left * options.batch_size]
        left -= steps_of_epoch


def _descend_chunk(
    stack: Stack,
    gradient: Stack,
    chunk: Chunk,
    options: SgdOptions,
    weights: FloatArray | None,
    buffers: Buffers,
    pull: Pull | None,
) -> float:
    """Take a step per batch; return the summed loss, in which all samples count alike."""
    usual = options.learning_rate / chunk.inputs.shape[1]
    decay = 1.0 - options.learning_rate * options.l2
    probabilities = np.empty_like(chunk.targets)
    for rows, output, targets in zip(chunk.inputs, probabilities, chunk.targets, strict=True):
        inputs = rows.T
        forward(stack.layers, inputs, buffers, output)
        # Of a sample's class, whose target alone is one.
        scale = usual if weights is None else usual * (weights @ targets)
        backward(stack.layers, inputs, output, targets, scale, buffers, gradient.layers)
        if pull is not None:
            gradient.flat[...] += _compute_pull(stack.flat, pull, options.learning_rate)
        if decay != 1.0:
            for layer in stack.layers:
                layer[:, :-1] *= decay
        np.subtract(stack.flat, gradient.flat, out=stack.flat)
    # Once for the chunk, not once a step: the loss is reported, the steps do not need it.
    return float(compute_losses(probabilities, chunk.targets).sum(dtype=np.float64))


def step_once(
    stack: Stack, widths: Widths, dataset: Dataset, options: SgdOptions, pull: Pull | None = None
) -> Descent:
    """Move `stack` in place by one step of gradient descent over all samples: `learning_rate` times
    the gradient of their mean loss, of the l2 term, and of the `pull`."""
    dtype, rate = stack.flat.dtype, options.learning_rate
    part, whole = allocate_stack(widths, dtype), allocate_stack(widths, dtype)
    weights = compute_class_weights(dataset) if options.class_weights else None
    order, loss_sum = np.arange(dataset.samples), 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for chunk in iterate_chunks(dataset, order, JUDGED_TOGETHER, dtype):
            buffers = allocate_buffers(widths, chunk.inputs.shape[1], dtype)
            probabilities = np.empty_like(chunk.targets)
            for rows, output, targets in zip(
                chunk.inputs, probabilities, chunk.targets, strict=True
            ):
                forward(stack.layers, rows.T, buffers, output)
                scale = 1.0 if weights is None else weights @ targets
                backward(stack.layers, rows.T, output, targets, scale, buffers, part.layers)
                np.add(whole.flat, part.flat, out=whole.flat)
            loss_sum += float(compute_losses(probabilities, chunk.targets).sum(dtype=np.float64))
        step = whole.flat * (rate / dataset.samples)
        if pull is not None:
            step += _compute_pull(stack.flat, pull, rate)
        for layer in stack.layers:
            layer[:, :-1] *= 1.0 - rate * options.l2
        np.subtract(stack.flat, step, out=stack.flat)
    return Descent(steps=1, loss=loss_sum / dataset.samples)


def _compute_pull(flat: FloatArray, pull: Pull, rate: float) -> FloatArray:
    moved: FloatArray = (flat - pull.anchor) * pull.mu
    moved += pull.linear
    moved *= rate
    return moved


def compute_class_weights(dataset: Dataset) -> FloatArray:
    """Return for each class n / (classes that are here * samples of it), (classes,) float32; 0 for
    one that is not here. Every class that is here then weighs as much, and a sample 1 on the whole.

    Source: King and Zeng 2001, as scikit-learn's class_weight="balanced".
    """
    counts = dataset.class_counts()
    present = counts > 0
    weights = np.zeros(len(counts), dtype=np.float32)
    weights[present] = dataset.samples / (present.sum() * counts[present])
    return weights


def gather_all(dataset: Dataset) -> tuple[Chunk, ...]:
    """Return a data set as floats to be judged on again and again: four bytes a feature."""
    order = np.arange(dataset.samples)
    chunks = iterate_chunks(dataset, order, JUDGED_TOGETHER)
    return tuple(Chunk(chunk.inputs.copy(), chunk.targets) for chunk in chunks)


def judge(stack: Stack, widths: Widths, dataset: Dataset, chunks: Iterable[Chunk]) -> Judgement:
    """Return how well `stack` does on `dataset`, of which `chunks` are the floats; a tie between
    classes goes to the lowest."""
    dtype = stack.flat.dtype
    loss_sum = 0.0
    guesses = np.empty(dataset.samples, dtype=np.int64)
    start = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for chunk in chunks:
            buffers = allocate_buffers(widths, chunk.inputs.shape[1], dtype)
            probabilities = np.empty_like(chunk.targets)
            for rows, output in zip(chunk.inputs, probabilities, strict=True):
                forward(stack.layers, rows.T, buffers, output)
            loss_sum += float(compute_losses(probabilities, chunk.targets).sum(dtype=np.float64))
            guessed = probabilities.argmax(axis=1).ravel()
            guesses[start : start + len(guessed)] = guessed
            start += len(guessed)
    right = dataset.labels[guesses == dataset.labels]
    return Judgement(
        loss=loss_sum / dataset.samples,
        samples=dataset.class_counts(),
        hits=np.bincount(right, minlength=len(dataset.classes)).astype(np.int64),
    )
