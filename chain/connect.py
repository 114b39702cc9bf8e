"""From an endpoint to a web3 connection: an embedded chain, one kept in a folder, or a URL."""

from pathlib import Path

from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3

from chain.devnet.devnet import Devnet
from chain.errors import Unreachable


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


def open_kept_chain(directory: Path, *, chain_id: int, accounts: int) -> Devnet:
    """Open an embedded chain on disk to read, also while another process writes to it."""
    # Nothing is mined here, so no clock is asked.
    return Devnet(
        directory=directory, chain_id=chain_id, accounts=accounts, clock=lambda: 0, read_only=True
    )
