"""Every hash over words that the contract, the peers and an auditor must agree on.

All are `keccak256(abi.encode(...))` of static words, so they are spelled out by hand: 32 bytes
each, big endian, addresses as numbers (https://docs.soliditylang.org/en/latest/abi-spec.html).
"""

from functools import lru_cache

from eth_hash.auto import keccak

from chain.states import Record
from chain.types import Committed, Key, Proposed, Root, RoundId, Seat, Wei

REMEMBERED = 4096
"""The same words come again with every block: turns, and what a row of commitments had come to."""


@lru_cache(maxsize=REMEMBERED)
def hash_words(*words: int | bytes) -> bytes:
    """Return keccak256 over words: integers of 0 to 2**256 - 1, or 32 bytes as they are.

    >>> hash_words(1, bytes(32)) == hash_words(1, 0)
    True
    """
    for word in words:
        if isinstance(word, bytes) and len(word) != 32:
            raise ValueError(f"keys: expected 32 bytes, got {len(word)}")
    return keccak(
        b"".join(w if isinstance(w, bytes) else int(w).to_bytes(32, "big") for w in words)
    )


def compute_genesis_key(chain_id: int, address: str, genesis: Root) -> Key:
    """Return the key on which the first round hangs: of the contract and its first model."""
    return Key(hash_words(chain_id, int(address, 16), genesis))


def compute_update_tag(chain_id: int, address: str, round_id: RoundId, seat: Seat) -> bytes:
    """Return the tag in every leaf of an update: of one chain, federation, round and seat.

    Nobody else can open a copied root, since the copy would have to be hashed under another tag.
    """
    return hash_words(chain_id, int(address, 16), round_id, seat)


def compute_running_hash(
    parent: Key, round_id: RoundId, commitments: tuple[tuple[Committed, int], ...]
) -> bytes:
    """Return the running hash of (commitment, weight) in the chain's order.

    The weight is what the contract hashed: stake in wei, 1, or samples, by the rule's weighting.
    """
    running = hash_words(parent, round_id)
    for commitment, weight in commitments:
        running = hash_words(running, commitment.seat, commitment.root, weight)
    return running


def compute_result_key(
    round_id: RoundId,
    parent: Key,
    commitments: bytes,
    included: int,
    model_root: Root,
    coefficients: bytes,
) -> Key:
    """Return the key of a result: the hash of it and of all that it was computed from."""
    return Key(
        hash_words(round_id, parent, commitments, included, model_root, keccak(coefficients))
    )


def build_record(proposed: Proposed) -> Record:
    """Return a proposed result as what its key is the hash of."""
    return Record(
        proposed.round,
        proposed.parent,
        proposed.commitments,
        proposed.included,
        proposed.model_root,
        keccak(proposed.coefficients),
    )


def compute_turn(round_id: RoundId, seat: Seat) -> int:
    """Return the number by which seats take turns at proposing in a round, lowest first."""
    return int.from_bytes(hash_words(round_id, seat), "big")


def weigh(weighting: int, stake_wei: Wei, samples: int) -> int:
    """Return the weight of a commitment as it enters the running hash: stake, 1 or samples."""
    return (int(stake_wei), 1, samples)[weighting]
