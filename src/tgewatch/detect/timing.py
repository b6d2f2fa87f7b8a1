"""Which of the dates in a text is that of the event."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from tgewatch.detect.evidence import Evidence
from tgewatch.detect.reading import Reading
from tgewatch.model import DateClaim, Kind, Precision
from tgewatch.parse.dates import leaves
from tgewatch.parse.months import MONTHS, WEEKDAYS

DAY = 86_400.0
PAST = 2 * DAY
EVENTS = frozenset(
    "TOKEN NEWTOKEN AIRDROP TGE LISTING DATED TOKENOMICS SALE CLAIM TRADING POOL LAUNCH WILL RELEASE "
    "PLAN TICKER TOKENS DELAY".split()
)
OTHERS = frozenset("NETWORK NFT FUND UNLOCK RAISE PRICE COURT".split())
NOW_KINDS = frozenset({Kind.LIVE, Kind.AIRDROP_CLAIM})
_FINENESS = {
    Precision.INSTANT: 1.0, Precision.DAY: 1.0, Precision.WEEK: 0.6, Precision.MONTH: 0.5,
    Precision.QUARTER: 0.5, Precision.YEAR: 0.1, Precision.SOON: -1.0,
}  # fmt: skip
_NEW_DATE = re.compile(r"\b(?:to|until|till|for|now|new date)\s*$", re.IGNORECASE)
_OLD_DATE = re.compile(
    r"\b(?:from|originally|initially|previously|was)\b[\w\s]{0,20}$", re.IGNORECASE
)
_FORMER = re.compile(
    r"\b(?:originally|initially|previously|formerly|instead of)\b[\w\s]{0,20}$", re.IGNORECASE
)
_CUT = re.compile(r"\b([^\W\d_]{3,})\s?(?:…|\.\.\.)\s*$")
WHEN = frozenset({"tomorrow", *MONTHS, *WEEKDAYS})
_LIMIT_DATE = re.compile(
    r"\b(?:snapshot|since|as of|ended|ends?|ending|clos(?:es?|ed|ing)|until|deadline|by)\b[\w\s]{0,12}$",
    re.IGNORECASE,
)


def date_of(evidence: Evidence, kind: Kind, published: float | None) -> DateClaim | None:
    """Return when the event is said to happen; the day of publication where it happens now."""
    best: DateClaim | None = None
    best_value = -1.0
    for depth, (reading, claims) in enumerate(zip(evidence.readings, evidence.dates, strict=True)):
        for claim in claims:
            value = _value(claim, reading, kind, published) - 0.7 * depth
            if value > best_value:
                best, best_value = claim, value
    if best is None and kind in NOW_KINDS and published is not None:
        return None if _breaks_off(evidence.readings[0]) else _today(published)
    return best


def _breaks_off(title: Reading) -> bool:
    """Return whether the text ends within what may be a date: “claim opens tomor…”."""
    found = _CUT.search(title.field.low)
    return found is not None and any(word.startswith(found[1]) for word in WHEN)


def _today(published: float) -> DateClaim:
    day = datetime.fromtimestamp(published, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day.timestamp()
    return DateClaim(start, start + DAY, Precision.DAY, basis="pubdate")


def _value(claim: DateClaim, reading: Reading, kind: Kind, published: float | None) -> float:
    value = _FINENESS[claim.precision]
    if published is not None and claim.end < published - PAST:
        value -= 1.2
    span = claim.span
    if span is None:
        return value
    text = reading.field.text
    before = text[max(0, span.start - 40) : span.start]
    if kind is Kind.POSTPONED:
        value += 1.5 * bool(_NEW_DATE.search(before)) - 1.5 * bool(_OLD_DATE.search(before))
    elif leaves(text, span.start) or _FORMER.search(before):
        value -= 1.5
    elif _LIMIT_DATE.search(before):
        value -= 0.4
    return (
        value
        + _nearness(reading, span.start, span.end, EVENTS)
        - 0.6 * _nearness(reading, span.start, span.end, OTHERS)
    )


def _nearness(reading: Reading, start: int, end: int, tags: frozenset[str]) -> float:
    """Return 1 for a word of `tags` right beside the date, less the further away it is."""
    gaps: Sequence[int] = [
        max(start - m.end, m.start - end, 0) for m in reading.marks if m.tag in tags
    ]
    return max(0.0, 1.0 - min(gaps) / 60) if gaps else 0.0
