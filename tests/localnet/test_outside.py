"""The same federation on a chain of others: the same head, and a node left as it was found."""

from __future__ import annotations

from contextlib import contextmanager
from time import time

import pytest
from nodes_lab import run_anvil
from runs_lab import run
from server_lab import serve

from chain.connect import open_endpoint
from chain.devnet.devnet import Devnet
from chain.errors import ChainError, NoFunds, NotDevelopment, OtherMiner
from chain.rpc import ask
from localnet.errors import ScenarioRefused
from localnet.network import Localnet
from localnet.scenario import Scenario

PEERS = 5
DIGITS = Scenario(peers=PEERS, rounds=3, learner="softmax", seed=3)
ATTACKED = Scenario(
    peers=7, rounds=3, learner="softmax", seed=4, byzantine=("2:sign_flip:10",), faults_bps=3000
)
LAPSING = Scenario(peers=PEERS, rounds=4, learner="softmax", seed=5, byzantine=("2:absent:1",))


@contextmanager
def run_served(*, scheme="http", accounts=2, clock=lambda: int(time())):
    with Devnet(accounts=accounts, clock=clock) as devnet, serve(devnet) as server:
        yield f"{scheme}://{server.host}"


NODES = {
    "served": run_served,
    "served, websocket": lambda: run_served(scheme="ws"),
    # A chain whose time lies before the simulation's beginning.
    "served, long ago": lambda: run_served(clock=lambda: 1_000_000),
    "anvil": run_anvil,
}


@pytest.fixture(scope="module")
def in_process():
    """Return the head in this process, once for every scenario."""
    known = {}

    def simulate(scenario):
        key = scenario.to_json()
        if key not in known:
            known[key] = run(scenario)
        return known[key]

    return simulate


@pytest.mark.parametrize(
    ("node", "scenario"),
    [
        ("served", DIGITS),
        ("anvil", ATTACKED),
        ("anvil", LAPSING),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                ("served", ATTACKED),
                ("served, websocket", DIGITS),
                ("served", LAPSING),
                ("served, long ago", DIGITS),
                ("anvil", DIGITS),
            )
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join((*each.byzantine, "digits")),
)
def test_run__on_a_node__gives_the_head_of_the_embedded_chain(in_process, node, scenario):
    with NODES[node]() as endpoint:
        ended, summary = run(scenario, endpoint=endpoint)
    ours, expected = in_process(scenario)
    assert summary.head == expected.head
    assert [r.model_root for r in ended] == [r.model_root for r in ours]
    assert [r.commits for r in ended] == [r.commits for r in ours]
    assert [r.is_agreed for r in ended] == [r.is_agreed for r in ours]
    assert (summary.rounds, summary.agreed) == (expected.rounds, expected.agreed)


@pytest.mark.slow
def test_run__twice_on_one_node__each_time_the_same_head(in_process):
    with run_served() as endpoint:
        heads = {run(DIGITS, endpoint=endpoint)[1].head for _ in range(2)}
    assert heads == {in_process(DIGITS)[1].head}


def ask_node(endpoint, method, *params):
    with open_endpoint(endpoint) as web3:
        return ask(web3, method, *params)


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("node", ["served", "anvil"])
def test_run__ended__the_node_mines_as_it_did(node, is_on):
    with NODES[node]() as endpoint:
        ask_node(endpoint, "evm_setAutomine", is_on)
        run(Scenario(peers=3, rounds=1, learner="softmax"), endpoint=endpoint)
        assert ask_node(endpoint, "hardhat_getAutomine") is is_on


def test_run__broken_off__the_node_mines_as_it_did():
    with run_served() as endpoint:
        with Localnet(DIGITS, endpoint=endpoint, cores=1) as net:
            next(net.run())
            assert ask_node(endpoint, "hardhat_getAutomine") is False
        assert ask_node(endpoint, "hardhat_getAutomine") is True


def test_run__anvil_that_mines_by_interval__goes_on_with_it(in_process):
    with run_anvil("--block-time", "3600") as endpoint:
        assert run(DIGITS, endpoint=endpoint)[1].head == in_process(DIGITS)[1].head
        assert ask_node(endpoint, "anvil_getIntervalMining") == 3600


def test_run__somebody_else_mines__is_told():
    with run_served() as endpoint, Localnet(DIGITS, endpoint=endpoint, cores=1) as net:
        going = net.run()
        next(going)
        for _ in range(2):
            ask_node(endpoint, "evm_mine")
        with pytest.raises(OtherMiner, match="expected nobody else to mine after block"):
            list(going)


class Limited:
    """A node that does not answer some methods."""

    def __init__(self, devnet, *refused):
        self._devnet = devnet
        self._refused = refused

    def __getattr__(self, name):
        return getattr(self._devnet, name)

    def handle(self, request):
        if request.get("method") in self._refused:
            error = {"code": -32601, "message": "the method is not available"}
            return {"jsonrpc": "2.0", "id": request.get("id"), "error": error}
        return self._devnet.handle(request)


@pytest.mark.parametrize("method", ["hardhat_getAutomine", "evm_setAutomine", "eth_accounts"])
def test_run__no_development_chain__is_one_line(method):
    with (
        Devnet(accounts=1, clock=lambda: 5) as devnet,
        serve(Limited(devnet, method)) as server,
        pytest.raises(NotDevelopment) as caught,
        Localnet(DIGITS, endpoint=f"http://{server.host}"),
    ):
        pass
    assert str(caught.value) == (
        f"chain: expected a development chain that answers {method}, "
        "got 'the method is not available'"
    )


def test_run__too_little_money__is_one_line():
    scenario = Scenario(peers=128, rounds=1, learner="softmax", partition="iid")
    with run_served(accounts=1) as endpoint:
        payer, *_ = ask_node(endpoint, "eth_accounts")
        spend = {"from": payer, "to": "0x" + "11" * 20, "value": hex(9000 * 10**18)}
        ask_node(endpoint, "eth_sendTransaction", spend)
        with pytest.raises(NoFunds) as caught, Localnet(scenario, endpoint=endpoint):
            pass
    assert isinstance(caught.value, ChainError)
    assert "\n" not in str(caught.value)


def test_localnet__endpoint_and_folder__refused(tmp_path):
    with pytest.raises(ScenarioRefused, match="a folder to keep it in, or an endpoint"):
        Localnet(DIGITS, directory=tmp_path, endpoint="http://127.0.0.1:1")
