"""What one poll changes in what is remembered of its source: health, validators, address."""

from dataclasses import replace
from typing import Any

from tgewatch.engine.due import NextPoll
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.model import NO_VALIDATORS, Source, SourceState
from tgewatch.ports import Reading
from tgewatch.settings import PollingSettings

ERROR_LENGTH = 300
"""Characters of an error's text that are kept."""
CLOCK_SKEW = 600.0
"""Seconds that a publication may lie ahead of our clock and still count as the newest."""


def after_poll(
    source: Source,
    state: SourceState | None,
    result: Reading | TgewatchError,
    *,
    now: float,
    next: NextPoll,  # noqa: A002 - the word for it
    settings: PollingSettings,
) -> SourceState:
    """Return the state to store with a poll, whole. `state` is None for a source never seen."""
    before = state or SourceState(url=source.url)
    changes: dict[str, Any] = {
        "url": source.url,
        "polled_at": now,
        "polls": before.polls + 1,
        "next_poll": next.at,
        "because": next.because,
        "rhythm": next.rhythm,
        "health": assess(before, result, now=now, next=next, settings=settings),
    }
    if isinstance(result, Reading):
        changes |= _answered(before, result, now=now)
        changes |= _followed(before, source.url, result.moved_to, settings=settings)
    else:
        changes |= _failed(before, result, settings=settings)
    return replace(before, **changes)


def assess(
    before: SourceState,
    result: Reading | TgewatchError,
    *,
    now: float,
    next: NextPoll,  # noqa: A002 - the word for it
    settings: PollingSettings,
) -> str:
    """Return the health after a poll: new, ok, slow, broken, silent or gone.

    A failure changes it only from the `broken_after`th in a row on; a 410 at once.
    """
    if not isinstance(result, Reading):
        if isinstance(result, RefusedError) and result.cause == "gone":
            return "gone"
        if before.health == "gone":
            return "gone"
        return "broken" if before.errors + 1 >= settings.broken_after else before.health
    if next.silent_after is not None and now >= next.silent_after:
        return "silent"
    # Once slow, a source must become clearly faster to count as ok again.
    limit = settings.slow_after * (0.7 if before.health == "slow" else 1.0)
    return "slow" if next.elapsed >= limit else "ok"


def _answered(before: SourceState, reading: Reading, *, now: float) -> dict[str, Any]:
    dates = [
        item.published
        for item in reading.items
        if item.published is not None and item.published <= now + CLOCK_SKEW
    ]
    if before.newest_at is not None:
        dates.append(before.newest_at)
    baseline = before.baseline_at
    if baseline is None and not reading.unchanged:
        baseline = now
    return {
        "validators": reading.validators,
        "body_hash": reading.body_hash or (before.body_hash if reading.unchanged else ""),
        "baseline_at": baseline,
        "answered_at": now,
        "newest_at": max(dates, default=None),
        "errors": 0,
        "error": "",
        "error_cause": "",
    }


def _followed(
    before: SourceState, url: str, target: str, *, settings: PollingSettings
) -> dict[str, Any]:
    """Adopt a permanent redirect that was seen often enough in a row."""
    current = before.location or url
    if not target or target == current or _downgrades(current, target):
        return {"moved_to": "", "moved_times": 0}
    times = before.moved_times + 1 if target == before.moved_to else 1
    if times < settings.redirect_sightings:
        return {"moved_to": target, "moved_times": times}
    location = "" if target == url else target
    return {"location": location, "moved_to": "", "moved_times": 0}


def _downgrades(current: str, target: str) -> bool:
    secure = "https:"
    return current.lower().startswith(secure) and not target.lower().startswith(secure)


def _failed(
    before: SourceState, error: TgewatchError, *, settings: PollingSettings
) -> dict[str, Any]:
    errors = before.errors + 1
    changes: dict[str, Any] = {
        "errors": errors,
        "error": " ".join(str(error).split())[:ERROR_LENGTH] or type(error).__name__,
        "error_cause": _cause(error),
    }
    if isinstance(error, MalformedError):
        # Without validators the next answer is whole, so a parse failure never becomes "no news".
        changes |= {"validators": NO_VALIDATORS, "body_hash": ""}
    if before.location and errors >= settings.broken_after:
        # The new address may have been a mistake of the publisher's: ask the configured one again.
        changes |= {"location": "", "validators": NO_VALIDATORS, "body_hash": ""}
    return changes


def _cause(error: TgewatchError) -> str:
    if isinstance(error, TransientError | RefusedError | MalformedError):
        return error.cause
    return "error"
