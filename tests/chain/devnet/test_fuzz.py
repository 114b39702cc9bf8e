"""Whatever comes, the server answers in JSON-RPC, goes on, and does not grow."""

from __future__ import annotations

import json
import random
import socket
import struct
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server_lab import WAIT_SECONDS, Served, request, serve

from chain.devnet.limits import Limits, LogLimits

METHODS = (
    *("web3_clientVersion", "net_version", "eth_chainId", "eth_syncing", "eth_accounts"),
    *("eth_getTransactionCount", "eth_getBalance", "eth_getCode", "eth_getStorageAt", "eth_call"),
    *("eth_estimateGas", "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_blockNumber"),
    *("eth_getBlockByNumber", "eth_getBlockByHash", "eth_getTransactionByHash", "eth_feeHistory"),
    *("eth_getTransactionReceipt", "eth_getLogs", "eth_sendRawTransaction", "eth_sendTransaction"),
    *("evm_setAutomine", "evm_mine", "evm_setNextBlockTimestamp", "evm_increaseTime"),
    *("evm_snapshot", "evm_revert", "eth_subscribe", "eth_unsubscribe", "eth_nothing", ""),
)
FIELDS = (
    *("from", "to", "value", "gas", "data", "input", "nonce", "gasPrice", "maxFeePerGas"),
    *("maxPriorityFeePerGas", "chainId", "accessList", "address", "topics", "fromBlock"),
    *("toBlock", "blockHash", "storageKeys", "blocks", "timestamp", "blockNumber"),
)
DEVELOPMENT_ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


class Dice:
    """Malformed requests, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def make_body(self) -> bytes:
        """Return one body: mostly requests with something wrong, else no request at all."""
        kind = self._random.randrange(20)
        if kind == 0:
            return self._random.randbytes(self._random.randrange(300))
        if kind == 1:
            deep = self._random.choice(("[", '{"a":', '[{"":')) * self._random.randrange(1, 30_000)
            return deep.encode()
        if kind == 2:
            return b'{"jsonrpc":"2.0","method":"eth_getBalance","id":' + b"9" * 6000 + b"}"
        if kind == 3:
            batch = [self._make_request() for _ in range(self._random.randrange(6))]
            return json.dumps(batch).encode()
        body = bytearray(json.dumps(self._make_request()).encode())
        if kind < 8 and body:
            for _ in range(self._random.randrange(1, 4)):
                body[self._random.randrange(len(body))] = self._random.randrange(256)
        if kind == 8:
            del body[self._random.randrange(len(body)) :]
        return bytes(body)

    def _make_request(self) -> object:
        whole: dict[str, object] = request(self._random.choice(METHODS), number=self._make_id())
        whole["params"] = [self.make_value(3) for _ in range(self._random.randrange(4))]
        for name in ("jsonrpc", "method", "params", "id"):
            roll = self._random.randrange(40)
            if roll == 0:
                del whole[name]
            elif roll == 1:
                whole[name] = self.make_value(3)
        return whole if self._random.randrange(30) else self.make_value(3)

    def _make_id(self) -> object:
        return self._random.choice((1, "a", None, -7, 1.5, "\ud800", 10**30))

    def make_value(self, depth: int) -> Any:
        """Return a value that some method may take, or nearly."""
        dice = self._random
        roll = dice.randrange(16 if depth else 12)
        if roll < 2:
            return dice.choice(
                (None, True, False, -1, 0, 2**64, 2**256, 1.5, -0.0, 1e300, 10**4000)
            )
        if roll < 4:
            return dice.choice(("latest", "pending", "earliest", "newHeads", "logs", "", "0x"))
        if roll < 6:
            return hex(dice.choice((0, 1, 21_000, 10**6, 2**63, 2**64, 2**255, 2**256)))
        if roll < 8:
            return f"0x{dice.randbytes(dice.choice((1, 19, 20, 31, 32, 33, 200))).hex()}"
        if roll == 8:
            return DEVELOPMENT_ACCOUNT
        if roll < 12:
            return "".join(map(chr, dice.choices(range(1, 0x2FF), k=dice.randrange(40))))
        if roll < 14:
            return [self.make_value(depth - 1) for _ in range(dice.randrange(5))]
        names = dice.choices(FIELDS, k=dice.randrange(6))
        return {name: self.make_value(depth - 1) for name in names}


def check_answer(status: int, body: bytes) -> None:
    """An answer is JSON-RPC, never an internal error; a notification has none."""
    if status == 204:
        assert body == b""
        return
    answers = json.loads(body)
    for answer in answers if isinstance(answers, list) else [answers]:
        assert answer["jsonrpc"] == "2.0"
        assert ("result" in answer) != ("error" in answer)
        if "error" in answer:
            assert answer["error"]["code"] != -32603, answer
            assert isinstance(answer["error"]["message"], str)


LIMITS = Limits(idle_seconds=300, logs=LogLimits(blocks=1000))


@pytest.fixture
def served(lab):
    with serve(lab.devnet, LIMITS) as running:
        yield running


def read_rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(row.split()[1]) for row in status.splitlines() if row[:6] == "VmRSS:") / 1024


def post_many(served: Served, dice: Dice, count: int) -> None:
    with closing(HTTPConnection(served.host, timeout=WAIT_SECONDS)) as connection:
        for _ in range(count):
            connection.request("POST", "/", dice.make_body())
            response = connection.getresponse()
            check_answer(response.status, response.read())


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_http__malformed_requests__are_each_answered_and_leave_no_trace(served, count) -> None:
    dice = Dice(count)
    post_many(served, dice, count // 3)
    before = read_rss_mib()
    post_many(served, dice, count - count // 3)
    # The client is in this process too; a leak of a kilobyte a request would show.
    assert read_rss_mib() - before < 20 + count / 2000
    assert served.ask("eth_chainId") == "0x7a69"


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_socket__malformed_requests__are_each_answered(served, count) -> None:
    dice = Dice(count)
    sent = 0
    with served.open_socket() as one:
        while sent < count:
            body = dice.make_body()
            one.send(body)
            one.send(request("eth_chainId", number="end"))
            sent += 1
            while (answer := one.receive()) != {"jsonrpc": "2.0", "id": "end", "result": "0x7a69"}:
                assert "error" not in answer or answer["error"]["code"] != -32603
    assert served.ask("eth_chainId") == "0x7a69"


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("count", [200, pytest.param(5_000, marks=pytest.mark.slow)])
def test_connections__half_open_and_garbled__are_let_go(served, count) -> None:
    dice = random.Random(count)
    host, port = served.host.split(":")
    for _ in range(count):
        with closing(socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)) as raw:
            opening = dice.choice(
                (HANDSHAKE, b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n", b"")
            )
            raw.sendall(
                opening[: dice.randrange(len(opening) + 1)] if dice.random() < 0.5 else opening
            )
            raw.sendall(dice.randbytes(dice.randrange(40)))
            if dice.random() < 0.3:
                # Not a farewell but a reset.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert served.ask("eth_chainId") == "0x7a69"
    with served.open_socket() as one:
        assert one.ask("eth_chainId") == "0x7a69"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(METHODS), st.lists(JSON, max_size=4))
def test_handle__any_method_with_any_parameters__is_a_result_or_its_own_error(
    lab, method, params
) -> None:
    answer = lab.devnet.handle({"id": 1, "method": method, "params": params})
    assert ("result" in answer) != ("error" in answer)
    json.dumps(answer, allow_nan=False)
