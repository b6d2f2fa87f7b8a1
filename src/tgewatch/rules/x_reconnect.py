"""How long to wait before the stream is connected again, as X asks (Handling disconnections)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

SILENCE = 21.0
"""Seconds without a byte after which a connection is dead: a blank line comes every 20."""


class Drop(StrEnum):
    """Why there is no connection."""

    ENDED = "ended"
    """It stood, and the server or the way ended it."""
    NETWORK = "network"
    """None came about: 250 ms more each time, to 16 s."""
    HTTP = "http"
    """Refused for now: from 5 s, doubled to 320 s."""
    RATE = "rate"
    """Too many connects: from 60 s, doubled to an hour."""
    CROWDED = "crowded"
    """Another connection stands, perhaps a dead one of ours: as HTTP."""


_STEPS = {
    Drop.HTTP: (5.0, 320.0),
    Drop.CROWDED: (5.0, 320.0),
    Drop.RATE: (60.0, 3_600.0),
}


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The drops in a row."""

    kind: Drop | None = None
    times: int = 0

    def dropped(self, kind: Drop) -> tuple[Self, float]:
        """Return the state after one more drop, and the seconds to wait."""
        times = self.times + 1 if kind == self.kind else 1
        after = replace(self, kind=kind, times=times)
        if kind is Drop.ENDED:
            # At once; a server that ends every connection at once is not hammered.
            return after, 0.0 if times == 1 else min(16.0, 0.25 * times)
        if kind is Drop.NETWORK:
            return after, min(16.0, 0.25 * times)
        first, most = _STEPS[kind]
        return after, min(most, first * 2.0 ** min(times - 1, 30))

    def stood(self) -> Self:
        """Return the state after something came over a connection."""
        return type(self)()
