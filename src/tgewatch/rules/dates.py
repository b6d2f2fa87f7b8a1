"""Dates for a person: as exact as they are known, and no more."""

from datetime import UTC, datetime, tzinfo

from tgewatch.model import DateClaim, Precision

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def shown(date: DateClaim, zone: tzinfo = UTC) -> str:  # noqa: PLR0911 - one line a precision
    """Return `date` in words: "12 May 2026", "June 2026", "Q2 2026", "12 May 2026, 15:00 UTC".

    Only an instant is told in `zone`: a day is the same day everywhere, as it was announced.
    """
    try:
        start = datetime.fromtimestamp(date.start, UTC)
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
        case Precision.DAY:
            return f"{start.day} {month} {start.year}"
        case Precision.WEEK:
            return f"week of {start.day} {month} {start.year}"
        case Precision.MONTH:
            return f"{month} {start.year}"
        case Precision.QUARTER:
            return f"Q{(start.month + 2) // 3} {start.year}"
        case Precision.YEAR:
            return str(start.year)
        case Precision.SOON:
            return "soon"
