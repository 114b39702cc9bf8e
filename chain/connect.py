"""From an endpoint to a web3 connection: an embedded chain, one kept in a folder, or a node's."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from web3 import Web3
from web3.exceptions import Web3Exception
from web3.providers.base import BaseProvider

from chain.compare import CONFIRMATIONS, ComparedProvider
from chain.errors import NoContract, Unreachable
from chain.federation import Federation
from chain.provider import NodeProvider
from chain.transports import TIMEOUT_SECONDS, open_transport

if TYPE_CHECKING:
    from chain.devnet.devnet import Devnet


def connect_devnet(devnet: "Devnet") -> Web3:
    """Return a connection to an embedded chain of this process."""
    return _build_web3(devnet.provider)


@contextmanager
def open_endpoint(endpoint: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Web3]:
    """Connect to a node over HTTP, a WebSocket or IPC, and hang up at the end.

    Raises BadEndpoint, Unreachable; what the node breaks off meanwhile is Unreachable too.
    """
    with watch_endpoint(endpoint), _open_node(endpoint, timeout_seconds) as node:
        web3 = _build_web3(node)
        _ask_chain_id(web3, endpoint)
        yield web3


@contextmanager
def open_endpoints(
    endpoints: Sequence[str],
    *,
    confirmations: int = CONFIRMATIONS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[Web3]:
    """Connect to a node, or to two that are compared with each other (see `chain.compare`).

    Raises BadEndpoint, Unreachable, Disagreement.
    """
    if len(endpoints) == 1:
        with open_endpoint(endpoints[0], timeout_seconds=timeout_seconds) as web3:
            yield web3
        return
    first, second = endpoints
    with ExitStack() as opened:
        opened.enter_context(watch_endpoint(f"{first} or {second}"))
        nodes = [opened.enter_context(_open_node(each, timeout_seconds)) for each in endpoints]
        for node in nodes:
            _ask_chain_id(Web3(node), node.endpoint)
        web3 = _build_web3(ComparedProvider(*nodes, confirmations=confirmations))
        _ask_chain_id(web3, f"{first} and {second}")
        yield web3


@contextmanager
def watch_endpoint(endpoint: str) -> Iterator[None]:
    """Turn what web3 makes of a node's answers meanwhile into Unreachable."""
    try:
        yield
    except Web3Exception as error:
        raise Unreachable(endpoint, f"{type(error).__name__}: {error}") from error


def _build_web3(provider: BaseProvider) -> Web3:
    web3 = Web3(provider)
    # It asks for the chain's id at each call, twice, to compare it with what nobody gave; a sender
    # signs with the id that it was opened for.
    web3.middleware_onion.remove("validation")
    return web3


def _open_node(endpoint: str, timeout_seconds: float) -> NodeProvider:
    return NodeProvider(endpoint, open_transport(endpoint, timeout_seconds))


def _ask_chain_id(web3: Web3, endpoint: str) -> None:
    """Ask the cheapest question, which tells a node from whatever else answers there."""
    try:
        web3.eth.chain_id  # noqa: B018 - it is asked, not used
    except (ValueError, TypeError) as error:
        raise Unreachable(endpoint, f"no chain id: {error}") from error


def open_federation(web3: Web3, address: str) -> Federation:
    """Return the federation at an address. Raises NoContract where there is none."""
    if not Web3.is_address(address):
        raise NoContract(address, "no address")
    federation = Federation(web3, address)
    federation.check_exists()
    return federation


def open_kept_chain(
    directory: Path, *, chain_id: int | None = None, accounts: int | None = None
) -> "Devnet":
    """Open an embedded chain on disk to read, also while another process writes to it. Chain id and
    accounts None: those of whatever is there."""
    # Whoever asks a node of others needs no chain in his own process, nor the time to load one.
    from chain.devnet.devnet import Devnet

    # Nothing is mined here, so no clock is asked.
    return Devnet(
        directory=directory, chain_id=chain_id, accounts=accounts, clock=lambda: 0, read_only=True
    )
