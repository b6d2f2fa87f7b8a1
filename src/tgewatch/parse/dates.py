"""Dates in running text, resolved against the time of publication.

Everything that says when: days, ranges, months, quarters, years, weekdays, “in 18 days”, “mid-May”,
“soon”. Pure: the time of publication is an argument. Does not decide which of several dates is
that of the event, and does not read dates of languages whose months it has no names for.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from tgewatch.model import DateClaim, Precision, Span
from tgewatch.parse import daytime, periods
from tgewatch.parse.months import MONTHS, NUMBERS, ORDINALS, WEEKDAYS, alternatives
from tgewatch.parse.periods import Period
from tgewatch.parse.sieve import Sieve

NEAR = 45
"""Characters between a day and its time of day."""
MAX_AHEAD = 366 * 30
"""Days; what lies further ahead is no date."""
MOVE = 90
"""Characters before a date in which a verb may say that something moves away from it."""
_LEFT = re.compile(
    r"\b(?:mov(?:e[sd]?|ing)|postpon\w+|delay\w*|push(?:e[sd]|ing)?|shift(?:s|ed|ing)?|reschedul\w+"
    r"|slip(?:s|ped)?|chang(?:e[sd]?|ing)|brought|brings?|bringing|defer\w*|extend(?:s|ed|ing)?"
    r"|re-?dat(?:e[sd]?|ing)|advanc(?:e[sd]?|ing))\b[^.;!?\n]{0,60}\bfrom\s+(?:the\s+)?$",
    re.IGNORECASE,
)


def find(
    text: str, *, published: float, zone: tzinfo = UTC, field: str = "text"
) -> tuple[DateClaim, ...]:
    """Return the dates that `text` states, in order and without overlaps.

    `published` is the time (Unix seconds) that relative ones count from, in the calendar of
    `zone`; `field` names the text in the spans.
    """
    matches = list(_SIEVE.found(text))
    if not matches:
        return ()
    now = datetime.fromtimestamp(published, zone)
    found = sorted(_read(text, now, matches), key=lambda f: (f[0], -f[1]))
    claims: list[DateClaim] = []
    last = -1
    for number, (start, end, period) in enumerate(found):
        if start >= last and not _repeats(text, found[number : number + 2]):
            claims.append(_claim(text, start, end, period, field))
            last = end
    return tuple(claims)


def leaves(text: str, start: int) -> bool:
    """Return whether the date at `start` is one that something moves away from.

    As 12 May is in “moves its launch from 12 May to 3 June”.
    """
    return _LEFT.search(text, max(0, start - MOVE), start) is not None


def _read(
    text: str, now: datetime, matches: Iterable[tuple[int, re.Match[str]]]
) -> Iterator[tuple[int, int, Period]]:
    for number, match in matches:
        _, reader = _GRAMMAR[number]
        moved = reader is periods.read_range and leaves(text, match.start())
        try:
            period = (periods.read_new_day if moved else reader)(match, now)
        except (ValueError, OverflowError):  # the 31st of June
            continue
        if period and (period.start - now.date()).days < MAX_AHEAD:
            start = match.start("day2") if moved else _words_start(match)
            yield start, match.end(), period


def _repeats(text: str, pair: list[tuple[int, int, Period]]) -> bool:
    """Return whether the first of a pair only names the weekday of the second."""
    if len(pair) < 2 or pair[0][2].basis == "stated" or pair[1][2].basis != "stated":  # noqa: PLR2004 - a pair
        return False
    between = text[pair[0][1] : pair[1][0]]
    return between.strip(" ,(") == "" and pair[1][2].precision is Precision.DAY


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
        day = period.start
        time = daytime.find(text, end, min(len(text), end + NEAR), day=day) or daytime.find(
            text, max(0, start - NEAR), start, day=day
        )
        if time:
            first = past = first + time.minutes * 60
            precision = Precision.INSTANT
            start, end = min(start, time.start), max(end, time.end)
    words = " ".join(text[start:end].split())
    return DateClaim(first, past, precision, period.basis, words, Span(field, start, end))


def _stamp(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


# --- the grammar --------------------------------------------------------------------------

_M = alternatives(MONTHS)
_MONTH = rf"(?P<month>{_M})\b\.?"
_TH = r"(?:st|nd|rd|th)?"
_D = rf"(?P<day>\d{{1,2}}){_TH}(?![\d%]|[.,]\d|\s?(?:%|x\b|m\b|k\b|million|billion))"
_D2 = rf"(?P<day2>\d{{1,2}}){_TH}"
_TO = r"\s*(?:-|to|till|until|through|and|&|/)\s*"
_YEAR = r"(?P<year>20[1-4]\d)\b"
_COUNT = rf"(?P<count>\d{{1,3}}|{alternatives(NUMBERS)})(?:\s+of)?\s+(?:more\s+)?"
_UNIT = r"(?P<unit>minute|min|hour|hr|day|week|month|year)s?\b"
_PART = (
    r"(?P<part>early|beginning of|start of|first half of|mid|middle of|late|end of|second half of|"
    r"(?:first|1st) week of|(?:second|2nd) week of|(?:third|3rd) week of|(?:last|final) week of)"
)
_THE = r"(?:\s*-\s*|\s+)(?:the\s+)?"
_BEFORE = (
    r"(?:(?P<before>in|by|for|during|this|until|till|from|since|of|on|next|coming|upcoming|around|"
    r"last|before|after|sometime in|later in|expected|scheduled|slated|to)\s+(?:the\s+)?)?"
)

_GRAMMAR: Sequence[tuple[str, Callable[[re.Match[str], datetime], Period | None]]] = (
    (r"(?<![\d/.-])(20\d\d)[-/.](\d\d?)[-/.](\d\d?)(?![\d/-])", periods.read_iso),
    (
        r"(?:(20\d\d)\s*[年년]\s*)?(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일号]",
        periods.read_east_asian,
    ),
    (
        r"(?<![\d/.$,-])(\d{1,2})([./-])(\d{1,2})\2(20\d\d|\d\d)(?![\d/%]|[.-]\d)",
        periods.read_numeric,
    ),
    (
        rf"\b{_MONTH}\s*(?:the\s+)?{_D}{_TO}(?:(?P<month2>{_M})\b\.?\s*)?{_D2}\b(?![:%])(?:\s*,?\s*{_YEAR})?",
        periods.read_range,
    ),
    (
        rf"(?<![\d.,$]){_D}{_TO}(?:the\s+)?{_D2}\s*(?:of\s+|de\s+)?{_MONTH}(?:\s*,?\s*{_YEAR})?",
        periods.read_range,
    ),
    (
        rf"\b{_MONTH}\s*(?:the\s+)?{_D}(?!\s*:\d)(?:\s*,?\s*(?:of\s+)?{_YEAR})?",
        periods.read_named_day,
    ),
    (
        rf"(?<![\d.,$:]){_D}\s*,?\s*(?:of\s+|de\s+|\.\s*)?{_MONTH}(?:\s*,?\s*(?:de\s+|of\s+)?{_YEAR})?",
        periods.read_named_day,
    ),
    (
        (
            rf"{_BEFORE}\b(?:{_PART}{_THE})?\b{_MONTH}(?:\s*[/-]\s*(?P<month2>{_M})\b)?"
            rf"(?:\s*(?:,|of|de)?\s*{_YEAR})?(?!\s*(?:the\s+)?\d{{1,2}}(?!\d|:))"
        ),
        periods.read_month,
    ),
    (
        (
            rf"\b(?:{_YEAR}\s*)?q(?P<q>[1-4])(?:\s*[-/&]\s*q?(?P<q2>[1-4]))?\b"
            r"(?:\s*(?:of|,|-|/|')?\s*(?P<year0>20\d\d|\d\d(?![\d%:.,]))\b)?"
        ),
        periods.read_quarter,
    ),
    (r"\b(?P<q>[1-4])q\s*'?(?P<year0>20\d\d|\d\d)\b", periods.read_quarter),
    (
        rf"\b(?P<word>{alternatives(ORDINALS)})\s+quarter\b(?:\s+(?:of\s+)?{_YEAR})?",
        periods.read_quarter,
    ),
    (
        rf"\b(?:(?:h(?P<h>[12])|(?P<word>first|second)\s+half)\b)(?:\s*(?:of|,)?\s*(?:the\s+year\s*)?{_YEAR})?",
        periods.read_half,
    ),
    (
        rf"{_BEFORE}\b(?:{_PART}{_THE})?\b(?:{_YEAR}|(?:this|next|the)\s+year\b|year[- ]end\b)(?!\s*[/-]?\s*Q[1-4])",
        periods.read_year,
    ),
    (
        r"\b(?:the\s+)?(?:day after tomorrow|yesterday|today|tonight|tomorrow)\b",
        periods.read_relative_day,
    ),
    (
        (
            r"\b(?:(?P<before>on|this|next|coming|this coming|upcoming|last|by|until|from|starting)\s+)?"
            rf"(?P<weekday>{alternatives(WEEKDAYS)})\b"
        ),
        periods.read_weekday,
    ),
    (
        (
            r"\b(?:in|within|after|next|only|just|about|under)\s+(?:the\s+next\s+|about\s+|just\s+|less\s+than\s+)?"
            rf"{_COUNT}{_UNIT}(?:'s)?(?:\s+time)?"
        ),
        periods.read_counted,
    ),
    (
        rf"\b{_COUNT}{_UNIT}\s*(?:left|to go|away|remaining|until|till|before|from now|out|countdown|ago)\b",
        periods.read_counted,
    ),
    (rf"\b(?P<count>\d{{1,3}})\s+more\s+{_UNIT}", periods.read_counted),
    (
        (
            rf"\b(?:(?P<part>early|late|mid|end of|beginning of|start of){_THE})?"
            r"(?P<which>this|next|coming|the coming|later this|later next|the)\s+(?P<unit>weekend|week|month|quarter)\b"
        ),
        periods.read_this_next,
    ),
    (
        r"\b(?:very\s+soon|soon|shortly|imminently|(?:in\s+)?(?:the\s+)?(?:coming|next\s+few)\s+(?:days|weeks|months))\b",
        periods.read_soon,
    ),
)

_SIEVE = Sieve(pattern for pattern, _ in _GRAMMAR)
