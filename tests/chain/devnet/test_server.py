"""HTTP and WebSocket: every message is answered, and nobody gets more than the limits say."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from server_lab import WAIT_SECONDS, Socket, Ticks, request, serve
from web3 import Web3
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chain.devnet.errors import CannotListen
from chain.devnet.limits import Limits, LogLimits
from chain.devnet.server import Server

LIMITS = Limits(
    body_bytes=4096,
    batch=5,
    answer_bytes=8000,
    connections=4,
    subscriptions=3,
    in_flight=2,
    unread_bytes=20_000,
    idle_seconds=60,
)


@pytest.fixture
def served(lab):
    with serve(lab.devnet) as running:
        yield running


@pytest.fixture
def limited(open_lab):
    with serve(open_lab(limits=LogLimits(blocks=3, logs=2, data_bytes=100)).devnet, LIMITS) as it:
        yield it


def codes(answers) -> list[int | None]:
    return [answer.get("error", {}).get("code") for answer in answers]


def test_http__web3__works_as_in_process(lab, served) -> None:
    w3 = Web3(Web3.HTTPProvider(f"http://{served.host}"))
    account, other = lab.devnet.accounts[:2]
    sent = w3.eth.send_raw_transaction(lab.sign(account, to=other.address))
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert (receipt["status"], receipt["blockNumber"]) == (1, 1)
    assert receipt == lab.w3.eth.get_transaction_receipt(sent)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", -32700),
        ("{", -32700),
        (b"\xff\x00\x01", -32700),
        ("[" * 50_000, -32700),
        ("[]", -32600),
        ("{}", -32600),
        ("7", -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "eth_chainId"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
        (request("eth_nothing"), -32601),
        (request("eth_subscribe", "newHeads"), -32601),
        (request("eth_chainId", 1), -32602),
        (request("eth_getBalance", "0x" + "ab" * 5000), -32602),
    ],
)
def test_http__malformed__is_its_error(served, body, code) -> None:
    status, answer = served.post(body)
    assert status == 200
    assert json.loads(answer)["error"]["code"] == code
    assert len(answer) < 500


def test_http__batch__answers_each_in_order_but_notifications(served) -> None:
    notification = {"jsonrpc": "2.0", "method": "evm_mine"}
    batch = [request("eth_chainId", number=3), 5, notification, request("eth_blockNumber")]
    first, second, third = served.answer(batch)
    assert (first["id"], first["result"]) == (3, "0x7a69")
    assert second["error"]["code"] == -32600
    assert third["result"] == "0x1"
    assert served.post(notification) == (204, b"")
    assert served.post([notification]) == (204, b"")
    assert served.ask("eth_blockNumber") == "0x3"


def test_http__batch_of_transactions__is_one_block_that_the_rest_sees(lab, served) -> None:
    account, other = lab.devnet.accounts[:2]
    raws = [lab.sign(account, nonce=nonce, to=other.address) for nonce in range(3)]
    sent = [request("eth_sendRawTransaction", raw) for raw in raws]
    answers = served.answer([*sent, request("eth_blockNumber"), *sent[:1], request("eth_chainId")])
    assert [answer.get("result") for answer in answers[3:]] == ["0x1", None, "0x7a69"]
    assert "nonce too low" in answers[4]["error"]["message"]
    for answer in answers[:3]:
        receipt = served.ask("eth_getTransactionReceipt", answer["result"])
        assert receipt["blockNumber"] == "0x1"


def test_http__batch_that_funds_and_spends__works_in_order(lab, served) -> None:
    from eth_account import Account

    poor = Account.create()
    fund = lab.sign(lab.devnet.accounts[0], to=poor.address, value=10**18)
    spend = lab.sign(poor, nonce=0, to=lab.devnet.accounts[1].address)
    answers = served.answer([request("eth_sendRawTransaction", raw) for raw in (fund, spend)])
    assert codes(answers) == [None, None]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", {}, 405), ("PUT", {}, 405), ("POST", {"Content-Encoding": "gzip"}, 415)],
)
def test_http__not_a_plain_post__is_refused_in_json(served, method, headers, status) -> None:
    with closing(http.client.HTTPConnection(served.host, timeout=WAIT_SECONDS)) as connection:
        connection.request(method, "/", b"{}", headers)
        response = connection.getresponse()
        assert response.status == status
        assert json.loads(response.read())["error"]["code"] == -32600


def test_http__no_http__is_refused_in_json(served) -> None:
    host, port = served.host.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)) as raw:
        raw.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["code"] == -32600


def test_limits__body_batch_and_answer__are_kept(limited) -> None:
    status, answer = limited.post(b"[" + b" " * 4096)
    assert (status, json.loads(answer)["error"]["code"]) == (413, -32005)
    assert limited.answer([request("eth_chainId")] * 6)["error"]["code"] == -32005
    block = request("eth_getBlockByNumber", "0x0")
    # A block is nearly 2 kB, most of it bloom.
    answers = limited.answer(
        [request("eth_feeHistory", "0x400", "latest", [0] * 100)] + [block] * 4
    )
    assert codes(answers) == [None] * 5
    full = [request("eth_getLogs", {"topics": [["0x" + "11" * 32]]})] + [block] * 4
    assert codes(limited.answer(full)) == [None] * 5


def test_limits__answers_of_a_batch__end_where_they_are_too_large(open_lab) -> None:
    with serve(open_lab().devnet, Limits(answer_bytes=2000)) as served:
        answers = served.answer([request("eth_getBlockByNumber", "0x0")] * 4)
    assert codes(answers) == [None, None, -32005, -32005]


def test_limits__logs__range_count_and_bytes(open_lab) -> None:
    lab = open_lab(limits=LogLimits(blocks=5, logs=2, data_bytes=100))
    contract = lab.deploy()
    for _ in range(3):
        lab.call_method(contract, lab.devnet.accounts[0], "note", 1, bytes(32))
    assert len(lab.rpc("eth_getLogs", {"fromBlock": "0x3", "toBlock": "0xffff"})) == 2
    for first, what in (("0x2", "2 logs"), ("0x1", "2 logs")):
        error = lab.ask("eth_getLogs", {"fromBlock": first, "toBlock": "0x5"})["error"]
        assert error["code"] == -32005
        assert what in error["message"]
    lab.rpc("evm_mine", {"blocks": 3})
    error = lab.ask("eth_getLogs", {"fromBlock": "0x1"})["error"]
    assert "5 blocks in the range" in error["message"]


def test_limits__connections__one_too_many_is_told_and_closed(limited) -> None:
    with limited.open_socket() as first, limited.open_socket(), limited.open_socket():
        with limited.open_socket():
            status, answer = limited.post(request("eth_chainId"))
            assert (status, json.loads(answer)["error"]["code"]) == (503, -32005)
        assert first.ask("eth_chainId") == "0x7a69"


def test_limits__subscriptions_of_a_socket__are_kept(limited) -> None:
    with limited.open_socket() as one:
        names = [one.ask("eth_subscribe", "newHeads") for _ in range(3)]
        one.send(request("eth_subscribe", "logs", {}))
        assert one.receive()["error"]["code"] == -32005
        assert one.ask("eth_unsubscribe", names[0]) is True
        one.ask("eth_subscribe", "logs", {})


def test_limits__message_of_a_socket__closes_it(limited) -> None:
    with connect(f"ws://{limited.host}") as one:
        one.send(b"[" + b" " * 4096)
        with pytest.raises(ConnectionClosed) as caught:
            one.recv(timeout=WAIT_SECONDS)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009
    assert limited.ask("eth_chainId") == "0x7a69"


@pytest.mark.slow
def test_limits__client_that_does_not_read__is_let_go(limited) -> None:
    host, port = limited.host.split(":")
    with limited.open_socket() as reader:
        reader.ask("eth_subscribe", "newHeads")
        with closing(socket.socket()) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            deaf.sendall(UPGRADE + frame(json.dumps(request("eth_subscribe", "newHeads"))))
            assert any(is_gone_after_ten_blocks(deaf, reader) for _ in range(400))
        assert reader.ask("eth_chainId") == "0x7a69"


def is_gone_after_ten_blocks(deaf: socket.socket, reader: Socket) -> bool:
    # Ten heads fit into what may be unread, and the reader reads them.
    reader.send(request("evm_mine", {"blocks": 10}))
    assert sum("method" in reader.receive() for _ in range(11)) == 10
    try:
        deaf.sendall(frame("7"))
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(text: str) -> bytes:
    """A masked text frame of less than 126 bytes, the mask being zero."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


def test_socket__new_heads__come_after_the_answer_and_in_order(lab, served) -> None:
    with served.open_socket() as one:
        name = one.ask("eth_subscribe", "newHeads")
        for number in range(1, 4):
            served.ask("evm_mine")
            told = one.receive()
            assert told["method"] == "eth_subscription"
            assert told["params"]["subscription"] == name
            head = told["params"]["result"]
            assert head["number"] == hex(number)
            block = lab.rpc("eth_getBlockByNumber", hex(number))
            assert {key: block[key] for key in head} == head
        assert one.ask("eth_unsubscribe", name) is True
        assert one.ask("eth_unsubscribe", name) is False
        served.ask("evm_mine")
        assert one.ask("eth_blockNumber") == "0x4"


def test_socket__logs__are_those_that_the_filter_admits(lab, served) -> None:
    contract = lab.deploy()
    topic = "0x" + (2).to_bytes(32, "big").hex()
    with served.open_socket() as one, served.open_socket() as two:
        one.ask("eth_subscribe", "logs", {"address": contract.address, "topics": [None, topic]})
        two.ask("eth_subscribe", "logs")
        for key in (1, 2):
            data = contract.encode_abi("note", [key, bytes(32)])
            raw = lab.sign(
                lab.devnet.accounts[0], to=contract.address, data=data, value=0, gas=300_000
            )
            served.ask("eth_sendRawTransaction", raw)
        told = [one.receive(), two.receive(), two.receive()]
        found = lab.rpc("eth_getLogs", {"fromBlock": "0x0"})
        assert [each["params"]["result"] for each in told] == [found[1], *found]


def test_socket__after_a_revert__hears_of_the_next_block(served) -> None:
    with served.open_socket() as one:
        one.ask("eth_subscribe", "newHeads")
        snapshot = one.ask("evm_snapshot")
        for _ in range(2):
            served.ask("evm_mine")
            number = one.receive()["params"]["result"]["number"]
            assert number == "0x1"
            assert one.ask("evm_revert", snapshot) is True
            snapshot = one.ask("evm_snapshot")


def test_socket__bad_subscription__is_32602(served) -> None:
    with served.open_socket() as one:
        for params in (["syncing"], ["logs", 5], ["logs", {"address": "0x1"}], [], [{}]):
            one.send(request("eth_subscribe", *params))
            assert one.receive()["error"]["code"] == -32602
        one.send("{")
        assert one.receive()["error"]["code"] == -32700


def test_socket__many_requests_at_once__answers_in_order(served) -> None:
    with served.open_socket() as one:
        for number in range(100):
            one.send(request("eth_chainId", number=number))
        assert [one.receive()["id"] for _ in range(100)] == list(range(100))


def test_senders__many_at_once__share_blocks_and_each_is_mined(open_lab) -> None:
    lab = open_lab(accounts=8)
    accounts = lab.devnet.accounts
    raws = [[lab.sign(account, nonce=nonce) for nonce in range(10)] for account in accounts]
    with serve(lab.devnet) as served, ThreadPoolExecutor(len(accounts)) as pool:

        def send(row: list[str]) -> list[str]:
            hashes = []
            for raw in row:
                hashes.append(served.ask("eth_sendRawTransaction", raw))
                # An answered transaction is mined.
                assert served.ask("eth_getTransactionReceipt", hashes[-1])["status"] == "0x1"
            return hashes

        sent = [each for row in pool.map(send, raws) for each in row]
    assert len(set(sent)) == 80
    assert lab.w3.eth.block_number < 80


def test_ticks__automine_off__mine_what_waits(lab) -> None:
    ticks = Ticks()
    with serve(lab.devnet, ticks=ticks) as served, served.open_socket() as one:
        one.ask("eth_subscribe", "newHeads")
        raw = lab.sign(lab.devnet.accounts[0])
        sent = served.ask("eth_sendRawTransaction", raw)
        assert served.ask("eth_getTransactionReceipt", sent) is None
        ticks.tick()
        assert one.receive()["params"]["result"]["number"] == "0x1"
        assert served.ask("eth_getTransactionReceipt", sent)["blockNumber"] == "0x1"
        ticks.tick()
        assert one.receive()["params"]["result"]["number"] == "0x2"


def test_stop__requests_under_way__are_answered_and_sockets_told(lab) -> None:
    with ExitStack() as opened:
        with serve(lab.devnet) as served:
            one = opened.enter_context(served.open_socket())
            for number in range(5):
                one.send(request("evm_mine", number=number))
            assert one.receive()["id"] == 0
        # The server is gone; what it said last is still there to read.
        answers = [json.loads(text)["id"] for text in one.connection]
        assert one.connection.close_code == 1001
    assert answers == list(range(1, len(answers) + 1))
    # What was answered is mined; what was not read before the stop is neither.
    assert lab.w3.eth.block_number == len(answers) + 1
    with pytest.raises(ConnectionRefusedError):
        served.post(request("eth_chainId"))


def test_listen__port_that_is_taken__is_one_error(lab) -> None:
    import asyncio

    async def listen(port: int) -> None:
        async with Server(lab.devnet, port=port):
            raise AssertionError("it should not have listened")

    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotListen, match="expected a free port, got"):
            asyncio.run(listen(taken.getsockname()[1]))
