"""What can go wrong with blobs.

NodeError
└── BlobError
    ├── BlobMissing   nobody who was asked has it
    ├── BlobCorrupt   what came is not what the root promised
    ├── StoreFailed   the disk refused
    ├── AccessRefused a request to read that nobody is shown to have signed
    └── ListenRefused an address at which nothing can be served, or no certificate
"""

from node.errors import NodeError


class BlobError(NodeError):
    """Root of this package: a payload that is not to be had."""


class BlobMissing(BlobError):
    """No payload under this root where it was looked for."""


class BlobCorrupt(BlobError):
    """A payload whose root is another; `leaf` is the first bad leaf where that is known."""

    def __init__(
        self, reason: str, expected: object, got: object, *, leaf: int | None = None
    ) -> None:
        super().__init__(reason, expected, got)
        self.leaf = leaf


class StoreFailed(BlobError):
    """The disk is full, read-only or gone; what was kept before is kept still."""


class AccessRefused(BlobError):
    """A request that no seat is shown to have signed for this server, path and minute."""


class ListenRefused(BlobError):
    """Blobs cannot be served at this address, or not with this certificate."""
