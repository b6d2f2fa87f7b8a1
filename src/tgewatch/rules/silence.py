"""When a source that answers has fallen silent, measured by its own rhythm.

An answer of 200 with nothing new for many of the source's own periods is silence as well: some
servers go on serving a copy from last year without an error.
"""

from tgewatch.rules.rhythm import DAY, is_weekend

ENOUGH_ITEMS = 5
"""Fewer say nothing about a period."""
LEAST = DAY
"""Seconds; no source is called silent sooner, however busy it was."""
PAST_LONGEST = 1.5
"""A gap must also be this many times the longest that the source is known to have made."""


def silent_after(
    *,
    newest: float | None,
    period: float | None,
    longest: float,
    items: int,
    factor: float,
    weekend: float = 1.0,
) -> float | None:
    """Return when a source counts as silent if nothing new comes; None when it cannot be said.

    `period` is the mean gap between items as it was when the newest one appeared: a rate that goes
    on falling during the silence would never call it one. `longest` protects bursty sources, and
    `weekend` (how busy a weekend day is, 0 to 1) those that rest on weekends. Seconds throughout.
    """
    if newest is None or period is None or items < ENOUGH_ITEMS:
        return None
    wait = max(factor * period, PAST_LONGEST * longest, LEAST)
    return newest + stretched(newest, wait, weekend)


def stretched(start: float, wait: float, weekend: float) -> float:
    """Return how long it takes from `start` for `wait` seconds to pass when weekends pass slower.

    A weekend day counts as `weekend` of a day, at least a twentieth.
    """
    pace = min(1.0, max(0.05, weekend))
    week = 5 * DAY + 2 * DAY * pace
    weeks = int(wait // week)
    left = wait - weeks * week
    time = start + weeks * 7 * DAY
    while left > 0:
        day = int(time // DAY)
        speed = pace if is_weekend(day) else 1.0
        room = (day + 1) * DAY - time
        if left <= room * speed:
            return time + left / speed - start
        left -= room * speed
        time += room
    return time - start
