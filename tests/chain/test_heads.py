"""A node's word of new blocks, from real nodes; and what comes of a node that gives none."""

import queue
import socket
import threading

import node_lab
import pytest

from chain.heads import HeadListener, find_socket

WAIT_SECONDS = 30


@pytest.mark.parametrize("node", ["served", "anvil"])
def test_listener__a_block_comes__rings_at_once(node):
    rung = queue.SimpleQueue()
    with node_lab.NODES[node]() as lab, HeadListener(lab.url, lambda: rung.put(None)):
        rung.get(timeout=WAIT_SECONDS)  # the answer to the subscription
        for _ in range(3):
            assert rung.empty()
            lab.mine()
            rung.get(timeout=WAIT_SECONDS)


def test_listener__the_node_goes_away_and_another_comes__harms_nobody(monkeypatch):
    monkeypatch.setattr("chain.heads.SHORTEST_PAUSE_SECONDS", 0.01)
    accepted = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up_twice():
            for _ in range(2):
                server.accept()[0].close()
                accepted.put(None)

        thread = threading.Thread(target=hang_up_twice)
        thread.start()
        with HeadListener(f"http://127.0.0.1:{server.getsockname()[1]}", pytest.fail):
            for _ in range(2):
                accepted.get(timeout=WAIT_SECONDS)
        thread.join()


def test_listener__nobody_there__ends_with_its_context():
    with HeadListener("http://127.0.0.1:1", pytest.fail):
        pass
    assert "heads" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("https://node.example/key?a=1", "wss://node.example/key?a=1"),
        ("ws://h:1/x", "ws://h:1/x"),
        ("wss://h", "wss://h"),
        ("/run/node.ipc", None),
        ("ipc:///run/node.ipc", None),
    ],
)
def test_find_socket__an_endpoint__is_where_its_heads_may_be_told(endpoint, expected):
    assert find_socket(endpoint) == expected
