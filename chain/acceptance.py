"""What a node says to a transaction that is sent to it, in the words of different nodes.

JSON-RPC has no codes for these; the words are geth's (core/txpool/errors.go), which most nodes
repeat, and those in which others differ.
"""

from enum import Enum

from chain.errors import Refused


class Acceptance(Enum):
    """What became of a transaction on its arrival at a node."""

    TAKEN = "taken"
    KNOWN = "this very transaction came before"
    NONCE_USED = "a transaction with this nonce is mined"
    NONCE_TAKEN = "another with this nonce waits, and offers about as much"
    TOO_CHEAP = "it offers less than the next block costs"
    NO_ROOM = "the node holds as many as it can"


# In this order: the shorter is a part of the longer.
_WORDS = (
    ("already known", Acceptance.KNOWN),
    ("already imported", Acceptance.KNOWN),  # anvil
    ("alreadyknown", Acceptance.KNOWN),  # nethermind
    ("known transaction", Acceptance.KNOWN),  # besu
    ("nonce too low", Acceptance.NONCE_USED),
    ("oldnonce", Acceptance.NONCE_USED),  # nethermind
    ("replacement transaction underpriced", Acceptance.NONCE_TAKEN),
    ("could not replace existing", Acceptance.NONCE_TAKEN),  # erigon
    ("replacementnotallowed", Acceptance.NONCE_TAKEN),  # nethermind
    ("less than block base fee", Acceptance.TOO_CHEAP),
    ("transaction underpriced", Acceptance.TOO_CHEAP),
    ("txpool is full", Acceptance.NO_ROOM),
)


def read_acceptance(refused: Refused) -> Acceptance:
    """Return what a node's refusal means; raises it where it is none of these.

    >>> read_acceptance(Refused("eth_sendRawTransaction", "nonce too low: next nonce 4")).name
    'NONCE_USED'
    """
    words = str(refused.got).lower()
    for part, meaning in _WORDS:
        if part in words:
            return meaning
    raise refused
