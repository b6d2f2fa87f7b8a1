"""What a date in words means: each reader turns one match of the grammar into a period.

The grammar is in `dates`; a reader gets the match and the time of publication, in the calendar
that the text was published in. A reader returns None for what looks like a date and is none.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tgewatch.model import Precision
from tgewatch.parse.months import MONTHS, NUMBERS, ORDINALS, SURE_MONTHS, WEEKDAYS

LOOK_BACK = 60
"""Days: a day or month without a year may lie this far in the past, else it is the next one."""
SOON = timedelta(days=90)
DOUBTFUL_MONTHS = frozenset({"may", "march", "mar", "mars", "mart", "mai", "mei"})
"""Also other words, unless capitalised."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`."""

    start: date
    end: date
    precision: Precision
    basis: str = "stated"


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


def read_iso(match: re.Match[str], _: datetime) -> Period:
    return _one(date(int(match[1]), int(match[2]), int(match[3])))


def read_east_asian(match: re.Match[str], now: datetime) -> Period:
    return _one(_day(match[1], int(match[2]), match[3], now))


def read_numeric(match: re.Match[str], now: datetime) -> Period | None:
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


def read_range(match: re.Match[str], now: datetime) -> Period | None:
    month = MONTHS[match["month"].lower()]
    start = _day(match["year"], month, match["day"], now)
    named = match.groupdict().get("month2")
    last_month = MONTHS[named.lower()] if named else month
    end = date(start.year + (last_month < month), last_month, int(match["day2"]))
    if end < start:
        return None
    return Period(start, end + timedelta(days=1), Precision.DAY)


def read_new_day(match: re.Match[str], now: datetime) -> Period | None:
    """Read the end of a range whose beginning something moves away from.

    Where it names its month (“from May 12 to June 3”), a day of its own is found there anyway.
    """
    if match.groupdict().get("month2") or match.start("month") > match.start("day2"):
        return None
    month = MONTHS[match["month"].lower()]
    return _one(_day(match["year"], month, match["day2"], now))


def read_named_day(match: re.Match[str], now: datetime) -> Period | None:
    if match["month"] == "may" and not match["year"]:  # the verb: “20 may vote”
        return None
    return _one(_day(match["year"], MONTHS[match["month"].lower()], match["day"], now))


def read_month(match: re.Match[str], now: datetime) -> Period | None:
    name = match["month"].lower()
    month = MONTHS[name]
    stated = match["year"]
    sure = stated or match["before"] or match["part"]
    if not sure and (name not in SURE_MONTHS or match["month"][0].islower()):
        return None
    if name in DOUBTFUL_MONTHS and match["month"][0].islower():
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


def read_quarter(match: re.Match[str], now: datetime) -> Period | None:
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


def read_half(match: re.Match[str], now: datetime) -> Period | None:
    number = int(match["h"]) if match["h"] else ORDINALS[match["word"].lower()]
    year = _full(match["year"]) or now.year
    if number not in (1, 2):
        return None
    return quarter_period(year, number * 2 - 1, 2)


def read_year(match: re.Match[str], now: datetime) -> Period | None:
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


def read_relative_day(match: re.Match[str], now: datetime) -> Period:
    word = match.group().lower()
    ahead = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
    days = 2 if word.startswith(("the day after", "day after")) else ahead.get(word.split()[-1], 0)
    return _one(now.date() + timedelta(days=days), "relative")


def read_weekday(match: re.Match[str], now: datetime) -> Period | None:
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


def read_counted(match: re.Match[str], now: datetime) -> Period | None:
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


def read_this_next(match: re.Match[str], now: datetime) -> Period | None:
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


def read_soon(_: re.Match[str], now: datetime) -> Period:
    return Period(now.date(), now.date() + SOON, Precision.SOON, "relative")
