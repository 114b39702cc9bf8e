# pragma version 0.4.3
"""
@title Federation
@license Apache-2.0
@notice One learning task: peers with stakes commit to updates, vote on what follows from them, and so agree
        on one model, round by round. This file only joins the modules; each tells its own story.
"""

from modules import parameters
from modules import phase
from modules import rule
from modules import seats
from modules import rounds

initializes: phase
initializes: rule
initializes: seats[phase := phase]
initializes: rounds[phase := phase, rule := rule, seats := seats]

exports: (seats.join, seats.top_up, seats.set_endpoint, seats.leave, seats.withdraw, seats.seat)
exports: (rounds.commit, rounds.propose, rounds.attest, rounds.attest_and_commit)
exports: (rounds.head, rounds.round, rounds.row, rounds.tally)

event Created:
    spec: Bytes[parameters.MAX_SPEC_BYTES]
    parameters: parameters.Parameters

PARAMETERS: immutable(parameters.Parameters)


@deploy
def __init__(spec: Bytes[parameters.MAX_SPEC_BYTES], p: parameters.Parameters):
    """
    @param spec The bytes that describe the task; they are public, and hashed exactly as they are.
    """
    rule.__init__(p)
    phase.__init__(p)
    seats.__init__(p)
    rounds.__init__(p.genesis)
    PARAMETERS = p
    log Created(spec=spec, parameters=p)


@external
@view
def terms() -> parameters.Parameters:
    """
    @notice What the federation was created with.
    """
    return PARAMETERS
