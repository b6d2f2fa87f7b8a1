"""For how long a source's silence is borne."""

SILENT = frozenset({"stalled", "timeout", "connect_timeout"})
"""Causes of failures in which the other side said nothing."""
EVERY = 4
"""Of that many tries in a row of a silent source, one has all the time there is."""


def patience(*, errors: int, cause: str, answered: bool, doubt: float) -> float | None:
    """Return the seconds without a byte after which to give up a source; None for all there are.

    One that never answered gets `doubt`, and one that was silent several times half of it: so that
    hosts which accept and say nothing do not hold up every round. The first try after a silence
    gets all, as does every fourth from then on, or else a host that is merely slow would never be
    heard.
    """
    if cause in SILENT and errors:
        return None if errors % EVERY == 1 else doubt / 2
    return None if answered or errors else doubt
