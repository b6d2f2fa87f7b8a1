import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.backoff import backoff


@pytest.mark.parametrize(("failures", "wait"), [(1, 120), (2, 240), (4, 960), (20, 3_600)])
def test_doubles_up_to_the_cap(failures, wait):
    assert backoff(failures, base=120, cap=3_600, jitter=0.0) == wait


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_always_comes_back_and_never_at_once(failures, jitter):
    assert 96 <= backoff(failures, base=120, cap=3_600, jitter=jitter) <= 3_600


def test_chance_spreads_those_that_failed_together():
    assert backoff(3, base=120, cap=3_600, jitter=0.9) < backoff(3, base=120, cap=3_600, jitter=0.1)
