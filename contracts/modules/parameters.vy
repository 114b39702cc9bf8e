# pragma version 0.4.3
"""
@title What a federation is created with, and never changes
@license Apache-2.0
@notice One struct for the constructor and for whoever asks later. Each module checks and keeps the part
        it answers for: `rule` the arithmetic, `phase` the deadlines, `seats` the stakes, `admission` who may
        come, `retirement` who must go, `results` how long a result can be disputed, `disputes` the deposits, `rewards` the pay.
"""

struct Parameters:
    coordinates: uint256  # of the model
    genesis: bytes32  # Merkle root of the first model
    update_bytes: uint256  # a coordinate of an update: 1 or 2
    update_bits: uint256  # an update counts in 2**-update_bits
    model_bits: uint256  # a model counts in 2**-model_bits
    weighting: uint256  # 0 stake, 1 equal, 2 samples
    selection: uint256  # 0 none, 1 vouched, 2 multi_krum
    trim_bps: uint256
    faults_bps: uint256
    clip: uint256  # longest update, L2, in update units; 0: no limit
    min_updates: uint256
    min_stake_wei: uint256
    max_seats: uint256
    commit_seconds: uint256
    grace_seconds: uint256
    attest_seconds: uint256
    challenge_seconds: uint256
    answer_seconds: uint256
    retire_seconds: uint256  # silence before a watched seat can be retired
    max_missed: uint256  # rounds missed, or results left out of, before a seat can be retired
    admission: bytes32  # Merkle root of the addresses that may join; zero: open to all
    challenge_blocks: uint256  # a result is disputable for so many blocks, and for `challenge_seconds`
    max_unsettled: uint256  # results that may be disputable at a time
    bond_wei: uint256  # least deposit of who asks for data
    challenger_cap_wei: uint256  # most that a refutation pays
    reward_wei_per_second: uint256  # what results earn together; 0: nothing, and there is no pool


# A spec is a page of TOML, and a log byte costs 8 gas.
MAX_SPEC_BYTES: constant(uint256) = 16_384
BPS: constant(uint256) = 10_000
