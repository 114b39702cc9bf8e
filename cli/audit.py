"""`holdfast audit`."""

import typer

from cli import options
from cli.replay import replay
from cli.root import FAILED


def audit(
    directory: options.Dir = None,
    rpc: options.Rpc = None,
    contract: options.Address = None,
    blobs: options.BlobsDir = None,
    as_json: options.Json = False,
) -> None:
    """Recompute every agreed round from genesis, with the chain and the blobs alone.

    Then check every kept blob, also those that nothing on the chain refers to. Names the first
    thing that does not match (block, round, seats, leaf) and exits with 1.
    """
    with options.open_source(directory, rpc, contract, blobs) as source:
        source.contract.observer.poll()
        if not replay(source.contract, source.blobs, as_json=as_json):
            raise typer.Exit(FAILED)
