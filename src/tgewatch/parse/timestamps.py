"""Publication times in all the forms that feeds use. Dates in prose are not read here."""

import re
from datetime import UTC, datetime, timedelta

EARLIEST = 631_152_000.0
"""1990-01-01: nothing on the web was published before."""
LATEST = 4_102_444_800.0
"""2100-01-01."""

_LONGEST = 80
_FULL_YEAR = 4
_PIVOT = 69
_NOON = 12
_MILLISECONDS = 12
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "met": 60,
    "cest": 120, "mest": 120, "eet": 120, "eest": 180, "msk": 180, "ist": 330, "sgt": 480,
    "hkt": 480, "awst": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720,
    "nzdt": 780, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "brt": -180, "art": -180,
}  # fmt: skip
"""Minutes east of UTC."""

_DAY = r"(?:[A-Za-z]{2,9}(?:\.?,\s*|\.?\s+))?"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>[A-Za-z]{1,5})?\s*(?P<offset>[+-]\d{1,2}:?(?:\d{2})?)?\s*(?:\([^()]*\))?)"
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_NAME = r"(?P<month>[A-Za-z]{3,9})\.?"
_MAYBE_CLOCK = rf"(?:[\s,T-]+(?:at\s+)?{_CLOCK}{_ZONE})?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        f"{_DAY}{_NTH}[\\s-]+{_NAME},?[\\s-]+(?P<year>\\d{{4}}|\\d{{2}}){_MAYBE_CLOCK}",
        rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_MAYBE_CLOCK}",
        f"{_DAY}{_NAME}\\s+{_NTH},?\\s+(?P<year>\\d{{4}}){_MAYBE_CLOCK}",
        rf"{_DAY}(?P<month>[A-Za-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})",
    )
)
_RFC_822 = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (GMT|UTC|[+-]\d{4})"
)


def parse_timestamp(text: str) -> float | None:
    """Return the Unix time that `text` names; None when it names none, or one outside 1990-2100.

    Reads RFC 822 and its many misspellings, ISO 8601, asctime, US forms with a named month, and
    Unix seconds or milliseconds. A time without a zone, or with an unknown one, is UTC. Never
    guesses: a number that is no Unix time, an order of day and month that could be either, and
    words like "yesterday" are None.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        seconds = _quickly(text)
        if seconds is None:
            seconds = _patiently(text)
    except (ValueError, OverflowError):
        return None
    return seconds if seconds is not None and EARLIEST <= seconds < LATEST else None


def _quickly(text: str) -> float | None:
    """Read the two forms that nearly all feeds use."""
    if (match := _RFC_822.fullmatch(text)) is not None:
        day, name, year, hour, minute, second, zone = match.groups()
        month = _MONTHS.get(name.lower())
        if month is None or int(hour) >= 24 or int(second) >= 60:  # noqa: PLR2004 - patience needed
            return None
        moment = datetime(
            int(year), month, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        return moment.timestamp() - _offset(zone if zone[0] in "+-" else "")
    if (text[4:5] == "-" or text[8:9] == "T") and text[:4].isdigit():
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _patiently(text: str) -> float | None:
    if text.isdecimal() and text.isascii():
        seconds = float(text)
        return seconds / 1000 if len(text) > _MILLISECONDS - 1 else seconds
    text = " ".join(text.split())
    for form in _FORMS:
        if (match := form.fullmatch(text)) is not None:
            return _moment(match.groupdict())
    return None


def _moment(found: dict[str, str | None]) -> float | None:
    name = found["month"] or ""
    month = int(name) if name.isdecimal() else _MONTHS.get(name[:3].lower())
    if month is None:
        return None
    year = int(found["year"] or 0)
    if len(found["year"] or "") < _FULL_YEAR:
        year += 1900 if year >= _PIVOT else 2000
    hour = int(found.get("hour") or 0)
    if half := found.get("half"):
        hour = hour % _NOON + (_NOON if half in "Pp" else 0)
    days, hour = divmod(hour, 24)
    if days > 1:
        return None
    minute, second = int(found.get("minute") or 0), min(59, int(found.get("second") or 0))
    moment = datetime(year, month, int(found["day"] or 0), hour, minute, second, tzinfo=UTC)
    zone = _ZONES.get((found.get("zone") or "").lower(), 0) * 60
    return (moment + timedelta(days=days)).timestamp() - (_offset(found.get("offset")) or zone)


def _offset(text: str | None) -> int:
    """Return the seconds east of UTC; 0 for an offset that no place on Earth has."""
    if not text:
        return 0
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)  # noqa: PLR2004 - hh or hhmm
    seconds = hours * 3600 + minutes * 60
    if hours > 14 or minutes >= 60:  # noqa: PLR2004 - the easternmost zone is +14:00
        return 0
    return -seconds if text[0] == "-" else seconds
