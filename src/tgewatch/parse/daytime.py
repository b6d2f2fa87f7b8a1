"""Time of day with its zone, as announcements write it beside a date."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "cet": 60, "cest": 120, "bst": 60, "wat": 60, "eet": 120,
    "msk": 180, "gst": 240, "ist": 330, "wib": 420, "ict": 420, "sgt": 480, "hkt": 480,
    "cst": -360, "jst": 540, "kst": 540, "aest": 600, "est": -300, "edt": -240, "et": -300,
    "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "pt": -480, "brt": -180,
    "art": -180,
}  # fmt: skip
"""Minutes east of UTC. Where letters mean several zones, the one announcements use."""
_AMERICAN = {"et": ZoneInfo("America/New_York"), "pt": ZoneInfo("America/Los_Angeles")}
"""Letters that hold in summer too, when clocks are an hour ahead."""

_ZONE = rf"\(?\s*(?P<zone>{'|'.join(sorted(_ZONES, key=len, reverse=True))})\b\s*(?P<shift>[+-]\s*\d{{1,2}}(?::?\d\d)?)?\s*\)?"
TIME = re.compile(
    rf"(?<![\d.,$:])(?P<hour>\d{{1,2}})(?:[:.h](?P<minute>\d\d))?(?::\d\d)?\s*(?P<half>[ap]\.?m\b\.?)?"
    rf"(?:\s*[-/]\s*\d{{1,2}}(?::\d\d)?\s*(?:[ap]m)?)?\s*(?:{_ZONE})?",
    re.IGNORECASE,
)


_NAMED = re.compile(rf"\b(?P<name>noon|midnight)\s*{_ZONE}", re.IGNORECASE)


NOON = time(12)


@dataclass(frozen=True, slots=True)
class DayTime:
    """A time of day in UTC minutes after the midnight of the day it was said of."""

    minutes: int
    """May be negative or beyond a day, where the zone moves it."""
    start: int
    end: int


def find(text: str, start: int, end: int, *, day: date) -> DayTime | None:
    """Return the first time of `day` in `text[start:end]` that says either am/pm, zone or minutes.

    Noon and midnight, which is when the day begins, count with a zone only.
    """
    named = _NAMED.search(text, start, end)
    if named:
        minutes = 12 * 60 if named["name"].lower() == "noon" else 0
        return DayTime(minutes - _offset(named["zone"].lower(), named["shift"], day), *named.span())
    for match in TIME.finditer(text, start, end):
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        half, zone = (match["half"] or "").lower(), (match["zone"] or "").lower()
        sure = bool(half) or (match["minute"] is not None and ":" in match.group()) or bool(zone)
        if not sure or hour > 24 or minute > 59 or (half and not 1 <= hour <= 12):  # noqa: PLR2004 - clock
            continue
        if half:
            hour = hour % 12 + (12 if half.startswith("p") else 0)
        return DayTime(hour * 60 + minute - _offset(zone, match["shift"], day), *match.span())
    return None


def _offset(zone: str, shift: str | None, day: date) -> int:
    minutes = _ZONES.get(zone, 0)
    if zone in _AMERICAN:
        ahead = datetime.combine(day, NOON, _AMERICAN[zone]).dst() or timedelta()
        minutes += ahead // timedelta(minutes=1)
    if not shift:
        return minutes
    digits = shift[1:].replace(":", "").strip()
    hours, rest = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])  # noqa: PLR2004 - +8 or +08
    sign = -1 if shift[0] == "-" else 1
    return minutes + sign * (int(hours) * 60 + int(rest))
