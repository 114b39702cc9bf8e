# pragma version 0.4.3
"""
@title Federation
@license Apache-2.0
@notice One learning task: peers with stakes commit to updates, vote on what follows from them, and so agree
        on one model, round by round. This file only joins the modules; each tells its own story.
"""

from modules import admission
from modules import disputes
from modules import membership
from modules import parameters
from modules import phase
from modules import retirement
from modules import results
from modules import rewards
from modules import rounds
from modules import rule
from modules import seats

initializes: admission
initializes: phase
initializes: rule
initializes: seats[phase := phase]
initializes: results[phase := phase]
initializes: rewards[results := results, seats := seats]
initializes: membership[
    admission := admission, phase := phase, results := results, rewards := rewards, seats := seats
]
initializes: rounds[phase := phase, results := results, rewards := rewards, rule := rule, seats := seats]
initializes: disputes[results := results, rewards := rewards, seats := seats]
initializes: retirement[phase := phase, results := results, seats := seats]

exports: (membership.join, membership.top_up, membership.set_endpoint, membership.leave, membership.withdraw)
exports: (retirement.retire, retirement.retire_withholder, retirement.activate)
exports: (rounds.commit, rounds.propose, rounds.attest, rounds.attest_and_commit)
exports: (disputes.challenge, disputes.answer, disputes.close, disputes.refute, disputes.collect)
exports: (results.settle, membership.seat, results.head, rounds.round, results.row, results.tally)
exports: (results.archived, results.canonical, disputes.judge, disputes.owed)
exports: (rewards.fund, rewards.claim, rewards.pool)

event Created:
    spec: Bytes[parameters.MAX_SPEC_BYTES]
    parameters: parameters.Parameters

PARAMETERS: immutable(parameters.Parameters)


@deploy
def __init__(spec: Bytes[parameters.MAX_SPEC_BYTES], p: parameters.Parameters, judge: address):
    """
    @notice Creates the federation, or refuses a combination whose guarantee would not hold.
    @param spec The bytes that describe the task; they are public, and hashed exactly as they are.
    @param p All that is chosen, once and for ever.
    @param judge The contract that says whether evidence holds.
    """
    rule.__init__(p)
    phase.__init__(p)
    seats.__init__(p)
    membership.__init__(p)
    admission.__init__(p.admission)
    retirement.__init__(p)
    results.__init__(p)
    rewards.__init__(p)
    disputes.__init__(p, judge)
    PARAMETERS = p
    log Created(spec=spec, parameters=p)


@external
@view
def terms() -> parameters.Parameters:
    """
    @notice What the federation was created with.
    @return The parameters; the spec is in the `Created` event.
    """
    return PARAMETERS
