"""eth_sendTransaction: what a development account sends without signing it itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_account.signers.local import LocalAccount

from chain.devnet import params
from chain.devnet.acting import Acting
from chain.devnet.errors import BadParams, Refused
from chain.devnet.evm import Chain
from chain.devnet.rpc import Method
from chain.devnet.states import PRIORITY_FEE_WEI, States, parse_call
from chain.devnet.transactions import check_nonce


class Signing:
    """Signs for the development accounts; nonce, gas and fees that are left out are filled in."""

    def __init__(
        self, chain: Chain, states: States, acting: Acting, accounts: Sequence[LocalAccount]
    ) -> None:
        self._chain = chain
        self._states = states
        self._acting = acting
        self._accounts = {bytes.fromhex(each.address[2:]): each for each in accounts}

    def list_methods(self) -> dict[str, Method]:
        """Return the methods by their JSON-RPC names."""
        return {"eth_sendTransaction": self.send}

    def send(self, message: object) -> str:
        """eth_sendTransaction: return the hash; without gas, it fails as eth_estimateGas does."""
        self._chain.check_writable()
        request = params.parse_mapping("transaction", message)
        sender = params.parse_address("from", request.get("from"))
        account = self._accounts.get(sender)
        if account is None:
            raise Refused("unknown account", expected="a development account", got=sender.hex())
        signed = account.sign_transaction(self._complete(request))
        return self._acting.accept(bytes(signed.raw_transaction))

    def _complete(self, request: Mapping[str, object]) -> dict[str, Any]:
        call = parse_call(request)

        def choose(name: str, otherwise: Any) -> int:
            if request.get(name) is None:
                return int(otherwise(), 16)
            return params.parse_quantity(name, request[name])

        nonce = choose(
            "nonce", lambda: self._states.get_transaction_count(request["from"], "pending")
        )
        check_nonce(nonce)
        fields = {
            "nonce": nonce,
            "gas": choose("gas", lambda: self._states.estimate_gas(request)),
            "chainId": choose("chainId", lambda: hex(self._chain.chain_id)),
            "value": call.value,
            "data": call.data,
            **self._choose_fees(request),
        }
        if call.to:
            fields["to"] = call.to
        if call.access_list:
            fields["accessList"] = [
                {
                    "address": f"0x{address.hex()}",
                    "storageKeys": [f"0x{slot:064x}" for slot in slots],
                }
                for address, slots in call.access_list
            ]
        return fields

    def _choose_fees(self, request: Mapping[str, object]) -> dict[str, int]:
        """What was given; else EIP-1559 fees that hold while the base fee doubles."""
        given = {
            name: params.parse_quantity(name, request[name])
            for name in ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
            if request.get(name) is not None
        }
        if "gasPrice" in given:
            if len(given) > 1:
                raise BadParams("fees", expected="gasPrice or maxFeePerGas", got="both")
            return given
        most = given.get("maxFeePerGas")
        tip = given.get("maxPriorityFeePerGas")
        if tip is None:
            tip = PRIORITY_FEE_WEI if most is None else min(PRIORITY_FEE_WEI, most)
        if most is None:
            most = 2 * self._chain.compute_next_base_fee_wei() + tip
        return {"maxFeePerGas": most, "maxPriorityFeePerGas": tip}
