"""Whether the head comes down from the genesis model, result by result.

Every key is the hash of a result and of the key that it was built on, so one key, known from
elsewhere, vouches for all that came before it: a checkpoint. Whoever joins years later needs no
more than that to tell this federation's history from one made up by a node.
"""

from dataclasses import dataclass

from chain.keys import compute_result_key
from chain.ledger import Ledger
from chain.types import Agreed, Key
from node.errors import CheckpointRefused

FORM = "HEIGHT:0x and 64 hex digits"


@dataclass(frozen=True)
class Checkpoint:
    """The key of the agreed result at a height of at least 1."""

    height: int
    key: Key

    def __str__(self) -> str:
        return f"{self.height}:0x{self.key.hex()}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return a checkpoint from its text. Raises CheckpointRefused.

    >>> str(parse_checkpoint("7:0x" + "ab" * 32))[:8]
    '7:0xabab'
    """
    height, _, key = text.partition(":0x")
    try:
        found = Checkpoint(int(height), Key(bytes.fromhex(key)))
    except ValueError as error:
        raise CheckpointRefused("form", FORM, repr(text)) from error
    if found.height < 1 or len(found.key) != 32:
        raise CheckpointRefused("form", FORM, repr(text))
    return found


def check_descent(ledger: Ledger, checkpoint: Checkpoint | None = None) -> None:
    """Check that each agreed result is what its key says and builds on the one before it, and that
    the one at the checkpoint's height is the checkpoint. Raises CheckpointRefused.

    It costs a hash for each height; the models themselves are an audit's business.
    """
    parent = ledger.genesis
    for height, logged in enumerate(ledger.agreed, 1):
        event = logged.event
        assert isinstance(event, Agreed), "nothing else is in there"
        result = ledger.result(event.key)
        key = compute_result_key(
            result.round,
            result.parent,
            result.commitments,
            result.included,
            result.model_root,
            result.coefficients,
        )
        if result.parent != parent or key != event.key or event.height != height:
            raise CheckpointRefused(
                f"height {height}",
                f"a result on 0x{parent.hex()} whose key is its hash",
                f"0x{event.key.hex()} on 0x{result.parent.hex()}",
            )
        if checkpoint is not None and height == checkpoint.height and key != checkpoint.key:
            raise CheckpointRefused(
                f"height {height}", f"0x{checkpoint.key.hex()}", f"0x{key.hex()}"
            )
        parent = key
    if checkpoint is not None and len(ledger.agreed) < checkpoint.height:
        raise CheckpointRefused(
            f"height {checkpoint.height}",
            "a chain that has come as far",
            f"one at height {len(ledger.agreed)}",
        )
