"""Flower's names, where Flower is not installed: a client's file runs unchanged."""

import importlib.util
import re
from pathlib import Path

import pytest

from node.errors import WorkerFailed
from node.learning.errors import InvalidParameters
from node.learning.hosting import Hosting, Place
from node.learning.process import LearnerProcess

CLIENT = """
import numpy as np
{imports}


class Client({base}):
    def __init__(self, context: {context}):
        self.context = context

    def get_parameters(self, config) -> {arrays}:
        return [np.zeros(2)]

    def fit(self, parameters, config):
        return parameters, 3, {{"partition": self.context.node_config["partition-id"]}}


def client_fn(context):
    return Client(context){wrap}


app = {app}(client_fn=client_fn)
"""
FROM = {
    "imports": "from flwr.client import ClientApp, NumPyClient\n"
    "from flwr.common import Context, NDArrays",
    "base": "NumPyClient",
    "context": "Context",
    "arrays": "NDArrays",
    "wrap": ".to_client()",
    "app": "ClientApp",
}
NEW = {
    **FROM,
    "imports": FROM["imports"]
    .replace("flwr.client ", "flwr.clientapp ")
    .replace(
        "import ClientApp, NumPyClient", "import ClientApp\nfrom flwr.client import NumPyClient"
    ),
    "wrap": "",
}
WHOLE = {
    "imports": "import flwr as fl",
    "base": "fl.client.NumPyClient",
    "context": "fl.common.Context",
    "arrays": "fl.common.NDArrays",
    "wrap": ".to_client()",
    "app": "fl.client.ClientApp",
}
is_without_flower = pytest.mark.skipif(
    importlib.util.find_spec("flwr") is not None, reason="Flower itself is installed"
)


def describe(folder: Path, text: str, name: str) -> list[str]:
    (folder / "client.py").write_text(text)
    process = LearnerProcess(Hosting(code=folder, notes=folder))
    try:
        process.settle(process.ask("enrol", (0, name, {}, None, None, Place(2, 3))))
        names, _ = process.settle(process.ask("describe", (0,)))
    finally:
        process.close()
    return list(names)


@pytest.mark.parametrize("ways", [FROM, NEW, WHOLE], ids=["from", "new", "whole"])
def test_enrol__a_client_as_its_author_writes_it__is_a_learner(tmp_path, ways):
    assert describe(tmp_path, CLIENT.format(**ways), "client:client_fn") == ["array_0"]


@is_without_flower
def test_enrol__a_client_app__is_a_factory(tmp_path):
    assert describe(tmp_path, CLIENT.format(**FROM), "client:app") == ["array_0"]


@is_without_flower
def test_enrol__what_only_flower_has__is_told_as_missing(tmp_path):
    text = CLIENT.format(**{**FROM, "imports": "from flwr.server import ServerApp"})
    with pytest.raises(Exception, match=r"flwr\.server") as caught:
        describe(tmp_path, text, "client:client_fn")
    assert "\n" not in str(caught.value)
    text = CLIENT.format(**{**FROM, "imports": "from flwr.common import GRPC_MAX"})
    with pytest.raises(WorkerFailed, match="ImportError: cannot import name 'GRPC_MAX'"):
        describe(tmp_path, text, "client:client_fn")


def test_describe__a_client_without_get_parameters__says_what_is_missing(tmp_path):
    text = re.sub(r"    def get_parameters.*?\n\n", "", CLIENT.format(**FROM), flags=re.DOTALL)
    assert "get_parameters" not in text
    with pytest.raises(InvalidParameters, match="expected the arrays that training starts from"):
        describe(tmp_path, text, "client:client_fn")
