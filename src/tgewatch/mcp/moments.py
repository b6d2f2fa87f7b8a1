"""Times as tools take them."""

from datetime import UTC, datetime

from tgewatch.errors import RefusedError


def moment_of(text: str) -> float | None:
    """Return Unix seconds of an ISO 8601 time (UTC when it names no zone); None of nothing.

    Raises RefusedError.
    """
    if not text.strip():
        return None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RefusedError(
            f"{text[:40]!r} is no time; write 2026-05-12 or 2026-05-12T15:00:00Z"
        ) from None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()
