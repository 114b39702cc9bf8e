# pragma version 0.4.3
"""
@title Check: a condition, or a revert with its reason
@license Apache-2.0
@notice What `assert` does, in half of the code: its 125 bytes a time would take a third of what a contract may
        have. It costs 100 gas where the condition holds, so commitments and votes assert.
"""

# The longest reason has 52.
REASON_BYTES: constant(uint256) = 64


@internal
@pure
def _that(condition: bool, reason: String[REASON_BYTES]):
    assert condition, reason
