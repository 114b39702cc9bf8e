"""From an endpoint to a web3 connection: an embedded chain, one kept in a folder, or a URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from chain.devnet.devnet import Devnet
from chain.errors import NoContract, Unreachable
from chain.federation import Federation


def connect_devnet(devnet: Devnet) -> Web3:
    """Return a connection to an embedded chain of this process."""
    return Web3(devnet.provider)


def connect_url(url: str) -> Web3:
    """Return a connection to a node's HTTP endpoint. Raises Unreachable."""
    if not url.startswith(("http://", "https://")):
        raise Unreachable(url, "a URL that does not begin with http:// or https://")
    web3 = Web3(HTTPProvider(url))
    try:
        web3.eth.chain_id  # noqa: B018 - the cheapest question
    except (RequestException, ValueError) as error:
        raise Unreachable(url, type(error).__name__) from error
    return web3


@contextmanager
def watch_endpoint(endpoint: str) -> Iterator[None]:
    """Turn what a node's connection raises meanwhile into Unreachable."""
    try:
        yield
    except (RequestException, Web3Exception) as error:
        raise Unreachable(endpoint, f"{type(error).__name__}: {error}") from error


def open_federation(web3: Web3, address: str) -> Federation:
    """Return the federation at an address. Raises NoContract where there is none."""
    if not Web3.is_address(address):
        raise NoContract(address, "no address")
    federation = Federation(web3, address)
    federation.check_exists()
    return federation


def open_kept_chain(directory: Path, *, chain_id: int, accounts: int) -> Devnet:
    """Open an embedded chain on disk to read, also while another process writes to it."""
    # Nothing is mined here, so no clock is asked.
    return Devnet(
        directory=directory, chain_id=chain_id, accounts=accounts, clock=lambda: 0, read_only=True
    )
