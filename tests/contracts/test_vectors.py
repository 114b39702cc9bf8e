"""What the contracts compute within is what the vectors say, as numpy and plain Python do.

Those are held to the same files in tests/node/test_merkle.py and tests/node/rule/test_aggregate.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from federation_lab import PARAMETERS, Clock

from chain.connect import connect_devnet
from chain.deployment import NO_ADDRESS
from chain.devnet.devnet import Devnet
from chain.errors import revert_error
from chain.federation import Call, abi_type, encode_parameters
from chain.sender import Sender
from chain.types import Parameters, Seat, bitmap_of, seats_of
from contracts import build

HARNESS = Path(__file__).parent / "harness.vy"
VECTORS = Path(__file__).parents[1] / "vectors"
MERKLE = json.loads((VECTORS / "merkle.json").read_text())
RULE = json.loads((VECTORS / "rule.json").read_text())
UNNAMED = "0x" + "11" * 20


@dataclass
class Harness:
    """A deployed harness, asked by calls that are not mined."""

    devnet: Devnet
    address: str
    functions: dict[str, dict[str, Any]]

    def ask(self, name: str, *arguments: object, sender: str = UNNAMED) -> Any:
        entry = self.functions[name]
        inputs, outputs = ([abi_type(i) for i in entry[side]] for side in ("inputs", "outputs"))
        selector = keccak(f"{name}({','.join(inputs)})".encode())[:4]
        call = {
            "to": self.address,
            "from": sender,
            "data": "0x" + (selector + encode(inputs, arguments)).hex(),
        }
        answer: Any = self.devnet.handle(
            {"id": 1, "method": "eth_call", "params": [call, "latest"]}
        )
        if "error" in answer:
            raise revert_error(str(answer["error"]["message"]))
        return decode(outputs, bytes.fromhex(answer["result"][2:]))[0]


OpenHarness = Callable[..., Harness]


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    return build.compile_source(build.HERE, HARNESS, ["abi", "bytecode"])


@pytest.fixture
def open_harness(compiled: dict[str, Any]) -> Any:
    opened: list[Devnet] = []

    def open_one(parameters: Parameters = PARAMETERS, chain_id: int = 31337) -> Harness:
        opened.append(Devnet(clock=Clock(), accounts=1, chain_id=chain_id))
        sender = Sender(connect_devnet(opened[-1]), opened[-1].accounts[0], is_gas_free=True)
        (constructor,) = (e for e in compiled["abi"] if e["type"] == "constructor")
        types = [abi_type(i) for i in constructor["inputs"]]
        code = bytes.fromhex(compiled["bytecode"][2:])
        arguments = encode(types, [encode_parameters(parameters)])
        receipt = sender.send(Call("constructor", NO_ADDRESS, code + arguments))
        assert receipt.contract is not None
        functions = {e["name"]: e for e in compiled["abi"] if e["type"] == "function"}
        return Harness(opened[-1], receipt.contract, functions)

    yield open_one
    for each in opened:
        each.close()


def test_merkle__trees_of_the_vectors__same_depth_and_root(open_harness: OpenHarness) -> None:
    harness = open_harness()
    for tree in MERKLE["trees"]:
        tag, chunk = bytes.fromhex(tree["tag"]), bytes.fromhex(tree["chunk"])
        path = b"".join(map(bytes.fromhex, tree["path"]))
        assert harness.ask("depth", len(tree["payload"]) // 2) == tree["depth"]
        root = harness.ask("root", tag, tree["leaf_index"], tree["depth"], chunk + path)
        assert root.hex() == tree["root"]
        other = harness.ask("root", tag, tree["leaf_index"] ^ 1, tree["depth"], chunk + path)
        assert (other == root) == (tree["depth"] == 0), "sides matter"


@pytest.mark.parametrize("case", MERKLE["tags"])
def test_tag__cases_of_the_vectors__same_hash(
    open_harness: OpenHarness, case: dict[str, Any]
) -> None:
    harness = open_harness(chain_id=case["chain_id"])
    tag = harness.ask("tag", "0x" + case["contract"], case["round"], case["seat"])
    assert tag.hex() == case["tag"]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_value__any_bytes__little_endian_in_twos_complement(
    open_harness: OpenHarness, width: int
) -> None:
    harness, chunk = open_harness(), bytes((37 * i + 128) % 256 for i in range(256))
    for first in range(0, 256, 4 * width):
        right = int.from_bytes(chunk[first : first + width], "little", signed=True)
        assert harness.ask("value", bytes(32), first, width, chunk) == right


def test_clip__cases_of_the_vectors__same_coordinate(open_harness: OpenHarness) -> None:
    harness = open_harness()
    for case in RULE["clips"]:
        assert harness.ask("shorten", case["value"], case["factor"]) == case["clipped"], case


def test_steps__cases_of_the_vectors__moves_a_zero_by_it(open_harness: OpenHarness) -> None:
    harness = open_harness()
    for case in RULE["steps"]:
        ordered = sorted(zip(case["values"], case["weights"], strict=True))
        values, weights = zip(*ordered, strict=True)
        moved = harness.ask("move", 0, values, weights, case["trim_bps"], case["guard"])
        assert moved == min(max(case["step"], -(2**31)), 2**31 - 1), case


@pytest.mark.parametrize("case", RULE["aggregates"], ids=lambda case: case["name"])
def test_aggregates__cases_of_the_vectors__same_credit_and_model(
    open_harness: OpenHarness, case: dict[str, Any]
) -> None:
    harness, rule = open_harness(replace(PARAMETERS, **case["rule"])), case["rule"]
    included = bitmap_of(tuple(Seat(each["seat"]) for each in case["members"]))
    credited = harness.ask("credited", included, bytes.fromhex(case["wire"]))
    assert list(seats_of(credited)) == case["credited"]
    guard = rule["model_bits"] - rule["update_bits"]
    for k, old in enumerate(case["head"]):
        shown = [
            (harness.ask("shorten", update[k], clip), weight)
            for update, (clip, weight) in zip(case["updates"], case["coefficients"], strict=True)
            if weight
        ]
        values, weights = zip(*sorted(shown), strict=True)
        moved = harness.ask("move", old, values, weights, rule["trim_bps"], guard)
        assert moved == case["model"][k]


def test_credited__wire_of_the_vectors_with_a_byte_less__refused(
    open_harness: OpenHarness,
) -> None:
    case = RULE["aggregates"][0]
    harness = open_harness(replace(PARAMETERS, **case["rule"]))
    included = bitmap_of(tuple(Seat(each["seat"]) for each in case["members"]))
    with pytest.raises(Exception, match="rule: not 8 bytes for every included seat"):
        harness.ask("credited", included, bytes.fromhex(case["wire"])[:-1])
