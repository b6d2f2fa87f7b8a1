"""For how long a caller lets us work, as callers say it."""

import math
from typing import Any

LONGEST = 86_400.0
"""Seconds; what never ends counts as this."""


def seconds_of(timeout: Any, *, default: float) -> float:
    """Return a timeout in seconds, never negative; None is the default.

    A pair, as requests takes it (connect, read), is the sum of what is stated in it. Raises
    ValueError.
    """
    if isinstance(timeout, tuple | list):
        stated = [seconds_of(part, default=default) for part in timeout if part is not None]
        return sum(stated) if stated else default
    if timeout is None:
        return default
    if isinstance(timeout, str) or not hasattr(timeout, "__float__"):
        raise ValueError(f"timeout {timeout!r:.40} is not a number of seconds")
    seconds = float(timeout)
    if math.isnan(seconds):
        raise ValueError("timeout nan is not a number of seconds")
    return min(max(0.0, seconds), LONGEST)
