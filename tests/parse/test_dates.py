from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.model import Precision
from tgewatch.parse import dates

WEDNESDAY = datetime(2025, 3, 5, 12, tzinfo=UTC).timestamp()


def read(text, published=WEDNESDAY, **options):
    return [
        (
            datetime.fromtimestamp(c.start, UTC).date().isoformat(),
            (datetime.fromtimestamp(c.end, UTC).date() - date(1970, 1, 1)).days
            - (datetime.fromtimestamp(c.start, UTC).date() - date(1970, 1, 1)).days,
            str(c.precision),
        )
        for c in dates.find(text, published=published, **options)
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Trading starts Oct. 29", "2025-10-29"),
        ("on March the 30th", "2025-03-30"),
        ("31st March", "2025-03-31"),
        ("April 2nd, 2026", "2026-04-02"),
        ("25th, March", "2025-03-25"),
        ("2025-05-12", "2025-05-12"),
        ("2025/05/12", "2025-05-12"),
        ("delisted on 13.04.25 for good", "2025-04-13"),
        ("12 de mayo", "2025-05-12"),
        ("am 3. Juni", "2025-06-03"),
        ("5 мая", "2025-05-05"),
        ("2025年5月12日", "2025-05-12"),
        ("5월 12일", "2025-05-12"),
        ("tomorrow", "2025-03-06"),
        ("the day after tomorrow", "2025-03-07"),
        ("today", "2025-03-05"),
        ("in 18 days", "2025-03-23"),
        ("9 Days Left", "2025-03-14"),
        ("three days away", "2025-03-08"),
        ("on Thursday", "2025-03-06"),
        ("next Tuesday", "2025-03-11"),
        ("next Wednesday", "2025-03-12"),
        ("will go live this Friday", "2025-03-07"),
        ("launched on Monday", "2025-03-03"),
        ("5 MORE HOURS", "2025-03-05"),
        ("in 14 hours", "2025-03-06"),
    ],
)
def test_a_day_is_read_as_that_day(text, day):
    ((start, length, precision),) = read(text)

    assert (start, length, precision) == (day, 1, "day")


@pytest.mark.parametrize(
    ("text", "start", "length", "precision"),
    [
        ("12-19 May", "2025-05-12", 8, "day"),
        ("May 12-19, 2025", "2025-05-12", 8, "day"),
        ("9th till 16th of April", "2025-04-09", 8, "day"),
        ("May 28 - June 2", "2025-05-28", 6, "day"),
        ("Q1 2026", "2026-01-01", 90, "quarter"),
        ("2026 Q1", "2026-01-01", 90, "quarter"),
        ("2Q25", "2025-04-01", 91, "quarter"),
        ("first quarter of 2026", "2026-01-01", 90, "quarter"),
        ("Q3", "2025-07-01", 92, "quarter"),
        ("second half of 2025", "2025-07-01", 184, "quarter"),
        ("H1 2026", "2026-01-01", 181, "quarter"),
        ("early 2026", "2026-01-01", 90, "quarter"),
        ("in 2027", "2027-01-01", 365, "year"),
        ("in May", "2025-05-01", 31, "month"),
        ("July launch", "2025-07-01", 31, "month"),
        ("March 2021", "2021-03-01", 31, "month"),
        ("April/May", "2025-04-01", 61, "month"),
        ("mid-May", "2025-05-11", 10, "week"),
        ("late March", "2025-03-21", 11, "week"),
        ("by the end of March", "2025-03-21", 11, "week"),
        ("end of the month", "2025-03-21", 11, "week"),
        ("first week of April", "2025-04-01", 7, "week"),
        ("next week", "2025-03-10", 7, "week"),
        ("this weekend", "2025-03-08", 2, "day"),
        ("next month", "2025-04-01", 30, "month"),
        ("in 2 weeks", "2025-03-19", 7, "week"),
        ("coming soon", "2025-03-05", 90, "soon"),
    ],
)
def test_a_period_has_its_precision(text, start, length, precision):
    assert read(text) == [(start, length, precision)]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("March 30, 2025 at 17:00 (UTC+8)", "2025-03-30T09:00"),
        ("tomorrow at 3 PM UTC", "2025-03-06T15:00"),
        ("3 PM UTC tomorrow", "2025-03-06T15:00"),
        ("15:00UTC Wednesday March 12th", "2025-03-12T15:00"),
        ("March 30th 2025 @ 10am - 1pm PST", "2025-03-30T18:00"),
        ("12:00AM UTC on June 1", "2025-06-01T00:00"),
        ("May 2 at 00:30 KST", "2025-05-01T15:30"),
        ("on April 8 at 9 AM ET", "2025-04-08T13:00"),
        ("on December 8 at 9 AM ET", "2025-12-08T14:00"),
        ("on April 8 at 9 AM EST", "2025-04-08T14:00"),
        ("on November 1 at 9 AM PT", "2025-11-01T16:00"),
        ("on November 2 at 9 AM PT", "2025-11-02T17:00"),
        ("on March 9 at 9 AM PT", "2025-03-09T16:00"),
        ("at noon UTC on April 8", "2025-04-08T12:00"),
        ("on April 8 at midnight (UTC+8)", "2025-04-07T16:00"),
    ],
)
def test_a_time_of_day_makes_an_instant_in_utc(text, instant):
    (claim,) = dates.find(text, published=WEDNESDAY)

    assert claim.precision is Precision.INSTANT
    assert claim.start == claim.end
    assert datetime.fromtimestamp(claim.start, UTC).isoformat()[:16] == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "may launch a token",
        "users may vote",
        "they march on",
        "version 2.0.25 is 24/7 available",
        "costs $5.12 or 12.05",
        "10-20% of supply",
        "1.5M tokens",
        "listed last March",
        "ERC-20 and L2",
        "Dan Mars and Jan Novak",
    ],
)
def test_what_only_looks_like_a_date_is_none(text):
    assert read(text) == []


def test_days_of_both_orders_are_the_near_future():
    june = datetime(2025, 5, 20, tzinfo=UTC).timestamp()

    assert read("06/07/2025", published=june)[0][0] == "2025-06-07"
    assert read("13/06/2025", published=june)[0][0] == "2025-06-13"
    assert read("06/13/2025", published=june)[0][0] == "2025-06-13"
    assert read("06.07.2025", published=june)[0][0] == "2025-07-06"


def test_a_month_without_a_year_is_the_next_one_or_a_recent_one():
    december = datetime(2024, 12, 13, tzinfo=UTC).timestamp()

    assert read("for January", published=december)[0][0] == "2025-01-01"
    assert read("in November", published=december)[0][0] == "2024-11-01"
    assert read("in September", published=december)[0][0] == "2025-09-01"


def test_relative_days_count_from_the_calendar_of_the_zone():
    late = datetime(2025, 3, 5, 23, tzinfo=UTC).timestamp()

    assert read("tomorrow", published=late)[0][0] == "2025-03-06"
    assert read("tomorrow", published=late, zone=timezone(timedelta(hours=9)))[0][0] == "2025-03-07"


@pytest.mark.parametrize("text", ["in the coming days", "Coming days", "over the next few days"])
def test_the_coming_days_are_soon_without_any_other_word_about_time(text):
    ((start, _, precision),) = read(text)

    assert (start, precision) == ("2025-03-05", "soon")


def test_a_weekday_before_its_date_is_the_same_day():
    assert read("on Wednesday, March 12th") == [("2025-03-12", 1, "day")]
    assert read("on Wednesday and on March 20th")[0][0] == "2025-03-05"


def test_several_dates_come_in_order_with_spans_into_the_text():
    text = "postponed from 12 May to June"
    first, second = dates.find(text, published=WEDNESDAY, field="title")

    assert (first.text, second.text) == ("12 May", "June")
    assert [text[c.span.start : c.span.end] for c in (first, second)] == ["12 May", "June"]
    assert first.span.field == "title"


@given(
    st.dates(date(2016, 1, 1), date(2040, 12, 31)),
    st.sampled_from(["%B %d, %Y", "%d %b %Y", "%Y-%m-%d"]),
)
def test_any_full_date_is_read_whatever_the_day_of_publication(day, shape):
    (claim,) = dates.find(f"launch on {day.strftime(shape)} for all", published=WEDNESDAY)

    assert datetime.fromtimestamp(claim.start, UTC).date() == day


@given(st.text(max_size=300), st.floats(0, 4e9))
def test_no_text_breaks_the_reader_and_spans_stay_inside(text, published):
    for claim in dates.find(text, published=published):
        assert 0 <= claim.span.start < claim.span.end <= len(text)
        assert claim.start <= claim.end


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("postpones TGE from March 12 to April 8", ["2025-03-12", "2025-04-08"]),
        ("moved from the 12th of May to the 3rd of June", ["2025-05-12", "2025-06-03"]),
        ("moves TGE from March 12 to 19", ["2025-03-12", "2025-03-19"]),
        ("moves TGE from 12 to 19 March", ["2025-03-19"]),
        ("brought forward from April 8 to March 12", ["2025-04-08", "2025-03-12"]),
        ("delayed from 12 May 2025 to 3 June 2026", ["2025-05-12", "2026-06-03"]),
    ],
)
def test_a_date_that_moves_is_two_days_and_no_period(text, days):
    assert read(text) == [(day, 1, "day") for day in days]


@pytest.mark.parametrize(
    "text", ["The claim runs from March 12 to April 8", "TGE delayed. Sale from March 12 to 19"]
)
def test_a_period_that_nothing_moves_from_stays_one(text):
    ((start, length, _),) = read(text)

    assert start == "2025-03-12"
    assert length > 1


def test_the_date_that_something_moves_away_from_is_told():
    text = "moves its launch from 12 May to 3 June"

    assert dates.leaves(text, text.index("12"))
    assert not dates.leaves(text, text.index("3 June"))
    assert not dates.leaves("open from 12 May", 10)


def test_midnight_without_a_zone_is_no_time_of_day():
    (found,) = dates.find("on April 8 at midnight", published=WEDNESDAY)

    assert found.precision is Precision.DAY
