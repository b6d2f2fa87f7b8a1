"""Times as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta

import typer

from tgewatch.clock import Clock, ShiftedClock, SystemClock
from tgewatch.model import DateClaim, Precision


def clock_at(text: str | None) -> Clock:
    """Return a clock set to `text`, or the machine's own without one."""
    return SystemClock() if text is None else ShiftedClock(moment_of(text))


def moment_of(text: str) -> float:
    """Return Unix seconds of an ISO 8601 time (UTC when it names no zone) or of a number.

    Raises typer.BadParameter.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-05-12, 2026-05-12T15:00:00Z or Unix seconds"
        ) from None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def date_claim_of(text: str) -> DateClaim:
    """Return a date as exact as it is written: a day, a month, a quarter, a year or an instant.

    Raises typer.BadParameter.
    """
    form = re.fullmatch(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?", text.strip())
    if form is None:
        at = moment_of(text)
        return DateClaim(at, at, Precision.INSTANT, text=text)
    year, quarter, month, day = (int(part) if part else 0 for part in form.groups())
    try:
        if day:
            start = datetime(year, month, day, tzinfo=UTC)
            return _period(start, start + timedelta(days=1), Precision.DAY, text)
        if month:
            start = datetime(year, month, 1, tzinfo=UTC)
            return _period(start, _after(start, 1), Precision.MONTH, text)
        start = datetime(year, 3 * quarter - 2 if quarter else 1, 1, tzinfo=UTC)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date: {error}") from error
    if quarter:
        return _period(start, _after(start, 3), Precision.QUARTER, text)
    return _period(start, _after(start, 12), Precision.YEAR, text)


def _after(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _period(start: datetime, end: datetime, precision: Precision, text: str) -> DateClaim:
    return DateClaim(start.timestamp(), end.timestamp(), precision, text=text)
