import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.budget import Budget


@given(
    limit=st.integers(1, 6),
    window=st.floats(0.5, 900),
    pauses=st.lists(st.floats(0, 600), max_size=40),
)
def test_no_window_ever_holds_more_calls_than_the_limit(limit, window, pauses):
    budget, now, calls = Budget(limit, window), 0.0, []

    for pause in pauses:
        now += pause
        now += budget.delay(now)
        budget = budget.spend(now)
        calls.append(now)

    for first, later in zip(calls, calls[limit:], strict=False):
        assert later - first >= window - 1e-6


@given(limit=st.integers(1, 6), window=st.floats(0.5, 900))
def test_waits_no_longer_than_it_must(limit, window):
    budget = Budget(limit, window)
    for _ in range(limit):
        assert budget.delay(100.0) == 0
        budget = budget.spend(100.0)

    assert budget.delay(100.0) == pytest.approx(window)
    assert budget.delay(100.0 + window + 1e-9) == 0


def test_knows_how_many_calls_still_count():
    budget = Budget(5, 10).spend(0.0).spend(6.0).spend(9.0)

    assert [budget.used(now) for now in (9.0, 12.0, 17.0, 30.0)] == [3, 2, 1, 0]


@given(st.lists(st.floats(0, 1), max_size=30))
def test_remembers_no_more_than_the_limit(pauses):
    budget = Budget(4, 100)

    for pause in pauses:
        budget = budget.spend(pause)

    assert len(budget.calls) <= 4
