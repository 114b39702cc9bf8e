"""What is a JSON-RPC message and what is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.devnet.envelope import answer_error, check_request, encode, parse_message
from chain.devnet.errors import BadRequest, LimitExceeded, NoJson

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"NaN",
        b"[Infinity]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000 + b'"' + b"]" * 100_000,
        b"1" * 5_000,
        '{"id": 1}'.encode("utf-16"),
    ],
)
def test_parse_message__no_json__is_refused(body) -> None:
    with pytest.raises(NoJson):
        parse_message(body, most=10)


def test_parse_message__as_deep_as_allowed__is_read() -> None:
    deep = b"[" * 64 + b"]" * 64
    for body in (deep, b'["' + b"[{" * 1000 + b'\\"", ' + deep[1:-1] + b"]", b"[" * 64 + b"]" * 64):
        assert parse_message(body, most=2).is_batch
    assert len(parse_message(b"[" + b"[[]]," * 999 + b"0]", most=1000).requests) == 1000


def test_parse_message__batch__as_long_as_allowed() -> None:
    assert len(parse_message(b"[1,2,3]", most=3).requests) == 3
    with pytest.raises(LimitExceeded, match="batch too large"):
        parse_message(b"[1,2,3,4]", most=3)
    with pytest.raises(BadRequest, match="empty batch"):
        parse_message(b"[]", most=3)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_message__anything__is_requests_or_a_refusal(body) -> None:
    code = None
    try:
        for value in parse_message(body, most=5).requests:
            check_request(value)
    except (NoJson, BadRequest, LimitExceeded) as error:
        code = json.loads(encode(answer_error(error)))["error"]["code"]
    assert code in (None, -32700, -32600, -32005)


@pytest.mark.parametrize("number", [True, [], {}, 1e999])
def test_check_request__id_that_is_none__is_refused_and_not_repeated(number) -> None:
    value = {"jsonrpc": "2.0", "method": "a", "id": number}
    with pytest.raises(BadRequest) as caught:
        check_request(value)
    assert answer_error(caught.value, value)["id"] is None


@given(st.none() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False))
def test_answer_error__any_id__comes_back(number) -> None:
    value = {"jsonrpc": "1.0", "method": "a", "id": number}
    with pytest.raises(BadRequest) as caught:
        check_request(value)
    assert json.loads(encode(answer_error(caught.value, value)))["id"] == number
