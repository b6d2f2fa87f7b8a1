"""Rate limits as the service counts them: fixed windows, opened by the first request.

125 recorded answers show resets of 900 s after the first request of a window, per token and
endpoint, with the fraction of the second cut off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

WINDOW = 900.0
LIMITS: Mapping[str, tuple[int, int]] = {
    "GET /2/users/by": (300, 900),
    "GET /2/users/by/username/:username": (300, 900),
    "GET /2/users": (300, 900),
    "GET /2/users/:id": (300, 900),
    "GET /2/users/:id/tweets": (10_000, 900),
    "GET /2/tweets": (3_500, 5_000),
    "GET /2/tweets/search/recent": (450, 300),
    "GET /2/tweets/search/all": (300, 300),
    "GET /2/lists/:id/tweets": (900, 900),
    "GET /2/tweets/counts/recent": (300, 300),
    "GET /2/tweets/search/stream": (50, 50),
    "GET /2/tweets/search/stream/rules": (450, 450),
    "POST /2/tweets/search/stream/rules": (100, 100),
    "GET /2/activity/stream": (450, 450),
    "GET /2/activity/subscriptions": (500, 500),
    "POST /2/activity/subscriptions": (500, 500),
    "DELETE /2/activity/subscriptions/:id": (500, 500),
    "GET /2/connections": (25, 25),
    "DELETE /2/connections": (25, 25),
    "GET /2/usage/tweets": (50, 50),
}
"""Endpoint → requests in a window, for the token of an app and of a user."""
OTHER = (75, 75)


@dataclass(frozen=True, slots=True)
class Count:
    """What a window says to one request."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    """Unix time of the server, the fraction cut off."""

    def headers(self, family: str = "x-rate-limit") -> dict[str, str]:
        return {
            f"{family}-limit": str(self.limit),
            f"{family}-remaining": str(self.remaining),
            f"{family}-reset": str(self.reset),
        }


@dataclass(slots=True)
class _Window:
    ends: float
    limit: int
    used: int = 0


@dataclass(slots=True)
class Windows:
    """All windows of all tokens."""

    limits: dict[str, int] = field(default_factory=dict)
    """Endpoint → a limit other than the documented one, from the next window on."""
    length: float = WINDOW
    """Seconds."""
    _open: dict[tuple[str, str], _Window] = field(default_factory=dict)

    def hit(self, token: str, endpoint: str, now: float, *, user: bool = False) -> Count:
        """Count one request. One that is refused is not counted, and moves no window."""
        window = self._window(token, endpoint, now, user=user)
        allowed = window.used < window.limit
        window.used += allowed
        return Count(allowed, window.limit, max(0, window.limit - window.used), int(window.ends))

    def use(self, token: str, endpoint: str, now: float, times: int) -> None:
        """Spend requests as somebody else does who has the same token."""
        window = self._window(token, endpoint, now, user=False)
        window.used = min(window.limit, window.used + times)

    def cut(self, endpoint: str, limit: int, *, at_once: bool = False) -> None:
        """Change a limit, for windows that open from now on or for those that are open too."""
        self.limits[endpoint] = limit
        if at_once:
            for (_, name), window in self._open.items():
                if name == endpoint:
                    window.limit = limit

    def _window(self, token: str, endpoint: str, now: float, *, user: bool) -> _Window:
        window = self._open.get((token, endpoint))
        if window is None or now >= window.ends:
            limit = self.limits.get(endpoint, LIMITS.get(endpoint, OTHER)[user])
            window = self._open[token, endpoint] = _Window(now + self.length, limit)
        return window
