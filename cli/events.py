"""The contract's events in words and in JSON."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chain.types import Logged

SHOWN_HEX = 10
ETHER = 10**18


def to_json(value: object) -> Any:
    """Return a value as JSON has it: bytes as 0x hex, records as objects."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    return value


def describe_json(logged: "Logged") -> Mapping[str, Any]:
    """Return an event as one flat object."""
    place = {"block": logged.at.block, "index": logged.at.index, "timestamp": logged.timestamp}
    return {"event": type(logged.event).__name__, **place, **to_json(logged.event)}


def describe_line(logged: "Logged") -> str:
    """Return an event as a line: block, time, name, fields."""
    time = datetime.fromtimestamp(logged.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
    event = logged.event
    values = (_in_words(f.name, getattr(event, f.name)) for f in fields(event))
    said = "  ".join(value for value in values if value)
    return f"{logged.at.block:>6}  {time}  {type(event).__name__:<11}  {said}"


def _in_words(name: str, value: Any) -> str:
    if name == "spec":
        return f"spec of {len(value)} bytes"
    if name == "parameters":
        return f"{value.coordinates} coordinates"
    if name == "coefficients":
        return ""
    if name in ("included", "credited"):
        from chain.types import seats_of

        return f"{name} {','.join(map(str, seats_of(value))) or 'nobody'}"
    if name.endswith("_wei"):
        return f"{name.removesuffix('_wei')} {value / ETHER:g} ether"
    words = name.replace("_", " ")
    if isinstance(value, bytes):
        return f"{words} 0x{value.hex()[:SHOWN_HEX]}…"
    return f"{words} {show_text(value)}"


def show_text(value: object) -> str:
    """Return what somebody else wrote, for a terminal: nothing in it moves a cursor."""
    text = str(value)
    return text if text.isprintable() else repr(text)
