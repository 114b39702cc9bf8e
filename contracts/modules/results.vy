# pragma version 0.4.3
"""
@title Results: the head, the rows of commitments, and who approved what
@license Apache-2.0
@notice What is kept of rounds, by keys; how it changes is told in `rounds`. A key is the hash of a result and
        of all that went into it, so whoever shows the preimage has shown the result. The archive keeps what
        was agreed, for as long as it can be disputed and for whoever is still to be paid for it.
@dev    Storage, low bits first:

            _head            key of the agreed result
            0        32          72      104       136    256
            | height | agreed_at | round | settled | free |                     `_head_word`

            `_rows[keccak256(abi.encode(parent key, round))]`: two neighbouring slots
                running      running hash over (seat, root, weight) of the commitments, in order
                word         | committed map, 128 | committed stake, 128 |

            `_results[key]`: two neighbouring slots
                tally        | voters, 128 | round, 32 | stake, 95 | agreed, 1 |
                word         | included map, 128 | credited map, 128 |

            0        32          72      112        113       114    128          256
            | height | agreed_at | block | disputed | refuted | free | challenges |     `_records[round]`
            `_canonical[height // 8]`: eight rounds of 32 bits; those above the head's height mean nothing

        `agreed` stays, and so does a record: a result is void if its height is now another's. `settled` is how
        far it is known that results can no longer be disputed; what is known late is no less true.
"""

from modules import parameters
from modules import phase

uses: phase

struct Head:
    key: bytes32
    height: uint256
    round: uint256
    agreed_at: uint256  # unix seconds; 0: genesis
    settled: uint256  # height up to which results are known to be settled

# A result as it was proposed: what its key is the hash of.
struct Record:
    round: uint256
    parent: bytes32
    commitments: bytes32
    included: uint256
    model_root: bytes32
    coefficients_hash: bytes32

# What is kept of an agreed result, by its round.
struct Archived:
    height: uint256  # 0: no result of this round was agreed
    agreed_at: uint256  # unix seconds
    agreed_in: uint256  # block
    challenges: uint256  # open ones
    is_disputed: bool  # was challenged once, so that there is more time to refute it
    is_refuted: bool

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
    is_agreed: bool  # was the head once

event Voided:
    round: indexed(uint256)
    height: uint256

AGREED: constant(uint256) = 1 << 255
DISPUTED: constant(uint256) = 1 << 112
REFUTED: constant(uint256) = 1 << 113
# At the top, with room for more than anybody could pay for: it never runs over into the bits below or beside.
ONE_CHALLENGE: constant(uint256) = 1 << 128
# Rounds in a word of `_canonical`.
ROUNDS: constant(uint256) = 8
# Settled in one call at most: so many cold words are 270,000 gas.
MAX_SETTLED: constant(uint256) = 64

CHALLENGE_SECONDS: immutable(uint256)
CHALLENGE_BLOCKS: immutable(uint256)
ANSWER_SECONDS: immutable(uint256)
MAX_UNSETTLED: immutable(uint256)

_head: bytes32
_head_word: uint256
_rows: HashMap[bytes32, Row]
_results: HashMap[bytes32, Result]
_records: HashMap[uint256, uint256]
_canonical: HashMap[uint256, uint256]


@deploy
def __init__(p: parameters.Parameters):
    assert p.challenge_seconds != 0, "results: challenge_seconds is 0"
    assert p.answer_seconds != 0, "results: answer_seconds is 0"
    assert max(p.challenge_seconds, p.answer_seconds) < 2**32, "results: a window of 2**32 seconds or more"
    assert p.challenge_blocks < 2**32, "results: a window of 2**32 blocks or more"
    assert p.max_unsettled != 0, "results: max_unsettled is 0"
    CHALLENGE_SECONDS = p.challenge_seconds
    CHALLENGE_BLOCKS = p.challenge_blocks
    ANSWER_SECONDS = p.answer_seconds
    MAX_UNSETTLED = p.max_unsettled
    self._head = keccak256(abi_encode(chain.id, self, p.genesis))


@external
def settle():
    """
    @notice Notes how far results are settled by now, 64 of them at most. Whoever withdraws, claims or names a
            round does so on the way; only who finds more of them waiting has to call this first.
    """
    self._settle()


@external
@view
def head() -> Head:
    """
    @notice The agreed result; its model's root is in the `Proposed` event of its key.
    @return Its key, its height, its round, when it was agreed, and the height up to which all is known to be
            settled.
    """
    word: uint256 = self._head_word
    return Head(
        key=self._head,
        height=word & (2**32 - 1),
        round=self._head_round(),
        agreed_at=self._head_agreed_at(),
        settled=word >> 104,
    )


@external
@view
def archived(round: uint256) -> Archived:
    """
    @notice What is kept of the result of a round, canonical or void.
    @param round The round's number.
    @return Height, time and block of the agreement, its open challenges, and what became of it.
    """
    return self._archived(round)


@external
@view
def canonical(height: uint256) -> uint256:
    """
    @notice The round whose result stands at a height.
    @param height 1 to that of the head.
    @return The round's number; 0: above the head.
    """
    return self._round_at(height) if height <= self._height() else 0


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
    @return Map of the voters, round, stake in wei, and whether it was ever agreed.
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
    return Tally(
        voters=word & (2**128 - 1),
        round=(word >> 128) & (2**32 - 1),
        stake=(word >> 160) & (2**95 - 1),
        is_agreed=word >= AGREED,
    )


@internal
@pure
def _row_id(parent: bytes32, round: uint256) -> bytes32:
    return keccak256(abi_encode(parent, round))


@internal
@view
def _height() -> uint256:
    return self._head_word & (2**32 - 1)


@internal
@view
def _head_round() -> uint256:
    return (self._head_word >> 72) & (2**32 - 1)


@internal
@view
def _head_agreed_at() -> uint256:
    return (self._head_word >> 32) & (2**40 - 1)


@internal
@view
def _round_at(height: uint256) -> uint256:
    return (self._canonical[height // ROUNDS] >> (32 * (height % ROUNDS))) & (2**32 - 1)


@internal
@view
def _archived(round: uint256) -> Archived:
    word: uint256 = self._records[round]
    return Archived(
        height=word & (2**32 - 1),
        agreed_at=(word >> 32) & (2**40 - 1),
        agreed_in=(word >> 72) & (2**40 - 1),
        challenges=word >> 128,
        is_disputed=word & DISPUTED != 0,
        is_refuted=word & REFUTED != 0,
    )


@internal
@view
def _is_canonical(round: uint256, r: Archived) -> bool:
    return r.height <= self._height() and self._round_at(r.height) == round


@internal
@view
def _is_disputable(r: Archived, is_canonical: bool) -> bool:
    """
    @notice Whether the window of a result is open, be it for refuting or for asking.
    @param is_canonical Blocks do not prolong it for a void result: no stake waits for that.
    """
    ends_at: uint256 = r.agreed_at + CHALLENGE_SECONDS
    if r.is_disputed:
        ends_at += 2 * ANSWER_SECONDS
    return block.timestamp < ends_at or (is_canonical and block.number < r.agreed_in + CHALLENGE_BLOCKS)


@internal
def _append(key: bytes32, round: uint256) -> uint256:
    """
    @notice Makes `key` the head and files it.
    @return Its height.
    """
    word: uint256 = self._head_word
    height: uint256 = (word & (2**32 - 1)) + 1
    self._head = key
    self._head_word = height | (block.timestamp << 32) | (round << 72) | ((word >> 104) << 104)
    self._records[round] = height | (block.timestamp << 32) | (block.number << 72)
    place: uint256 = 32 * (height % ROUNDS)
    rounds: uint256 = self._canonical[height // ROUNDS]
    # A result that was cut may have stood there before.
    self._canonical[height // ROUNDS] = (rounds & ~((2**32 - 1) << place)) | (round << place)
    return height


@internal
def _cut(round: uint256, height: uint256, parent: bytes32):
    """
    @notice Voids the canonical result of `round` and all that was built on it, and ends the open round.
    @param height Its height.
    @param parent The key of what becomes the head.
    """
    before: uint256 = self._round_at(height - 1)
    agreed_at: uint256 = (self._records[before] >> 32) & (2**40 - 1)
    self._head = parent
    self._head_word = (height - 1) | (agreed_at << 32) | (before << 72) | ((self._head_word >> 104) << 104)
    phase._cut()
    log Voided(round=round, height=height)


@internal
def _settle():
    """
    @notice Moves `settled` on, over results whose windows are over and on which no challenge is open.
    """
    word: uint256 = self._head_word
    height: uint256 = word & (2**32 - 1)
    settled: uint256 = word >> 104
    for _: uint256 in range(MAX_SETTLED):
        if settled == height:
            break
        r: Archived = self._archived(self._round_at(settled + 1))
        if r.challenges != 0 or self._is_disputable(r, True):
            break
        settled += 1
    self._head_word = (word & (2**104 - 1)) | (settled << 104)


@internal
def _has_room(above: uint256) -> bool:
    """
    @notice Whether a result more, `above` the head's successor, may wait to be settled.
    """
    if self._height() + above - (self._head_word >> 104) >= MAX_UNSETTLED:
        self._settle()
    return self._height() + above - (self._head_word >> 104) < MAX_UNSETTLED


@internal
def _is_settled_before(round: uint256) -> bool:
    """
    @notice Whether no canonical result of an earlier round can be disputed any more.
    """
    self._settle()
    settled: uint256 = self._head_word >> 104
    return settled == self._height() or self._round_at(settled + 1) >= round


@internal
@view
def _is_settled(round: uint256) -> bool:
    """
    @notice Whether the result of a round is known to be settled.
    """
    height: uint256 = self._records[round] & (2**32 - 1)
    return height <= self._head_word >> 104 and self._round_at(height) == round


@internal
def _note_challenge(round: uint256):
    self._records[round] = (self._records[round] | DISPUTED) + ONE_CHALLENGE


@internal
def _drop_challenge(round: uint256):
    self._records[round] -= ONE_CHALLENGE


@internal
def _note_refutation(round: uint256):
    self._records[round] |= REFUTED
