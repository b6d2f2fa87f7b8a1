"""What the id of a post says of its time, and where a search has to begin.

An id is milliseconds since an epoch of X's own, times 2^22, plus a number within the millisecond.
"""

from tgewatch.model.post import EPOCH_MS, SHIFT

WINDOW = 7 * 86_400.0
"""Seconds that recent search looks back; an older `since_id` is refused with 400."""
LAG = 30.0
"""Seconds before now at which a search ends when it names no end itself."""
_MARGIN = 120.0
"""Seconds inside the window, against clocks and the time that a request takes."""


def id_at(seconds: float) -> int:
    """Return the smallest id that a post of that Unix time can have."""
    return max(0, int(seconds * 1000) - EPOCH_MS) << SHIFT


def since(newest: int, complete: float, *, now: float, overlap: float) -> int:
    """Return the id after which a search has to look to miss nothing.

    `newest` is the largest id known, `complete` the server's time of the last complete answer.
    What was older than the lag of the search and `overlap` seconds at that time is in the index and
    seen. Posts that are known are asked for again only while they are as young as that: an answer
    bills them once a day. Both times are the server's; never reaches out of the window.
    """
    seen = id_at(complete - LAG - overlap)
    return max(min(newest, seen), id_at(now - WINDOW + _MARGIN))
