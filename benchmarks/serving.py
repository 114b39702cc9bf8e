"""The embedded chain as a server: mined transactions a second, logs, start-up, memory.

Four processes send signed transactions of a commitment's size over HTTP, each the next one when the
last is acknowledged; beside anvil in the same run where HOLDFAST_ANVIL names its binary. Signing is
done beforehand.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

from benchmarks.table import print_table
from chain.devnet.accounts import derive_accounts

CLIENTS = 4
TRANSACTIONS = 500
"""Of each client; each leaves one log."""
TURNS = 5
PAUSE_SECONDS = 0.01
PATIENCE = 20
"""Pauses without a block before a node is told to mine."""
GIVE_UP = 10 * PATIENCE + PATIENCE // 2
RUNTIME = (
    "6020355f3555"  # storage[word 0] = word 1: a slot never used before
    "6020353355"  # storage[caller] = word 1: one used before
    "60a05f5f37"  # memory[0:160] = calldata
    "3360a05fa1"  # log 160 bytes under the caller
    "00"
)
CREATION = f"60{len(RUNTIME) // 2:02x}600c60003960{len(RUNTIME) // 2:02x}6000f3{RUNTIME}"
CHAIN_ID = 31337


@dataclass(frozen=True)
class Node:
    """A running node."""

    name: str
    host: str
    pid: int
    start_seconds: float


class Client:
    """JSON-RPC over one HTTP connection that stays open."""

    def __init__(self, host: str) -> None:
        self._connection = http.client.HTTPConnection(host)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, *params: object) -> Any:
        """Return the result; raises SystemExit for an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = json.loads(self.post(body.encode()))
        if "error" in answer:
            raise SystemExit(f"benchmarks: {method}: {answer['error']}")
        return answer["result"]

    def post(self, body: bytes) -> bytes:
        """Return the answer to a body."""
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()


@contextmanager
def run_holdfast(directory: Path) -> Iterator[Node]:
    """Serve an embedded chain kept in a directory."""
    command = [sys.executable, "-c", "from cli.chain import app; app()", "serve"]
    command += ["--port", "0", "--dir", str(directory), "--json"]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            host = json.loads(process.stdout.readline())["url"].removeprefix("http://")
            yield Node("holdfast chain serve", host, process.pid, perf_counter() - started)
        finally:
            process.terminate()


@contextmanager
def run_anvil(binary: str) -> Iterator[Node]:
    """Run anvil; as it comes, it keeps its chain in memory."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--port", str(port), "--silent"]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_open(port)
            yield Node("anvil", f"127.0.0.1:{port}", process.pid, perf_counter() - started)
        finally:
            process.terminate()


def measure(node: Node) -> list[str]:
    """Return a row."""
    with closing(Client(node.host)) as client:
        contract = deploy(client)
        with start_clients(node.host, contract) as clients:
            began = perf_counter()
            for pipe in clients:
                pipe.send("go")
            waits = [wait for pipe in clients for wait in pipe.recv()]
            acknowledged = perf_counter() - began
            mined, ended, pushes = wait_until_mined(client)
        blocks = int(client.ask("eth_blockNumber"), 16)
        logs_seconds = measure_logs(client, contract, mined)
    return [
        node.name,
        f"{CLIENTS * TRANSACTIONS / acknowledged:.0f}",
        f"{mined / (ended - began):.0f}",
        f"{mined / blocks:.1f}",
        str(CLIENTS * TRANSACTIONS - mined),
        str(pushes),
        f"{1000 * median(waits):.0f}",
        f"{logs_seconds:.3f}",
        f"{node.start_seconds:.2f}",
        f"{_high_water_mark_kib(node.pid) / 1024:.0f}",
    ]


def wait_until_mined(client: Client) -> tuple[int, float, int]:
    """Return how many transactions were mined, when the last was, and how often it took a push.

    Under load anvil acknowledges transactions and then leaves them in its pool until it is told to
    mine, or loses one, and with it all that its sender sent afterwards.
    """
    addresses = [account.address for account in derive_accounts(CLIENTS)]
    pushes, idle, mined, at = 0, 0, 0, perf_counter()
    while mined < CLIENTS * TRANSACTIONS and idle < GIVE_UP:
        counts = [client.ask("eth_getTransactionCount", each, "latest") for each in addresses]
        found = sum(int(count, 16) for count in counts) - 1  # the deployment
        if found > mined:
            idle, mined, at = 0, found, perf_counter()
            continue
        idle += 1
        if idle % PATIENCE == 0:
            client.ask("evm_mine")
            pushes += 1
        sleep(PAUSE_SECONDS)
    return mined, at, pushes


def deploy(client: Client) -> str:
    """Return the address of a contract that stores two words and logs five."""
    raw = sign(derive_accounts(1)[0], {"nonce": 0, "data": CREATION, "gas": 200_000})
    sent = client.ask("eth_sendRawTransaction", raw)
    while (receipt := client.ask("eth_getTransactionReceipt", sent)) is None:
        sleep(0.01)
    return str(receipt["contractAddress"])


@contextmanager
def start_clients(host: str, contract: str) -> Iterator[Sequence[Connection]]:
    """Start the clients, wait until all have signed, and yield a pipe to each."""
    context = get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for index in range(CLIENTS):
            ours, theirs = context.Pipe()
            process = context.Process(target=send_all, args=(theirs, host, contract, index))
            process.start()
            theirs.close()  # so that a client that fails is heard of
            stack.callback(process.join)
            pipes.append(ours)
        for pipe in pipes:
            pipe.recv()
        yield pipes


def send_all(pipe: "Connection[Any, Any]", host: str, contract: str, index: int) -> None:
    """Sign, wait for the word, send one by one; give back how long each took to be acknowledged."""
    account = derive_accounts(CLIENTS)[index]
    bodies = []
    for number in range(TRANSACTIONS):
        data = (index << 64 | number).to_bytes(32, "big") + b"\xff" * 128
        nonce = number + (index == 0)
        raw = sign(account, {"nonce": nonce, "to": contract, "data": data, "gas": 100_000})
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
        bodies.append(json.dumps(request).encode())
    with closing(Client(host)) as client:
        pipe.send("ready")
        pipe.recv()
        waits = []
        for body in bodies:
            began = perf_counter()
            answer = client.post(body)
            waits.append(perf_counter() - began)
            if b'"error"' in answer:
                raise SystemExit(f"benchmarks: {answer.decode()}")
    pipe.send(waits)


def sign(account: Any, fields: dict[str, Any]) -> str:
    """Return a signed transaction that pays whatever the base fee rises to."""
    to = fields.get("to")
    target = {} if to is None else {"to": bytes.fromhex(to.removeprefix("0x"))}
    signed = account.sign_transaction(
        {
            "value": 0,
            "chainId": CHAIN_ID,
            "maxFeePerGas": 10**12,
            "maxPriorityFeePerGas": 10**9,
            **fields,
            **target,
        }
    )
    return f"0x{bytes(signed.raw_transaction).hex()}"


def measure_logs(client: Client, contract: str, count: int) -> float:
    """Return the seconds that all logs take, at the median; there must be one per transaction."""
    wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": contract}
    seconds = []
    for _ in range(TURNS):
        began = perf_counter()
        logs = client.ask("eth_getLogs", wanted)
        seconds.append(perf_counter() - began)
        if len(logs) != count:
            raise SystemExit(f"benchmarks: expected {count} logs, got {len(logs)}")
    return median(seconds)


def main() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as directory, run_holdfast(Path(directory)) as node:
        rows.append(measure(node))
    anvil = os.environ.get("HOLDFAST_ANVIL")
    if anvil:
        with run_anvil(anvil) as node:
            rows.append(measure(node))
    else:
        print("anvil left out: HOLDFAST_ANVIL is not set")
    rows.append(["bar", "", ">= 200", "", "0", "0", "", "<= 0.3", "<= 3", "<= 150"])
    print_table(
        f"{CLIENTS} clients, {TRANSACTIONS} transactions each, over HTTP",
        [
            "node",
            "acknowledged/s",
            "mined/s",
            "per block",
            "lost",
            "pushes",
            "after (ms)",
            f"{CLIENTS * TRANSACTIONS} logs (s)",
            "start (s)",
            "memory (MB)",
        ],
        rows,
    )


def _wait_until_open(port: int) -> None:
    while True:
        try:
            with closing(Client(f"127.0.0.1:{port}")) as client:
                client.ask("eth_chainId")
            return
        except ConnectionRefusedError:
            sleep(0.005)


def _high_water_mark_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
