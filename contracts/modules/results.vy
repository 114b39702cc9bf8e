# pragma version 0.4.3
"""
@title Results: the head, the rows of commitments, and who approved what
@license Apache-2.0
@notice What is kept of rounds, by keys; how it changes is told in `rounds`. A key is the hash of a result and
        of all that went into it, so whoever shows the preimage has shown the result.
@dev    Storage, low bits first:

            _head            key of the agreed result
            0        32          72     256
            | height | agreed_at | free |             `_head_word`; its round is in `phase`

            `_rows[keccak256(abi.encode(parent key, round))]`: two neighbouring slots
                running      running hash over (seat, root, weight) of the commitments, in order
                word         | committed map, 128 | committed stake, 128 |

            `_results[key]`: two neighbouring slots
                tally        | voters, 128 | round, 32 | stake, 96 |
                word         | included map, 128 | credited map, 128 |

        What was agreed at which height, and what pays and slashes for it, is appended after these.
"""

from modules import phase

uses: phase

struct Head:
    key: bytes32
    height: uint256
    round: uint256
    agreed_at: uint256  # unix seconds; 0: genesis

struct Row:
    running: bytes32
    word: uint256

struct Result:
    tally: uint256
    word: uint256

struct Tally:
    voters: uint256  # map
    round: uint256  # 0: never proposed
    stake: uint256  # wei

_head: bytes32
_head_word: uint256
_rows: HashMap[bytes32, Row]
_results: HashMap[bytes32, Result]


@deploy
def __init__(genesis: bytes32):
    self._head = keccak256(abi_encode(chain.id, self, genesis))


@external
@view
def head() -> Head:
    """
    @notice The agreed result; its model's root is in the `Proposed` event of its key.
    @return Its key, its height, its round, and when it was agreed.
    """
    word: uint256 = self._head_word
    return Head(
        key=self._head,
        height=word & (2**32 - 1),
        round=phase._load().agreed,
        agreed_at=(word >> 32) & (2**40 - 1),
    )


@external
@view
def row(parent: bytes32, round: uint256) -> Row:
    """
    @notice The commitments to a round that hang off a result.
    @param parent The result's key.
    @param round The round's number.
    @return Their running hash, and a word: map of the seats in the low half, their stake (wei) in the high one.
    """
    return self._rows[self._row_id(parent, round)]


@external
@view
def tally(key: bytes32) -> Tally:
    """
    @notice Who approved a result, in which round, with how much stake; all zero: never proposed.
    @param key The result's key.
    @return Map of the voters, round, and stake in wei.
    """
    return self._tally(key)


@internal
@view
def _committed(parent: bytes32, round: uint256) -> uint256:
    """
    @return Map of the seats that committed to `round` on `parent`.
    """
    return self._rows[self._row_id(parent, round)].word & (2**128 - 1)


@internal
@view
def _tally(key: bytes32) -> Tally:
    word: uint256 = self._results[key].tally
    return Tally(voters=word & (2**128 - 1), round=(word >> 128) & (2**32 - 1), stake=word >> 160)


@internal
@pure
def _row_id(parent: bytes32, round: uint256) -> bytes32:
    return keccak256(abi_encode(parent, round))
