"""What can go wrong inside a peer.

    NodeError
    ├── MerkleError
    │   ├── SizeRefused          a payload, index, tag or word that no tree or hash can take
    │   └── PathRefused          a path that does not lead from the chunk to the root
    ├── EncodingError
    │   ├── LayoutRefused        a layout that cannot describe a model
    │   ├── LayoutMismatch       arrays that are not the ones the layout describes
    │   ├── NotFinite            a NaN or an infinity where a number was due
    │   ├── OutOfRange           a number that the integers of the protocol cannot hold
    │   └── PayloadRefused       bytes or integers of the wrong length or type
    ├── SpecRefused              a spec that is not one
    ├── PeerRefused              a peer that cannot begin its work, or must not go on
    │   ├── FolderBusy               another process is at work in the folder
    │   └── KeyUsedElsewhere         the seat's key votes without this folder: never start again
    ├── MetricsRefused           an address at which no metrics can be served
    ├── SettingsRefused          a peer's settings that are none
    ├── ModelRefused             a file that is no agreed model, or cannot become one
    ├── ExplanationRefused   a round that was not opened, or a seat that nobody ever had
    ├── ClaimRefused             a learner's count of samples or steps that is none
    ├── WorkerFailed             a learner's process that died, or a learner that raised
    ├── JournalFailed            the journal cannot be written or read
    └── RuleError
        ├── RuleRefused          parameters under which the rule's guarantee does not hold
        ├── InputRefused         members, head or updates that do not belong together
        ├── QuorumRefused        a set of members that must not be aggregated
        └── CoefficientsRefused  coefficients that are not well-formed

Every leaf is built as `Leaf(reason, expected, got)`. The three are the exception's `args`, so an
error survives the way back from a worker process.
"""


class NodeError(Exception):
    """Root of the tree: a short `reason`, what was `expected`, and what came (`got`).

    >>> str(RuleRefused("rule: selection needs a clip", expected="clip > 0", got=0))
    'rule: selection needs a clip: expected clip > 0, got 0'
    """

    def __init__(self, reason: str, expected: object, got: object) -> None:
        super().__init__(reason, expected, got)
        self.reason = reason
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.reason}: expected {self.expected}, got {self.got}"


class MerkleError(NodeError):
    """Trees and paths."""


class SizeRefused(MerkleError):
    """A payload, an index, a tag or a word that no tree or hash of the protocol can take."""


class PathRefused(MerkleError):
    """The path does not lead from this chunk to this root."""


class EncodingError(NodeError):
    """Between floats, integers and bytes."""


class LayoutRefused(EncodingError):
    """A layout that cannot describe a model."""


class LayoutMismatch(EncodingError):
    """Arrays that are not the ones which the layout describes."""


class NotFinite(EncodingError):
    """A NaN or an infinity where a number was due."""


class OutOfRange(EncodingError):
    """A number that the integers of the protocol cannot hold."""


class PayloadRefused(EncodingError):
    """Bytes or integers of the wrong length or type."""


class SpecRefused(NodeError):
    """A spec that is not TOML, lacks an entry, or has one that it should not."""


class PeerRefused(NodeError):
    """A peer cannot begin its work, or must not go on with it."""


class FolderBusy(PeerRefused):
    """Another process is at work in the peer's folder."""


class KeyUsedElsewhere(PeerRefused):
    """The chain has a vote of this seat's key that this folder did not make: no start of this peer
    makes that good, and each one may sign what contradicts the other process."""


class MetricsRefused(NodeError):
    """Metrics cannot be served at this address."""


class SettingsRefused(NodeError):
    """A peer's settings lack an entry, or have one that cannot be meant."""


class CheckpointRefused(NodeError):
    """The chain's history does not lead down to the genesis model, or not by the checkpoint."""


class ModelRefused(NodeError):
    """A height, a file or a format under which no agreed model is to be had."""


class ExplanationRefused(NodeError):
    """A round that was not opened yet, or a seat that nobody ever had."""


class ClaimRefused(NodeError):
    """What a learner says of its work cannot be claimed: no whole number of samples or steps."""


class WorkerFailed(NodeError):
    """A learner's process ended before its work did, or the learner raised something of its own."""


class JournalFailed(NodeError):
    """The journal on disk cannot be written or read; nothing was done without it."""


class RuleError(NodeError):
    """The aggregation rule."""


class RuleRefused(RuleError):
    """Parameters under which the rule's guarantee does not hold."""


class InputRefused(RuleError):
    """Members, head or updates that do not belong together."""


class QuorumRefused(RuleError):
    """A set of members that must not be aggregated: too few, too light, or selecting nobody."""


class CoefficientsRefused(RuleError):
    """Coefficients that are not well-formed."""
