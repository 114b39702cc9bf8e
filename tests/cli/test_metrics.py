"""What Prometheus reads of a peer at work: a real process, asked over HTTP."""

import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest
from consortium_lab import WAIT_SECONDS, await_lines, free_port, join_two, stop
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def pair(consortium):
    join_two(consortium)
    return consortium


def read_metrics(port):
    """Return every sample by name and labels, and the kinds of metric by name."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_SECONDS) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
    return samples, {family.name: family.type for family in families}


@pytest.mark.slow
def test_metrics__two_rounds_of_two_peers__are_what_the_chain_and_the_exchange_saw(pair):
    port = free_port()
    first = pair.run("a", 10**6, "--metrics", f"127.0.0.1:{port}")
    second = pair.run("b", 10**6)
    await_lines(first, "act=fetched", 3)  # in the third round, so two are agreed
    samples, kinds = read_metrics(port)
    for process in (first, second):
        stop(process)
    assert samples["holdfast_round",] >= 3
    assert samples["holdfast_height",] >= 2
    phases = {name[1]: value for name, value in samples.items() if name[0] == "holdfast_phase"}
    assert set(phases) == {"idle", "ready", "commit", "attest", "lapsed"}
    assert sum(phases.values()) == 1
    assert samples["holdfast_commits_total",] >= 3
    assert samples["holdfast_votes_total",] >= 2
    sent = samples["holdfast_transactions_sent_total",]
    mined = samples["holdfast_transactions_mined_total",]
    # The last one may be on its way.
    assert 3 <= mined <= sent
    assert samples["holdfast_gas_used_total",] >= 40_000 * mined
    assert 90 < samples["holdfast_balance_ether",] < 99  # of 100, less a stake of 1
    assert samples["holdfast_block",] > 6
    assert -60 < samples["holdfast_block_age_seconds",] < WAIT_SECONDS
    # Each took the other's updates of about 130 bytes, and a path with it.
    assert samples["holdfast_fetches_total",] >= 3
    assert samples["holdfast_fetched_bytes_total",] > 300
    assert samples["holdfast_served_bytes_total",] > 200
    assert samples["holdfast_training_seconds_count",] >= 3
    assert samples["holdfast_training_seconds_sum",] > 0
    assert samples["holdfast_training_failures_total",] == 0
    assert samples["holdfast_source_failures_total", "bad"] == 0
    assert ("holdfast_peer_info", *sorted(("0", *_names(pair)))) in samples
    assert kinds["holdfast_gas_used"] == "counter"
    assert kinds["holdfast_height"] == "gauge"


def _names(pair):
    status = pair.status("a")
    page = (pair.directory / "a" / "peer.toml").read_text()
    contract = next(x for x in page.splitlines() if x.startswith("contract")).split('"')[1]
    return contract, str(status["address"])


def test_metrics__port_taken_or_no_address__one_line_and_nothing_runs(idle_pair):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = idle_pair.run_here("a", "--metrics", at)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == (
        f"holdfast: metrics at {at}: expected a free port, got Address already in use"
    )
    outcome = idle_pair.run_here("a", "--metrics", "7711")
    assert (outcome.code, "--metrics: expected HOST:PORT, got '7711'" in outcome.err) == (2, True)


def test_import__of_the_daemon__brings_no_prometheus():
    script = "import sys, node.daemon.opening; print('prometheus_client' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
