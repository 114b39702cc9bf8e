"""A federation that forecasts beats what needs none: the season's own value, and a peer alone."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.forecast import FILE, MONTHS, PEERS, load_model, measure

HOLDS_DATA = (Path(os.environ.get("HOLDFAST_DATA", "nowhere")) / FILE).exists()
needs_data = pytest.mark.skipif(not HOLDS_DATA, reason=f"HOLDFAST_DATA names no folder with {FILE}")


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("months", MONTHS)
def test_federation__oil_temperature_a_day_ahead__beats_naive_and_a_peer_alone(months):
    errors = measure(months)
    assert len(errors.alone) == PEERS
    assert errors.federation < errors.naive
    assert errors.federation < np.mean(errors.alone)


@pytest.mark.slow
@needs_data
def test_evaluate__a_model_of_zeros__is_the_seasonal_naive_forecast():
    model = load_model()
    oil = model.read_oil()
    start, end = 12 * model.MONTH, (12 + model.TEST_MONTHS) * model.MONTH
    judge = model.build(None, PEERS, 12)
    error, hours, _ = judge.evaluate(judge.get_parameters({}), {})
    assert hours == end - start
    assert error == pytest.approx(np.abs(oil[start:end] - oil[start - 24 : end - 24]).mean())


def test_cut__what_comes_later_is_changed__what_is_known_stays():
    model = load_model()
    oil = np.random.default_rng(0).normal(20, 5, 1000)
    known, change = model.cut(oil, 500, 501)
    later = oil.copy()
    later[500 - model.AHEAD + 1 :] += 100
    assert np.array_equal(model.cut(later, 500, 501)[0], known)
    assert model.cut(later, 500, 501)[1] == pytest.approx(change + 20)


def test_build__stretches_of_peers__do_not_read_each_others_hours(monkeypatch):
    model = load_model()
    oil = np.random.default_rng(0).normal(20, 5, 25 * model.MONTH)
    monkeypatch.setattr(model, "read_oil", lambda: oil.copy())
    ours = model.build(1, PEERS, 20)
    end = 20 * model.MONTH
    edges = np.linspace(0, end, PEERS + 1).astype(int)
    is_ours = np.zeros(len(oil), dtype=bool)
    is_ours[edges[1] : edges[2]] = True
    oil[~is_ours] += 100
    again = model.build(1, PEERS, 20)
    assert np.allclose(again.gram, ours.gram)
    assert np.allclose(again.moments, ours.moments)
