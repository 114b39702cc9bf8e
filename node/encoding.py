"""Between a learner's arrays, the integers that peers agree on, and the bytes of a blob.

    arrays ── Layout.flatten ──▶ float64 vector ── encode_… ──▶ integers ── to_payload ──▶ bytes
    arrays ◀─ Layout.unflatten ─ float64 vector ◀─ decode_… ─── integers ◀─ …_from_payload ─ bytes

A model is int32 in units of `2**-model_bits`; an update is int16 or int8 in units of
`2**-update_bits`. Floats live on the left side only, and no float ever enters a hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod, sqrt
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from node.errors import LayoutMismatch, LayoutRefused, NotFinite, OutOfRange, PayloadRefused

Floats = NDArray[np.float64]
Model = NDArray[np.int32]
Update = NDArray[np.int16] | NDArray[np.int8]

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
UPDATE_DTYPES: Mapping[int, np.dtype[Any]] = {1: np.dtype("<i1"), 2: np.dtype("<i2")}
MODEL_BYTES = 4
"""Of a coordinate of a model."""
_MODEL_DTYPE = np.dtype("<i4")
_KINDS = "fiu"  # what a number of the protocol can stand for: floats and integers


@dataclass(frozen=True)
class Layout:
    """How the arrays of a model lie in one vector of coordinates, in order and row by row.

    Names are unique; dtypes are numpy's names ("float32", "int64"). Raises `LayoutRefused`.

    >>> layout = Layout(("weight", "bias"), ((2, 3), (3,)), ("float32", "float32"))
    >>> layout.coordinates
    9
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = (len(self.names), len(self.shapes), len(self.dtypes))
        if len(set(counts)) != 1:
            raise LayoutRefused("encoding: layout", "a shape and a dtype for each name", counts)
        if len(set(self.names)) != len(self.names):
            raise LayoutRefused("encoding: names of the arrays", "unique", list(self.names))
        for name, shape, dtype in zip(self.names, self.shapes, self.dtypes, strict=True):
            _check_array(name, shape, dtype)
        if self.coordinates < 1:
            raise LayoutRefused("encoding: coordinates", "at least 1", self.coordinates)

    @property
    def coordinates(self) -> int:
        """The length of the vector."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many coordinates each array has."""
        return tuple(prod(shape) for shape in self.shapes)

    @classmethod
    def from_arrays(
        cls, arrays: Sequence[NDArray[Any]], names: Sequence[str] | None = None
    ) -> Self:
        """Return the layout of these arrays, named `array_0`, `array_1`, … by default."""
        if names is None:
            names = [f"array_{index}" for index in range(len(arrays))]
        shapes = tuple(array.shape for array in arrays)
        return cls(tuple(names), shapes, tuple(array.dtype.name for array in arrays))

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Return the layout that `to_dict` described, or raise `LayoutRefused`."""
        rows = table.get("arrays")
        if not isinstance(rows, Sequence) or not all(_is_row(row) for row in rows):
            raise LayoutRefused("encoding: layout", "arrays, each name, shape and dtype", rows)
        return cls(
            tuple(row["name"] for row in rows),
            tuple(tuple(row["shape"]) for row in rows),
            tuple(row["dtype"] for row in rows),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return strings, lists and integers only, fit for JSON and TOML."""
        rows = zip(self.names, self.shapes, self.dtypes, strict=True)
        return {"arrays": [{"name": n, "shape": list(s), "dtype": t} for n, s, t in rows]}

    def flatten(self, arrays: Sequence[NDArray[Any]]) -> Floats:
        """Return the arrays as one new float64 vector `(coordinates,)`.

        Raises `LayoutMismatch` with the name of the first array whose shape or kind of number is
        not the layout's, and `NotFinite` with the array and the index of a NaN or an infinity.
        """
        if len(arrays) != len(self.names):
            raise LayoutMismatch("encoding: number of arrays", len(self.names), len(arrays))
        for name, shape, dtype, array in zip(
            self.names, self.shapes, self.dtypes, arrays, strict=True
        ):
            if not isinstance(array, np.ndarray):
                came = type(array).__name__
                raise LayoutMismatch(f"encoding: array {name!r}", "a numpy array", came)
            if array.shape != shape:
                raise LayoutMismatch(f"encoding: shape of array {name!r}", shape, array.shape)
            if array.dtype.kind != np.dtype(dtype).kind:
                raise LayoutMismatch(f"encoding: dtype of array {name!r}", dtype, array.dtype.name)
        vector = np.concatenate([array.ravel() for array in arrays], dtype=np.float64)
        if not np.isfinite(vector).all():
            self._raise_not_finite(vector)
        return vector

    def unflatten(self, vector: Floats) -> list[NDArray[Any]]:
        """Return new arrays with the layout's shapes and exact dtypes.

        For an integer dtype the numbers are rounded, halves to even; what the dtype cannot hold
        becomes the nearest number that it can.
        """
        if vector.shape != (self.coordinates,):
            raise LayoutMismatch("encoding: shape of the vector", (self.coordinates,), vector.shape)
        arrays, first = [], 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            size = prod(shape)
            arrays.append(_to_dtype(vector[first : first + size], np.dtype(dtype)).reshape(shape))
            first += size
        return arrays

    def _raise_not_finite(self, vector: Floats) -> None:
        position = int(np.argmin(np.isfinite(vector)))
        value, first = vector[position], 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            if position < first + prod(shape):
                index = tuple(int(part) for part in np.unravel_index(position - first, shape))
                raise NotFinite(f"encoding: array {name!r} at {index}", "a finite number", value)
            first += prod(shape)


def encode_model(vector: Floats, model_bits: int) -> Model:
    """Return a model as integers of `2**-model_bits`, halves rounded to even.

    For genesis, so nothing is saturated: raises `OutOfRange` with the first coordinate that int32
    cannot hold, `NotFinite` with the first one that is no number.

    >>> encode_model(np.array([0.5, 1.5, -2.25]), 0).tolist()
    [0, 2, -2]
    """
    _check_finite(vector)
    with np.errstate(over="ignore"):
        scaled = np.rint(np.ldexp(vector, model_bits))
    outside = (scaled < INT32_MIN) | (scaled > INT32_MAX)
    if outside.any():
        position = int(np.argmax(outside))
        largest = 2.0 ** (31 - model_bits)
        raise OutOfRange(
            f"encoding: coordinate {position} of the model",
            f"-{largest:g} up to, but not, {largest:g}",
            vector[position],
        )
    return scaled.astype(np.int32)


def decode_model(model: Model, model_bits: int) -> Floats:
    """Return the numbers that a model of integers stands for; exact in float64."""
    return np.ldexp(model.astype(np.float64), -model_bits)


def encode_update(
    trained: Floats,
    head: Floats,
    *,
    update_bits: int,
    update_bytes: int,
    clip: int,
    generator: np.random.Generator,
) -> Update:
    """Return what was learned, `trained - head`, as int16 or int8 of `2**-update_bits`.

    The step is shortened so that its L2 norm after rounding is about `clip` units at most (never,
    if `clip` is 0), rounded up or down at random so that no coordinate is biased, and saturated.
    Raises `NotFinite`, or `OutOfRange` for a step too long to have a norm in float64.
    """
    if update_bytes not in UPDATE_DTYPES:
        raise PayloadRefused("encoding: update_bytes", "1 or 2", update_bytes)
    if trained.shape != head.shape:
        raise PayloadRefused("encoding: shape of the trained model", head.shape, trained.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        step = trained - head
        step *= 2.0**update_bits
        # A plain sum, not BLAS: the same seed gives the same bits with any number of threads.
        energy = float(np.square(step).sum())
    if not np.isfinite(energy):
        _check_finite(trained)
        _check_finite(head)
        raise OutOfRange("encoding: squared norm of the update", "below 1.8e308", energy)
    if clip:
        step *= _compute_shortening(step, energy, clip)
    step += generator.random(step.size)
    np.floor(step, out=step)
    limits = np.iinfo(UPDATE_DTYPES[update_bytes])
    np.clip(step, limits.min, limits.max, out=step)
    return cast(Update, step.astype(UPDATE_DTYPES[update_bytes]))


def _compute_shortening(step: Floats, energy: float, clip: int) -> float:
    """Return the factor, at most 1, under which rounding should leave a norm of `clip` or less.

    Rounding x up with probability p = frac(x) adds p (1 - p) to the expected square, which is at
    most 1/4 and at most abs(x). The first bound gives the aim `isqrt(clip**2 - d // 4)`; it leaves
    little or nothing where d / 4 comes near clip**2. The second gives s with
    s**2 * energy + s * L1 = clip**2, which is never 0. Either suffices, so the larger one is taken.
    """
    room = clip**2 - step.size // 4
    aim = isqrt(room) if room > 0 else 0
    if energy <= aim**2:
        return 1.0
    by_quarter = aim / sqrt(energy)
    if step.size < clip**2:  # at least 3/4 of the room is left: the second bound is not worth L1
        return by_quarter
    length = float(np.abs(step).sum())
    if energy + length <= clip**2:
        return 1.0
    # The root of the quadratic, in the form that does not cancel.
    by_length = 2.0 * clip**2 / (length + sqrt(length**2 + 4.0 * energy * clip**2))
    return max(by_quarter, by_length)


def to_payload(array: Model | Update) -> bytes:
    """Return integers `(d,)` as a blob: in order, little-endian, two's complement."""
    if array.ndim != 1 or array.dtype.kind != "i" or array.dtype.itemsize not in (1, 2, 4):
        got = f"{array.dtype.name} {array.shape}"
        raise PayloadRefused("encoding: array of a payload", "int8, int16 or int32 (d,)", got)
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def model_from_payload(payload: bytes | memoryview, coordinates: int) -> Model:
    """Return the model `(coordinates,)` in a blob, read-only and without a copy."""
    return cast(Model, _from_payload(payload, coordinates, _MODEL_DTYPE))


def update_from_payload(payload: bytes | memoryview, coordinates: int, update_bytes: int) -> Update:
    """Return the update `(coordinates,)` in a blob, read-only and without a copy."""
    if update_bytes not in UPDATE_DTYPES:
        raise PayloadRefused("encoding: update_bytes", "1 or 2", update_bytes)
    return cast(Update, _from_payload(payload, coordinates, UPDATE_DTYPES[update_bytes]))


def _from_payload(
    payload: bytes | memoryview, coordinates: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    view = memoryview(payload).cast("B")
    expected_bytes = coordinates * dtype.itemsize
    if len(view) != expected_bytes:
        raise PayloadRefused("encoding: bytes of the payload", expected_bytes, len(view))
    array = np.frombuffer(view, dtype)
    array.flags.writeable = False
    return array


def _to_dtype(vector: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        if dtype.itemsize >= 4:  # no model of the protocol leaves float32's range
            return vector.astype(dtype)
        largest = float(np.finfo(dtype).max)
        return np.clip(vector, -largest, largest).astype(dtype)
    info = np.iinfo(dtype)
    top = float(info.max)
    if top > info.max:  # 2**63 - 1 rounds up as a float, which would wrap
        top = float(np.nextafter(top, 0.0))
    return np.clip(np.rint(vector), float(info.min), top).astype(dtype)


def _check_finite(vector: Floats) -> None:
    finite = np.isfinite(vector)
    if not finite.all():
        position = int(np.argmin(finite))
        value = vector[position]
        raise NotFinite(f"encoding: coordinate {position}", "a finite number", value)


def _check_array(name: str, shape: tuple[int, ...], dtype: str) -> None:
    if any(size < 0 for size in shape):
        raise LayoutRefused(f"encoding: shape of array {name!r}", "no negative size", shape)
    try:
        kind = np.dtype(dtype).kind
    except TypeError as error:
        raise LayoutRefused(f"encoding: dtype of array {name!r}", "a numpy dtype", dtype) from error
    if kind not in _KINDS:
        raise LayoutRefused(f"encoding: dtype of array {name!r}", "floats or integers", dtype)


def _is_row(row: object) -> bool:
    return (
        isinstance(row, Mapping)
        and isinstance(row.get("name"), str)
        and isinstance(row.get("dtype"), str)
        and isinstance(row.get("shape"), Sequence)
        and all(type(size) is int for size in row["shape"])
    )
