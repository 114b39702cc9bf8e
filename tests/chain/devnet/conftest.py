"""Chains to test, and the contract they carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from devnet_lab import PROBE, Clock, Lab
from web3 import Web3

from chain.devnet.devnet import Devnet


@pytest.fixture(scope="session")
def probe() -> dict[str, Any]:
    """The probe's ABI and bytecode."""
    from vyper.compiler import compile_code

    output: dict[str, Any] = compile_code(PROBE, output_formats=["abi", "bytecode"])
    return output


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at START."""
    return Clock()


OpenLab = Callable[..., Lab]


@pytest.fixture
def open_lab(probe: dict[str, Any], clock: Clock) -> Iterator[OpenLab]:
    """Open chains; all are closed at the end of the test."""
    opened: list[Devnet] = []

    def open_one(directory: Path | None = None, **options: Any) -> Lab:
        devnet = Devnet(directory=directory, clock=clock, **{"accounts": 4, **options})
        opened.append(devnet)
        return Lab(devnet, Web3(devnet.provider), probe["abi"], probe["bytecode"])

    yield open_one
    for devnet in opened:
        devnet.close()


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """A chain in memory."""
    return open_lab()
