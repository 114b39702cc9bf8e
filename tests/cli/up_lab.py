"""The folder that `localnet up` leaves, made of a kept run's chain, blobs and journals: quicker
than peers that are programs, and the same on disk."""

import shutil
from pathlib import Path

from chain.types import Seat
from localnet import kept
from localnet.fleet.fleet import Charter, chain_folder, peer_folder, write_charter
from localnet.fleet.plan import write_peer
from node.learning.hosting import Hosting
from node.settings import BLOBS, JOURNAL, write_settings

PORT = 9
"""Where nobody serves a chain."""


def make_up(directory: Path, of: Path, anvil: str | None = None) -> None:
    """Make the folder of a federation that has ended. No peer has all of the blobs."""
    run = kept.read_run(of)
    shutil.copytree(kept.chain_path(of), chain_folder(directory))
    blobs = sorted(path for path in kept.blobs_path(of).iterdir() if path.suffix == "")
    for seat in range(run.scenario.peers):
        folder = peer_folder(directory, seat)
        (folder / BLOBS).mkdir(parents=True)
        shutil.copy(kept.journal_path(of, seat), folder / JOURNAL)
        for blob in blobs[seat :: run.scenario.peers]:
            for path in (blob, blob.with_name(blob.name + ".leaves")):
                shutil.copy(path, folder / BLOBS)
        rpc = f"ws://127.0.0.1:{PORT}"
        chain_id = run.chain_id
        page = write_peer(
            run.scenario, Seat(seat), Hosting(), rpc=rpc, chain_id=chain_id, listen=PORT, front=PORT
        )
        write_settings(folder, page)
    write_charter(directory, Charter(run.scenario, anvil, PORT, run.address))
