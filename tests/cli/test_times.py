from datetime import UTC, datetime

import pytest
import typer

from tgewatch.cli.times import clock_at, date_claim_of, moment_of
from tgewatch.clock import SystemClock
from tgewatch.model import Precision


def at(*parts):
    return datetime(*parts, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1790035200", 1_790_035_200.0),
        ("2026-05-12", at(2026, 5, 12)),
        ("2026-05-12T15:00:00Z", at(2026, 5, 12, 15)),
        ("2026-05-12T17:00:00+02:00", at(2026, 5, 12, 15)),
    ],
)
def test_reads_times_as_people_write_them(text, expected):
    assert moment_of(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "12.05.2026", "2026-13-01"])
def test_says_what_to_write_for_what_is_no_time(text):
    with pytest.raises(typer.BadParameter, match="write 2026-05-12"):
        moment_of(text)


def test_a_clock_runs_on_from_the_time_that_it_was_set_to():
    clock = clock_at("2026-05-12")

    assert 0 <= clock.now() - at(2026, 5, 12) < 5
    assert isinstance(clock_at(None), SystemClock)


@pytest.mark.parametrize(
    ("text", "start", "end", "precision"),
    [
        ("2026-05-12", at(2026, 5, 12), at(2026, 5, 13), Precision.DAY),
        ("2026-12", at(2026, 12, 1), at(2027, 1, 1), Precision.MONTH),
        ("2026-Q4", at(2026, 10, 1), at(2027, 1, 1), Precision.QUARTER),
        ("2026", at(2026, 1, 1), at(2027, 1, 1), Precision.YEAR),
        ("2026-05-12T15:00:00Z", at(2026, 5, 12, 15), at(2026, 5, 12, 15), Precision.INSTANT),
    ],
)
def test_a_date_is_as_exact_as_it_is_written(text, start, end, precision):
    date = date_claim_of(text)

    assert (date.start, date.end, date.precision) == (start, end, precision)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13", "May"])
def test_refuses_dates_that_are_none(text):
    with pytest.raises(typer.BadParameter):
        date_claim_of(text)
