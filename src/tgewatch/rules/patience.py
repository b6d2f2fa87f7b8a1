"""For how long a source's silence is borne."""

SILENT = frozenset({"stalled", "timeout", "connect_timeout"})
"""Causes of failures in which the other side said nothing."""
EVERY = 4
"""Of that many tries in a row of a silent source, one has all the time there is."""


def is_trusted(*, errors: int, cause: str, answered: bool) -> bool:
    """Return whether a source is worth waiting for as long as its pool allows.

    One that never answered, or was silent the last times, is not: so that hosts which accept and
    say nothing do not hold up every round. The first try after a silence is, and every fourth
    from then on, or else a host that is merely slow would never be heard.
    """
    if cause in SILENT and errors:
        return errors % EVERY == 1
    return answered or errors > 0
