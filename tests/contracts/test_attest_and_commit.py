"""`attest_and_commit`: the vote, and the next commitment on what was voted for."""

from federation_lab import ETHER, Lab, make_root

from chain.types import Agreed, Attested, Closing, Committed, Opened


def test_attest_and_commit__before_the_agreement__votes_and_commits_early(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    key = proposal.key
    lab.propose(0, proposal)
    mined = lab.attest_and_commit(1, key, 2)
    assert mined.events == (Attested(key, 1), Committed(2, 1, key, make_root(1, 2), 10, 5))
    assert lab.federation.get_tally(key)[0] == 0b11
    assert lab.federation.get_row(key, 2)[1:] == (0b10, ETHER)


def test_attest_and_commit__the_vote_that_agrees__opens_the_round_with_all_that_wait(
    lab: Lab,
) -> None:
    proposal = lab.open_votes(1)
    key = proposal.key
    lab.propose(0, proposal)
    lab.attest_and_commit(1, key, 2)
    mined = lab.attest_and_commit(2, key, 2)
    assert [type(e) for e in mined.events] == [Attested, Agreed, Opened, Committed]
    assert lab.federation.get_row(key, 2)[1] == 0b110
    mined = lab.attest_and_commit(3, key, 2)
    assert [type(e) for e in mined.events] == [Attested, Committed]
    mined = lab.commit(0, 2)
    assert mined.only(Closing).commit_ends_at == mined.timestamp


def test_attest_and_commit__nobody_waits__own_commitment_opens_the_round(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.attest(1, proposal.key)
    mined = lab.attest_and_commit(2, proposal.key, 2)
    assert [type(e) for e in mined.events] == [Attested, Agreed, Committed, Opened]


def test_attest_and_commit__late_on_the_head__counts_in_the_open_round(lab: Lab) -> None:
    key = lab.agree(1)
    lab.commit(0, 2)
    lab.attest_and_commit(3, key, 2)
    assert lab.federation.get_tally(key)[0] == 0b1111
    assert lab.federation.get_row(key, 2)[1] == 0b1001


def test_attest_and_commit__either_half_refused__nothing_happens(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    key = proposal.key
    with lab.refused("rounds: no such result"):
        lab.attest_and_commit(1, key, 2)
    lab.propose(0, proposal)
    with lab.refused("seats: not the owner"):
        lab.attest_and_commit(1, key, 2, by=2)
    with lab.refused("rounds: already approved"):
        lab.attest_and_commit(0, key, 2)
    for number in (1, 3):
        with lab.refused("rounds: not a round to commit to"):
            lab.attest_and_commit(1, key, number)
    lab.commit(1, 2, key)
    with lab.refused("rounds: already committed"):
        lab.attest_and_commit(1, key, 2)
    assert lab.federation.get_tally(key)[0] == 0b1


def test_attest_and_commit__left_before_the_next_round__refused_while_attest_is_not(
    lab: Lab,
) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.leave(1)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest_and_commit(1, proposal.key, 2)
    lab.attest(1, proposal.key)
