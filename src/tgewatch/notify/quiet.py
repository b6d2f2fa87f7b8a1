"""Hours in which nothing is delivered."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


def zone_of(name: str) -> tzinfo:
    """Return the time zone; UTC needs no database."""
    return UTC if name in ("", "UTC") else ZoneInfo(name)


def quiet_until(hours: str, zone: tzinfo, now: float) -> float:
    """Return when delivery may begin: the end of the quiet hours, or 0.0 outside of them.

    `hours` is `22:00-07:00`, on the clock of `zone`; equal times mean no quiet hours. Where the
    clock is put back or forward, its hands decide.
    """
    if not hours:
        return 0.0
    begin, _, end = hours.partition("-")
    first, last = _minutes(begin), _minutes(end)
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    minute = local.hour * 60 + local.minute
    inside = first <= minute < last if first < last else minute >= first or minute < last
    if first == last or not inside:
        return 0.0
    over = local.replace(hour=last // 60, minute=last % 60, second=0, microsecond=0, fold=0)
    if minute >= last:
        over = (over.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return max(over.timestamp(), now)


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
