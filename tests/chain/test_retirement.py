"""Who can be retired, asked of the ledger and of the contract: both say the same."""

import pytest
from federation_lab import ETHER, PAIR, Lab, OpenLab
from web3.exceptions import ContractLogicError

from chain.errors import Reverted
from chain.keys import build_record
from chain.ledger import Ledger
from chain.observer import Observer
from chain.retirement import (
    MAX_RECORDS,
    call_retire_withholder,
    can_retire,
    can_watch,
    find_withheld,
)
from chain.states import Record
from chain.types import Activated, Retired, Watched


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    return open_lab(4, retire_seconds=100, max_missed=2)


def fold(lab: Lab) -> Ledger:
    observer = Observer(lab.federation, created_at=lab.created_at)
    observer.poll()
    return observer.ledger


def agree_without_3(lab: Lab, number: int) -> None:
    lab.commit_all(number, range(4))
    lab.close_commits()
    proposal = lab.make_proposal(number, included=0b0111, coefficients=PAIR * 3)
    for seat in range(3):
        if seat:
            lab.attest(seat, proposal.key)
        else:
            lab.propose(seat, proposal)


def is_allowed(lab: Lab, seat: int, kind: type) -> bool:
    """Return whether the contract would answer `retire` with an event of a kind."""
    call = lab.federation.call("retire", seat)
    try:
        lab.web3.eth.call({"to": call.to, "data": call.data})  # type: ignore[typeddict-item]
    except ContractLogicError:
        return False
    return (kind is Retired) == lab.federation.get_seat(seat).is_watched  # type: ignore[arg-type]


def test_can_watch_and_can_retire__a_seats_whole_life__as_the_contract_says(lab: Lab) -> None:
    """At every step, for every seat: the ledger's answer, and the contract's."""
    seen: set[tuple[bool, bool]] = set()

    def compare() -> None:
        ledger = fold(lab)
        for seat in range(6):
            answers = can_watch(ledger, seat), can_retire(ledger, seat, lab.now)
            assert answers == (is_allowed(lab, seat, Watched), is_allowed(lab, seat, Retired))
            seen.add(answers)
            state, record = lab.federation.get_seat(seat), ledger.seats.get(seat)
            if record is None:
                assert state.stake_wei == 0
                continue
            assert (state.is_watched, state.is_retired) == (record.since != 0, record.is_retired)
            if state.is_watched:
                assert (state.since, state.ran) == (record.since, record.ran)
            if not state.until:
                assert state.begun == record.begun
        assert ledger.round == lab.federation.get_round()

    compare()
    lab.agree(1)
    compare()
    lab.act("retire", 3, by=9)
    lab.join(4)
    compare()
    for number in (2, 3):
        lab.agree(number, (0, 1, 2, 4))
        compare()
    lab.commit(0, 4)
    compare()
    lab.next_at(lab.now + 100)
    lab.act("set_endpoint", 0, "x", by=0)
    compare()
    lab.act("retire", 3, by=9).only(Retired)
    compare()
    lab.let_lapse()
    lab.act("activate", 3, by=3).only(Activated)
    compare()
    lab.commit_all(5, (0, 1, 2, 3))
    compare()
    assert seen == {(False, False), (True, False), (False, True)}


def test_ledger__watched_then_voted__is_not_watched(lab: Lab) -> None:
    key = lab.agree(1)
    mined = lab.act("retire", 3, by=9)
    record = fold(lab).seats[3]
    assert (record.since, record.ran) == (mined.timestamp, 0)
    lab.attest(3, key)
    assert (fold(lab).seats[3].since, fold(lab).seats[3].ran) == (0, 0)


def test_ledger__retired_and_activated__counts_as_on_the_chain(lab: Lab) -> None:
    for number in (1, 2):
        agree_without_3(lab, number)
    records = find_withheld(fold(lab), 3)
    lab.send(call_retire_withholder(lab.federation, 3, records), 9).only(Retired)
    ledger = fold(lab)
    assert [ledger.stake_in(3, n) for n in (2, 3, 9)] == [ETHER, 0, 0]
    assert ledger.active(3) == (0, 1, 2)
    assert ledger.seats[3].is_retired
    lab.act("activate", 3, by=3)
    ledger = fold(lab)
    assert [ledger.stake_in(3, n) for n in (2, 3, 9)] == [0, ETHER, ETHER]
    assert not ledger.seats[3].is_retired
    assert ledger.seats[3].endpoint == "x"


def test_find_withheld__left_out_twice__is_the_list_that_the_contract_takes(lab: Lab) -> None:
    lab.agree(1)
    agree_without_3(lab, 2)
    assert find_withheld(fold(lab), 3) == ()
    lab.agree(3, range(3))
    agree_without_3(lab, 4)
    ledger = fold(lab)
    records = find_withheld(ledger, 3)
    assert [record.round for record in records] == [4, 3, 2]
    assert records[0] == build_record(ledger.result(lab.head))
    lab.send(call_retire_withholder(lab.federation, 3, records), 9).only(Retired)
    assert find_withheld(fold(lab), 3) == ()


def test_find_withheld__included_older_or_nobody__is_empty(lab: Lab) -> None:
    for number in (1, 2):
        agree_without_3(lab, number)
    ledger = fold(lab)
    assert find_withheld(ledger, 0) == ()
    assert find_withheld(ledger, 5) == ()
    lab.send(call_retire_withholder(lab.federation, 3, find_withheld(ledger, 3)), 9)
    lab.act("activate", 3, by=3)
    assert find_withheld(fold(lab), 3) == ()
    agree_without_3(lab, 3)
    lab.agree(4)
    assert find_withheld(fold(lab), 3) == ()


def test_max_records__the_contracts_list__is_no_longer(lab: Lab) -> None:
    record = Record(1, lab.head, bytes(32), 0, bytes(32), bytes(32))  # type: ignore[arg-type]
    for count, reason in ((MAX_RECORDS, "seats: not the head's record"), (MAX_RECORDS + 1, None)):
        with pytest.raises(Reverted) as caught:
            lab.send(call_retire_withholder(lab.federation, 3, (record,) * count), 9)
        assert (caught.value.got == reason) == (reason is not None)
