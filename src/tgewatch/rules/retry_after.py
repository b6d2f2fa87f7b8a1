"""When a server wants to be asked again (RFC 9110 section 10.2.3)."""

import re
from collections.abc import Mapping

from tgewatch.rules.freshness import http_date

CAP = 86_400.0
"""Seconds; a server that names more is asked again after a day."""

_SECONDS = re.compile(r"(-?)([0-9]+)(\.?[0-9]*)")
_LONG = 12
"""Digits beyond which the number is past any cap."""


def retry_after(headers: Mapping[str, str], *, now: float, cap: float = CAP) -> float | None:
    """Return the seconds that the answer asks us to wait, or None when it names no time.

    Never shorter than what was asked, within `cap`; negative and past times are 0. A date is read
    against the answer's own Date, so that neither clock needs to be right; without one, against
    `now` (Unix seconds).
    """
    value = headers.get("retry-after", "").strip()
    named = [
        seconds for part in value.split(",") if (seconds := _seconds(part.strip())) is not None
    ]
    if named:
        return min(max(named), cap)
    until = http_date(value)
    if until is None:
        return None
    sent = http_date(headers.get("date", ""))
    wait = until - (now if sent is None else sent)
    return min(wait + 1.0, cap) if wait > 0 else 0.0  # dates are cut to the second, both of them


def _seconds(text: str) -> float | None:
    """Return delta-seconds, rounded up; some servers send a sign or a fraction."""
    found = _SECONDS.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction = found.groups()
    if sign:
        return 0.0
    return (1e12 if len(whole) > _LONG else float(whole)) + (1.0 if fraction.strip(".0") else 0.0)
