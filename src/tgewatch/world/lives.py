"""What may happen to a token, beat by beat.

A beat is a word of `words.BEATS`, the day on which it happens, and the day for which the token is
set from then on, both since the world began.
"""

from typing import TypeAlias

Life: TypeAlias = tuple[tuple[str, float, float | None], ...]

LIVES: tuple[Life, ...] = (
    (("announced", 0.3, None), ("dated", 1.2, 4), ("slipped", 2.6, 5), ("live", 5.4, None), ("claim", 5.6, None), ("listed", 5.8, None)),
    (("rumoured", 0.2, None), ("announced", 1.1, None), ("dated", 3.3, 6), ("live", 6.3, None), ("listed", 6.5, None)),
    (("announced", 0.6, None), ("dated", 2.0, 30), ("slipped", 4.4, 45)),
    (("dated", 0.8, 3), ("live", 3.4, None), ("claim", 3.7, None)),
    (("announced", 0.9, None), ("dated", 1.9, 20), ("cancelled", 5.1, None)),
)  # fmt: skip

EVENTFUL: tuple[Life, ...] = (
    *LIVES,
    (("announced", 0.4, None), ("dated", 1.0, 20), ("slipped", 2.2, 30), ("slipped", 4.0, 41), ("slipped", 5.5, 60)),
    (("dated", 0.5, 12), ("postponed", 2.4, None), ("redated", 4.8, 33)),
    (("rumoured", 0.7, None),),
    (("announced", 0.5, None), ("sale", 1.3, None), ("dated", 2.5, 5), ("live", 5.2, None), ("claim", 5.9, None)),
    (("dated", 0.4, 2), ("live", 2.3, None), ("on_binance", 2.9, None), ("on_kucoin", 3.8, None), ("on_bybit", 5.0, None)),
    (("announced", 0.8, None), ("cancelled", 3.1, None)),
    (("rumoured", 0.3, None), ("dated", 1.5, 25), ("slipped", 3.2, 18), ("postponed", 5.0, None)),
)  # fmt: skip
"""Also tokens that slip again and again or for an unknown time, come early, are sold, are listed on
several exchanges, or are never more than talk."""
