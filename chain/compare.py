"""Two nodes read as one: only what both tell alike is believed, and what cannot be is said aloud.

A reader sees the chain up to the last block that both have. Where one lags behind, that is waited
for; where their latest blocks differ, a re-org may be on its way from one to the other, so the
reader sees what lies `confirmations` deeper. A difference that no re-org explains is Disagreement:
another chain id, another block so deep or at the beginning, or another answer about a block that
both have by the same hash.
"""

from collections.abc import Mapping
from typing import Any, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain.errors import Disagreement, Gone, Unreachable
from chain.provider import NodeProvider

Json = Any

CONFIRMATIONS = 12
"""What exchanges waited for before the Merge; Ethereum's deepest re-org since took 7 blocks."""
_PINNED = frozenset({"eth_call", "eth_getCode", "eth_getBalance"})
"""What is asked of an address at a block, the second parameter."""
_LOG_FIELDS = ("blockHash", "logIndex", "address", "topics", "data", "transactionHash")
_BLOCK_FIELDS = ("number", "hash", "parentHash", "timestamp")


class ComparedProvider(JSONBaseProvider):
    """Asks two nodes all that is read of the chain; of one's own transactions the first alone."""

    def __init__(
        self, first: NodeProvider, second: NodeProvider, *, confirmations: int = CONFIRMATIONS
    ) -> None:
        super().__init__()
        self._nodes = first, second
        self._confirmations = confirmations

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return what both answer. Raises Disagreement; Gone for a block that not both have."""
        try:
            result = self._answer(method, list(params))
        except _NodeRefused as refusal:
            return refusal.answer
        return cast(RPCResponse, {"jsonrpc": "2.0", "id": 0, "result": result})

    def _answer(self, method: str, params: list[Json]) -> Json:
        if method == "eth_chainId":
            return self._ask_both(method, params, "chain id")
        if method == "eth_blockNumber":
            return self._pin("latest")["number"]
        if method == "eth_getBlockByNumber":
            return self._find(*params)
        if method == "eth_getBlockByHash":
            return self._find_by_hash(*params)
        if method == "eth_getLogs" and "blockHash" in params[0]:
            return self._get_logs_of(params[0])
        if method == "eth_getLogs":
            return self._get_logs(params[0])
        if method in _PINNED:
            return self._read(method, params)
        return _ask(self._nodes[0], method, params)

    def _find(self, which: str, *how: Json) -> Json | None:
        """Return the block at a height or tag as both have it; None: not both have it alike."""
        if which.startswith("0x"):
            return self._get_block(int(which, 16), None, *how)
        height = self._get_height(which)
        settled = max(height - self._confirmations, 0)
        return self._get_block(height, height, *how) or self._get_block(settled, height, *how)

    def _get_block(self, number: int, height: int | None, *how: Json) -> Json | None:
        """`height` is that of the node that is behind; None: not asked yet."""
        one, two = (
            _ask(node, "eth_getBlockByNumber", [hex(number), *(how or (False,))])
            for node in self._nodes
        )
        if one is None or two is None:
            return None
        if _take(one, _BLOCK_FIELDS) == _take(two, _BLOCK_FIELDS):
            return one
        height = self._get_height("latest") if height is None else height
        if number > 0 and height - number < self._confirmations:
            return None
        raise self._disagreement(f"block {number}", _describe_block(one), _describe_block(two))

    def _find_by_hash(self, which: str, *how: Json) -> Json | None:
        """Return the block that both have by this hash; None: not both have it."""
        one, two = (
            _ask(node, "eth_getBlockByHash", [which, *(how or (False,))]) for node in self._nodes
        )
        if one is None or two is None:
            return None
        if _take(one, _BLOCK_FIELDS) == _take(two, _BLOCK_FIELDS):
            return one
        raise self._disagreement(f"block {which}", _describe_block(one), _describe_block(two))

    def _get_height(self, tag: str) -> int:
        latest = [_ask(node, "eth_getBlockByNumber", [tag, False]) for node in self._nodes]
        for node, block in zip(self._nodes, latest, strict=True):
            if block is None:
                raise Unreachable(node.endpoint, f"no {tag} block")
        return min(int(block["number"], 16) for block in latest)

    def _pin(self, which: str) -> Json:
        block = self._find(which)
        if block is None:
            raise Gone(int(which, 16) if which.startswith("0x") else self._get_height(which))
        return block

    def _read(self, method: str, params: list[Json]) -> Json:
        """Ask both at the same block, by its hash: then no re-org excuses another answer."""
        subject, where = params[0], params[1] if len(params) > 1 else "latest"
        if isinstance(where, Mapping) or len(where) == len("0x") + 64:
            place = where if isinstance(where, Mapping) else {"blockHash": where}
            about = f"{method} at block {place.get('blockHash')}"
        else:
            block = self._pin(where)
            place = {"blockHash": block["hash"]}
            about = f"{method} at block {int(block['number'], 16)} {block['hash']}"
        return self._ask_both(method, [subject, place, *params[2:]], about)

    def _get_logs(self, wanted: Mapping[str, Json]) -> Json:
        last = wanted.get("toBlock", "latest")
        before = self._pin(last)
        # Both are asked for the same blocks, whatever `latest` is by then.
        pinned = [{**wanted, "toBlock": before["number"]}]
        one, two = (_ask(node, "eth_getLogs", pinned) for node in self._nodes)
        place = _find_difference(one, two)
        if place is None:
            return one
        number = int(before["number"], 16)
        after = self._find(before["number"])
        if after is None or after["hash"] != before["hash"]:
            raise Gone(number)
        about = f"events up to block {number} {before['hash']}"
        raise self._disagreement(about, _describe_log(one, place), _describe_log(two, place))

    def _get_logs_of(self, wanted: Mapping[str, Json]) -> Json:
        """Ask both for the logs of one block, by its hash: no re-org excuses another answer."""
        one, two = (_ask(node, "eth_getLogs", [wanted]) for node in self._nodes)
        place = _find_difference(one, two)
        if place is None:
            return one
        about = f"events of block {wanted['blockHash']}"
        raise self._disagreement(about, _describe_log(one, place), _describe_log(two, place))

    def _ask_both(self, method: str, params: list[Json], about: str) -> Json:
        told = []
        refusals: list[_NodeRefused] = []
        for node in self._nodes:
            try:
                told.append(str(_ask(node, method, params)).lower())
            except _NodeRefused as refusal:
                if not refusal.is_revert:
                    raise
                refusals.append(refusal)
                told.append("a revert")
        if told[0] != told[1]:
            raise self._disagreement(about, _shorten(told[0]), _shorten(told[1]))
        if refusals:
            raise refusals[0]
        return told[0]

    def _disagreement(self, about: str, one: str, two: str) -> Disagreement:
        first, second = self._nodes
        return Disagreement((first.endpoint, second.endpoint), about, (one, two))


class _NodeRefused(Exception):
    """A node's own error, on its way to who asked."""

    def __init__(self, answer: RPCResponse) -> None:
        super().__init__()
        self.answer = answer
        error = cast(Json, answer["error"])
        self.is_revert = error.get("code") == 3 or "revert" in error["message"].lower()


def _ask(node: NodeProvider, method: str, params: list[Json]) -> Json:
    answer = node.make_request(RPCEndpoint(method), params)
    if "error" in answer:
        raise _NodeRefused(answer)
    return answer["result"]


def _take(fields: Mapping[str, Json], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return what identifies a block or a log; nodes write hex in either case."""
    return tuple(str(fields.get(name)).lower() for name in names)


def _find_difference(one: list[Json], two: list[Json]) -> int | None:
    """Return the first place at which two lists of logs differ."""
    ours, theirs = ([_take(log, _LOG_FIELDS) for log in logs] for logs in (one, two))
    if ours == theirs:
        return None
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(ours), len(theirs)))


def _describe_block(block: Mapping[str, Json]) -> str:
    return f"{block['hash']} (parent {block['parentHash']}, time {int(block['timestamp'], 16)})"


def _describe_log(logs: list[Json], place: int) -> str:
    if place >= len(logs):
        return f"{len(logs)} of them"
    log = logs[place]
    number, index = int(log["blockNumber"], 16), int(log["logIndex"], 16)
    return f"log {index} of block {number} {log['blockHash']} with data {_shorten(log['data'])}"


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:66]}… ({len(text) // 2 - 1} bytes)"
