"""Whether posts come by themselves, and what to do when they did not."""

from collections.abc import Callable

from tgewatch.clock import Clock
from tgewatch.model.post import Post
from tgewatch.rules.durations import spell
from tgewatch.rules.snowflake import LAG

DOWN = 60.0
"""Seconds without the stream until searches take over."""
AFTER_GAP = LAG + 5.0
"""Seconds after a connection until a search can see all that came before it."""
LONG = 900.0
"""Seconds until another try from which the stream counts as refused."""


class Air:
    """Hears of the stream, and remembers how it stands."""

    def __init__(
        self,
        *,
        clock: Clock,
        heard: Callable[[Post], None],
        refused: Callable[[str, float], None],
    ) -> None:
        """`heard` takes each post; `refused` is told why and for how long, or 0 when it stands."""
        self._clock = clock
        self._pass_on = heard
        self._refused = refused
        self._since: float | None = None
        self._down: float | None = None
        self._why = ""
        self._audit_at: float | None = None
        self.connections = 0
        self.posts = 0

    def __repr__(self) -> str:
        return f"<Air {'on' if self.connected_now else 'off'}, {self.posts} posts>"

    @property
    def connected_now(self) -> bool:
        """Whether a connection stands."""
        return self._since is not None and self._down is None

    @property
    def streaming(self) -> bool:
        """Whether posts come by themselves, or will again at once."""
        if self._since is None:
            return False
        return self._down is None or self._clock.monotonic() - self._down < DOWN

    def connected(self) -> None:
        """Take it that the stream stands; what came before is looked for when it can be found."""
        now = self._clock.monotonic()
        self.connections += 1
        self._since = now
        self._down, self._why = None, ""
        self._audit_at = now + AFTER_GAP
        self._refused("", 0.0)

    def heard(self, post: Post) -> None:
        """Take a post."""
        self.posts += 1
        self._pass_on(post)

    def dropped(self, why: str, seconds: float) -> None:
        """Take it that the stream is gone, and is tried again in `seconds`."""
        if self._down is None:
            self._down = self._clock.monotonic()
        self._why = why
        if seconds >= DOWN:
            self._since = None
        if seconds >= LONG:
            self._refused(why, seconds)

    def off(self) -> None:
        """Take it that nobody listens any more."""
        self._since = self._audit_at = None

    def audit_due(self) -> bool:
        """Return, once, whether it is time to look for what a gap has swallowed."""
        if self._audit_at is None or self._clock.monotonic() < self._audit_at:
            return False
        self._audit_at = None
        return True

    def described(self) -> str:
        """Return how it stands, for a person."""
        now = self._clock.monotonic()
        if self.connected_now and self._since is not None:
            return f"connected for {spell(now - self._since)}, {self.posts} posts so far"
        if self._down is not None:
            return f"down for {spell(now - self._down)}: {self._why}"
        return "not connected"
