# pragma version 0.4.3
"""
@title Rounds: commitments, results, votes, and the head
@license Apache-2.0
@notice Commitments hang off the key of the head they were trained on, votes approve keys, and a key names
        all that went into a result. So a vote means the same whatever order the chain settles on.
@dev    No storage of its own: phases are in `phase`, heads, rows and tallies in `results`.
"""

from modules import check
from modules import parameters
from modules import phase
from modules import results
from modules import rewards
from modules import rule
from modules import seats

uses: phase
uses: results
uses: rewards
uses: rule
uses: seats

event Opened:
    round: indexed(uint256)
    parent: bytes32
    power_wei: uint256
    active: uint256
    commit_ends_at: uint256

event Closing:
    round: indexed(uint256)
    commit_ends_at: uint256

event Committed:
    round: indexed(uint256)
    seat: uint256
    parent: bytes32
    root: bytes32
    samples: uint256
    steps: uint256

event Proposed:
    round: indexed(uint256)
    key: bytes32
    seat: uint256
    parent: bytes32
    commitments: bytes32
    included: uint256
    credited: uint256
    model_root: bytes32
    coefficients: Bytes[rule.MAX_COEFFICIENTS_BYTES]

event Attested:
    key: indexed(bytes32)
    seat: uint256

event Agreed:
    round: indexed(uint256)
    key: bytes32
    height: uint256
    share_wei: uint256


@external
def commit(round: uint256, seat: uint256, parent: bytes32, root: bytes32, samples: uint64, steps: uint64):
    """
    @notice Commits `seat` to the update with this Merkle root, trained on the result `parent`.
    @param round The open round, or the next one.
    @param seat The index of a seat of the caller.
    @param parent Key of the head, or of a result that is voted on.
    @param root Merkle root of the update.
    @param samples What the seat claims to have trained on; a weight only under `weighting = samples`.
    @param steps Local steps it claims.
    """
    seats._check_owner(seat, msg.sender)
    self._commit(round, seat, parent, root, convert(samples, uint256), convert(steps, uint256))


@external
def propose(
    round: uint256,
    seat: uint256,
    parent: bytes32,
    commitments: bytes32,
    included: uint256,
    model_root: bytes32,
    coefficients: Bytes[rule.MAX_COEFFICIENTS_BYTES],
):
    """
    @notice Puts a result to the vote, with the vote of `seat`.
    @param round The open round.
    @param seat The index of a seat of the caller.
    @param parent Key of the head.
    @param commitments The running hash of the commitments that the result was computed from.
    @param included Map of the seats whose updates entered.
    @param model_root Merkle root of the model that came out.
    @param coefficients Eight bytes for every included seat, see `rule`.
    """
    seats._check_owner(seat, msg.sender)
    r: phase.Round = phase._load()
    check._that(round == r.number, "rounds: not the open round")
    self._check_attesting(r)
    check._that(parent == results._head, "rounds: the parent is not the head")
    row: results.Row = results._rows[results._row_id(parent, round)]
    check._that(commitments == row.running, "rounds: not the commitments of this round")
    check._that(included & ~(row.word & (2**128 - 1)) == 0, "rounds: an included seat has not committed")
    check._that(rule._count(included) >= rule._least_included(r.active), "rounds: too few updates")
    credited: uint256 = rule._credited(included, coefficients)
    key: bytes32 = keccak256(abi_encode(round, parent, commitments, included, model_root, keccak256(coefficients)))
    check._that(results._results[key].tally == 0, "rounds: already proposed")

    results._results[key].word = included | (credited << 128)
    results._results[key].tally = round << 128
    log Proposed(
        round=round,
        key=key,
        seat=seat,
        parent=parent,
        commitments=commitments,
        included=included,
        credited=credited,
        model_root=model_root,
        coefficients=coefficients,
    )
    self._attest(seat, key)


@external
def attest(seat: uint256, key: bytes32):
    """
    @notice Approves a proposed result; a seat may approve each that it has recomputed.
    @param seat The index of a seat of the caller.
    @param key The result's key.
    """
    seats._check_owner(seat, msg.sender)
    self._attest(seat, key)


@external
def attest_and_commit(seat: uint256, key: bytes32, round: uint256, root: bytes32, samples: uint64, steps: uint64):
    """
    @notice Approves `key` and commits to an update trained on it, which counts if `key` is agreed.
    @param seat The index of a seat of the caller.
    @param key The result's key.
    @param round The round after the one in which it was proposed.
    @param root Merkle root of the update.
    @param samples What the seat claims to have trained on.
    @param steps Local steps it claims.
    """
    seats._check_owner(seat, msg.sender)
    self._attest(seat, key)
    self._commit(round, seat, key, root, convert(samples, uint256), convert(steps, uint256))


@external
@view
def round() -> phase.Round:
    """
    @notice The open round, or the last one; with `COMMIT_SECONDS` and the like, all that phases follow from.
    @return Numbers, deadline (unix seconds), power (wei), seats, and the count of rounds that ran; see `phase`.
    """
    return phase._load()


@internal
def _commit(round: uint256, seat: uint256, parent: bytes32, root: bytes32, samples: uint256, steps: uint256):
    stake: uint256 = seats._stake_in(seat, round)
    assert stake != 0, "rounds: the seat does not count in this round"
    assert root != empty(bytes32), "rounds: an empty root"
    r: phase.Round = phase._load()
    id: bytes32 = results._row_id(parent, round)
    row: results.Row = results._rows[id]
    assert (row.word >> seat) & 1 == 0, "rounds: already committed"
    is_on_head: bool = parent == results._head
    is_open: bool = is_on_head and round == r.number and block.timestamp < r.commit_ends_at
    is_opening: bool = False
    if not is_open:
        check._that(round == r.number + 1, "rounds: not a round to commit to")
        is_opening = is_on_head and self._can_open(r)
        is_on_result: bool = is_opening or self._is_candidate(parent, r, row.word)
        check._that(is_on_result, "rounds: the parent is not a result to build on")

    row.word = (row.word | (1 << seat)) + (stake << 128)
    if row.running == empty(bytes32):
        row.running = id
    row.running = keccak256(abi_encode(row.running, seat, root, rule._weight(stake, samples)))
    results._rows[id] = row
    seats._note_round(seat, r.voted_from)
    log Committed(round=round, seat=seat, parent=parent, root=root, samples=samples, steps=steps)
    if is_open:
        end: uint256 = self._commit_end(r.power, row.word >> 128, r.commit_ends_at)
        if end != r.commit_ends_at:
            r.commit_ends_at = end
            phase._store(r)
            log Closing(round=round, commit_ends_at=end)
        return
    if round > r.named:
        # A round that could never open would hold up all later ones, and whoever waits to leave.
        check._that(seats._active() >= rule.MIN_UPDATES, "rounds: too few active seats")
        # On a result that is not the head yet: it will be, should this round open.
        check._that(results._has_room(0 if is_on_head else 1), "rounds: too many unsettled results")
        r.named = round
        seats._fix_roll()
        phase._store(r)
    if is_opening:
        self._open(r, parent, row.word >> 128)


@internal
def _attest(seat: uint256, key: bytes32):
    t: results.Tally = results._tally(key)
    check._that(t.round != 0, "rounds: no such result")
    check._that((t.voters >> seat) & 1 == 0, "rounds: already approved")
    stake: uint256 = seats._vote_in(seat, t.round)
    check._that(stake != 0, "rounds: the seat does not count in this round")
    r: phase.Round = phase._load()
    is_live: bool = t.round == r.number and not phase._is_over(r)
    # A late approval of the head moves nothing, but whoever gave it answers for it, and is paid.
    is_late: bool = t.round == r.voted_from and key == results._head
    check._that(is_live or is_late, "rounds: the vote on this result is over")

    t.voters |= 1 << seat
    t.stake += stake
    agrees: bool = is_live and 3 * t.stake >= 2 * r.power
    word: uint256 = t.voters | (t.round << 128) | (t.stake << 160)
    results._results[key].tally = word | results.AGREED if is_late or agrees else word
    log Attested(key=key, seat=seat)
    if agrees:
        self._agree(key, r)


@internal
def _agree(key: bytes32, r: phase.Round):
    share: uint256 = rewards._accrue(key, r)
    height: uint256 = results._append(key, r.number)
    log Agreed(round=r.number, key=key, height=height, share_wei=share)
    closed: phase.Round = r
    closed.commit_ends_at = 0
    closed.voted_from = r.number
    waiting: uint256 = results._rows[results._row_id(key, r.number + 1)].word
    if waiting != 0:
        # However few: were the round left for others to open, it would hang on the absent.
        self._open(closed, key, waiting >> 128)
    else:
        phase._store(closed)


@internal
def _open(last: phase.Round, parent: bytes32, committed: uint256):
    """
    @notice Opens the round after `last`, for which `committed` stake has committed already.
    """
    r: phase.Round = last
    r.number = last.number + 1
    if self._has_run(last):
        r.ran = (last.ran + 1) % 2**16
    r.power, r.active = seats._fixed_roll()
    r.commit_ends_at = self._commit_end(r.power, committed, block.timestamp + phase.COMMIT_SECONDS)
    phase._store(r)
    log Opened(
        round=r.number, parent=parent, power_wei=r.power, active=r.active, commit_ends_at=r.commit_ends_at
    )


@internal
@view
def _commit_end(power: uint256, committed: uint256, latest: uint256) -> uint256:
    """
    @notice When commitments end: at once if all are in, soon if all but the faulty are.
    """
    if committed == power:
        return block.timestamp
    if committed >= power * (parameters.BPS - rule.FAULTS_BPS) // parameters.BPS:
        return min(latest, block.timestamp + phase.GRACE_SECONDS)
    return latest


@internal
@view
def _can_open(r: phase.Round) -> bool:
    """
    @notice Whether round `r` is agreed or has lapsed, for want of votes or of commitments.
    """
    if phase._is_over(r):
        return True
    return not phase._is_committing(r) and not self._has_enough(r)


@internal
@view
def _check_attesting(r: phase.Round):
    check._that(not phase._is_over(r), "rounds: the round is over")
    check._that(not phase._is_committing(r), "rounds: commitments are still open")
    # Fewer commitments than `min_updates`: lapsed. No result could include enough either.


@internal
@view
def _has_enough(r: phase.Round) -> bool:
    return rule._count(results._committed(results._head, r.number)) >= rule.MIN_UPDATES


@internal
@view
def _has_run(r: phase.Round) -> bool:
    """
    @notice Whether round `r`, whose successor opens, had enough commitments: agreed rounds had.
    """
    if results._head_round() == r.number:
        return r.number != 0
    return self._has_enough(r)


@internal
@view
def _is_candidate(key: bytes32, r: phase.Round, word: uint256) -> bool:
    """
    @notice Whether `key` was proposed in round `r` and can still be agreed; `word` is the row that hangs
            off it for the next round.
    """
    if phase._is_over(r):
        return False
    # Who committed to it first has shown the proposal; the others need not read it again.
    return word != 0 or results._tally(key).round == r.number
