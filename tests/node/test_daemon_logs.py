"""One line for each record, whatever is in it."""

import logging
import sys

from node.daemon.logs import KeyValues


def write(name, message, *values, **more):
    record = logging.LogRecord(name, logging.WARNING, "file", 1, message, values, **more)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    return KeyValues().format(record)


START = "time=2023-11-14T22:13:20.250Z level=warning room="


def test_format__of_our_own__is_as_it_was_said():
    line = write("holdfast.daemon", "seat=%d act=%s", 3, "wait", exc_info=None)
    assert line == START + "daemon seat=3 act=wait"


def test_format__of_a_library__is_a_value():
    line = write("asyncio", 'it said "no"\nand more', exc_info=None)
    assert line == START + r'asyncio message="it said \"no\"\nand more"'


def test_format__an_error_with_its_trace__is_one_line():
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = write("holdfast.blobs", "act=serve", exc_info=sys.exc_info())
    assert "\n" not in line
    assert line.startswith(START + 'blobs act=serve trace="Traceback (most recent call last):')
    assert line.endswith(r'ValueError: two\nlines"')


def test_format__a_url_with_a_key__shows_its_host():
    line = write(
        "holdfast.daemon", "error=%r", "at https://me:word@rpc.example/v3/KEY, no", exc_info=None
    )
    assert line == START + "daemon error='at https://rpc.example/..., no'"
