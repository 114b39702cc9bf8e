"""The check of the way on which the other peers come for blobs."""

import secrets
import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from yarl import URL

from chain.wallet import read_address
from node.blobs.access import PublicGate
from node.blobs.disk import DiskBlobs
from node.blobs.errors import ListenRefused
from node.blobs.serving import BlobServer
from node.blobs.sources import build_trust
from node.daemon.opening import greet, name_certificate
from node.doctor.case import Case, Fault
from node.folder_lock import is_locked
from node.settings import BLOBS, KEYSTORE, Settings

TIMEOUT_SECONDS = 10.0
GREETING_BYTES = 500


def check_registered(case: Case) -> str:
    """The endpoint that the chain tells the others is the one in the settings."""
    told, own = case.record.endpoint, case.settings.endpoint
    if told != own:
        raise Fault(f"the chain tells the others {told}, the settings say {own}")
    return f"{own}, as on the chain"


def check_endpoint(case: Case) -> str:
    """Who asks the endpoint comes to this peer.

    While it runs, it answers itself; while it does not, a server with nothing to serve listens in
    its place for a moment, and says a word that nobody else can know.
    """
    settings = case.settings
    if is_locked(case.folder):
        said = _ask(settings)
        expected = greet(read_address(case.folder / KEYSTORE), settings.contract or "none")
        if said != expected:
            raise Fault(f"{settings.endpoint}: expected {expected!r}, got {said!r}")
        return f"{settings.endpoint} answers, the peer is at work"
    word = f"holdfast doctor {secrets.token_hex(16)}"
    host, port = settings.listen
    store = DiskBlobs(case.folder / BLOBS)
    try:
        with BlobServer(
            store,
            PublicGate(),
            lambda blob, reader: False,
            host=host,
            port=port,
            certificate=name_certificate(settings),
            greeting=word,
        ):
            said = _ask(settings)
    except ListenRefused as error:
        raise Fault(
            str(error), "end what listens there, or choose another exchange.listen"
        ) from error
    if said != word:
        raise Fault(f"{settings.endpoint}: expected this peer's answer, got {said!r}")
    return f"{settings.endpoint} leads to {host}:{port} (the peer is not at work)"


def check_files(case: Case) -> str:
    """The files for https can be read."""
    settings = case.settings
    files = name_certificate(settings)
    if files is not None:
        files.build_context()
    _trust(settings)
    return "https by itself" if files else "plain http: a proxy in front may make it https"


def _trust(settings: Settings) -> ssl.SSLContext:
    return build_trust(None if settings.ca is None else Path(settings.ca))


def _ask(settings: Settings) -> str:
    """Return what the health page at the endpoint says. Raises Fault."""
    url = URL(settings.endpoint.rstrip("/") + "/health")
    host, port = url.host or "", url.port
    connection = (
        HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=_trust(settings))
        if url.scheme == "https"
        else HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    )
    with closing(connection):
        try:
            connection.request("GET", url.raw_path_qs)
            answer = connection.getresponse()
            said = answer.read(GREETING_BYTES).decode(errors="replace").strip()
        except (HTTPException, OSError) as error:
            raise Fault(f"{settings.endpoint}: {error or type(error).__name__}") from error
    if answer.status != 200:
        raise Fault(f"{settings.endpoint}: expected status 200, got {answer.status}")
    return said
