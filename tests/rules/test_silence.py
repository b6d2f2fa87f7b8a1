import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.rhythm import DAY, HOUR
from tgewatch.rules.silence import LEAST, silent_after, stretched

MONDAY = 1_699_833_600.0  # 2023-11-13 00:00 UTC


def after(**changed):
    given_ = {
        "newest": MONDAY,
        "period": 6 * HOUR,
        "longest": DAY,
        "items": 50,
        "factor": 8.0,
        "weekend": 1.0,
    }
    return silent_after(**(given_ | changed))


def test_silent_after_so_many_of_its_own_periods():
    assert after() == MONDAY + 48 * HOUR
    assert after(period=DAY) == MONDAY + 8 * DAY


def test_a_busy_source_has_a_day_all_the_same():
    assert after(period=60.0, longest=600.0) == MONDAY + LEAST


def test_a_bursty_source_may_pause_as_long_as_it_did_before():
    assert after(longest=10 * DAY) == MONDAY + 15 * DAY


@pytest.mark.parametrize("unknown", [{"newest": None}, {"period": None}, {"items": 4}])
def test_nothing_is_said_of_a_source_that_is_hardly_known(unknown):
    assert after(**unknown) is None


def test_a_weekend_at_rest_is_no_silence():
    friday = MONDAY + 4 * DAY + 20 * HOUR

    assert after(newest=friday, period=3 * HOUR, longest=0.0, weekend=0.0) > friday + 2.8 * DAY
    assert after(newest=friday, period=3 * HOUR, longest=0.0, weekend=1.0) == friday + DAY


@given(st.floats(0, 1e9), st.floats(0, 400 * DAY), st.floats(-1, 2))
def test_weekends_stretch_a_wait_and_never_shorten_it(start, wait, weekend):
    passed = stretched(start, wait, weekend)

    assert passed >= wait * (1 - 1e-6) - 1e-3
    assert passed <= wait * 7 / 5 * 1.01 + 2 * DAY + 1


@given(st.floats(0, 1e9), st.floats(0, 100 * DAY))
def test_without_a_difference_nothing_is_stretched(start, wait):
    assert stretched(start, wait, 1.0) == pytest.approx(wait, abs=0.01)
