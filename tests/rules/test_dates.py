from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model import DateClaim, Precision
from tgewatch.rules.dates import shown
from tgewatch.testing.claims import at, day, instant, month, quarter, soon, week


def between(first, past, precision):
    return DateClaim(at(first), at(past), precision)


@pytest.mark.parametrize(
    ("date", "words"),
    [
        (instant("2026-05-12T15:00"), "12 May 2026, 15:00 UTC"),
        (day("2026-05-12"), "12 May 2026"),
        (week("2026-05-11"), "week of 11 May 2026"),
        (month("2026-05"), "May 2026"),
        (quarter("2026-Q2"), "Q2 2026"),
        (quarter("2026-Q4"), "Q4 2026"),
        (between("2026-05-12", "2026-05-20", Precision.DAY), "12 to 19 May 2026"),
        (between("2026-05-12", "2026-06-09", Precision.DAY), "12 May to 8 June 2026"),
        (between("2026-12-12", "2027-01-09", Precision.DAY), "12 December 2026 to 8 January 2027"),
        (between("2026-05-11", "2026-05-21", Precision.WEEK), "11 to 20 May 2026"),
        (between("2026-05-01", "2026-07-01", Precision.MONTH), "May to June 2026"),
        (between("2026-12-01", "2027-02-01", Precision.MONTH), "December 2026 to January 2027"),
        (between("2026-01-01", "2026-07-01", Precision.QUARTER), "first half of 2026"),
        (between("2026-07-01", "2027-01-01", Precision.QUARTER), "second half of 2026"),
        (between("2026-04-01", "2026-10-01", Precision.QUARTER), "Q2 to Q3 2026"),
        (between("2026-10-01", "2027-04-01", Precision.QUARTER), "Q4 2026 to Q1 2027"),
        (DateClaim(at("2026-01-01"), at("2027-01-01"), Precision.YEAR), "2026"),
        (soon(), "soon"),
    ],
)
def test_a_date_is_told_as_exactly_as_it_is_known(date, words):
    assert shown(date) == words


def test_only_a_time_of_day_moves_with_the_zone():
    tokyo = ZoneInfo("Asia/Tokyo")

    assert shown(instant("2026-05-12T20:00"), tokyo) == "13 May 2026, 05:00 JST"
    assert shown(day("2026-05-12"), tokyo) == "12 May 2026"


@given(st.floats(), st.sampled_from(list(Precision)))
def test_an_impossible_date_breaks_nothing(start, precision):
    assert shown(DateClaim(start, start, precision))
