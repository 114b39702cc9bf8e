"""The only place that sends: simulate → sign → send → receipt → typed error.

A call that would revert is refused before it costs anything; one that reverts all the same, because
the chain moved in between, is asked again at the block that refused it, for its reason.
"""

from dataclasses import dataclass
from typing import Any, Protocol, cast

from eth_account.datastructures import SignedTransaction
from web3 import Web3
from web3.exceptions import ContractLogicError, TimeExhausted, Web3RPCError

from chain.errors import Lost, Overtaken, Reverted, revert_error
from chain.federation import Call
from chain.rpc import ask

GAS_LIMITS = {
    "commit": 250_000,
    "attest": 250_000,
    "attest_and_commit": 350_000,
    "propose": 700_000,
}
"""The most that these can cost with 128 seats. An estimate would not do: any vote may turn out to
be the one that agrees, and any commitment the one that opens a round, depending on what is mined
before it."""


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


@dataclass(frozen=True)
class Pending:
    """A transaction on its way."""

    call: Call
    transaction: bytes


class Sender:
    """Sends one account's transactions, in order.

    `is_gas_free`: on a development chain a refusal costs nothing, so the chain itself is the
    simulation.
    """

    def __init__(
        self,
        web3: Web3,
        signer: Signer,
        *,
        timeout_seconds: float = 120,
        is_gas_free: bool = False,
    ) -> None:
        self.web3 = web3
        self.address = signer.address
        self._signer = signer
        self._timeout_seconds = timeout_seconds
        self._is_gas_free = is_gas_free
        self._chain_id = web3.eth.chain_id

    def submit(self, call: Call) -> Pending:
        """Simulate, sign and send; raises a Reverted, with nothing sent, where it would fail."""
        transaction: dict[str, Any] = {
            "from": self.address,
            "data": call.data,
            "value": call.value_wei,
        }
        if call.to:
            transaction["to"] = call.to
        transaction["gas"] = self._simulate(call.function, transaction)
        transaction["nonce"] = int(
            ask(self.web3, "eth_getTransactionCount", self.address, "pending"), 16
        )
        transaction["chainId"] = self._chain_id
        transaction |= self._fees()
        del transaction["from"]
        signed = self._signer.sign_transaction(transaction)
        raw = "0x" + bytes(signed.raw_transaction).hex()
        return Pending(call, bytes.fromhex(ask(self.web3, "eth_sendRawTransaction", raw)[2:]))

    def find(self, pending: Pending) -> Receipt | None:
        """Return the receipt, None while there is none; raises the typed error of a revert."""
        receipt = ask(self.web3, "eth_getTransactionReceipt", "0x" + pending.transaction.hex())
        if receipt is None:
            return None
        if int(receipt["status"], 16) != 1:
            raise self._reason(pending.call, int(receipt["blockNumber"], 16))
        return Receipt(
            transaction=pending.transaction,
            function=pending.call.function,
            block=int(receipt["blockNumber"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            contract=receipt.get("contractAddress"),
        )

    def send(self, call: Call) -> Receipt:
        """Submit a call and wait until it is mined; raises Lost where that takes too long."""
        pending = self.submit(call)
        try:
            self.web3.eth.wait_for_transaction_receipt(
                cast(Any, pending.transaction), timeout=self._timeout_seconds, poll_latency=0.05
            )
        except TimeExhausted as error:
            raise Lost(pending.transaction) from error
        receipt = self.find(pending)
        if receipt is None:
            raise Lost(pending.transaction)
        return receipt

    def _simulate(self, function: str, transaction: dict[str, Any]) -> int:
        """Return the gas limit for a call that succeeds now, or raise the error of its revert."""
        try:
            if function not in GAS_LIMITS:
                return self.web3.eth.estimate_gas(cast(Any, transaction))
            limit = GAS_LIMITS[function]
            if self._is_gas_free:
                return limit
            self.web3.eth.call(cast(Any, {**transaction, "gas": limit}))
        except (ContractLogicError, Web3RPCError) as error:
            raise revert_error(str(error.message)) from error
        return limit

    def _fees(self) -> dict[str, int]:
        """Return EIP-1559 fees that hold while the base fee doubles."""
        base = int(ask(self.web3, "eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
        tip = int(ask(self.web3, "eth_maxPriorityFeePerGas"), 16)
        return {"maxFeePerGas": 2 * base + tip, "maxPriorityFeePerGas": tip}

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
        # What refused it stood before it in its block, and is undone by now.
        return Overtaken(f"{call.function}: reverted in block {block}, and would not after it")
