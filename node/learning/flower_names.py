"""Flower's names for a client, for where Flower itself is not installed.

A client's file begins with `from flwr.client import NumPyClient`, and takes nothing from there but
a base class without behaviour, a wrapper, and names of types. Its author should not have to install
a framework that is not used here, so a learner's process answers these imports itself. Where Flower
is installed it is taken, and this is not; whatever else a file wants of it, is told as missing.
"""

import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import MappingProxyType, ModuleType
from typing import Any

from numpy.typing import NDArray

from node.learning.context import Context


class NumPyClient:
    """The base of a client; a method that a client leaves out does what Flower's does: nothing."""

    def get_properties(self, config: dict[str, Any]) -> dict[str, Any]:
        return {}

    def get_parameters(self, config: dict[str, Any]) -> list[NDArray[Any]]:
        return []

    def fit(
        self, parameters: list[NDArray[Any]], config: dict[str, Any]
    ) -> tuple[list[NDArray[Any]], int, dict[str, Any]]:
        return [], 0, {}

    def evaluate(
        self, parameters: list[NDArray[Any]], config: dict[str, Any]
    ) -> tuple[float, int, dict[str, Any]]:
        return 0.0, 0, {}

    def to_client(self) -> "Client":
        """Return the client wrapped, as Flower does."""
        return Client(self)


class Client:
    """A wrapped NumPyClient."""

    def __init__(self, numpy_client: NumPyClient) -> None:
        self.numpy_client = numpy_client


class ClientApp:
    """A client's factory; called with a context, it gives the client."""

    def __init__(self, client_fn: Callable[[Any], Any], mods: Any = None) -> None:
        self._client_fn = client_fn

    def __call__(self, context: Any) -> Any:
        return self._client_fn(context)


CLIENTS = MappingProxyType({"NumPyClient": NumPyClient, "Client": Client, "ClientApp": ClientApp})
TYPES = MappingProxyType(
    {
        "Context": Context,
        "NDArray": NDArray[Any],
        "NDArrays": list[NDArray[Any]],
        "Scalar": bool | bytes | float | int | str,
        "Config": dict[str, bool | bytes | float | int | str],
        "Metrics": dict[str, bool | bytes | float | int | str],
        "UserConfig": dict[str, bool | float | int | str],
    }
)
MODULES: dict[str, dict[str, Any]] = {
    "flwr": {},
    "flwr.client": dict(CLIENTS),
    "flwr.clientapp": dict(CLIENTS),
    "flwr.common": dict(TYPES),
    "flwr.common.typing": dict(TYPES),
    "flwr.app": dict(TYPES),
}


class _Names(MetaPathFinder, Loader):
    """Finds the modules of MODULES, and nothing else."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name not in MODULES:
            return None
        return ModuleSpec(name, self, is_package=any(n.startswith(name + ".") for n in MODULES))

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(MODULES[module.__name__])
        if module.__name__ == "flwr":
            # As `import flwr as fl; fl.client.NumPyClient` wants it.
            for name in MODULES:
                if name.count(".") == 1:
                    spec = find_spec(name)
                    assert spec is not None, "this finder finds it"
                    part = sys.modules.setdefault(name, module_from_spec(spec))
                    self.exec_module(part)
                    setattr(module, name.partition(".")[2], part)


def answer_imports() -> None:
    """Answer imports of Flower's names in this process, unless Flower is installed."""
    if find_spec("flwr") is None:
        sys.meta_path.append(_Names())
