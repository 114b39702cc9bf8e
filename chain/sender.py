"""The only place that sends: simulate → sign → send → receipt → typed error.

A call that would revert is refused before it costs anything; one that reverts all the same, because
the chain moved in between, is asked again at the block that refused it, for its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Protocol, cast

from eth_account.datastructures import SignedTransaction
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError

from chain.acceptance import Acceptance, read_acceptance
from chain.errors import Lost, Overtaken, Refused, Replaced, Reverted, Stranded, revert_error
from chain.federation import Call
from chain.fees import FEE_LIMIT_WEI, Market, Offer, compute_higher_offer, compute_offer
from chain.pending import Pending, Signed
from chain.rpc import ask
from chain.types import Wei

GAS_LIMITS = {
    "commit": 250_000,
    "attest": 250_000,
    "attest_and_commit": 350_000,
    "propose": 700_000,
}
"""The most that these can cost with 128 seats. An estimate would not do: any vote may turn out to
be the one that agrees, and any commitment the one that opens a round, depending on what is mined
before it."""


PATIENCE_BLOCKS = 3
"""So long a transaction may wait before its fees are looked at: one full block is no reason."""
TRIES = 20
"""For a nonce, where other processes send with the same key: a try fails only if one of them got
ahead."""
POLL_SECONDS = 0.1
NO_LIMIT_WEI = 2**128


class Signer(Protocol):
    """Who signs: an eth-account LocalAccount, or anything that hides a key better."""

    @property
    def address(self) -> str: ...

    def sign_transaction(self, transaction_dict: dict[str, Any]) -> SignedTransaction: ...


@dataclass(frozen=True)
class Receipt:
    """A mined transaction that did what it should."""

    transaction: bytes
    function: str
    block: int
    gas_used: int
    contract: str | None


@dataclass
class Tally:
    """What a sender did since it began. `replaced`: again with higher fees; `reverted`: mined, and
    refused by the contract. `gas_used` is of all that was mined, whatever came of it."""

    sent: int = 0
    replaced: int = 0
    mined: int = 0
    reverted: int = 0
    gas_used: int = 0


Note = Callable[[Pending], None]
"""Takes down what is about to be sent."""


def _ignore(pending: Pending) -> None:
    """Nothing outlives this process, so nothing is taken down."""


def ask_market(web3: Web3) -> tuple[int, Market]:
    """Return the head's number and what gas costs there."""
    latest = ask(web3, "eth_getBlockByNumber", "latest", False)
    tip_wei = int(ask(web3, "eth_maxPriorityFeePerGas"), 16)
    return int(latest["number"], 16), Market(int(latest["baseFeePerGas"], 16), tip_wei)


def compute_round_cost(web3: Web3) -> tuple[int, Wei]:
    """Return what a round can cost a peer at most: gas, and wei as of the latest block.

    In the dearest round it votes, commits and proposes, at 128 seats; an ordinary one costs about a
    tenth. A node asks whether an account could pay the limit, not what will be used of it.
    """
    gas = GAS_LIMITS["attest_and_commit"] + GAS_LIMITS["propose"]
    _, market = ask_market(web3)
    return gas, Wei(gas * compute_offer(market, FEE_LIMIT_WEI).max_fee_wei)


class Sender:
    """Sends one account's transactions, in order; others may send with the same key.

    `is_gas_free`: on a development chain a refusal costs nothing, so the chain itself is the
    simulation. `fee_limit_wei` bounds what is offered for a unit of gas, where gas is not free.
    """

    def __init__(
        self,
        web3: Web3,
        signer: Signer,
        *,
        timeout_seconds: float = 120,
        is_gas_free: bool = False,
        fee_limit_wei: int = FEE_LIMIT_WEI,
    ) -> None:
        self.web3 = web3
        self.address = signer.address
        self._signer = signer
        self._timeout_seconds = timeout_seconds
        self._is_gas_free = is_gas_free
        self._fee_limit_wei = NO_LIMIT_WEI if is_gas_free else fee_limit_wei
        self._chain_id = web3.eth.chain_id
        self._counted_nonce = -1
        self.tally = Tally()

    def submit(self, call: Call, note: Note = _ignore) -> Pending:
        """Simulate, sign and send; raises a Reverted, with nothing sent, where it would fail.

        `note` is given each transaction before it is sent, so that a process which dies in between
        can be followed by one that knows of it. Where somebody else uses the nonce first, the call
        is looked at anew and signed with the next; raises Refused where that never ends. What the
        node has no room for, or is too cheap for it today, is left to `renew`.
        """
        for _ in range(TRIES):
            gas = self._simulate(call)
            nonce = self._count("pending")
            number, market = ask_market(self.web3)
            signed = self._sign(call, nonce, gas, compute_offer(market, self._fee_limit_wei))
            pending = Pending(call, nonce, gas, (signed,), number)
            note(pending)
            said = self._dispatch(signed)
            if said not in (Acceptance.NONCE_USED, Acceptance.NONCE_TAKEN):
                self.tally.sent += 1
                return pending
            # Another process may have sent the same call with the same nonce: the same bytes.
            if said is Acceptance.NONCE_USED and self._get_receipt(pending) is not None:
                return pending
        raise Refused("eth_sendRawTransaction", f"{said.value}, {TRIES} times")

    def find(self, pending: Pending) -> Receipt | None:
        """Return the receipt, None while there may still be one.

        Raises the typed error of a revert, and Replaced where another transaction of the account
        has its nonce: then this call did not happen, and whoever wants it looks at the chain again.
        """
        receipt = self._get_receipt(pending)
        if receipt is None:
            if self._count("latest") <= pending.nonce:
                return None
            # It may have been mined between the two questions.
            receipt = self._get_receipt(pending)
            if receipt is None:
                if any(self._is_known(signed) for signed in pending.versions):
                    # Some nodes count what they have mined before they have a receipt of it.
                    return None
                raise Replaced(pending.call.function, pending.nonce)
        block = int(receipt["blockNumber"], 16)
        has_worked = int(receipt["status"], 16) == 1
        self._count_mined(pending, int(receipt["gasUsed"], 16), has_worked=has_worked)
        if not has_worked:
            raise self._reason(pending.call, block)
        return Receipt(
            transaction=bytes.fromhex(receipt["transactionHash"][2:]),
            function=pending.call.function,
            block=block,
            gas_used=int(receipt["gasUsed"], 16),
            contract=receipt.get("contractAddress"),
        )

    def _count_mined(self, pending: Pending, gas_used: int, *, has_worked: bool) -> None:
        """Count a transaction once, however often it is looked at until it is believed."""
        if self._counted_nonce == pending.nonce:
            return
        self._counted_nonce = pending.nonce
        self.tally.gas_used += gas_used
        self.tally.mined += has_worked
        self.tally.reverted += not has_worked

    def renew(self, pending: Pending, note: Note = _ignore) -> Pending:
        """See to it that what `find` has not found can be mined; return what is on its way now.

        Where the node has dropped it, it is sent again, with a higher fee if need be; raises a
        Reverted, with nothing sent, where it would fail by now. Where it waits for longer than
        PATIENCE_BLOCKS and offers too little, another with the same nonce and higher fees takes
        its place. `note` as in `submit`. Raises Stranded where an earlier nonce is free again: a
        re-org took back what had it, and the call is to be decided and sent anew, with that one.
        """
        missing = self._count("pending")
        if missing < pending.nonce:
            raise Stranded(pending.call.function, pending.nonce, missing)
        is_waiting = any(self._is_known(signed) for signed in reversed(pending.versions))
        number, market = ask_market(self.web3)
        if is_waiting and number - pending.sent_in < PATIENCE_BLOCKS:
            return pending
        if not is_waiting:
            self._simulate(pending.call)
        if not pending.newest.offer.is_enough(market):
            offer = compute_higher_offer(pending.newest.offer, market, self._fee_limit_wei)
            if offer is not None:
                signed = self._sign(pending.call, pending.nonce, pending.gas, offer)
                pending = pending.with_version(signed, number)
                self.tally.replaced += 1
                is_waiting = False
        if not is_waiting:
            note(pending)
            # Whatever the node says to it: the next look at the chain shows what came of it.
            self._dispatch(pending.newest)
        return pending

    def send(self, call: Call) -> Receipt:
        """Submit a call and wait until it is mined; raises Lost where that takes too long."""
        return self.follow(self.submit(call))

    def follow(self, pending: Pending, note: Note = _ignore) -> Receipt:
        """Wait until what was submitted is mined, in this life or an earlier one, and help it on;
        raises Lost where that takes too long. `note` as in `submit`."""
        deadline = monotonic() + self._timeout_seconds
        while (receipt := self.find(pending)) is None:
            if monotonic() > deadline:
                raise Lost(pending.transaction)
            sleep(POLL_SECONDS)
            pending = self.renew(pending, note)
        return receipt

    def _sign(self, call: Call, nonce: int, gas: int, offer: Offer) -> Signed:
        transaction: dict[str, Any] = {
            "data": call.data,
            "value": call.value_wei,
            "gas": gas,
            "nonce": nonce,
            "chainId": self._chain_id,
            "maxFeePerGas": offer.max_fee_wei,
            "maxPriorityFeePerGas": offer.tip_wei,
        }
        if call.to:
            transaction["to"] = call.to
        signed = self._signer.sign_transaction(transaction)
        return Signed(bytes(signed.raw_transaction), offer)

    def _dispatch(self, signed: Signed) -> Acceptance:
        """Hand it to the node and return what that said; raises Refused for what nobody expects."""
        try:
            ask(self.web3, "eth_sendRawTransaction", "0x" + signed.raw.hex())
        except Refused as error:
            return read_acceptance(error)
        return Acceptance.TAKEN

    def count_waiting(self) -> int:
        """Return how many of the account's transactions wait, as far as the node knows."""
        return self._count("pending") - self._count("latest")

    def _count(self, when: str) -> int:
        """Return the account's next nonce: after what is mined, or after what waits too."""
        return int(ask(self.web3, "eth_getTransactionCount", self.address, when), 16)

    def _get_receipt(self, pending: Pending) -> dict[str, Any] | None:
        for signed in reversed(pending.versions):
            receipt = ask(self.web3, "eth_getTransactionReceipt", "0x" + signed.hash.hex())
            if receipt is not None:
                return cast(dict[str, Any], receipt)
        return None

    def _is_known(self, signed: Signed) -> bool:
        name = "0x" + signed.hash.hex()
        return ask(self.web3, "eth_getTransactionByHash", name) is not None

    def _simulate(self, call: Call) -> int:
        """Return the gas limit for a call that succeeds now, or raise the error of its revert."""
        message: dict[str, Any] = {
            "from": self.address,
            "data": call.data,
            "value": call.value_wei,
        }
        if call.to:
            message["to"] = call.to
        try:
            if call.function not in GAS_LIMITS:
                return self.web3.eth.estimate_gas(cast(Any, message))
            limit = GAS_LIMITS[call.function]
            if self._is_gas_free:
                return limit
            self.web3.eth.call(cast(Any, {**message, "gas": limit}))
        except (ContractLogicError, Web3RPCError) as error:
            found = revert_error(str(error.message))
            if isinstance(error, Web3RPCError) and type(found) is Reverted:
                # Not the contract's word: a node that is busy, or lacks a block, for now.
                raise Refused(f"a call of {self.address}", _words_of(error)) from error
            raise found from error
        return limit

    def _reason(self, call: Call, block: int) -> Reverted:
        try:
            self.web3.eth.call(
                cast(
                    Any,
                    {
                        "from": self.address,
                        "to": call.to,
                        "data": call.data,
                        "value": call.value_wei,
                    },
                ),
                block,
            )
        except ContractLogicError as error:
            return revert_error(str(error.message))
        except Web3RPCError:
            # The node has dropped that block's state by now, so nobody can tell.
            return Overtaken(f"{call.function}: reverted in block {block}, long ago")
        # What refused it stood before it in its block, and is undone by now.
        return Overtaken(f"{call.function}: reverted in block {block}, and would not after it")


def _words_of(error: Web3RPCError) -> str:
    """Return what the node said, without what web3 puts around it."""
    answer = error.rpc_response or {}
    said = answer.get("error", {})
    return str(said.get("message", error.message) if isinstance(said, dict) else said)
