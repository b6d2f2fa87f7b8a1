"""What may be asked of others now, as the watch last wrote it down."""

from collections.abc import Mapping
from typing import Any

import orjson

from tgewatch.app.pauses import PAUSES
from tgewatch.app.standings import read_standings
from tgewatch.clock import Clock
from tgewatch.engine.x_status import LEVELS
from tgewatch.errors import TransientError
from tgewatch.mcp.answers import Allowance, Pause, RateLimits, Spending
from tgewatch.mcp.rows import quoted, time_of
from tgewatch.ports import Archive
from tgewatch.rules.spending import Bill, Caps
from tgewatch.settings import Settings, XSettings
from tgewatch.sources.x_purse import NOTE, load_days

PAUSED = 50
"""Hosts that are named."""


async def rate_limits(store: Archive, *, settings: Settings, clock: Clock) -> RateLimits:
    """Return how the APIs' windows, the hosts' pauses and the bill of X stand."""
    now = clock.now()
    pauses = _pauses(await store.note(PAUSES), now)
    endpoints, problem = await _endpoints(settings, clock)
    return RateLimits(
        now=time_of(now),
        endpoints=endpoints,
        problem=problem,
        pauses=tuple(
            Pause(host=quoted(host), until=time_of(until), seconds=round(until - now, 1))
            for host, until in sorted(pauses.items(), key=lambda pair: -pair[1])[:PAUSED]
        ),
        pauses_in_all=len(pauses),
        host_calls=settings.limits.host_calls,
        host_window=settings.limits.host_window,
        x=_spending(settings.x, await store.note(NOTE), now) if settings.x.token else None,
    )


async def _endpoints(settings: Settings, clock: Clock) -> tuple[tuple[Allowance, ...], str]:
    """Return how each endpoint stands, or why nobody knows."""
    try:
        standings = await read_standings(settings, clock=clock)
    except TransientError as error:
        return (), f"the server that instances share does not answer: {error}"
    return tuple(
        Allowance(
            endpoint=one.endpoint,
            standing=one.line,
            wait=round(one.wait.seconds, 1),
            because=one.wait.reason,
        )
        for one in standings
    ), ""


def _pauses(saved: bytes | None, now: float) -> Mapping[str, float]:
    """Return host → until when, of those that have not passed; nothing of what makes no sense."""
    try:
        found: Any = orjson.loads(saved or b"{}")
    except orjson.JSONDecodeError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {
        str(name).partition(" ")[2] or str(name): float(until)
        for name, until in pairs
        if isinstance(until, int | float) and until > now
    }


def _spending(settings: XSettings, saved: bytes | None, now: float) -> Spending:
    bill = Bill()
    load_days(bill, saved)
    month, today = bill.month(now), bill.on(now)
    caps = Caps(settings.budget, settings.budget_day, settings.soft, settings.late)
    return Spending(
        today=round(today, 4),
        month=round(month, 4),
        forecast=round(bill.forecast(now), 2),
        budget=settings.budget,
        saving=LEVELS[caps.level(month=month, day=today)],
    )
