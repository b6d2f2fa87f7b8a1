"""How long an answer stays true, and how to ask again (RFC 9111, for a private cache).

Header mappings have lower-case names; several lines of one name are joined by `, `. Times are Unix
seconds. A header that cannot be read never makes an answer fresher than it would be without it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_tz
from enum import StrEnum
from functools import lru_cache

from tgewatch.model import Validators

Headers = Mapping[str, str]

FOREVER = 2**31
"""Seconds; larger values mean this (RFC 9111 section 1.2.2)."""
LONGEST_TAG = 1_024
"""Characters; a longer entity tag is not sent back."""
LONGEST_DATE = 64
HEURISTIC_SHARE = 0.1
"""Of the time since the last change (RFC 9111 section 4.2.2)."""
HEURISTIC_CAP = 86_400.0
SKEW = 60.0
"""Seconds by which Last-Modified may lie after Date before it counts as nonsense."""

UNDERSTOOD = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Final statuses that may be kept without being told so (RFC 9110 section 15.1)."""
KEPT_ON_304 = frozenset({"content-length", "content-encoding", "content-range"})
"""Describe the stored body, so a 304 does not change them (RFC 9111 section 3.2)."""
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_DIRECTIVE = re.compile(
    r"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+)          # name
        (?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"   # quoted value
        |([^\s,"]*)))?                           # or bare value
    """,
    re.VERBOSE,
)
_USUAL_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([1-9][0-9]{3}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_DIGITS = re.compile(r"[0-9]+")
_PRINTABLE = re.compile(r"[\x20-\x7e\x80-\xff]*")
_OLD_CACHE = re.compile(r"(?:^|,)\s*(?:HTTP/)?1\.0\s", re.IGNORECASE)
_ETAG = re.compile(r'(W/)?"[^"]*"')


class Use(StrEnum):
    """What may be done with a stored answer."""

    FRESH = "fresh"
    """As it is."""
    WHILE_REVALIDATING = "while_revalidating"
    """At once, while it is asked for again (RFC 5861 section 3)."""
    REVALIDATE = "revalidate"
    """Only after the origin said so."""


@dataclass(frozen=True, slots=True)
class Directives:
    """The part of Cache-Control that a private cache obeys."""

    no_store: bool = False
    no_cache: bool = False
    must_revalidate: bool = False
    must_understand: bool = False
    max_age: float | None = None
    """Seconds; 0 when it cannot be read or contradicts itself; None unstated."""
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0


def directives(headers: Headers) -> Directives:
    """Return what Cache-Control says."""
    return _directives(headers.get("cache-control", ""))


@lru_cache(maxsize=1_024)
def _directives(text: str) -> Directives:
    if not text:
        return Directives()
    found: dict[str, list[str]] = {}
    for name, quoted, bare in _DIRECTIVE.findall(text):
        found.setdefault(name.lower(), []).append(quoted or bare)
    return Directives(
        no_store="no-store" in found,
        no_cache="no-cache" in found,
        must_revalidate="must-revalidate" in found,
        must_understand="must-understand" in found,
        max_age=_one(found.get("max-age")),
        stale_while_revalidate=_one(found.get("stale-while-revalidate")) or 0.0,
        stale_if_error=_one(found.get("stale-if-error")) or 0.0,
    )


def _one(values: Sequence[str] | None) -> float | None:
    """Return the one value; contradiction and nonsense count as 0 (RFC 9111 section 4.2.1)."""
    if values is None:
        return None
    return _seconds(values[0]) or 0.0 if len(set(values)) == 1 else 0.0


def _seconds(text: str) -> float | None:
    """Return delta-seconds, or None when it is no such thing (a sign, a fraction, words)."""
    if not _DIGITS.fullmatch(text):
        return None
    digits = text.lstrip("0") or "0"
    return float(FOREVER if len(digits) > len(str(FOREVER)) else min(int(digits), FOREVER))


def http_date(text: str) -> float | None:
    """Return the time of an HTTP date in any of its three forms (RFC 9110 section 5.6.7)."""
    if not text or len(text) > LONGEST_DATE or text.count(",") > 1:
        return None
    try:
        if (usual := _USUAL_DATE.fullmatch(text)) is not None:
            day, month, *rest = usual.groups()
            year, *time = map(int, rest)
            return _moment(year, _MONTHS.get(month, 0), int(day), *time)
        parts = parsedate_tz(text)
        if parts is None:
            return None
        return _moment(*parts[:6]) - (parts[9] or 0)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _moment(year: int, month: int, day: int, *time: int) -> float:
    """Return the time of a date, hour, minute and second in UTC; a leap second is the one before."""
    hour, minute, second = time
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()


def lifetime(headers: Headers, *, received: float) -> float | None:
    """Return the stated freshness lifetime in seconds, or None when nothing is stated.

    `s-maxage` is for shared caches and is not read. Never heuristic: see `heuristic`.
    """
    return _lifetime(headers, directives(headers), received)


def _lifetime(headers: Headers, stated: Directives, received: float) -> float | None:
    if stated.max_age is not None:
        return stated.max_age
    if "expires" not in headers:
        return None
    expires = http_date(headers["expires"])
    if expires is None:
        return 0.0
    return min(max(0.0, expires - _dated(headers, received)), float(FOREVER))


def _dated(headers: Headers, received: float) -> float:
    date = http_date(headers.get("date", ""))
    return received if date is None else date


def age(headers: Headers, *, requested: float, received: float, now: float) -> float:
    """Return the current age in seconds (RFC 9111 section 4.2.3).

    The distance between the origin's clock and ours counts only where an HTTP/1.0 cache stood
    between (it would send no Age); otherwise a clock that is wrong would make everything stale.
    """
    stated = _seconds(headers["age"].split(",")[0].strip()) if "age" in headers else None
    corrected = (stated or 0.0) + max(0.0, received - requested)
    if "via" in headers and _OLD_CACHE.search(headers["via"]):
        corrected = max(corrected, received - _dated(headers, received))
    return corrected + max(0.0, now - received)


def fresh_for(headers: Headers, *, requested: float, received: float) -> float | None:
    """Return for how many seconds after `received` a cache would repeat the answer; None unstated."""
    stated = directives(headers)
    if stated.no_store or stated.no_cache:
        return 0.0
    stays = _lifetime(headers, stated, received)
    if stays is None:
        return None
    return max(0.0, stays - age(headers, requested=requested, received=received, now=received))


def heuristic(headers: Headers, *, received: float) -> float | None:
    """Return a guess at the lifetime from Last-Modified: a hint, never permission to skip a poll."""
    changed = http_date(headers.get("last-modified", ""))
    if changed is None or lifetime(headers, received=received) is not None:
        return None
    since = _dated(headers, received) - changed
    return min(since * HEURISTIC_SHARE, HEURISTIC_CAP) if since > 0 else None


def storable(status: int, headers: Headers) -> bool:
    """Return whether a private cache may keep the answer."""
    stated = directives(headers)
    if stated.no_store and not (stated.must_understand and status in UNDERSTOOD):
        return False
    if varies(headers) is None:
        return False
    return status in UNDERSTOOD


def use(headers: Headers, *, requested: float, received: float, now: float) -> Use:
    """Return what may be done with a stored answer at `now`."""
    stated = directives(headers)
    stays = _lifetime(headers, stated, received)
    if stated.no_cache or stays is None:
        return Use.REVALIDATE
    stale = age(headers, requested=requested, received=received, now=now) - stays
    if stale < 0:
        return Use.FRESH
    if not stated.must_revalidate and stale < stated.stale_while_revalidate:
        return Use.WHILE_REVALIDATING
    return Use.REVALIDATE


def usable_on_error(
    headers: Headers, *, requested: float, received: float, now: float, window: float = 0.0
) -> bool:
    """Return whether a stored answer may stand in for an origin that fails (RFC 5861 section 4).

    `window` is our own stale-if-error in seconds, for answers that do not state one.
    """
    stated = directives(headers)
    if stated.no_cache or stated.must_revalidate:
        return False
    stays = _lifetime(headers, stated, received) or 0.0
    stale = age(headers, requested=requested, received=received, now=now) - stays
    return stale < max(stated.stale_if_error, window)


def varies(headers: Headers) -> tuple[str, ...] | None:
    """Return the request headers that chose the answer, lower case; None for `*`."""
    names = sorted({n.strip().lower() for n in headers.get("vary", "").split(",") if n.strip()})
    return None if "*" in names else tuple(names)


def selects(headers: Headers, asked: Headers, asking: Headers) -> bool:
    """Return whether an answer to a request with headers `asked` fits one with `asking`."""
    names = varies(headers)
    return names is not None and all(
        _plain(asked.get(n, "")) == _plain(asking.get(n, "")) for n in names
    )


def _plain(value: str) -> str:
    return ",".join(" ".join(part.split()) for part in value.split(","))


def validators(headers: Headers) -> Validators:
    """Return what makes the next request conditional, as the server wrote it.

    Left out: a tag or date with control characters or beyond reason, and a Last-Modified that lies
    after the answer's own Date (it would hide every change until then).
    """
    etag = headers.get("etag", "").strip()
    if len(etag) > LONGEST_TAG or not _PRINTABLE.fullmatch(etag):
        etag = ""
    modified = headers.get("last-modified", "").strip()
    if modified:
        changed = http_date(modified)
        dated = http_date(headers.get("date", ""))
        if changed is None or (dated is not None and changed > dated + SKEW):
            modified = ""
    return Validators(etag=etag, last_modified=modified)


def renewed(sent: Validators, headers: Headers) -> Validators:
    """Return what to send after a 304: the newest of each kind, also when it came on the 304."""
    newer = validators(headers)
    return Validators(
        etag=newer.etag or sent.etag, last_modified=newer.last_modified or sent.last_modified
    )


def conditional(known: Validators) -> tuple[tuple[str, str], ...]:
    """Return the request headers that carry `known` (RFC 9110 section 13.1)."""
    pairs = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return tuple((name, value) for name, value in pairs if value)


def merged(stored: Headers, update: Headers) -> dict[str, str]:
    """Return the headers of a stored answer after a 304 with `update` (RFC 9111 section 3.2)."""
    named = {n.strip().lower() for n in update.get("connection", "").split(",")}
    skipped = KEPT_ON_304 | HOP_BY_HOP | named
    news = {name: value for name, value in update.items() if name not in skipped}
    if "age" not in news:  # the 304 came from the origin, so the answer is new again
        return {name: value for name, value in stored.items() if name != "age"} | news
    return {**stored, **news}


def strong_match(one: str, other: str) -> bool:
    """Return whether two entity tags promise the same bytes (RFC 9110 section 8.8.3.2)."""
    return one == other and not one.startswith("W/") and bool(_ETAG.fullmatch(one))


def weak_match(one: str, other: str) -> bool:
    """Return whether two entity tags promise the same meaning."""
    return one.removeprefix("W/") == other.removeprefix("W/") and bool(_ETAG.fullmatch(one))
