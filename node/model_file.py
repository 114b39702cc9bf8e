"""Agreed models in files of the user's: the payload as it is, or the learner's own arrays, with all
that is needed to use them.

Files appear whole or not at all, and never in the place of another unless that is asked for.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save as save_tensors

from chain.ledger import Ledger
from chain.states import Head
from chain.types import Agreed, Root, RoundId
from node.algorithms.catalogue import describe_algorithm
from node.blobs.store import Blob, Blobs
from node.data.schema import describe_schema
from node.encoding import MODEL_BYTES, decode_model, model_from_payload
from node.errors import ModelRefused
from node.merkle import MODEL_TAG, compute_leaves, compute_root, find_bad_leaf
from node.spec import Spec, parse_spec
from node.whole_file import write_whole

Arrays = Mapping[str, NDArray[Any]]
ABOUT = "holdfast"
"""Beside the arrays: what they are, as JSON (`describe_model`)."""


@dataclass(frozen=True)
class AgreedModel:
    """A model that stands on the chain, and its payload, checked against the root there."""

    head: Head
    payload: bytes


def find_head(ledger: Ledger, height: int | None) -> Head:
    """Return the agreed result at a height (0: genesis; None: the head). Raises ModelRefused."""
    heads = tuple(_heads(ledger))
    if height is None:
        return heads[-1]
    if not 0 <= height < len(heads):
        raise ModelRefused("model: height", f"0 to {len(heads) - 1}", height)
    return heads[height]


def pull_model(ledger: Ledger, blobs: Blobs, height: int | None) -> AgreedModel:
    """Return an agreed model. Raises ModelRefused, BlobMissing or BlobCorrupt."""
    head = find_head(ledger, height)
    return AgreedModel(head, blobs.get(Blob(head.model_root, _size_bytes(ledger))))


def identify_model(ledger: Ledger, blobs: Blobs | None, path: Path) -> Head:
    """Return the last agreed result whose model is in the file.

    Raises ModelRefused, which names the first leaf that differs from the head where sizes agree and
    the head's model is at hand.
    """
    payload = _read(path, _size_bytes(ledger))
    root = compute_root(payload, MODEL_TAG)
    for head in reversed(tuple(_heads(ledger))):
        if head.model_root == root:
            return head
    raise ModelRefused(f"model in {path}", "an agreed one", _describe(ledger, blobs, payload, root))


def export_model(
    ledger: Ledger,
    model: AgreedModel,
    path: Path,
    data: Mapping[str, Any] | None,
    *,
    is_forced: bool = False,
) -> dict[str, Any]:
    """Write the learner's arrays, by the spec's names, shapes and dtypes, to .npz or .safetensors,
    and what `describe_model` says, which is returned.

    `data`: how rows become features; None: that is not known here. Raises ModelRefused; OSError
    where the disk refuses.
    """
    check_format(path)
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    spec = parse_spec(ledger.spec)
    layout = spec.layout
    if ABOUT in layout.names:
        raise ModelRefused("model: names of arrays", f"none called {ABOUT}", ABOUT)
    integers = model_from_payload(model.payload, layout.coordinates)
    values = layout.unflatten(decode_model(integers, ledger.parameters.model_bits))
    arrays = dict(zip(layout.names, values, strict=True))
    about = describe_model(spec, model.head, data)
    write_model(path, FORMATS[path.suffix](arrays, about), is_forced=is_forced)
    return about


def describe_model(spec: Spec, head: Head, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what an exported model is, as JSON has it: where it stands on the chain, its learner,
    its arrays in order, and under `data` how rows become its features and what its classes are."""
    algorithm, algorithm_options = describe_algorithm(spec.algorithm)
    unknown = {"source": spec.source, "label": spec.label, "declared": describe_schema(spec.schema)}
    return {
        "task": spec.name,
        "head": {"height": head.height, "round": head.round, "root": "0x" + head.model_root.hex()},
        "learner": {"name": spec.learner, "options": dict(spec.options)},
        "algorithm": {"name": algorithm, "options": dict(algorithm_options)},
        "arrays": spec.layout.to_dict()["arrays"],
        "kept_by_peers": [each.name for each in spec.kept],
        "data": {"columns": None, "classes": None, **unknown} if data is None else dict(data),
    }


def write_model(path: Path, content: bytes, *, is_forced: bool) -> None:
    """Write a file; one that is there and holds anything else is left alone unless that is forced.
    Raises ModelRefused and OSError."""
    if path.is_file() and not is_forced and path.read_bytes() != content:
        expected = "a new one (--force writes over it)"
        raise ModelRefused(f"model: file {path}", expected, "another of that name")
    write_whole(path, content)


def check_format(path: Path) -> None:
    """Raise ModelRefused unless arrays can be written to a file of this name."""
    if path.suffix not in FORMATS:
        raise ModelRefused("model: file to export to", " or ".join(FORMATS), repr(path.name))


def _heads(ledger: Ledger) -> Iterator[Head]:
    """Yield every agreed result from the genesis on, so that the index is the height."""
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    yield Head(ledger.genesis, RoundId(0), 0, ledger.parameters.genesis)
    for logged in ledger.agreed:
        event = logged.event
        assert isinstance(event, Agreed)
        yield Head(event.key, event.round, event.height, ledger.result(event.key).model_root)


def _size_bytes(ledger: Ledger) -> int:
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    return ledger.parameters.coordinates * MODEL_BYTES


def _read(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        # One byte more tells a longer file, however long it is.
        payload = file.read(size_bytes + 1)
    if len(payload) != size_bytes:
        raise ModelRefused(f"model in {path}", f"{size_bytes} bytes", path.stat().st_size)
    return payload


def _describe(ledger: Ledger, blobs: Blobs | None, payload: bytes, root: Root) -> str:
    name = "0x" + root.hex()
    head = ledger.head()
    blob = Blob(head.model_root, _size_bytes(ledger))
    if blobs is None or not blobs.has(blob):
        return name
    leaf = find_bad_leaf(payload, MODEL_TAG, compute_leaves(blobs.get(blob), MODEL_TAG))
    return f"{name}, which differs from the head (height {head.height}) first in leaf {leaf}"


def _to_npz(arrays: Arrays, about: Mapping[str, Any]) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name, array in (*arrays.items(), (ABOUT, np.array(json.dumps(about)))):
            # Without a time, the same model is the same file. Not np.savez, to which some names of
            # arrays would be arguments.
            with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return content.getvalue()


def _to_safetensors(arrays: Arrays, about: Mapping[str, Any]) -> bytes:
    head = {name: str(value) for name, value in about["head"].items()}
    try:
        content: bytes = save_tensors(dict(arrays), {**head, ABOUT: json.dumps(about)})
    except (SafetensorError, KeyError) as error:
        raise ModelRefused("model: arrays", "dtypes of safetensors", str(error)) from error
    return content


FORMATS: Mapping[str, Callable[[Arrays, Mapping[str, Any]], bytes]] = MappingProxyType(
    {".npz": _to_npz, ".safetensors": _to_safetensors}
)
