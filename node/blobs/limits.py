"""What a server gives and a fetcher takes at most, so that nobody fills memory or wastes a day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """Of a server. A client is a seat, where requests are signed, and else an address.

    `connections`, in all and of one address. `requests_per_second`, `bytes_per_second`: of one
    client, after a burst of `burst_seconds` of them; `address_requests_per_second`: of one
    address, signed or not (behind a proxy all have one); what is not signed as it should be counts
    twentyfold. `line_bytes`, `fields`, `field_bytes`: of
    a request's head; it has no body. A connection that sends no whole head for `idle_seconds` is
    closed, and one that takes less than `least_bytes_per_second` cut off. `prepare_seconds`: how
    long a client waits for a blob's tree before it is told to come again; `embargo_seconds`: how
    long for one that is not served yet, which is less than a fetcher's `silence_seconds`: whoever
    is refused asks again after a twelfth of the votes' time only, and a server whose node lags
    sees the end of the commitments seconds later. `tree_bytes`: of all
    trees that are remembered. `clients`: whose rates are.
    """

    connections: int = 128
    address_connections: int = 64
    requests_per_second: float = 500
    address_requests_per_second: float = 2_000
    bytes_per_second: float = 128 * 2**20
    burst_seconds: float = 2.0
    line_bytes: int = 1024
    fields: int = 32
    field_bytes: int = 1024
    idle_seconds: float = 20.0
    least_bytes_per_second: float = 16 * 2**10
    prepare_seconds: float = 2.0
    embargo_seconds: float = 8.0
    tree_bytes: int = 8 * 2**20
    clients: int = 1024


@dataclass(frozen=True, slots=True)
class FetchingLimits:
    """Of a fetcher. At most `blobs * (sources + 1) * lanes` chunks of 256 KiB are in memory, 24 MiB
    by default, and about as much again in the buffers of their connections.

    `blobs` at once, each from `sources` at once over `lanes` connections each. A source is given
    up when it does not connect in `connect_seconds`, sends nothing for `silence_seconds`, or gives
    less than `least_bytes_per_second` over a chunk; when nothing has come for `patience_seconds`,
    another one is asked beside it. `again`: how often in a row a source may say "later", and
    `again_seconds`: how long that may mean. Who sent a bad chunk is not asked for this blob for
    `bad_seconds`; who failed otherwise is asked after all others for `failed_seconds`; both double
    each time, up to `longest_seconds`.
    """

    blobs: int = 12
    sources: int = 3
    lanes: int = 2
    connect_seconds: float = 5.0
    silence_seconds: float = 10.0
    least_bytes_per_second: float = 16 * 2**10
    patience_seconds: float = 2.0
    again: int = 10
    again_seconds: float = 10.0
    bad_seconds: float = 60.0
    failed_seconds: float = 2.0
    longest_seconds: float = 3600.0
