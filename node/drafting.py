"""From a learner to the page that founds its federation: what it is asked, and what is written.

The learner tells its arrays; a dry round of it, on the founder's own data, gives units and clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.types import Root
from node.algorithms.algorithm import Algorithm
from node.algorithms.catalogue import USUAL
from node.data.schema import Schema, describe_schema
from node.data.share import OWN
from node.founding import Founding, Plan, found, name_subject, read_plan
from node.learning.hosting import Hosting, Place
from node.learning.trial import Trial
from node.spec import to_toml, write_algorithm, write_model

OPEN_TO_ALL = Root(bytes(32))
"""As an admission root: nobody is on a list yet."""
USUAL_UPDATES = 3
"""Fewest commits of a round."""


@dataclass(frozen=True)
class Wish:
    """What a founder wants: everything else is found out, or is as usual.

    `source`: the founder's own data, OWN where the learner brings them; `schema`: their columns,
    `partition`: how a share of them is dealt. `peers`: how many seats
    there are, and partitions for the learner. `keep`: names or patterns of arrays that stay with
    each peer.
    """

    name: str
    learner: str
    source: str = OWN
    label: str | None = None
    schema: Schema = Schema()
    partition: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    keep: Sequence[str] = ()
    algorithm: Algorithm = USUAL
    rule: str = "vouched"
    seed: int = 0
    peers: int = 5


@dataclass(frozen=True)
class Draft:
    """The page, and what it rests on."""

    text: bytes
    founding: Founding


def draft_plan(wish: Wish, hosting: Hosting) -> Draft:
    """Return the page of a federation of this learner. Raises what the learner, its data and the
    rule refuse."""
    plan = read_plan("\n".join([*_head(wish), *_seats(wish)]).encode())
    subject = name_subject(plan, wish.source, wish.label, Place(0, wish.peers, None, wish.seed))
    with Trial(subject, hosting) as trial:
        founding = found(plan, trial, OPEN_TO_ALL)
    return Draft(("\n".join(_write(wish, plan, founding)) + "\n").encode(), founding)


def _head(wish: Wish) -> list[str]:
    # The page becomes the spec, which is public: a path on somebody's disk is not.
    source = wish.source if wish.source == OWN else Path(wish.source).name
    return [
        "# What a federation learns, and by which rule: for `holdfast federation create`.",
        "holdfast = 1",
        f"name = {to_toml(wish.name)}",
        f"seed = {wish.seed}",
        "",
        "[learner]",
        f"name = {to_toml(wish.learner)}",
        f"options = {to_toml(dict(wish.options))}",
        *([f"keep = {to_toml(list(wish.keep))}"] if wish.keep else []),
        "",
        *write_algorithm(wish.algorithm),
        "[data]",
        f"source = {to_toml(source)}",
        *([] if wish.label is None else [f"label = {to_toml(wish.label)}"]),
        *([] if wish.partition is None else [f"partition = {to_toml(wish.partition)}"]),
        *(f"{name} = {to_toml(each)}" for name, each in describe_schema(wish.schema).items()),
        "",
        "[rule]",
        f"name = {to_toml(wish.rule)}",
    ]


def _seats(wish: Wish) -> list[str]:
    return [
        "[seats]",
        "# With so many updates a round goes on without whoever is late; with fewer it waits for",
        "# them, as long as commit_seconds.",
        f"min_updates = {min(USUAL_UPDATES, wish.peers)}",
        "# What a learner is told as num-partitions, where its peer's settings name no share.",
        f"max_seats = {wish.peers}",
    ]


def _write(wish: Wish, plan: Plan, founding: Founding) -> list[str]:
    parameters = founding.parameters
    return [
        *_head(wish),
        *(f"# {reason}" for reason in founding.reasons),
        f"update_bits = {parameters.update_bits}",
        f"model_bits = {parameters.model_bits}",
        f"clip = {parameters.clip}",
        "",
        "# What the learner says of itself; at each peer it must say the same.",
        *write_model(founding.spec.layout, founding.spec.kept),
        "",
        *_seats(wish),
        "# Addresses that may join; none: everybody.",
        f"admitted = {to_toml(list(plan.admitted))}",
        "",
        "[time]",
        "# The longest wait for what is trained, and for votes, in seconds.",
        f"commit_seconds = {parameters.commit_seconds}",
        f"attest_seconds = {parameters.attest_seconds}",
    ]
