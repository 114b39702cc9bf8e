"""What can go wrong on a chain, and the one place that turns revert strings into types.

ChainError
├── BadEndpoint          a text that names no endpoint
├── Unreachable          no node answers, or its answer is none
│   └── Dropped          a connection that had answered before
├── Disagreement         two nodes of which one must be wrong
├── WrongChain           a node of another chain
├── NoContract           no federation at the address
├── NoHistory            a node that does not know the past which a reader needs
├── WalletRefused        a keystore that cannot be written or opened
├── DevnetError          the embedded chain's own (chain.devnet.errors)
├── Gone                 a block that a re-org took away
├── NotDevelopment       a node whose blocks nobody can make by hand
├── OtherMiner           somebody else made a block meanwhile
├── NoFunds              no unlocked account that could pay
├── Refused              the node will not do what it was asked
├── Lost                 a transaction of which nothing was heard in time
├── Replaced             a transaction whose nonce another one has used
├── Stranded             a transaction that waits for an earlier one, which is lost
├── ListRefused          no list of addresses, or an address that is not on it
└── Reverted             the contract refused, with a reason
    ├── ParametersRefused    at creation
    ├── SeatRefused          join, top_up, leave, withdraw, retire, activate
    ├── DisputeRefused       challenge, answer, close, refute
    ├── RewardRefused        fund, claim
    ├── NotOwner             the key is not the seat's
    ├── AlreadyDone          nothing to do: it stands on the chain
    ├── Overtaken            the round moved on: look again
    └── Malformed            no honest peer would send this
"""

import re

_URL = re.compile(r"((?:http|ws)s?://)([^/\s@]*@)?([^/\s?#,]+)([/?#][^\s,]*)?")
ENDPOINT_FORMS = "an endpoint: http(s)://HOST:PORT, ws(s)://HOST:PORT, ipc://PATH or a PATH/TO.ipc"


def hide_secrets(text: str) -> str:
    """Return a text in which no URL shows more than its host: providers put keys into all else.

    >>> hide_secrets("a node at https://me:word@rpc.example:443/v3/KEY?a=b, got 'no'")
    "a node at https://rpc.example:443/..., got 'no'"
    >>> hide_secrets("http://127.0.0.1:8545/ or /run/node.ipc")
    'http://127.0.0.1:8545 or /run/node.ipc'
    """
    return _URL.sub(lambda url: url[1] + url[3] + ("/..." if (url[4] or "/") != "/" else ""), text)


class ChainError(Exception):
    """Root of this package's errors; a leaf says what was expected and what came."""

    def __init__(self, message: str, *, expected: object = None, got: object = None) -> None:
        super().__init__(message)
        self.expected = expected
        self.got = got


class BadEndpoint(ChainError):
    """A text that names no endpoint of a node."""

    def __init__(self, got: str) -> None:
        super().__init__(
            f"chain: expected {ENDPOINT_FORMS}, got {hide_secrets(got)!r}",
            expected=ENDPOINT_FORMS,
            got=got,
        )


class Unreachable(ChainError):
    """No node answers at the endpoint."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(
            hide_secrets(f"chain: expected a node at {endpoint}, got {reason}"),
            expected=endpoint,
            got=reason,
        )


class Dropped(Unreachable):
    """The node hung up on a connection over which it had answered before."""


class Disagreement(ChainError):
    """Two nodes tell different things of the same: one of them is wrong, or of another chain.

    `about` is what was asked, with the block's height; `tells` are the two answers, in order.
    """

    def __init__(self, endpoints: tuple[str, str], about: str, tells: tuple[str, str]) -> None:
        first, second = map(hide_secrets, endpoints)
        super().__init__(
            f"chain: expected {first} and {second} to tell the same {about}, "
            f"got {tells[0]} and {tells[1]}",
            expected=f"the same {about}",
            got=tells,
        )
        self.endpoints = endpoints
        self.about = about


class WrongChain(ChainError):
    """The node is of another chain than the one recorded."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(
            f"chain: expected chain id {expected}, got {got}", expected=expected, got=got
        )


class NoContract(ChainError):
    """There is no federation at the address."""

    def __init__(self, address: str, got: str) -> None:
        super().__init__(
            f"chain: expected a federation at {address}, got {got}", expected=address, got=got
        )


class NoHistory(ChainError):
    """The node has dropped the past state or logs in which the federation's creation is found."""

    def __init__(self, address: str, got: str) -> None:
        super().__init__(
            f"chain: expected a node that knows when {address} was created, got {got}",
            expected="past state and logs",
            got=got,
        )


class HistoryFailed(ChainError):
    """What was read of a chain in an earlier life cannot be read, or not be added to."""

    def __init__(self, path: object, got: object) -> None:
        super().__init__(
            f"history {path}: expected the events of a federation, got {got} (the file may be "
            "removed: it is read from the chain again)",
            expected="the events of a federation",
            got=got,
        )


class WalletRefused(ChainError):
    """A keystore cannot be written, or not be opened."""

    def __init__(self, what: object, expected: str, got: str) -> None:
        super().__init__(
            f"wallet {what}: expected {expected}, got {got}", expected=expected, got=got
        )


class Gone(ChainError):
    """A block that was there a moment ago; a re-org took it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"chain: expected block {number} to stay, got a re-org", expected=number)


class NotDevelopment(ChainError):
    """The node is no development chain: its blocks and its clock are not for us to move."""

    def __init__(self, method: str, got: str) -> None:
        super().__init__(
            f"chain: expected a development chain that answers {method}, got {got!r}",
            expected=method,
            got=got,
        )


class OtherMiner(ChainError):
    """A block that is not ours, on a chain whose blocks are to be ours alone."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(
            f"chain: expected nobody else to mine after block {expected}, got block {got}",
            expected=expected,
            got=got,
        )


class NoFunds(ChainError):
    """None of the node's unlocked accounts has what is needed; in wei."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(
            f"chain: expected an unlocked account with {expected} wei, got at most {got}",
            expected=expected,
            got=got,
        )


class Refused(ChainError):
    """The node will not do what it was asked; `got` is its own words."""

    def __init__(self, method: str, got: str) -> None:
        super().__init__(
            f"chain: expected {method} to go through, got {got!r}", expected=method, got=got
        )


class Lost(ChainError):
    """A transaction that was not mined in the time that there was."""

    def __init__(self, transaction: bytes) -> None:
        name = "0x" + transaction.hex()
        super().__init__(f"chain: expected a receipt of {name}, got none", expected=name)


class ListRefused(ChainError):
    """An admission list that is none, or an address that is not on it."""

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(f"admission: expected {expected}, got {got}", expected=expected, got=got)


class Replaced(ChainError):
    """Another transaction of the account has used the nonce, so this one is never mined."""

    def __init__(self, function: str, nonce: int) -> None:
        super().__init__(
            f"chain: expected {function} to be mined with nonce {nonce}, got another transaction",
            expected=function,
            got=nonce,
        )


class Stranded(ChainError):
    """An earlier transaction of the account was taken back and forgotten, so this one waits for a
    nonce that nobody uses any more."""

    def __init__(self, function: str, nonce: int, missing: int) -> None:
        super().__init__(
            f"chain: expected {function} to be mined with nonce {nonce}, got none with {missing}",
            expected=nonce,
            got=missing,
        )


class Reverted(ChainError):
    """The contract refused a call; `got` is its reason, word for word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, got=reason)


class ParametersRefused(Reverted):
    """A combination of parameters whose guarantee does not hold."""


class SeatRefused(Reverted):
    """A seat cannot be taken, changed or left like this."""


class DisputeRefused(Reverted):
    """There is nothing to dispute, or not now, or not for so little."""


class RewardRefused(Reverted):
    """There is no such reward, or not yet."""


class NotOwner(Reverted):
    """The sending key is not the seat's."""


class AlreadyDone(Reverted):
    """What the call wanted stands on the chain already."""


class Overtaken(Reverted):
    """The round moved on before the call landed."""


class Malformed(Reverted):
    """The call contradicts the chain's record."""


REASONS: dict[str, type[Reverted]] = {
    "seats: no such seat": NotOwner,
    "seats: not the owner": NotOwner,
    "rounds: already committed": AlreadyDone,
    "rounds: already proposed": AlreadyDone,
    "rounds: already approved": AlreadyDone,
    "rounds: not the open round": Overtaken,
    "rounds: the round is over": Overtaken,
    "rounds: commitments are still open": Overtaken,
    "rounds: the parent is not the head": Overtaken,
    "rounds: not the commitments of this round": Overtaken,
    "rounds: not a round to commit to": Overtaken,
    "rounds: the parent is not a result to build on": Overtaken,
    "rounds: no such result": Overtaken,
    "rounds: the vote on this result is over": Overtaken,
    "rounds: too few active seats": Overtaken,
    "rounds: the seat does not count in this round": Overtaken,
    "rounds: an included seat has not committed": Malformed,
    "rounds: too few updates": Malformed,
    "rounds: an empty root": Malformed,
    "rule: not 8 bytes for every included seat": Malformed,
    "rule: every weight is 0": Malformed,
    "rule: weights of 2**25 or more": Malformed,
    "rule: a clip factor above 2**16": Malformed,
    "rule: clipped without a clip": Malformed,
    "rule: equal weights are 1": Malformed,
    "rule: no coordinates": ParametersRefused,
    "rule: 2**32 coordinates or more": ParametersRefused,
    "rule: no genesis model": ParametersRefused,
    "rule: update_bytes is neither 1 nor 2": ParametersRefused,
    "rule: updates finer than the model": ParametersRefused,
    "rule: model_bits of 32 or more": ParametersRefused,
    "rule: a sum could pass 2**62": ParametersRefused,
    "rule: unknown weighting": ParametersRefused,
    "rule: unknown selection": ParametersRefused,
    "rule: trim_bps above 5000": ParametersRefused,
    "rule: faults_bps of 5000 or more": ParametersRefused,
    "rule: trims less than the faults": ParametersRefused,
    "rule: a selection needs a clip": ParametersRefused,
    "rule: clip of 2**63 or more": ParametersRefused,
    "rule: claimed samples cannot bound faults": ParametersRefused,
    "rule: min_updates is 0": ParametersRefused,
    "phase: commit_seconds is 0": ParametersRefused,
    "phase: grace_seconds is 0": ParametersRefused,
    "phase: attest_seconds is 0": ParametersRefused,
    "phase: a deadline of 2**32 seconds or more": ParametersRefused,
    "seats: min_stake_wei is 0": ParametersRefused,
    "seats: min_stake_wei of 2**88 or more": ParametersRefused,
    "seats: more than 128 seats": ParametersRefused,
    "seats: fewer seats than min_updates": ParametersRefused,
    "results: challenge_seconds is 0": ParametersRefused,
    "results: answer_seconds is 0": ParametersRefused,
    "results: a window of 2**32 seconds or more": ParametersRefused,
    "results: a window of 2**32 blocks or more": ParametersRefused,
    "results: max_unsettled is 0": ParametersRefused,
    "disputes: bond_wei is 0": ParametersRefused,
    "disputes: 2**95 wei or more": ParametersRefused,
    "disputes: a refutation over 131,072 bytes": ParametersRefused,
    "disputes: not the judge": ParametersRefused,
    "rewards: 2**95 wei or more": ParametersRefused,
    "seats: a window of 2**32 seconds or more": ParametersRefused,
    "seats: retire_seconds is 0": ParametersRefused,
    "seats: max_missed is 0": ParametersRefused,
    "seats: max_missed is 1": ParametersRefused,
    "seats: max_missed of 2**15 or more": ParametersRefused,
    "seats: not on the admission list": SeatRefused,
    "seats: stake below the minimum": SeatRefused,
    "seats: equal weights need the minimum stake exactly": SeatRefused,
    "seats: every seat is taken": SeatRefused,
    "seats: nothing sent": SeatRefused,
    "seats: leaving": SeatRefused,
    "seats: leave first": SeatRefused,
    "seats: retired": SeatRefused,
    "seats: not retired": SeatRefused,
    "seats: not counted yet": SeatRefused,
    "seats: silent for too short a time": SeatRefused,
    "seats: too few rounds missed": SeatRefused,
    "seats: not the head's record": Overtaken,
    "seats: not the parent's record": Malformed,
    "seats: older than the seat": Malformed,
    "seats: the seat was included": SeatRefused,
    "seats: too few results left the seat out": SeatRefused,
    "seats: the last change does not count yet": SeatRefused,
    "seats: a round may still count the seat": SeatRefused,
    "seats: still unbonding": SeatRefused,
    "seats: total stake of 2**95 wei or more": SeatRefused,
    "rounds: too many unsettled results": Overtaken,
    "disputes: not an agreed result": Malformed,
    "disputes: the result is void": Overtaken,
    "disputes: too late": DisputeRefused,
    "disputes: refuted before": AlreadyDone,
    "disputes: the coordinate is right": DisputeRefused,
    "disputes: deposit out of range": DisputeRefused,
    "disputes: challenged before": AlreadyDone,
    "disputes: not challenged": AlreadyDone,
    "disputes: still to be answered": DisputeRefused,
    "disputes: nothing to pay back": AlreadyDone,
    "disputes: nothing to collect": AlreadyDone,
    "rewards: none are paid here": RewardRefused,
    "rewards: nothing sent": RewardRefused,
    "rewards: not in ascending order": Malformed,
    "rewards: not a settled result": RewardRefused,
    "rewards: nothing to claim": AlreadyDone,
    "evidence: no such coordinate": Malformed,
    "evidence: no such leaves": Malformed,
    "evidence: not the commitments": Malformed,
    "evidence: not the parent's record": Malformed,
    "evidence: not each seat once, in ascending order": Malformed,
    "merkle: not a leaf of the tree": Malformed,
}


def revert_error(message: str) -> Reverted:
    """Return the typed error of a node's revert message, whatever it puts before the reason.

    >>> type(revert_error("execution reverted: rounds: already committed")).__name__
    'AlreadyDone'
    """
    for reason, kind in REASONS.items():
        if message.endswith(reason):
            return kind(reason)
    return Reverted(message)
