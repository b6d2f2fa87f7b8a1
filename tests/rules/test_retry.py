"""Whether and when to try again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.rules.retry import HOPELESS, RetryPolicy


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        pytest.param(1, 0.25, id="first"),
        pytest.param(2, 0.5, id="doubles"),
        pytest.param(3, None, id="gives-up"),
    ],
)
def test_waits_longer_each_time_then_gives_up(attempt, expected):
    assert RetryPolicy().delay(TransientError("502"), attempt, jitter=0.0) == expected


@pytest.mark.parametrize("error", [RefusedError("404"), MalformedError("not xml"), ValueError()])
def test_only_transient_errors_are_worth_another_try(error):
    assert RetryPolicy().delay(error, 1, jitter=0.0) is None


@pytest.mark.parametrize("cause", [*sorted(HOPELESS), "http_429", "http_403"])
def test_what_a_moment_does_not_cure_is_left_to_the_schedule(cause):
    assert RetryPolicy().delay(TransientError("", cause=cause), 1, jitter=0.0) is None


def test_a_named_time_is_waited_for_whatever_the_cause():
    error = TransientError("429", cause="http_429", retry_after=2.0)

    assert RetryPolicy().delay(error, 1, jitter=0.0) == 2.0


def test_a_server_may_ask_for_longer_than_our_ceiling_but_not_than_our_patience():
    error = TransientError("503", retry_after=20.0)

    assert RetryPolicy(ceiling=10.0, patience=60.0).delay(error, 1, jitter=0.0) == 20.0
    assert RetryPolicy(patience=19.0).delay(error, 1, jitter=0.0) is None


def test_no_wait_is_begun_that_would_outlast_the_deadline():
    error = TransientError("503", retry_after=4.0)

    assert RetryPolicy().delay(error, 1, jitter=0.0, left=4.0) is None
    assert RetryPolicy().delay(error, 1, jitter=0.0, left=4.1) == 4.0


@given(attempt=st.integers(1, 10**6), jitter=st.floats(0, 1, exclude_max=True))
def test_own_waits_stay_under_the_ceiling_and_above_half_of_the_curve(attempt, jitter):
    policy = RetryPolicy(attempts=10**7, base=0.5, ceiling=60.0)
    curve = min(60.0, 0.5 * 2.0 ** min(attempt - 1, 64))

    delay = policy.delay(TransientError("502"), attempt, jitter=jitter)

    assert curve / 2 <= delay <= curve


@given(asked=st.floats(0, 5), attempt=st.integers(1, 2), jitter=st.floats(0, 1, exclude_max=True))
def test_never_comes_back_sooner_than_asked(asked, attempt, jitter):
    error = TransientError("503", retry_after=asked)

    assert RetryPolicy().delay(error, attempt, jitter=jitter) >= asked
