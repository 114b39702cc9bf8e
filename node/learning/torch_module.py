"""A torch module as a learner. torch is an extra; whoever comes here has imported it.

The parameters are the module's `state_dict`, by its names: weights, and buffers too. Of these,
running means and variances of batch normalisation are averaged like weights, as in plain federated
averaging. Counters such as `num_batches_tracked` are integers, and stay with their peer (see
`node.learning.keeping`): they move by hundreds where weights move by thousandths, and nothing but a
cumulative average (`momentum=None`) reads them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.learning.config import get_local_steps
from node.learning.context import Data
from node.learning.errors import InvalidOption, InvalidParameters
from node.learning.learner import Config, Metrics, Parameters
from node.learning.terms import TERMS, Terms, get_terms

FIELDS = ("optimizer", "loss", "train", "test", "device", "epochs")
INTENSITY_MAXIMUM = 255  # of uint8 features, which stand for [0, 1]
BATCH_SIZE = 32


class TorchModule:
    """Trains a module by its description.

    `optimizer`: called with the parameters at the beginning of each round, so that no momentum goes
    from one head to another, as in `lambda parameters: torch.optim.SGD(parameters, lr=0.1)`.
    `loss`: called with outputs and targets; the mean over the batch. `train`, `test`: loaders,
    which give (inputs, targets) when iterated; without them the peer's own data, in batches of the
    option `batch_size`. `device`: as torch names it, "cpu" by default. `epochs`: passes over
    `train` in a round, by default the option of that name, or 1.

    Raises InvalidOption.
    """

    obeys = TERMS

    def __init__(
        self, model: Any, fields: Mapping[str, Any], options: Mapping[str, Any], data: Data | None
    ) -> None:
        for name in ("optimizer", "loss"):
            if not callable(fields.get(name)):
                got = type(fields[name]).__name__ if name in fields else "none"
                expected = {
                    "optimizer": "a function from parameters to an optimizer",
                    "loss": "a function of outputs and targets",
                }[name]
                raise InvalidOption(f"description of a torch model: {name}", expected, got)
        batch_size = int(options.get("batch_size", BATCH_SIZE))
        self._optimizer: Callable[[Any], Any] = fields["optimizer"]
        self._loss: Callable[[Any, Any], Any] = fields["loss"]
        self._device = fields.get("device", "cpu")
        self._epochs = int(fields.get("epochs", options.get("epochs", 1)))
        self._train = _choose_loader("train", fields, data, batch_size)
        self._test = self._train
        if "test" in fields or data is not None:
            self._test = _choose_loader("test", fields, data, batch_size)
        self._names = () if data is None or fields.get("test") is not None else data.classes
        self._model = model.to(self._device)

    @property
    def parameter_names(self) -> list[str]:
        return list(self._model.state_dict())

    def get_parameters(self, config: Config) -> Parameters:
        """Return the state of the module as it is."""
        return [_to_array(name, tensor) for name, tensor in self._model.state_dict().items()]

    def fit(self, parameters: Parameters, config: Config) -> tuple[Parameters, int, Metrics]:
        """Train for the epochs of the description, or the steps that are asked for. Raises
        InvalidParameters and InvalidConfig."""
        self._load(parameters)
        self._model.train()
        optimizer = self._optimizer(self._model.parameters())
        terms = get_terms(config, parameters)
        if terms.is_one_step:
            return self._step_once(optimizer, terms, config)
        pull = self._find_pull(terms)
        local_steps = get_local_steps(config)
        steps, used, loss_sum = 0, Counter[int](), 0.0
        for at, (inputs, targets) in self._draw(local_steps):
            inputs, targets = inputs.to(self._device), targets.to(self._device)
            optimizer.zero_grad()
            loss = self._loss(self._model(inputs), targets)
            loss.backward()
            pull()
            optimizer.step()
            steps += 1
            used[at] += len(targets)
            loss_sum += float(loss.detach()) * len(targets)
        metrics: Metrics = {"steps": steps, "loss": loss_sum / max(1, used.total())}
        samples = used.total() // max(1, self._epochs)
        if local_steps is not None:
            samples = _count_samples(self._train, used)
        return self.get_parameters(config), samples, metrics

    def _draw(self, local_steps: int | None) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """Yield batches, each with the number of its pass: those of all epochs, or so many."""
        if local_steps is None:
            return ((at, batch) for at in range(self._epochs) for batch in self._train)
        return islice(_repeat(self._train), local_steps)

    def _step_once(
        self, optimizer: Any, terms: Terms, config: Config
    ) -> tuple[Parameters, int, Metrics]:
        """Take one step along the gradient of the mean loss over all samples."""
        optimizer.zero_grad()
        samples, loss_sum = 0, 0.0
        for inputs, targets in self._train:
            inputs, targets = inputs.to(self._device), targets.to(self._device)
            loss = self._loss(self._model(inputs), targets) * len(targets)
            loss.backward()
            samples += len(targets)
            loss_sum += float(loss.detach())
        for parameter in self._model.parameters():
            if parameter.grad is not None:
                parameter.grad /= max(1, samples)
        self._find_pull(terms)()
        optimizer.step()
        metrics: Metrics = {"steps": 1, "loss": loss_sum / max(1, samples)}
        return self.get_parameters(config), samples, metrics

    def _find_pull(self, terms: Terms) -> Callable[[], None]:
        """Return what adds the terms to the gradients of all that is trained; buffers have none.

        A parameter that the loss does not reach has a gradient of zero here. One of several names
        is one parameter, and its slope the mean of theirs: each name's array moves as the one does,
        so each has a slope of its full size.
        """
        import torch

        if not terms.has_pull:
            return lambda: None
        slopes: dict[str, Any] = {}
        if terms.linear is not None:
            slopes = dict(zip(self.parameter_names, terms.linear, strict=True))
        pulled = []
        for parameter, names in self._list_trained():
            found = [torch.as_tensor(slopes[name]).to(parameter) for name in names if slopes]
            slope = torch.stack(found).mean(dim=0) if found else torch.zeros_like(parameter)
            pulled.append((parameter, parameter.detach().clone(), slope))

        def pull() -> None:
            for parameter, anchor, slope in pulled:
                term = slope + terms.proximal_mu * (parameter.detach() - anchor)
                parameter.grad = term if parameter.grad is None else parameter.grad + term

        return pull

    def _list_trained(self) -> list[tuple[Any, list[str]]]:
        """Return each parameter that is trained, with all of its names."""
        found: dict[int, tuple[Any, list[str]]] = {}
        for name, parameter in self._model.named_parameters(remove_duplicate=False):
            if parameter.requires_grad:
                found.setdefault(id(parameter), (parameter, []))[1].append(name)
        return list(found.values())

    def evaluate(self, parameters: Parameters, config: Config) -> tuple[float, int, Metrics]:
        """Judge on the test part: the mean loss and, where targets are classes, the accuracy."""
        import torch

        self._load(parameters)
        self._model.eval()
        samples, loss_sum = 0, 0.0
        hits, rows = Counter[int](), Counter[int]()
        with torch.no_grad():
            for inputs, targets in self._test:
                inputs, targets = inputs.to(self._device), targets.to(self._device)
                outputs = self._model(inputs)
                loss_sum += float(self._loss(outputs, targets)) * len(targets)
                samples += len(targets)
                is_classifier = targets.dtype == torch.int64 and outputs.ndim == targets.ndim + 1
                if is_classifier:
                    rows.update(targets.flatten().tolist())
                    hits.update(targets[outputs.argmax(dim=1) == targets].tolist())
        metrics: Metrics = {}
        if rows:
            metrics["accuracy"] = hits.total() / rows.total()
            metrics["accuracy_by_class"] = {
                self._name(label): hits[label] / rows[label] for label in sorted(rows)
            }
        return loss_sum / max(1, samples), samples, metrics

    def _name(self, label: int) -> str:
        return self._names[label] if 0 <= label < len(self._names) else str(label)

    def _load(self, parameters: Parameters) -> None:
        import torch

        state = self._model.state_dict()
        if len(parameters) != len(state):
            raise InvalidParameters("parameters: number of arrays", len(state), len(parameters))
        with torch.no_grad():
            for (name, tensor), array in zip(state.items(), parameters, strict=True):
                if tuple(tensor.shape) != array.shape:
                    expected = str(tuple(tensor.shape))
                    raise InvalidParameters(f"parameters: {name}", expected, str(array.shape))
                tensor.copy_(torch.as_tensor(array))
                # An average in integers may be a unit below 0, which has no square root.
                if name.endswith("running_var"):
                    tensor.clamp_(min=0)


class _Batches:
    """A peer's own rows in batches, in an order drawn anew each time, or in their own."""

    def __init__(
        self, x: NDArray[Any], y: NDArray[np.int64], batch_size: int, *, is_shuffled: bool
    ) -> None:
        import torch

        scale = INTENSITY_MAXIMUM if x.dtype == np.uint8 else 1
        self._x = torch.from_numpy(x.astype(np.float32) / np.float32(scale))
        self._y = torch.from_numpy(y.copy())
        self._batch_size = batch_size
        self._is_shuffled = is_shuffled
        # What a pass goes over, under the name that torch's own loaders have for it.
        self.sampler = range(len(y))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        import torch

        size = len(self._y)
        order = torch.randperm(size) if self._is_shuffled else torch.arange(size)
        for part in order.split(self._batch_size):
            yield self._x[part], self._y[part]


def _choose_loader(
    name: str, fields: Mapping[str, Any], data: Data | None, batch_size: int
) -> Iterable[tuple[Any, Any]]:
    if fields.get(name) is not None:
        loader: Iterable[tuple[Any, Any]] = fields[name]
        return loader
    if data is None:
        expected = "a loader of (inputs, targets), or data of the peer's"
        raise InvalidOption(f"description of a torch model: {name}", expected, "none")
    is_train = name == "train"
    x, y = (data.x_train, data.y_train) if is_train else (data.x_test, data.y_test)
    return _Batches(x, y, batch_size, is_shuffled=is_train)


def _repeat(loader: Iterable[tuple[Any, Any]]) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """Yield batches for ever, each with the number of its pass; none of a loader that has none."""
    for at in count():
        is_empty = True
        for batch in loader:
            is_empty = False
            yield at, batch
        if is_empty:
            return


def _count_samples(loader: Iterable[tuple[Any, Any]], used: Mapping[int, int]) -> int:
    """Return the samples of a whole pass: as the loader tells, or as the longest pass had them."""
    sampler = getattr(loader, "sampler", None)
    return len(sampler) if isinstance(sampler, Sized) else max(used.values(), default=0)


def _to_array(name: str, tensor: Any) -> NDArray[Any]:
    try:
        array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    except TypeError as error:
        got = str(tensor.dtype)
        raise InvalidParameters(f"parameters: {name}", "a dtype that numpy has", got) from error
    return array
