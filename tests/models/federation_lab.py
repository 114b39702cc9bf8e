"""A federation on a chain of its own, whose rounds are driven in a few words.

Account i owns seat i, every stake is one ether and every root is made up, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import pytest
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import Web3

from chain.connect import connect_devnet
from chain.deployment import deploy
from chain.devnet.devnet import Devnet
from chain.errors import Reverted, revert_error
from chain.federation import Call, Federation, decode_event
from chain.keys import compute_result_key
from chain.sender import Sender
from chain.types import Event, Key, Logged, Parameters, Root, RoundId, Wei, seats_of

START = 1_700_000_000
ETHER = 10**18
ACCOUNTS = 12
GAS = 3_000_000
NOBODY = "0x" + "00" * 20
PAIR = (2**16).to_bytes(4, "big") + (1).to_bytes(4, "big")
"""Coefficients of an update that is not clipped and weighs 1."""

PARAMETERS = Parameters(
    coordinates=100,
    genesis=Root(b"\x01" * 32),
    update_bytes=2,
    update_bits=14,
    model_bits=20,
    weighting=0,
    selection=1,
    trim_bps=0,
    faults_bps=2000,
    clip=1000,
    min_updates=3,
    min_stake_wei=Wei(ETHER),
    max_seats=8,
    commit_seconds=600,
    grace_seconds=30,
    attest_seconds=300,
    challenge_seconds=3600,
    answer_seconds=900,
    retire_seconds=3600,
    max_missed=10,
    admission=bytes(32),
    challenge_blocks=0,
    max_unsettled=1024,
    bond_wei=Wei(10**16),
    challenger_cap_wei=Wei(10**17),
    reward_wei_per_second=Wei(0),
)
UNBONDING_SECONDS = 3600 + 2 * 900

OpenLab = Callable[..., "Lab"]
"""Stakes, and changes to PARAMETERS, to a federation."""
T = TypeVar("T")


class Clock:
    """Unix seconds that move only when set."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Mined:
    """A transaction that succeeded, and what it told."""

    events: tuple[Event, ...]
    gas_used: int
    block: int
    timestamp: int

    def only(self, kind: type[T]) -> T:
        """Return the one event of a kind."""
        (event,) = (e for e in self.events if isinstance(e, kind))
        return event


@dataclass(frozen=True)
class Proposal:
    """The arguments of a `propose`, the seat apart."""

    round: RoundId
    parent: Key
    commitments: bytes
    included: int
    model_root: Root
    coefficients: bytes

    @property
    def key(self) -> Key:
        return compute_result_key(
            self.round,
            self.parent,
            self.commitments,
            self.included,
            self.model_root,
            self.coefficients,
        )


@dataclass
class Lab:
    """One federation, its chain, and who owns which seat."""

    devnet: Devnet
    clock: Clock
    web3: Web3
    federation: Federation
    parameters: Parameters
    created_at: int

    # Sending ------------------------------------------------------------------------------

    def send(self, call: Call, account: int) -> Mined:
        """Send as it is, without a simulation; raises the typed error of a revert."""
        signer = self.devnet.accounts[account]
        sent = self._rpc("eth_sendRawTransaction", self._sign(call, signer))
        receipt = self._rpc("eth_getTransactionReceipt", sent)
        block = int(receipt["blockNumber"], 16)
        if int(receipt["status"], 16) == 0:
            raise revert_error(self._ask_why(call, signer.address, block))
        events = tuple(_decode_log(log) for log in receipt["logs"])
        return Mined(events, int(receipt["gasUsed"], 16), block, self.now)

    def act(self, function: str, *arguments: object, by: int, value_wei: int = 0) -> Mined:
        """Call a function of the contract from account `by`."""
        return self.send(self.federation.call(function, *arguments, value_wei=value_wei), by)

    def join(
        self,
        by: int = 0,
        stake_wei: int = ETHER,
        endpoint: str = "x",
        proof: tuple[bytes, ...] = (),
    ) -> Mined:
        return self.act("join", endpoint, proof, by=by, value_wei=stake_wei)

    def top_up(self, seat: int, value_wei: int, by: int | None = None) -> Mined:
        return self.act("top_up", seat, by=_owner(seat, by), value_wei=value_wei)

    def leave(self, seat: int, by: int | None = None) -> Mined:
        return self.act("leave", seat, by=_owner(seat, by))

    def withdraw(self, seat: int, by: int | None = None) -> Mined:
        return self.act("withdraw", seat, by=_owner(seat, by))

    def commit(
        self,
        seat: int,
        number: int,
        parent: bytes | None = None,
        *,
        root: bytes | None = None,
        samples: int = 10,
        by: int | None = None,
    ) -> Mined:
        """Commit; to an update on the head, if no other parent is named."""
        parent = self.head if parent is None else parent
        root = make_root(seat, number) if root is None else root
        return self.act("commit", number, seat, parent, root, samples, 5, by=_owner(seat, by))

    def propose(self, seat: int, proposal: Proposal, by: int | None = None) -> Mined:
        p = proposal
        arguments = (p.round, seat, p.parent, p.commitments, p.included, p.model_root)
        return self.act("propose", *arguments, p.coefficients, by=_owner(seat, by))

    def attest(self, seat: int, key: bytes, by: int | None = None) -> Mined:
        return self.act("attest", seat, key, by=_owner(seat, by))

    def attest_and_commit(
        self, seat: int, key: bytes, number: int, *, samples: int = 10, by: int | None = None
    ) -> Mined:
        root = make_root(seat, number)
        arguments = (seat, key, number, root, samples, 5)
        return self.act("attest_and_commit", *arguments, by=_owner(seat, by))

    @contextmanager
    def refused(self, reason: str) -> Iterator[None]:
        """Expect a revert with exactly this reason, which costs no seat and moves no ether."""
        before = self.balance_wei
        with pytest.raises(Reverted) as caught:
            yield
        assert caught.value.got == reason
        assert self.balance_wei == before

    # Time ---------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the latest block."""
        return int(self._rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def next_at(self, timestamp: int) -> None:
        """Let the next block have this time."""
        assert timestamp > self.now, "time does not go back"
        self.clock.at = timestamp

    def close_commits(self) -> None:
        """Let the next block be the first in which commitments are over."""
        self.clock.at = max(self.clock.at, self.commit_ends_at)

    def let_lapse(self) -> None:
        """Let the next block be the first in which the votes are over too."""
        self.clock.at = self.commit_ends_at + self.parameters.attest_seconds

    # Reading ------------------------------------------------------------------------------

    @property
    def head(self) -> Key:
        return self.federation.get_head()[0]

    @property
    def commit_ends_at(self) -> int:
        return self.federation.get_round().commit_ends_at

    @property
    def balance_wei(self) -> int:
        return self.get_balance(self.federation.address)

    def address(self, account: int) -> str:
        """Return an account's address as the contract's answers are decoded: in lower case."""
        return str(self.devnet.accounts[account].address.lower())

    def get_balance(self, address: str) -> int:
        return int(self._rpc("eth_getBalance", address, "latest"), 16)

    def read_seat(self, seat: int) -> tuple[str, int, int, int, int, int]:
        """Return owner, stake, earlier stake, changed from, until, free at."""
        owner, stake, earlier, changed_from, until, free_at, *_ = self.federation.read("seat", seat)
        return owner, stake, earlier, changed_from, until, free_at

    def events(self) -> list[Logged]:
        return self.federation.get_events(0, 10**9)

    # Rounds in a few words ----------------------------------------------------------------

    def commit_all(self, number: int, seats: Iterable[int], parent: bytes | None = None) -> None:
        for seat in seats:
            self.commit(seat, number, parent)

    def make_proposal(self, number: int, *, model: int = 0, **changes: object) -> Proposal:
        """Return a proposal for the round on the head, of all that was committed."""
        parent = self.head
        running, included, _ = self.federation.get_row(parent, RoundId(number))
        proposal = Proposal(
            round=RoundId(number),
            parent=parent,
            commitments=running,
            included=included,
            model_root=Root(make_root(model, 10**6 + number)),
            coefficients=PAIR * len(seats_of(included)),
        )
        return replace(proposal, **cast(Any, changes))

    def open_votes(self, number: int, seats: Iterable[int] = range(4)) -> Proposal:
        """Let seats commit, end the commitments, and return what may be proposed."""
        self.commit_all(number, seats)
        self.close_commits()
        return self.make_proposal(number)

    def agree(self, number: int, seats: Iterable[int] = range(4)) -> Key:
        """Play a whole round; votes stop at the agreement."""
        members = tuple(seats)
        proposal = self.open_votes(number, members)
        self.propose(members[0], proposal)
        for seat in members[1:]:
            if self.head == proposal.key:
                break
            self.attest(seat, proposal.key)
        assert self.head == proposal.key
        return proposal.key

    # Within -------------------------------------------------------------------------------

    def _rpc(self, method: str, *params: object) -> Any:
        answer = self.devnet.handle({"id": 1, "method": method, "params": list(params)})
        assert "error" not in answer, answer
        return answer["result"]

    def _sign(self, call: Call, signer: LocalAccount) -> str:
        nonce = int(self._rpc("eth_getTransactionCount", signer.address, "pending"), 16)
        signed = signer.sign_transaction(
            {
                "to": call.to,
                "data": call.data,
                "value": call.value_wei,
                "gas": GAS,
                "nonce": nonce,
                "chainId": self.devnet.chain_id,
                "maxFeePerGas": 3 * 10**9,
                "maxPriorityFeePerGas": 0,
            }
        )
        return signed.raw_transaction.to_0x_hex()

    def _ask_why(self, call: Call, sender: str, block: int) -> str:
        message = {
            "from": sender,
            "to": call.to,
            "data": "0x" + call.data.hex(),
            "value": hex(call.value_wei),
        }
        answer = self.devnet.handle(
            {"id": 1, "method": "eth_call", "params": [message, hex(block)]}
        )
        return str(cast(Any, answer)["error"]["message"])


def open_federation(stakes: int | tuple[int, ...] = 0, **changes: object) -> Lab:
    """Create a federation of PARAMETERS with `changes`, and seats with these stakes (in wei)."""
    clock = Clock()
    devnet = Devnet(clock=clock, accounts=ACCOUNTS)
    web3 = connect_devnet(devnet)
    parameters = replace(PARAMETERS, **cast(Any, changes))
    sender = Sender(web3, devnet.accounts[0], is_gas_free=True)
    deployment = deploy(web3, sender, b"a spec", parameters)
    lab = Lab(devnet, clock, web3, deployment.federation, parameters, deployment.block)
    for index, stake in enumerate((ETHER,) * stakes if isinstance(stakes, int) else stakes):
        lab.join(index % ACCOUNTS, stake)
    return lab


def make_root(*numbers: int) -> bytes:
    """Return 32 bytes that stand for a Merkle root."""
    text = ",".join(map(str, numbers)).encode()
    return b"\xaa" + text.rjust(31, b"\0")


def _owner(seat: int, by: int | None) -> int:
    return seat % ACCOUNTS if by is None else by


def _decode_log(raw: dict[str, Any]) -> Event:
    return decode_event([bytes(HexBytes(t)) for t in raw["topics"]], bytes(HexBytes(raw["data"])))


class Shelf:
    """Federations by how they were opened, each as it was then: founding one takes longer than what
    most tests do with it."""

    def __init__(self) -> None:
        self._free: dict[tuple[object, ...], list[tuple[Lab, str]]] = {}
        self._out: list[tuple[tuple[object, ...], Lab, str]] = []

    def take(self, stakes: int | tuple[int, ...] = 0, **changes: object) -> Lab:
        """Return one that nobody else has, as `open_federation` returns it."""
        key = (stakes, *sorted(changes.items()))
        free = self._free.get(key)
        if free:
            lab, moment = free.pop()
        else:
            lab = open_federation(stakes, **changes)
            moment = str(lab._rpc("evm_snapshot"))
        self._out.append((key, replace(lab), moment))
        return self._out[-1][1]

    def put_back(self) -> None:
        """Bring all that were taken back to how they were opened."""
        for key, lab, moment in self._out:
            assert lab._rpc("evm_revert", moment) is True
            # What a revert leaves as it is.
            lab._rpc("evm_setAutomine", True)
            lab.clock.at = START
            self._free.setdefault(key, []).append((lab, str(lab._rpc("evm_snapshot"))))
        self._out.clear()


SHELF = Shelf()


@pytest.fixture
def open_lab() -> Iterator[OpenLab]:
    """Take federations, each on a chain of its own, as if just founded; all go back afterwards."""
    yield SHELF.take
    SHELF.put_back()


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """A federation of four seats with an ether each."""
    return open_lab(4)
