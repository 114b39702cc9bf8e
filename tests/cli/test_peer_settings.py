"""What the settings of a peer can change about how it serves: real processes, over https."""

import ssl
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from consortium_lab import await_lines, end, join_two

from node.merkle import MODEL_TAG
from node.settings import read_settings

TLS = Path(__file__).parents[1] / "node" / "blobs" / "tls"
CERTIFICATE, KEY = TLS / "loopback.pem", TLS / "loopback.key"
FILES = (
    *("--set", f"exchange.certificate={CERTIFICATE}", "--set", f"exchange.key={KEY}"),
    *("--set", f"exchange.ca={CERTIFICATE}"),
)


@pytest.mark.slow
def test_run__https_with_an_authority_of_their_own__agree_and_only_the_public_one_is_read(
    consortium,
):
    join_two(consortium, *FILES)
    first = consortium.run("a", 2, "--set", "exchange.public=true")
    second = consortium.run("b", 10**6)
    await_lines(second, "act=fetched", 2)
    end(first)
    state = consortium.status("a")
    assert state["height"] >= 1
    first = consortium.run("a", 10**6, "--set", "exchange.public=true")
    await_lines(first, "act=ready")
    trust = ssl.create_default_context(cafile=CERTIFICATE)
    path = f"blobs/{state['head']}/0x{MODEL_TAG.hex()}"
    urls = [read_settings(consortium.directory / name).endpoint for name in "ab"]
    assert all(url.startswith("https://127.0.0.1:") for url in urls)
    with urlopen(f"{urls[0]}/{path}", context=trust) as answer:
        assert len(answer.read()) == 4 * 62
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{urls[1]}/{path}", context=trust)
    with urlopen(f"{urls[1]}/health", context=trust) as answer:
        assert answer.read().startswith(b"holdfast peer=0x")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("exchange.certificate=gone.pem", "exchange.key=gone.key"), "expected two PEM files"),
        ((f"exchange.ca={KEY}",), "expected a PEM file"),
        (("exchange.speed=3",), "--set exchange.speed: expected KEY=VALUE, of chain.rpc"),
    ],
)
def test_run__a_file_or_an_entry_that_is_none__is_one_line(idle_pair, changes, told):
    given = [word for change in changes for word in ("--set", change)]
    outcome = idle_pair.run_here("a", *given)
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    assert told in lines[-1]
    assert all("act=" in line for line in lines[:-1])


def test_run__a_page_of_settings_that_is_none__is_told_once(tmp_path, holdfast, caplog):
    (tmp_path / "peer.toml").write_text("[data")
    outcome = holdfast("peer", "run", str(tmp_path))
    assert (outcome.code, caplog.messages) == (1, [])
    assert outcome.err.startswith("holdfast: ")
    assert outcome.err.count("\n") == 1


def test_status__nobody_has_committed_yet__says_for_whom_it_waits(idle_pair):
    state = idle_pair.status("a")
    assert (state["phase"], state["waits_for"], state["waits_until"]) == ("ready", [0, 1], None)
    told = idle_pair.here("peer", "status", idle_pair.folder("a")).out.splitlines()
    assert {"waits for     0, 1", "waits until   -"} <= set(told)


@pytest.mark.parametrize(
    ("arguments", "endpoint"),
    [
        (("--set", "exchange.listen=127.0.0.1:7799"), "http://127.0.0.1:7799"),
        ((*FILES, "--listen", "[::1]:7799"), "https://[::1]:7799"),
        (("--listen", "0.0.0.0:1", "--endpoint", "http://clinic.example"), "http://clinic.example"),
        (("--set", "exchange.endpoint=http://clinic.example"), "http://clinic.example"),
    ],
)
def test_init__entries_set__are_in_the_page_and_the_endpoint_follows(
    consortium, arguments, endpoint
):
    folder, password = consortium.folder("x"), ("--password-file", str(consortium.password))
    outcome = consortium.here(
        "peer", "init", folder, "--rpc", consortium.url, *password, *arguments
    )
    assert outcome.code == 0, outcome.err
    assert read_settings(Path(folder)).endpoint == endpoint


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--listen", "0.0.0.0:7710"), 2, "expected --endpoint URL with --listen 0.0.0.0:7710"),
        (("--set", "exchange.public=perhaps"), 1, "expected a value as in TOML, got 'perhaps'"),
        (("--set", "public=true"), 1, "--set public: expected KEY=VALUE, of chain.rpc"),
    ],
)
def test_init__what_cannot_be_set__is_one_line_and_nothing_is_made(
    consortium, arguments, code, told
):
    folder, password = consortium.folder("x"), ("--password-file", str(consortium.password))
    outcome = consortium.here(
        "peer", "init", folder, "--rpc", consortium.url, *password, *arguments
    )
    assert outcome.code == code
    assert told in outcome.err
    assert outcome.err.count("\n") == 1
    assert not Path(folder).exists()
