"""The same federation through a folder and through a node's endpoint."""

import json
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from chain.connect import connect_devnet, open_kept_chain
from chain.devnet.devnet import Devnet
from chain.federation import Federation
from chain.sender import Sender
from localnet import kept as layout


class Endpoint:
    """A JSON-RPC server over a kept chain; `refuses` are methods that it has no answer to."""

    def __init__(self, chain, refuses=()):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = chain.handle(request)
                if request["method"] in refuses:
                    error = {"code": -32000, "message": "missing trie node"}
                    answer = {"jsonrpc": "2.0", "id": request["id"], "error": error}
                content = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve(kept):
    run = layout.read_run(kept)
    with ExitStack() as stack:
        chain = stack.enter_context(
            open_kept_chain(layout.chain_path(kept), chain_id=run.chain_id, accounts=run.accounts)
        )

        def start(*refuses):
            endpoint = stack.enter_context(Endpoint(chain, refuses))
            return ("--rpc", endpoint.url, "--contract", run.address)

        yield start


def test_show__through_an_endpoint__says_what_the_folder_says(holdfast, kept, serve):
    far = holdfast("federation", "show", *serve(), "--json")
    near = holdfast("federation", "show", "--dir", str(kept), "--json")
    assert (far.code, far.err) == (0, "")
    # The phase follows from the time, which stands still in a kept run.
    assert {**far.summary, "phase": ""} == {**near.summary, "phase": ""}
    assert far.summary["head"]["height"] == 2
    assert [seat["seat"] for seat in far.summary["seats"]] == [0, 1, 2, 3]


def test_show__for_people__has_head_and_seats(holdfast, kept):
    outcome = holdfast("federation", "show", "--dir", str(kept))
    assert (outcome.code, outcome.err) == (0, "")
    assert "breast_cancer, 4 peers" in outcome.out
    assert "height 2, agreed in round 2" in outcome.out
    assert outcome.out.count("1 ether") == 4
    for name in (
        "retire_seconds    3600",
        "max_missed        10",
        f"admission         0x{'00' * 32}",
    ):
        assert name in outcome.out


def test_show__a_watched_seat__is_told(holdfast, kept):
    run = layout.read_run(kept)
    before = holdfast("federation", "show", "--dir", str(kept))
    assert "watched" not in before.out
    path, late = layout.chain_path(kept), 4 * 10**9
    with Devnet(directory=path, accounts=run.accounts, clock=lambda: late) as devnet:
        web3 = connect_devnet(devnet)
        sender = Sender(web3, devnet.accounts[0], is_gas_free=True)
        sender.send(Federation(web3, run.address).call("retire", 2))
    outcome = holdfast("federation", "show", "--dir", str(kept))
    assert outcome.out.count("from round 1, watched") == 1
    shown = holdfast("federation", "show", "--dir", str(kept), "--json").summary["seats"]
    assert [seat["watched_since"] is not None for seat in shown] == [False, False, True, False]
    assert not any(seat["is_retired"] for seat in shown)


def test_watch__once__tells_all_from_the_creation_on(holdfast, kept, serve):
    far = holdfast("watch", *serve(), "--once", "--json")
    near = holdfast("watch", "--dir", str(kept), "--once", "--json")
    assert far.lines == near.lines
    names = [line["event"] for line in near.lines]
    assert names[:5] == ["Created", "Joined", "Joined", "Joined", "Joined"]
    assert names.count("Agreed") == 2
    places = [(line["block"], line["index"]) for line in near.lines]
    assert places == sorted(places)
    agreed = next(line for line in near.lines if line["event"] == "Agreed")
    told = {"round", "key", "height", "share_wei"}
    assert set(agreed) == {"event", "block", "index", "timestamp"} | told
    assert len(agreed["key"]) == len("0x") + 64


def test_watch__between_two_blocks__leaves_out_the_rest(holdfast, kept):
    watch = ("watch", "--dir", str(kept), "--json")
    every = holdfast(*watch, "--once").lines
    some = holdfast(*watch, "--from", "3", "--until-block", "7").lines
    assert some == [line for line in every if 3 <= line["block"] <= 7]
    assert some


def test_watch__for_people__is_a_line_per_event(holdfast, kept):
    watch = ("watch", "--dir", str(kept), "--once")
    lines = holdfast(*watch).out.splitlines()
    assert len(lines) == len(holdfast(*watch, "--json").lines)
    assert "Created      spec of" in lines[0]
    assert any("Agreed       round 1  key 0x" in line and "height 1" in line for line in lines)


def test_audit__through_an_endpoint__needs_blobs(holdfast, kept, serve):
    source = serve()
    outcome = holdfast("audit", *source)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected a folder of them beside the endpoint" in outcome.err
    outcome = holdfast("audit", *source, "--blobs", str(kept / "blobs"))
    assert (outcome.code, outcome.err) == (0, "")
    outcome = holdfast("audit", *source, "--blobs", str(kept / "nowhere"))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert not (kept / "nowhere").exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [("0x" + "00" * 19 + "ff", "got no code there"), ("0x12", "got no address")],
)
def test_show__a_wrong_contract_address__is_one_line(holdfast, serve, address, said):
    outcome = holdfast("federation", "show", *serve()[:3], address)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert said in outcome.err


def test_show__a_node_without_old_state__is_one_line(holdfast, serve):
    outcome = holdfast("federation", "show", *serve("eth_getCode"))
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "missing trie node" in outcome.err


def test_show__nobody_at_the_endpoint__is_one_line(holdfast):
    outcome = holdfast("federation", "show", "--rpc", "http://127.0.0.1:1", "--contract", "0x12")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected a node at http://127.0.0.1:1" in outcome.err


def test_run__on_a_node_that_lets_nobody_mine__is_one_line(holdfast, small, serve):
    outcome = holdfast(*small, *serve()[:2])
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "expected a development chain that answers evm_setAutomine" in outcome.err
