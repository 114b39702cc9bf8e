"""Agreed models in files of the user's: the payload as it is, or the learner's own arrays.

Files appear whole or not at all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save as save_tensors

from chain.ledger import Ledger
from chain.states import Head
from chain.types import Agreed, Root, RoundId
from node.blobs.store import Blob, Blobs
from node.encoding import MODEL_BYTES, decode_model, model_from_payload
from node.errors import ModelRefused
from node.merkle import MODEL_TAG, compute_leaves, compute_root, find_bad_leaf
from node.spec import parse_spec
from node.whole_file import write_whole

Arrays = Mapping[str, NDArray[Any]]


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


def export_model(ledger: Ledger, model: AgreedModel, path: Path) -> None:
    """Write the learner's arrays, by the spec's names, shapes and dtypes, to .npz or .safetensors.

    Raises ModelRefused; OSError where the disk refuses.
    """
    check_format(path)
    assert ledger.parameters is not None, "the creation is a ledger's first event"
    layout = parse_spec(ledger.spec).layout
    integers = model_from_payload(model.payload, layout.coordinates)
    values = layout.unflatten(decode_model(integers, ledger.parameters.model_bits))
    arrays = dict(zip(layout.names, values, strict=True))
    write_whole(path, FORMATS[path.suffix](arrays, model.head))


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


def _to_npz(arrays: Arrays, head: Head) -> bytes:
    content = BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _to_safetensors(arrays: Arrays, head: Head) -> bytes:
    metadata = {
        "root": "0x" + head.model_root.hex(),
        "round": str(head.round),
        "height": str(head.height),
    }
    try:
        content: bytes = save_tensors(dict(arrays), metadata)
    except (SafetensorError, KeyError) as error:
        raise ModelRefused("model: arrays", "dtypes of safetensors", str(error)) from error
    return content


FORMATS: Mapping[str, Callable[[Arrays, Head], bytes]] = MappingProxyType(
    {".npz": _to_npz, ".safetensors": _to_safetensors}
)
