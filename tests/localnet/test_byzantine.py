"""What `COUNT:KIND[:STRENGTH]` means, and what each kind does to what was learned."""

import numpy as np
import pytest

from localnet.byzantine import FOR_EVER, KINDS, Noise, Scale, parse_byzantine
from localnet.errors import ScenarioRefused

HEAD = np.array([1.0, -2.0, 0.5])
TRAINED = np.array([1.5, -2.0, 0.25])


@pytest.mark.parametrize(
    ("text", "count", "alter"),
    [
        ("2:sign_flip", 2, Scale(-1.0)),
        ("2:sign_flip:10", 2, Scale(-10.0)),
        ("1:boost", 1, Scale(10.0)),
        ("1:boost:2.5", 1, Scale(2.5)),
        ("0:noise", 0, Noise(10.0)),
        ("12:noise:0.5", 12, Noise(0.5)),
        ("3:zero", 3, Scale(0.0)),
    ],
)
def test_parse_byzantine__one_that_alters__says_how(text, count, alter):
    assert parse_byzantine(text)[0] == count
    assert parse_byzantine(text)[1].alter == alter


def test_parse_byzantine__one_that_is_away_or_serves_badly__says_so():
    assert parse_byzantine("1:absent")[1].absent_rounds == FOR_EVER
    assert parse_byzantine("1:absent:2")[1].absent_rounds == 2
    assert parse_byzantine("1:garbage")[1].is_garbling
    assert parse_byzantine("1:withhold")[1].is_withholding
    assert parse_byzantine("1:serve_half")[1].is_choosing


def test_parse_byzantine__every_kind__is_parsed_by_its_own_name():
    assert [parse_byzantine(f"1:{kind}")[1].kind for kind in KINDS] == list(KINDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "COUNT:KIND"),
        ("zero", "COUNT:KIND"),
        (":zero", "COUNT:KIND"),
        ("-1:zero", "COUNT:KIND"),
        ("1.0:zero", "COUNT:KIND"),
        ("²:zero", "COUNT:KIND"),
        ("1:", "COUNT:KIND"),
        ("1:kind", "COUNT:KIND"),
        ("1:Zero", "COUNT:KIND"),
        ("9" * 5000 + ":zero", "COUNT:KIND"),
        ("1:zero:2", "no strength for zero"),
        ("1:garbage:1", "no strength for garbage"),
        ("1:boost:", "a number as strength"),
        ("1:boost:much", "a number as strength"),
        ("1:boost:2:3", "a number as strength"),
        ("1:boost:0", "a positive strength"),
        ("1:boost:-2", "a positive strength"),
        ("1:boost:nan", "a positive strength"),
        ("1:boost:inf", "a positive strength"),
        ("1:absent:0.5", "a whole number of rounds"),
    ],
)
def test_parse_byzantine__not_understood__is_refused(text, expected):
    with pytest.raises(ScenarioRefused) as caught:
        parse_byzantine(text)
    assert caught.value.expected.startswith(expected)
    assert caught.value.got == repr(text)


@pytest.mark.parametrize(("factor", "step"), [(-1, [-0.5, 0, 0.25]), (0, [0, 0, 0])])
def test_scale__a_step__is_that_many_times_as_long(factor, step):
    generator = np.random.default_rng(0)
    assert (Scale(factor)(TRAINED, HEAD, generator) - HEAD).tolist() == step


def test_noise__a_step__is_as_long_as_asked_whatever_its_direction():
    altered = Noise(3.0)(TRAINED, HEAD, np.random.default_rng(0))
    assert np.linalg.norm(altered - HEAD) == pytest.approx(3 * np.linalg.norm(TRAINED - HEAD))
    again = Noise(3.0)(TRAINED, HEAD, np.random.default_rng(1))
    assert not np.array_equal(altered, again)
