"""Times as people write them on a command line."""

from datetime import UTC, datetime

import typer

from tgewatch.clock import Clock, ShiftedClock, SystemClock


def clock_at(text: str | None) -> Clock:
    """Return a clock set to `text`, or the machine's own without one."""
    return SystemClock() if text is None else ShiftedClock(moment_of(text))


def moment_of(text: str) -> float:
    """Return Unix seconds of an ISO 8601 time (UTC when it names no zone) or of a number.

    Raises typer.BadParameter.
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-05-12, 2026-05-12T15:00:00Z or Unix seconds"
        ) from None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()
