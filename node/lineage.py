"""Where a head stands in the chain of heads, as far as its peer has trained on that."""

from collections.abc import Callable, Iterator
from itertools import islice

from chain.ledger import Ledger
from chain.types import Agreed, Key
from node.learning.memory import Line

LOOKED_AT = 10_000
"""So far down is looked: a peer that was away for longer begins anew, and one that joins late asks
no more of its journal before each of its first trainings."""
BELOW = 4
"""So many heads are named: more than are remembered, should one of them have left nothing."""


def find_line(ledger: Ledger, key: Key, has_trained_on: Callable[[Key], bool]) -> Line:
    """Return where `key` stands: the head of the ledger, or a result that hangs off that.

    The head before is named in any case: a training on that may go on still, and will be over when
    this one begins.
    """
    below = enumerate(islice(_iterate_below(ledger, key), LOOKED_AT), 1)
    found = ((head, rounds) for rounds, head in below if rounds == 1 or has_trained_on(head))
    return Line(key, tuple(islice(found, BELOW)))


def _iterate_below(ledger: Ledger, key: Key) -> Iterator[Key]:
    for logged in reversed(ledger.agreed):
        assert isinstance(logged.event, Agreed)
        if logged.event.key != key:
            yield logged.event.key
    if key != ledger.genesis:
        yield ledger.genesis
