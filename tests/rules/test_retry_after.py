"""Retry-After in both of its forms, and in none."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.retry_after import CAP, retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("-5", 0),
        ("1.5", 2),
        ("2.0", 2),
        ("60, 120", 120),
        ("9" * 500, CAP),
        (formatdate(NOW + 90, usegmt=True), 91),
        (formatdate(NOW - 90, usegmt=True), 0),
        (formatdate(NOW + 10**8, usegmt=True), CAP),
        ("", None),
        ("soon", None),
        ("Fri, 99 Foo 2023 00:00:00 GMT", None),
    ],
)
def test_reads_seconds_and_dates_and_clamps_them_sanely(value, expected):
    assert retry_after({"retry-after": value}, now=NOW) == expected


def test_an_answer_that_names_no_time_is_none():
    assert retry_after({}, now=NOW) is None


def test_a_date_is_read_against_the_servers_own_clock():
    said = {
        "retry-after": formatdate(NOW + 7230, usegmt=True),
        "date": formatdate(NOW + 7200, usegmt=True),
    }

    assert retry_after(said, now=NOW) == 31


@given(seconds=st.integers(0, 10**9))
def test_never_shorter_than_asked_within_the_cap(seconds):
    assert retry_after({"retry-after": str(seconds)}, now=NOW) == min(seconds, CAP)


@given(value=st.text(max_size=60), date=st.text(max_size=40))
def test_anything_at_all_is_a_time_within_the_cap_or_none(value, date):
    wait = retry_after({"retry-after": value, "date": date}, now=NOW)

    assert wait is None or 0 <= wait <= CAP
