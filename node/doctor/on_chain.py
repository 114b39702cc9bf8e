"""The checks that ask a node."""

from chain.connect import open_endpoints
from chain.errors import WrongChain, hide_secrets
from chain.rpc import ask, get_block
from chain.sender import compute_round_cost
from node.daemon.opening import find_own_seat, find_seat, open_contract
from node.doctor.case import Case, Fault
from node.doctor.clock import SAMPLE, judge_clock
from node.settings import DEVELOPMENT_CHAINS

ETHER = 10**18


def check_chain(case: Case) -> str:
    """The node answers, is of the right chain, and has caught up with it."""
    settings = case.settings
    case.web3 = case.opened.enter_context(open_endpoints(settings.rpc))
    got = int(case.web3.eth.chain_id)
    if got != settings.chain_id:
        raise WrongChain(settings.chain_id, got)
    syncing = ask(case.web3, "eth_syncing")
    if syncing:
        raise Fault("the node is still catching up with its chain", "wait until it has")
    number = int(case.web3.eth.block_number)
    nodes = " and ".join(map(hide_secrets, settings.rpc))
    return f"{nodes}: chain {got}, block {number}"


def check_contract(case: Case) -> str:
    """A federation is at the address, and its history can be read."""
    case.contract = case.opened.enter_context(open_contract(case.settings))
    ledger = case.contract.observer.ledger
    seats, height = len(ledger.seats), ledger.head().height
    return f"{case.contract.federation.address}: {seats} seats, height {height}"


def check_clock(case: Case) -> str:
    """This clock and the chain's agree as far as they must."""
    newest = get_block(case.web3, "latest")
    assert newest is not None, "every chain has a latest block"
    now = case.clock()
    first = max(0, newest.number + 1 - SAMPLE)
    # The genesis block's time is anybody's invention.
    earlier = (get_block(case.web3, number) for number in range(max(1, first), newest.number))
    times = [block.timestamp for block in earlier if block is not None]
    is_development = case.settings.chain_id in DEVELOPMENT_CHAINS
    return judge_clock(now, [*times, newest.timestamp], is_development=is_development)


def check_balance(case: Case) -> str:
    """The account can pay for the rounds to come."""
    owned = int(ask(case.web3, "eth_getBalance", case.address, "latest"), 16)
    gas, wei = compute_round_cost(case.web3)
    limit = f"{case.rounds} rounds at the most they can cost ({gas:,} gas each, now {_show(wei)})"
    if owned < case.rounds * wei:
        missing = _show(case.rounds * wei - owned)
        raise Fault(
            f"{_show(owned)}, too little for {limit}", f"send {missing} or more to {case.address}"
        )
    return f"{_show(owned)}, enough for {limit}"


def check_seat(case: Case) -> str:
    """The key has a seat that counts."""
    contract, folder = case.contract, case.folder
    ledger = contract.observer.ledger
    seat = find_seat(contract, case.address)
    case.record = record = ledger.seats[seat]
    if record.is_retired:
        raise Fault(f"seat {seat} is retired", f"holdfast peer activate {folder}")
    if record.until:
        raise Fault(
            f"seat {seat} leaves, and counts until round {record.until}",
            f"holdfast peer withdraw {folder}, twice, and join again to come back",
        )
    watched = ", watched for silence: it must commit" if record.since else ""
    return f"seat {seat} counts from round {record.begun}{watched}"


def check_apart(case: Case) -> str:
    """No other seat tells the others to come to this peer's endpoint."""
    own, ledger = case.settings.endpoint, case.contract.observer.ledger
    seat = find_own_seat(case.contract, case.address)
    # Who leaves may have been this organisation's, with a folder that is lost.
    others = [
        number
        for number, record in sorted(ledger.seats.items())
        if number != seat and not record.until and _is_same(record.endpoint, own)
    ]
    if others:
        taken = ", ".join(map(str, others))
        raise Fault(f"{own} is the endpoint of seat {taken} too: one of them cannot be reached")
    return f"no other seat has {own}"


def _is_same(first: str, second: str) -> bool:
    return first.rstrip("/").lower() == second.rstrip("/").lower()


def _show(wei: int) -> str:
    return f"{wei / ETHER:.6g} ether"
