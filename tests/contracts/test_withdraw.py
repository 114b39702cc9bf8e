"""`withdraw`: first the unbonding starts, then the stake comes back and the index is free."""

import pytest
from federation_lab import ETHER, NOBODY, UNBONDING_SECONDS, Lab, OpenLab
from retirement_lab import QUICK, SILENT, retire_silent, state

from chain.errors import Reverted
from chain.federation import Call
from chain.types import Joined, Opened, Unbonding, Withdrawn

ATTACKER = """
interface Federation:
    def join(endpoint: String[256], proof: DynArray[bytes32, 32]) -> uint256: payable
    def leave(seat: uint256): nonpayable
    def withdraw(seat: uint256): nonpayable

federation: Federation
seat: uint256
tries: public(uint256)
gains: public(uint256)

@deploy
def __init__(federation: address):
    self.federation = Federation(federation)

@external
@payable
def join():
    self.seat = extcall self.federation.join("trap", [], value=msg.value)

@external
def leave():
    extcall self.federation.leave(self.seat)

@external
def withdraw():
    extcall self.federation.withdraw(self.seat)

@external
@payable
def __default__():
    self.tries += 1
    success: bool = raw_call(
        self.federation.address,
        abi_encode(self.seat, method_id=method_id("withdraw(uint256)")),
        revert_on_failure=False,
    )
    if success:
        self.gains += 1
"""


def test_withdraw__more_results_than_one_call_settles__waits_for_settle(open_lab: OpenLab) -> None:
    lab = open_lab(1, min_updates=1, max_seats=1)
    for number in range(1, 68):
        lab.agree(number, (0,))
    lab.leave(0)
    lab.next_at(lab.withdraw(0).timestamp + UNBONDING_SECONDS)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(0)
    assert lab.act("settle", by=5).events == (), "nothing changes but what is known"
    assert lab.federation.read("head")[4] == 64
    assert lab.withdraw(0).only(Withdrawn).amount_wei == ETHER


def test_withdraw__never_counted__unbonds_then_pays_and_frees_the_index(lab: Lab) -> None:
    owner = lab.address(3)
    lab.leave(3)
    mined = lab.withdraw(3)
    free_at = mined.timestamp + UNBONDING_SECONDS
    assert mined.only(Unbonding) == Unbonding(3, free_at)
    assert lab.read_seat(3)[5] == free_at
    assert lab.balance_wei == 4 * ETHER
    lab.next_at(free_at - 1)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(3)
    before = lab.get_balance(owner)
    assert lab.withdraw(3).only(Withdrawn) == Withdrawn(3, owner, ETHER)
    assert lab.get_balance(owner) - before > ETHER * 99 // 100
    assert lab.balance_wei == 3 * ETHER
    assert lab.read_seat(3) == (NOBODY, 0, 0, 0, 0, 0)
    with lab.refused("seats: no such seat"):
        lab.withdraw(3)


def test_withdraw__before_leaving__refused(lab: Lab) -> None:
    with lab.refused("seats: leave first"):
        lab.withdraw(0)


def test_withdraw__not_the_owner__refused(lab: Lab) -> None:
    lab.leave(0)
    with lab.refused("seats: not the owner"):
        lab.withdraw(0, by=1)
    with lab.refused("seats: no such seat"):
        lab.withdraw(128, by=0)


def test_withdraw__stakes_of_one_owner_in_two_seats__pays_only_that_seat(open_lab: OpenLab) -> None:
    lab = open_lab()
    lab.join(0, ETHER)
    lab.join(0, 2 * ETHER)
    lab.leave(0, by=0)
    free_at = lab.withdraw(0, by=0).only(Unbonding).free_at
    lab.next_at(free_at)
    lab.withdraw(0, by=0)
    assert lab.balance_wei == 2 * ETHER
    assert lab.read_seat(1)[1] == 2 * ETHER


@pytest.mark.parametrize("early", [1, 0])
def test_withdraw__a_round_that_counts_it__waits_for_the_end_of_its_votes(
    lab: Lab, early: int
) -> None:
    lab.open_votes(1)
    lab.leave(3)
    lab.next_at(lab.commit_ends_at + lab.parameters.attest_seconds - early)
    if early:
        with lab.refused("seats: a round may still count the seat"):
            lab.withdraw(3)
    else:
        lab.withdraw(3).only(Unbonding)


def test_withdraw__the_round_that_counts_it_agreed__unbonds_at_once(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.leave(3)
    lab.attest(1, proposal.key)
    with lab.refused("seats: a round may still count the seat"):
        lab.withdraw(3)
    lab.attest(2, proposal.key)
    lab.withdraw(3).only(Unbonding)


def test_withdraw__a_later_round_is_open__unbonds_at_once(lab: Lab) -> None:
    lab.commit(0, 1)
    lab.leave(3)
    lab.let_lapse()
    lab.commit(0, 2)
    lab.withdraw(3).only(Unbonding)


def test_withdraw__a_named_round_that_has_not_opened__waits_for_it(lab: Lab) -> None:
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.commit(0, 2, proposal.key)
    lab.leave(3)
    lab.let_lapse()
    with lab.refused("seats: a round may still count the seat"):
        lab.withdraw(3)
    # It counts in that round, so it can open it by itself.
    lab.commit(3, 2).only(Opened)
    lab.let_lapse()
    lab.withdraw(3).only(Unbonding)


def test_withdraw__joined_and_left_without_ever_counting__waits_for_nobody(lab: Lab) -> None:
    """Found by review: with a named round that nobody opens, a seat that counts only after it
    could neither open it nor get its stake back."""
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.commit(0, 2, proposal.key)
    assert lab.join(4).only(Joined).counts_from == 3
    lab.leave(4)
    lab.withdraw(4).only(Unbonding)


def test_withdraw__topped_up_and_left_in_one_round__waits_for_that_round(lab: Lab) -> None:
    lab.agree(1)
    lab.commit(0, 2)
    lab.top_up(3, ETHER)
    lab.leave(3)
    assert lab.read_seat(3)[2:5] == (ETHER, 3, 3)
    with lab.refused("seats: a round may still count the seat"):
        lab.withdraw(3)


def test_withdraw__few_early_commitments_wait_at_the_agreement__round_opens_and_frees_them(
    lab: Lab,
) -> None:
    """Found by review: were the round left for others to open, those who had committed to it
    early could not, and with the others gone neither rounds nor stakes would ever move again."""
    proposal = lab.open_votes(1)
    lab.propose(0, proposal)
    lab.commit(0, 2, proposal.key)
    lab.attest(1, proposal.key)
    assert lab.attest(2, proposal.key).only(Opened).round == 2
    lab.leave(0)
    lab.let_lapse()
    lab.withdraw(0).only(Unbonding)


def test_withdraw__index_freed__next_owner_has_a_clean_seat(lab: Lab) -> None:
    key = lab.agree(1)
    lab.leave(3)
    lab.next_at(lab.withdraw(3).only(Unbonding).free_at)
    lab.withdraw(3)
    event = lab.join(7, 2 * ETHER).only(Joined)
    assert (event.seat, event.counts_from) == (3, 2)
    assert lab.read_seat(3)[1:] == (2 * ETHER, 0, 2, 0, 0)
    with lab.refused("rounds: the seat does not count in this round"):
        lab.attest(3, key, by=7)
    assert lab.commit(3, 2, by=7).only(Opened).power_wei == 5 * ETHER


def test_withdraw__index_reused_between_two_seats__lowest_first(lab: Lab) -> None:
    for seat in (1, 2):
        lab.leave(seat)
        free_at = lab.withdraw(seat).only(Unbonding).free_at
    lab.next_at(free_at)
    for seat in (2, 1):
        lab.withdraw(seat)
    assert [lab.join(9).only(Joined).seat for _ in range(3)] == [1, 2, 4]


def test_withdraw__owner_calls_again_while_paid__gains_nothing(lab: Lab) -> None:
    from vyper.compiler import compile_code

    built = compile_code(ATTACKER, output_formats=["abi", "bytecode"])
    trap = lab.web3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
    creation = trap.constructor(lab.federation.address).data_in_transaction
    address = _create(lab, creation, 8)
    attacker = lab.web3.eth.contract(address=address, abi=built["abi"])

    def act(name: str, value: int = 0) -> None:
        data = bytes.fromhex(attacker.encode_abi(name)[2:])
        lab.send(Call(name, address, data, value), 8)  # type: ignore[arg-type]

    act("join", ETHER)
    act("leave")
    act("withdraw")
    lab.next_at(lab.now + UNBONDING_SECONDS)
    act("withdraw")
    assert attacker.functions.tries().call() == 1
    assert attacker.functions.gains().call() == 0
    assert lab.get_balance(address) == ETHER
    assert lab.balance_wei == 4 * ETHER
    assert lab.read_seat(4)[0] == NOBODY


def _create(lab: Lab, code: str, account: int) -> str:
    from chain.sender import Sender

    sender = Sender(lab.web3, lab.devnet.accounts[account])
    receipt = sender.send(Call("constructor", "", bytes.fromhex(code[2:])))
    assert receipt.contract is not None
    return lab.web3.to_checksum_address(receipt.contract)


def test_withdraw__owner_that_takes_no_ether__keeps_the_seat(lab: Lab) -> None:
    from vyper.compiler import compile_code

    refusing = ATTACKER.replace("self.tries += 1", 'assert self.tries == 1, "no, thanks"')
    built = compile_code(refusing, output_formats=["abi", "bytecode"])
    trap = lab.web3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
    address = _create(lab, trap.constructor(lab.federation.address).data_in_transaction, 8)
    attacker = lab.web3.eth.contract(address=address, abi=built["abi"])
    calls = {n: bytes.fromhex(attacker.encode_abi(n)[2:]) for n in ("join", "leave", "withdraw")}
    for name, value in (("join", ETHER), ("leave", 0), ("withdraw", 0)):
        lab.send(Call(name, address, calls[name], value), 8)  # type: ignore[arg-type]
    lab.next_at(lab.now + UNBONDING_SECONDS)
    with pytest.raises(Reverted):
        lab.send(Call("withdraw", address, calls["withdraw"]), 8)
    assert lab.balance_wei == 5 * ETHER
    assert lab.read_seat(4)[1] == ETHER


def test_withdraw__retired__pays_the_whole_stake_without_leave(open_lab: OpenLab) -> None:
    lab = open_lab(4, **QUICK)
    lab.agree(1)
    retire_silent(lab, 2)
    with lab.refused("seats: a round may still count the seat"):
        lab.withdraw(SILENT)
    lab.let_lapse()
    free_at = lab.withdraw(SILENT).only(Unbonding).free_at
    lab.next_at(free_at - 1)
    with lab.refused("seats: still unbonding"):
        lab.withdraw(SILENT)
    lab.withdraw(SILENT)
    assert lab.balance_wei == 3 * ETHER
    assert state(lab).stake_wei == 0
    assert lab.commit(0, 5).only(Opened).power_wei == 3 * ETHER
