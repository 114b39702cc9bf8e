"""A learner's state out of somebody else's hands: read without running anything that is in it.

A pickle is a program: it names what is to be imported and called. Of what it may name there is
nothing here but stand-ins that make arrays and numbers. numpy's own would not do: a pickle can
forge the flags of a dtype, and an array then takes bytes for addresses of objects.
"""

import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.learning.errors import StateForeign

KINDS = "biufcSU"
"""Of numpy's dtypes: truths, numbers, bytes and texts. Of the others some hold objects."""


class _Dtype:
    """A dtype as a pickle tells it: its name, then its order of bytes among what is not taken."""

    def __init__(self, name: str, *_: object) -> None:
        if not isinstance(name, str):
            raise StateForeign("numpy.dtype", "a name", type(name).__name__)
        self._found = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self._found = self._found.newbyteorder(state[1])

    def take(self) -> np.dtype[Any]:
        """Return it. Raises StateForeign for one of anything but numbers and texts."""
        if self._found.kind not in KINDS:
            raise StateForeign("numpy.dtype", "one of numbers or texts", self._found)
        return self._found


class _Array(np.ndarray):
    """An array that takes its content from a pickle, of a dtype that can hold no objects."""

    def __setstate__(self, state: Any) -> None:
        version, shape, dtype, is_fortran, content = state
        super().__setstate__((version, shape, dtype.take(), is_fortran, content))


def _begin_array(*_: object) -> _Array:
    return _Array((0,), np.int8)


def _take_buffer(
    content: bytes, dtype: _Dtype, shape: Any, order: Any, axes: Any = None
) -> NDArray[Any]:
    array = np.frombuffer(content, dtype.take())
    if axes is not None:
        return array.reshape(shape).transpose(axes)
    return array.reshape(shape, order=order)


def _take_scalar(dtype: _Dtype, content: bytes) -> Any:
    return np.frombuffer(content, dtype.take(), count=1)[0]


ALLOWED: dict[tuple[str, str], Any] = {
    ("builtins", "complex"): complex,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "bytearray"): bytearray,
    # Only named, as what kind of array is begun.
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): _Dtype,
    # numpy 1 calls numpy._core numpy.core.
    **{
        (f"numpy.{core}.{module}", name): each
        for core in ("_core", "core")
        for module, name, each in (
            ("multiarray", "_reconstruct", _begin_array),
            ("multiarray", "scalar", _take_scalar),
            ("numeric", "_frombuffer", _take_buffer),
        )
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            expected = "arrays, numbers, texts, bytes and containers of them"
            raise StateForeign("a learner's state", expected, f"{module}.{name}")
        return ALLOWED[module, name]


def load_foreign(content: bytes) -> Any:
    """Return what was pickled: builtin containers, numbers, texts, bytes, numpy arrays and scalars.

    Raises StateForeign where it names a class or a function beside those, which is neither imported
    nor called; anything for a damaged pickle.
    """
    return _Reader(io.BytesIO(content)).load()
