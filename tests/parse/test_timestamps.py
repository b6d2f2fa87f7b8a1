"""Publication times in the forms that feeds use."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.parse.timestamps import EARLIEST, LATEST, parse_timestamp

TEN = datetime(2024, 3, 5, 10, tzinfo=UTC).timestamp()
MIDNIGHT = TEN - 36_000


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 05 Mar 2024 10:00:00 GMT",
        "Tue, 5 Mar 2024 10:00 UTC",
        "Fri, 05 Mar 2024 10:00:00 GMT",  # it was a Tuesday
        "Tuesday, 05 March 2024 10:00:00 Z",
        "05 Mar 2024 05:00:00 EST",
        "Tue, 05 Mar 2024 15:30:00 +0530",
        "Tue, 05 Mar 2024 12:00:00 GMT+0200",
        "Tue, 05 Mar 2024 02:00:00 -0800 (PST)",
        "Tue, 05-Mar-24 10:00:00 GMT",
        "Tue, 05 Mar 2024 10:00:00 +9999",
        "Tue, 05 Mar 2024 10:00:00 XYZ",
        "\n Tue,  05 Mar 2024\t10:00:00 +0000 ",
        "2024-03-05T10:00:00Z",
        "2024-03-05T12:00:00+02:00",
        "2024-03-05T10:00:00.000000Z",
        "2024-03-05 10:00:00",
        "2024-03-05 10:00:00 UTC",
        "2024-3-5 10:00",
        "20240305T100000Z",
        "Tue Mar  5 10:00:00 2024",
        "Tue Mar  5 10:00:00 UTC 2024",
        "March 5, 2024 10:00 AM",
        "Tuesday, March 05, 2024 - 10:00",
        "1709632800",
        "1709632800000",
    ],
)
def test_every_common_spelling_of_a_moment_is_read(text):
    assert parse_timestamp(text) == TEN


@pytest.mark.parametrize("text", ["2024-03-05", "5 March 2024", "Mar 5, 2024", "2024/03/05"])
def test_a_day_is_its_beginning_in_utc(text):
    assert parse_timestamp(text) == MIDNIGHT


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tue, 05 Mar 2024 24:00:00 GMT", MIDNIGHT + 86_400),
        ("Tue, 05 Mar 2024 10:00:60 GMT", TEN + 59),
        ("March 5, 2024 12:00 AM", MIDNIGHT),
        ("March 5, 2024 12:00 PM", MIDNIGHT + 43_200),
    ],
)
def test_odd_hours_are_read_as_meant(text, moment):
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "3 hours ago",
        "12",
        "999",
        "05/03/2024",
        "2024-02-30",
        "May post",
        "2024",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "Tue, 05 Foo 2024 10:00:00 GMT",
        "9" * 40,
        "x" * 10000,
        "2024-03-05T25:61:00Z",
        "٢٠٢٤",
    ],
)
def test_what_names_no_moment_is_not_guessed(text):
    assert parse_timestamp(text) is None


@given(st.integers(int(EARLIEST), int(LATEST) - 1))
def test_standard_forms_are_read_exactly(moment):
    when = datetime.fromtimestamp(moment, UTC)

    assert parse_timestamp(format_datetime(when)) == moment
    assert parse_timestamp(format_datetime(when, usegmt=True)) == moment
    assert parse_timestamp(when.isoformat()) == moment


@given(st.text(alphabet="0123456789 :,+-/.TZAPMaprMGTechdn()", max_size=60))
def test_any_text_is_a_believable_moment_or_none(text):
    moment = parse_timestamp(text)

    assert moment is None or EARLIEST <= moment < LATEST


def test_garbage_costs_microseconds():
    begun = time.process_time()
    for number in range(2_000):
        parse_timestamp(f"{number} hours ago maybe, or " + "Mon, " * 10)

    assert time.process_time() - begun < 0.5
