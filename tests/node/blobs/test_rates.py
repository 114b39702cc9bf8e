"""Buckets: a burst, then the rate; debts are paid before there is more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.blobs.rates import Rates


def test_take__after_the_burst__waits_until_the_debt_is_paid():
    rates = Rates(10, burst_seconds=2, clients=5)
    assert [rates.take("a", 10, 0), rates.take("a", 25, 0)] == [0, 0]
    assert rates.take("a", 1, 0) == pytest.approx(1.5)
    assert rates.take("a", 1, 1.49) == pytest.approx(0.01)
    assert rates.take("a", 1, 1.6) == 0


def test_take__one_client_in_debt__leaves_the_others_alone():
    rates = Rates(1, burst_seconds=1, clients=5)
    assert rates.take("a", 100, 0) == 0
    assert rates.take("a", 1, 0) > 0
    assert rates.take("b", 1, 0) == 0


def test_take__more_clients_than_are_remembered__forgets_who_came_first():
    rates = Rates(1, burst_seconds=1, clients=2)
    for client in "abc":
        rates.take(client, 100, 0)
    assert rates.take("c", 1, 0) > 0
    assert rates.take("a", 1, 0) == 0


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 30)), max_size=60))
def test_take__any_schedule__never_gives_more_than_the_rate_the_burst_and_one_debt(steps):
    rates, now, taken = Rates(10, burst_seconds=2, clients=1), 0.0, 0
    for pause, amount in steps:
        now += pause
        if not rates.take("a", amount, now):
            taken += amount
        assert taken <= 10 * now + 20 + 30
