"""A relay process between a client and a server of this process."""

import signal
import socket
import socketserver
import sys
import threading
from time import monotonic, sleep

import pytest

from localnet.fleet.ports import find_ports
from localnet.fleet.processes import Processes
from localnet.fleet.relay import Wire, cut_path, write_wires

LONG = b"x" * 1_000_000


class Echo(socketserver.StreamRequestHandler):
    """Says everything again, and hangs up when the other side has no more to say."""

    def handle(self):
        while piece := self.request.recv(65536):
            self.request.sendall(piece)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def wires(tmp_path):
    """Yield two wires to one server, of peers 0 and 1, and what is told the relay."""
    fronts = find_ports(2)
    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        back = server.server_address[1]
        found = [Wire(peer, front, back) for peer, front in enumerate(fronts)]
        write_wires(tmp_path, found)
        processes = Processes(tmp_path)
        processes.start("relay", [sys.executable, "-m", "localnet.fleet.relay", str(tmp_path)])
        try:
            for wire in found:
                await_state(wire, is_open=True)

            def tell(peer, is_cut):
                mark = cut_path(tmp_path, peer)
                mark.parent.mkdir(exist_ok=True)
                mark.touch() if is_cut else mark.unlink()
                processes.send("relay", signal.SIGHUP)

            yield found, tell
        finally:
            processes.stop(["relay"])
            server.shutdown()
            thread.join()
    assert processes.log_path("relay").read_text() == ""


def connect(wire):
    return socket.create_connection(("127.0.0.1", wire.front), timeout=10)


def await_state(wire, *, is_open):
    ends_at = monotonic() + 30
    while can_connect(wire) != is_open:
        assert monotonic() < ends_at
        sleep(0.01)


def can_connect(wire):
    try:
        connect(wire).close()
    except ConnectionRefusedError:
        return False
    return True


def is_hung_up_on(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def read_all(connection):
    content = b""
    while piece := connection.recv(65536):
        content += piece
    return content


def test_relay__much_is_said__arrives_whole_and_ends_where_it_ended(wires):
    (wire, _), _ = wires
    with connect(wire) as connection:
        sender = threading.Thread(
            target=lambda: (connection.sendall(LONG), connection.shutdown(socket.SHUT_WR))
        )
        sender.start()
        assert read_all(connection) == LONG
        sender.join()


def test_relay__a_peer_is_cut__its_connections_break_and_only_its_own(wires):
    (first, second), tell = wires
    with connect(first) as broken, connect(second) as whole:
        for connection in (broken, whole):
            connection.sendall(b"hello")
            assert connection.recv(5) == b"hello"
        tell(0, is_cut=True)
        assert is_hung_up_on(broken)
        await_state(first, is_open=False)
        whole.sendall(b"still")
        assert whole.recv(5) == b"still"
        tell(0, is_cut=False)
        await_state(first, is_open=True)


def test_relay__the_server_is_away__whoever_asks_is_hung_up_on(tmp_path):
    front, nobody = find_ports(2)
    write_wires(tmp_path, [Wire(0, front, nobody)])
    processes = Processes(tmp_path)
    processes.start("relay", [sys.executable, "-m", "localnet.fleet.relay", str(tmp_path)])
    try:
        await_state(Wire(0, front, nobody), is_open=True)
        with connect(Wire(0, front, nobody)) as connection:
            assert is_hung_up_on(connection)
    finally:
        processes.stop(["relay"])
