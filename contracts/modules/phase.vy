# pragma version 0.4.3
"""
@title The round that is open and when its phases end
@license Apache-2.0
@notice Phases are never stored: they follow from block time and one deadline, so nobody has to poke the
        contract. One word, because every commitment and every vote reads it.
@dev    The word, low bits first:

            0        32       64               104           200      208          240
            | number | named  | commit_ends_at | power (wei) | active | voted_from | ran
"""

from modules import parameters

struct Round:
    number: uint256  # of the open round, or of the last one; 0: none yet
    named: uint256  # the highest round that any commitment names, early ones included
    commit_ends_at: uint256  # unix seconds; 0: no round is open
    power: uint256  # active stake when the round opened, in wei
    active: uint256  # active seats when the round opened
    voted_from: uint256  # no vote counts in a round before it: the head's, or where a cut ended the last one; 0: genesis
    ran: uint256  # rounds before `number` that had `min_updates` commitments, modulo 2**16


COMMIT_SECONDS: immutable(uint256)
GRACE_SECONDS: immutable(uint256)
ATTEST_SECONDS: immutable(uint256)

_word: uint256


@deploy
def __init__(p: parameters.Parameters):
    assert p.commit_seconds != 0, "phase: commit_seconds is 0"
    assert p.grace_seconds != 0, "phase: grace_seconds is 0"
    assert p.attest_seconds != 0, "phase: attest_seconds is 0"
    # Deadlines are 40 bits wide; sums of these stay far below.
    assert max(p.commit_seconds, max(p.grace_seconds, p.attest_seconds)) < 2**32, "phase: a deadline of 2**32 seconds or more"
    COMMIT_SECONDS = p.commit_seconds
    GRACE_SECONDS = p.grace_seconds
    ATTEST_SECONDS = p.attest_seconds


@internal
@view
def _load() -> Round:
    word: uint256 = self._word
    return Round(
        number=word & (2**32 - 1),
        named=(word >> 32) & (2**32 - 1),
        commit_ends_at=(word >> 64) & (2**40 - 1),
        power=(word >> 104) & (2**96 - 1),
        active=(word >> 200) & (2**8 - 1),
        voted_from=(word >> 208) & (2**32 - 1),
        ran=word >> 240,
    )


@internal
def _store(r: Round):
    low: uint256 = r.number | (r.named << 32) | (r.commit_ends_at << 64)
    self._word = low | (r.power << 104) | (r.active << 200) | (r.voted_from << 208) | (r.ran << 240)


@internal
@view
def _is_committing(r: Round) -> bool:
    return block.timestamp < r.commit_ends_at


@internal
@view
def _is_over(r: Round) -> bool:
    """
    @notice Whether no vote can move the head in round `r` any more.
    """
    return r.commit_ends_at == 0 or block.timestamp >= r.commit_ends_at + ATTEST_SECONDS


@internal
def _cut():
    """
    @notice Ends every round named so far: the next one starts anew, on another head and with another roll.
    """
    r: Round = self._load()
    r.number = r.named
    r.commit_ends_at = 0
    r.voted_from = r.named
    self._store(r)
