"""Dates in running text, resolved against the time of publication.

Everything that says when: days, ranges, months, quarters, years, weekdays, “in 18 days”, “mid-May”,
“soon”. Pure: the time of publication is an argument. Does not decide which of several dates is
that of the event, and does not read dates of languages whose months it has no names for.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from tgewatch.model import DateClaim, Precision, Span
from tgewatch.parse import daytime
from tgewatch.parse.months import (
    MONTHS,
    NUMBERS,
    ORDINALS,
    SURE_MONTHS,
    WEEKDAYS,
    alternatives,
)

LOOK_BACK = 60
"""Days: a day or month without a year may lie this far in the past, else it is the next one."""
NEAR = 45
"""Characters between a day and its time of day."""
MAX_AHEAD = 366 * 30
DAY = 86_400

_M = alternatives(MONTHS)
_MONTH = rf"(?P<month>{_M})\b\.?"
_D = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?![\d%]|[.,]\d|\s?(?:%|x\b|m\b|k\b|million|billion))"
_TO = r"\s*(?:-|to|till|until|through|and|&|/)\s*"
_YEAR = r"(?P<year>20[1-4]\d)\b"
_COUNT = rf"(?P<count>\d{{1,3}}|{alternatives(NUMBERS)})(?:\s+of)?"
_UNIT = r"(?P<unit>minute|min|hour|hr|day|week|month|year)s?\b"
_PART = (
    r"(?P<part>early|beginning of|start of|first half of|mid|middle of|late|end of|second half of|"
    r"(?:first|1st) week of|(?:second|2nd) week of|(?:third|3rd) week of|(?:last|final) week of)"
)
_THE = r"(?:\s*-\s*|\s+)(?:the\s+)?"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`."""

    start: date
    end: date
    precision: Precision
    basis: str = "stated"


_Reader = Callable[[re.Match[str], datetime], Period | None]


def find(
    text: str, *, published: float, zone: tzinfo = UTC, field: str = "text"
) -> tuple[DateClaim, ...]:
    """Return the dates that `text` states, in order and without overlaps.

    `published` is the time (Unix seconds) that relative ones count from, in the calendar of
    `zone`; `field` names the text in the spans.
    """
    if not _HINT.search(text):
        return ()
    now = datetime.fromtimestamp(published, zone)
    found = sorted(_read(text, now), key=lambda f: (f[0], -f[1]))
    claims: list[DateClaim] = []
    last = -1
    for start, end, period in found:
        if start >= last:
            claims.append(_claim(text, start, end, period, field))
            last = end
    return tuple(claims)


def _read(text: str, now: datetime) -> Iterator[tuple[int, int, Period]]:
    for pattern, reader in _GRAMMAR:
        for match in pattern.finditer(text):
            try:
                period = reader(match, now)
            except (ValueError, OverflowError):  # the 31st of June
                continue
            if period and (period.start - now.date()).days < MAX_AHEAD:
                yield _words_start(match), match.end(), period


def _words_start(match: re.Match[str]) -> int:
    """Return where the date itself starts, after the preposition that vouches for it."""
    if match.groupdict().get("before"):
        rest = match.string[match.end("before") : match.end()]
        start = match.end("before") + len(rest) - len(rest.lstrip())
        return start + 4 if rest.lstrip().lower().startswith("the ") else start
    return match.start()


def _claim(text: str, start: int, end: int, period: Period, field: str) -> DateClaim:
    first, past = _stamp(period.start), _stamp(period.end)
    precision = period.precision
    if precision is Precision.DAY and period.end - period.start == timedelta(days=1):
        time = daytime.find(text, end, min(len(text), end + NEAR)) or daytime.find(
            text, max(0, start - NEAR), start
        )
        if time:
            first = past = first + time.minutes * 60
            precision = Precision.INSTANT
            start, end = min(start, time.start), max(end, time.end)
    words = " ".join(text[start:end].split())
    return DateClaim(first, past, precision, period.basis, words, Span(field, start, end))


def _stamp(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def month_period(year: int, month: int, precision: Precision = Precision.MONTH) -> Period:
    """Return the whole of a month."""
    return Period(date(year, month, 1), _months_on(date(year, month, 1), 1), precision)


def _months_on(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _year_for(month: int, day: int, now: datetime) -> int:
    """Return the year in which a day without one lies: the next such day, or a recent one."""
    earliest = now.date() - timedelta(days=LOOK_BACK)
    for year in range(now.year - 1, now.year + 3):
        try:
            if date(year, month, day) >= earliest:
                return year
        except ValueError:
            if day != 29:  # noqa: PLR2004 - of February
                raise
    return now.year


def _day(year: str | None, month: int, day: str, now: datetime) -> date:
    number = int(day)
    return date(_full(year) or _year_for(month, number, now), month, number)


def _full(year: str | None) -> int:
    if not year:
        return 0
    return int(year) if len(year) == 4 else 2000 + int(year)  # noqa: PLR2004 - four digits


def _one(day: date, basis: str = "stated", precision: Precision = Precision.DAY) -> Period:
    return Period(day, day + timedelta(days=1), precision, basis)


def _iso(match: re.Match[str], _: datetime) -> Period:
    return _one(date(int(match[1]), int(match[2]), int(match[3])))


def _east_asian(match: re.Match[str], now: datetime) -> Period:
    return _one(_day(match[1], int(match[2]), match[3], now))


def _numeric(match: re.Match[str], now: datetime) -> Period | None:
    first, mark, second, year = int(match[1]), match[2], int(match[3]), _full(match[4])
    choices = []
    if mark != "." and first <= 12:  # noqa: PLR2004 - months; dots are European
        choices.append((first, second))
    if second <= 12:  # noqa: PLR2004 - months
        choices.append((second, first))
    days = [date(year, m, d) for m, d in choices if m >= 1 and 1 <= d <= _length(year, m)]
    if not days:
        return None
    # Where both orders are possible, announcements are about the near future.
    recent = now.date() - timedelta(days=2)
    return _one(min(days, key=lambda d: (d < recent, abs((d - recent).days))))


def _length(year: int, month: int) -> int:
    first = date(year, month, 1)
    return (_months_on(first, 1) - first).days


def _range(match: re.Match[str], now: datetime) -> Period | None:
    month = MONTHS[match["month"].lower()]
    start = _day(match["year"], month, match["day"], now)
    named = match.groupdict().get("month2")
    last_month = MONTHS[named.lower()] if named else month
    end = date(start.year + (last_month < month), last_month, int(match["day2"]))
    if end < start:
        return None
    return Period(start, end + timedelta(days=1), Precision.DAY)


def _named_day(match: re.Match[str], now: datetime) -> Period | None:
    if match["month"] == "may" and not match["year"]:  # the verb: “20 may vote”
        return None
    return _one(_day(match["year"], MONTHS[match["month"].lower()], match["day"], now))


def _month(match: re.Match[str], now: datetime) -> Period | None:
    name = match["month"].lower()
    month = MONTHS[name]
    stated = match["year"]
    sure = stated or match["before"] or match["part"]
    if not sure and (name not in SURE_MONTHS or match["month"][0].islower()):
        return None
    if (
        name in ("may", "march", "mar", "mars", "mart", "mai", "mei")
        and match["month"][0].islower()
    ):
        return None
    if len(name) <= 3 and not sure:  # noqa: PLR2004 - Jan, Dec: also names  # pragma: no cover
        return None
    year = _full(stated) or _year_for(month, _length(now.year, month), now)
    if (match["before"] or "").lower().startswith("last") and not stated:
        return None
    whole = month_period(year, month)
    if match["month2"]:
        second = MONTHS[match["month2"].lower()]
        return Period(
            whole.start, _months_on(date(year + (second < month), second, 1), 1), Precision.MONTH
        )
    return _part(whole, match["part"])


def _part(whole: Period, part: str | None) -> Period:
    words = (part or "").lower()
    if not words:
        return whole
    start, length = whole.start, (whole.end - whole.start).days
    thirds = (0, 10, 20, length)
    for ordinal, number in (("first w", 0), ("1st", 0), ("second w", 7), ("2nd", 7), ("third", 14),
                            ("3rd", 14), ("last", length - 7), ("final", length - 7)):  # fmt: skip
        if words.startswith(ordinal):
            first = start + timedelta(days=number)
            return Period(first, first + timedelta(days=7), Precision.WEEK)
    if words.startswith(("first half", "second half")):
        half = start + timedelta(days=15)
        early = words.startswith("first")
        return Period(start if early else half, half if early else whole.end, Precision.WEEK)
    third = 0 if words.startswith(("early", "begin", "start")) else 1 if "mid" in words else 2
    days = [start + timedelta(days=n) for n in thirds]
    return Period(days[third], days[third + 1], Precision.WEEK)


def quarter_period(year: int, quarter: int, quarters: int = 1) -> Period:
    """Return a quarter of a year, or several from it on."""
    start = date(year, quarter * 3 - 2, 1)
    return Period(start, _months_on(start, 3 * quarters), Precision.QUARTER)


def _quarter(match: re.Match[str], now: datetime) -> Period | None:
    group = match.groupdict()
    number = int(group["q"]) if group.get("q") else ORDINALS[group["word"].lower()]
    last = int(group.get("q2") or number)
    year = _full(group.get("year") or group.get("year0"))
    if not year:
        year = now.year
        if (quarter_period(year, last).end - now.date()).days < -LOOK_BACK:
            year += 1
    if last < number:
        return None
    return quarter_period(year, number, last - number + 1)


def _half(match: re.Match[str], now: datetime) -> Period | None:
    number = int(match["h"]) if match["h"] else ORDINALS[match["word"].lower()]
    year = _full(match["year"]) or now.year
    if number not in (1, 2):
        return None
    return quarter_period(year, number * 2 - 1, 2)


def _year(match: re.Match[str], now: datetime) -> Period | None:
    words = (match["part"] or "").lower()
    named = match["year"]
    year = int(named) if named else now.year + ("next" in match.group().lower())
    whole = Period(date(year, 1, 1), date(year + 1, 1, 1), Precision.YEAR)
    basis = "stated" if named else "relative"
    if not words:
        if match["before"] is None and named:
            return None
        return Period(whole.start, whole.end, whole.precision, basis)
    if words.startswith(("early", "begin", "start")):
        part = quarter_period(year, 1)
    elif "mid" in words:
        part = quarter_period(year, 2, 2)
    else:
        part = quarter_period(year, 4)
    return Period(part.start, part.end, part.precision, basis)


def _relative_day(match: re.Match[str], now: datetime) -> Period:
    word = match.group().lower()
    ahead = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
    days = 2 if word.startswith(("the day after", "day after")) else ahead.get(word.split()[-1], 0)
    return _one(now.date() + timedelta(days=days), "relative")


def _weekday(match: re.Match[str], now: datetime) -> Period | None:
    name, before = match["weekday"], (match["before"] or "").lower()
    if name.lower() in ("sun", "sat", "mon", "wed", "fri") and not before:
        return None
    if name[0].islower() and not before:
        return None
    ahead = (WEEKDAYS[name.lower()] - now.weekday()) % 7
    if "next" in before and not ahead:
        ahead += 7
    elif "last" in before:
        ahead -= 7
    elif ahead and not before.startswith(("this", "next", "coming", "upcoming")):
        behind = match.string[max(0, match.start() - 60) : match.start()]
        if _PAST.search(behind) and not _AHEAD.search(behind):
            ahead -= 7
    return _one(now.date() + timedelta(days=ahead), "relative")


_PAST = re.compile(
    r"\b(?:launched|announced|said|listed|debuted|opened|began|went|started|released|unveiled|"
    r"revealed|confirmed|introduced|kicked|published|wrote|tweeted|posted|told|crashed|dropped|"
    r"fell|rose|airdropped|was|were|on)\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\b(?:will|to|set|plans?|would|is|are|scheduled|starts?|opens?|begins?|launche?s|lists?|due|"
    r"from|until|by|coming|slated|goes|trading|listing|claims?|claim)\b",
    re.IGNORECASE,
)


def _counted(match: re.Match[str], now: datetime) -> Period | None:
    count = match["count"].lower()
    number = NUMBERS.get(count) or int(count)
    unit = match["unit"].lower()
    if match.group().lower().endswith("ago"):
        number = -number
    if unit.startswith(("min", "h")):
        moment = now + timedelta(minutes=number * (1 if unit.startswith("m") else 60))
        return _one(moment.date(), "relative")
    today = now.date()
    if unit == "day":
        return _one(today + timedelta(days=number), "relative")
    if unit == "week":
        start = today + timedelta(days=7 * number)
        return Period(start, start + timedelta(days=7), Precision.WEEK, "relative")
    first = _months_on(today.replace(day=1), number * (1 if unit == "month" else 12))
    last = _months_on(first, 1) if unit == "month" else date(first.year + 1, 1, 1)
    start = first if unit == "month" else date(first.year, 1, 1)
    return Period(start, last, Precision(unit), "relative")


def _this_next(match: re.Match[str], now: datetime) -> Period | None:
    unit, which = match["unit"].lower(), match["which"].lower()
    step = 1 if which.startswith(("next", "coming", "the coming")) else 0
    today = now.date()
    part = match["part"]
    if unit == "weekend":
        saturday = today + timedelta(days=(5 - today.weekday()) % 7)
        return Period(saturday, saturday + timedelta(days=2), Precision.DAY, "relative")
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * step)
        return Period(monday, monday + timedelta(days=7), Precision.WEEK, "relative")
    if unit == "month":
        first = _months_on(today.replace(day=1), step)
        whole = _part(Period(first, _months_on(first, 1), Precision.MONTH), part)
        return Period(whole.start, whole.end, whole.precision, "relative")
    index = today.year * 4 + (today.month - 1) // 3 + step
    quarter = quarter_period(index // 4, index % 4 + 1)
    return Period(quarter.start, quarter.end, quarter.precision, "relative")


def _soon(_: re.Match[str], now: datetime) -> Period:
    return Period(now.date(), now.date() + timedelta(days=90), Precision.SOON, "relative")


_BEFORE = (
    r"(?:(?P<before>in|by|for|during|this|until|till|from|since|of|on|next|coming|upcoming|around|"
    r"last|before|after|sometime in|later in|expected|scheduled|slated|to)\s+(?:the\s+)?)?"
)
_FLAGS = re.IGNORECASE
_GRAMMAR: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern, _FLAGS), reader)
    for pattern, reader in (
        (r"(?<![\d/.-])(20\d\d)[-/.](\d\d?)[-/.](\d\d?)(?![\d/-])", _iso),
        (r"(?:(20\d\d)\s*[年년]\s*)?(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일号]", _east_asian),
        (r"(?<![\d/.$,-])(\d{1,2})([./-])(\d{1,2})\2(20\d\d|\d\d)(?![\d/%]|[.-]\d)", _numeric),
        (
            rf"\b{_MONTH}\s*(?:the\s+)?{_D}{_TO}(?:(?P<month2>{_M})\b\.?\s*)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:%])(?:\s*,?\s*{_YEAR})?",
            _range,
        ),
        (
            rf"(?<![\d.,$]){_D}{_TO}(?:the\s+)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:of\s+|de\s+)?{_MONTH}(?:\s*,?\s*{_YEAR})?",
            _range,
        ),
        (rf"\b{_MONTH}\s*(?:the\s+)?{_D}(?!\s*:\d)(?:\s*,?\s*(?:of\s+)?{_YEAR})?", _named_day),
        (
            rf"(?<![\d.,$:]){_D}\s*,?\s*(?:of\s+|de\s+|\.\s*)?{_MONTH}(?:\s*,?\s*(?:de\s+|of\s+)?{_YEAR})?",
            _named_day,
        ),
        (
            rf"{_BEFORE}\b(?:{_PART}{_THE})?\b{_MONTH}(?:\s*[/-]\s*(?P<month2>{_M})\b)?(?:\s*(?:,|of|de)?\s*{_YEAR})?(?!\s*(?:the\s+)?\d{{1,2}}(?!\d|:))",
            _month,
        ),
        (
            rf"\b(?:{_YEAR}\s*)?Q(?P<q>[1-4])(?:\s*[-/&]\s*Q?(?P<q2>[1-4]))?\b(?:\s*(?:of|,|-|/|')?\s*(?P<year0>20\d\d|\d\d(?![\d%:.,]))\b)?",
            _quarter,
        ),
        (r"\b(?P<q>[1-4])Q\s*'?(?P<year0>20\d\d|\d\d)\b", _quarter),
        (rf"\b(?P<word>{alternatives(ORDINALS)})\s+quarter\b(?:\s+(?:of\s+)?{_YEAR})?", _quarter),
        (
            rf"\b(?:(?:H(?P<h>[12])|(?P<word>first|second)\s+half)\b)(?:\s*(?:of|,)?\s*(?:the\s+year\s*)?{_YEAR})?",
            _half,
        ),
        (
            rf"{_BEFORE}\b(?:{_PART}{_THE})?\b(?:{_YEAR}|(?:this|next|the)\s+year\b|year[- ]end\b)(?!\s*[/-]?\s*Q[1-4])",
            _year,
        ),
        (r"\b(?:the\s+)?(?:day after tomorrow|yesterday|today|tonight|tomorrow)\b", _relative_day),
        (
            rf"\b(?:(?P<before>on|this|next|coming|this coming|upcoming|last|by|until|from|starting)\s+)?(?P<weekday>{alternatives(WEEKDAYS)})\b",
            _weekday,
        ),
        (
            rf"\b(?:in|within|after|next|only|just|about|under)\s+(?:the\s+next\s+|about\s+|just\s+|less\s+than\s+)?{_COUNT}\s+(?:more\s+)?{_UNIT}(?:'s)?(?:\s+time)?",
            _counted,
        ),
        (
            rf"\b{_COUNT}\s+(?:more\s+)?{_UNIT}\s*(?:left|to go|away|remaining|until|till|before|from now|out|countdown|ago)\b",
            _counted,
        ),
        (rf"\b(?P<count>\d{{1,3}})\s+more\s+{_UNIT}", _counted),
        (
            rf"\b(?:(?P<part>early|late|mid|end of|beginning of|start of){_THE})?(?P<which>this|next|coming|the coming|later this|later next|the)\s+(?P<unit>weekend|week|month|quarter)\b",
            _this_next,
        ),
        (
            r"\b(?:very\s+soon|soon|shortly|imminently|(?:in\s+)?(?:the\s+)?(?:coming|next\s+few)\s+(?:days|weeks|months))\b",
            _soon,
        ),
    )
)
_HINT = re.compile(
    rf"\d|\b(?:{_M}|today|tonight|tomorrow|yesterday|week|weekend|month|quarter|year|day|days|weeks|"
    rf"months|hours?|soon|shortly|imminently|half|{alternatives(WEEKDAYS)})\b",
    _FLAGS,
)
