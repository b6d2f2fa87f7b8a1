"""Dates for a person: as exact as they are known, and no more."""

from datetime import UTC, datetime, tzinfo

from tgewatch.model import DateClaim, Precision

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


DAYS_OF_WEEK = 7
HALVES = {(1, 2): "first", (3, 4): "second"}
"""First and last quarter → which half of a year they are."""


def shown(date: DateClaim, zone: tzinfo = UTC) -> str:  # noqa: PLR0911 - one line a precision
    """Return `date` in words: "12 May 2026", "June 2026", "Q2 2026", "12 May 2026, 15:00 UTC".

    Of several days, months or quarters the first and last are told: "12 to 19 May 2026". Only an
    instant is told in `zone`: a day is the same day everywhere, as it was announced.
    """
    try:
        start = datetime.fromtimestamp(date.start, UTC)
        last = datetime.fromtimestamp(max(date.start, date.end - 1.0), UTC)
        local = start.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return "an impossible date"
    month = MONTHS[start.month - 1]
    match date.precision:
        case Precision.INSTANT:
            name = local.tzname() or "UTC"
            return (
                f"{local.day} {MONTHS[local.month - 1]} {local.year}, "
                f"{local.hour:02}:{local.minute:02} {name}"
            )
        case Precision.WEEK if (last - start).days == DAYS_OF_WEEK - 1:
            return f"week of {start.day} {month} {start.year}"
        case Precision.DAY | Precision.WEEK:
            return _span(f"{start.day}", f"{last.day}", start, last, f" {month}")
        case Precision.MONTH:
            return _span(month, MONTHS[last.month - 1], start, last)
        case Precision.QUARTER:
            first, final = _quarter(start), _quarter(last)
            if (first, final) in HALVES and start.year == last.year:
                return f"{HALVES[first, final]} half of {start.year}"
            return _span(f"Q{first}", f"Q{final}", start, last)
        case Precision.YEAR:
            return str(start.year)
        case Precision.SOON:
            return "soon"


def _quarter(day: datetime) -> int:
    return (day.month + 2) // 3


def _span(first: str, last: str, start: datetime, end: datetime, month: str = "") -> str:
    """Return a period by its first and last part; what both share is said once."""
    if start.year != end.year or (month and start.month != end.month):
        final = f" {MONTHS[end.month - 1]}" if month else ""
        year = f" {start.year}" if start.year != end.year else ""
        return f"{first}{month}{year} to {last}{final} {end.year}"
    if first == last:
        return f"{first}{month} {start.year}"
    return f"{first} to {last}{month} {start.year}"
