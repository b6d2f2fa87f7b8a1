"""How often and how many at a time one host is asked, and when it wants to be left alone."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Self

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.rules import urls
from tgewatch.settings import FetchSettings, HostPolicy

REMEMBERED = 1_024
"""Hosts and waits that are kept before those without meaning are swept out."""
LONGEST_WAIT = 7 * 86_400.0
"""Seconds; a wait that was saved and seems longer comes from a clock that was wrong."""


class Policies:
    """What the settings say of a host: by its name, by `*.` a name above it, or in general."""

    def __init__(self, settings: FetchSettings) -> None:
        self._named = {policy.host.lower(): policy for policy in settings.hosts}
        self._general = HostPolicy(host="*", spacing=settings.spacing)
        self._spacing = settings.spacing
        self._burst = settings.burst

    def of(self, host: str) -> HostPolicy:
        if not self._named:
            return self._general
        labels = host.split(".")
        wild = ("*." + ".".join(labels[depth:]) for depth in range(1, len(labels)))
        for name in (host, *wild):
            if name in self._named:
                return self._named[name]
        return self._general

    def spacing(self, policy: HostPolicy) -> float:
        """Return the seconds between two starts under `policy`."""
        return self._spacing if policy.spacing is None else policy.spacing

    def burst(self, policy: HostPolicy) -> int:
        """Return how many starts in a row need no spacing under `policy`."""
        return self._burst if policy.burst is None else policy.burst


class _Host:
    __slots__ = ("active", "freed", "paid_until", "queue", "waiting")

    def __init__(self) -> None:
        self.queue = asyncio.Lock()
        """Held by the one that starts next; waiters are served in order."""
        self.freed = asyncio.Event()
        self.active = 0
        self.waiting = 0
        self.paid_until = 0.0
        """On the monotonic clock: each start costs its spacing, from when the last was paid."""

    def idle(self, now: float) -> bool:
        return not self.active and not self.waiting and self.paid_until <= now


class Hosts:
    """Takes turns at each host: so many at once, starts so many seconds apart, first come first.

    A host that was left alone takes a burst before the spacing holds (the generic cell rate
    algorithm, ITU-T I.371): an aggregator's eight feeds need not take eight seconds.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._sweep_at = REMEMBERED

    def __repr__(self) -> str:
        return f"<Hosts {sum(h.active for h in self._hosts.values())} active>"

    async def turn(
        self,
        name: str,
        *,
        spacing: float,
        at_once: int,
        until: float,
        burst: int = 1,
        share: float = 0.0,
    ) -> "Turn":
        """Return once it is our turn at host `name`; a context, left when the visit is over.

        Waits up to `share` seconds for whoever is there to leave, and their connection to us.
        Raises TransientError (`busy`, with the seconds to wait) when the turn would not come before
        `until` on the monotonic clock.
        """
        turn = Turn(
            name,
            self._host(name),
            spacing=spacing,
            burst=burst,
            at_once=at_once,
            until=until,
            share=share,
            clock=self._clock,
        )
        await turn.wait()
        return turn

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._sweep_at:
                now = self._clock.monotonic()
                self._hosts = {n: h for n, h in self._hosts.items() if not h.idle(now)}
                self._sweep_at = max(REMEMBERED, 2 * len(self._hosts))
            host = self._hosts[name] = _Host()
        return host


class Turn:
    """One request's turn at a host, redirects within the host included."""

    __slots__ = (
        "_at_once",
        "_clock",
        "_credit",
        "_first",
        "_host",
        "_name",
        "_paid",
        "_share",
        "_spacing",
        "_until",
    )

    def __init__(
        self,
        name: str,
        host: _Host,
        *,
        spacing: float,
        burst: int,
        at_once: int,
        until: float,
        share: float,
        clock: Clock,
    ) -> None:
        self._name = name
        self._host = host
        self._spacing = spacing
        self._credit = (burst - 1) * spacing
        self._at_once = at_once
        self._until = until
        self._share = share
        self._clock = clock
        self._first = False
        self._paid = False

    async def wait(self) -> None:
        self._host.waiting += 1
        try:
            await self._arrive()
        except BaseException:
            self._let_next()
            raise
        finally:
            self._host.waiting -= 1
        self._host.active += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_next()
        self._host.active -= 1
        self._host.freed.set()

    async def _arrive(self) -> None:
        """Wait until this is first in the queue, there is a place, and the gap is over."""
        host = self._host
        left = self._until - self._clock.monotonic()
        expected = self._gap(ahead=host.waiting - 1)
        if expected >= left:
            raise self._busy(expected)
        if host.waiting > 1 or host.queue.locked() or host.active >= self._at_once:
            try:
                async with asyncio.timeout(left):
                    await self._queue()
            except TimeoutError:
                raise self._busy(max(expected, self._spacing)) from None
        else:
            await self._queue()  # at once, as nobody is before us
        gap = self._gap()
        if self._clock.monotonic() + gap >= self._until:
            raise self._busy(gap)
        if gap > 0:
            await self._clock.sleep(gap)

    async def _queue(self) -> None:
        host = self._host
        await host.queue.acquire()
        self._first = True
        if self._share and host.active:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._share):
                    while host.active:
                        host.freed.clear()
                        await host.freed.wait()
        while host.active >= self._at_once:
            host.freed.clear()
            await host.freed.wait()

    def started(self) -> None:
        """Say that the request goes out now. A visit is paid for once, however many redirects it has."""
        if not self._paid:
            self._paid = True
            paid = max(self._host.paid_until, self._clock.monotonic())
            self._host.paid_until = paid + self._spacing
        self._let_next()

    def _gap(self, ahead: int = 0) -> float:
        """Return the seconds until the start that has `ahead` others before it."""
        now = self._clock.monotonic()
        owed = max(self._host.paid_until, now) + ahead * self._spacing - now
        return max(0.0, owed - self._credit)

    def _let_next(self) -> None:
        if self._first:
            self._first = False
            self._host.queue.release()

    def _busy(self, seconds: float) -> TransientError:
        return TransientError(
            f"{self._name}: no turn at this host before the deadline",
            retry_after=seconds,
            cause="busy",
        )


class Waits:
    """Retry-After as it was said: for one URL, or for its whole host.

    What is said for one URL also holds for the minor requests to its host (articles): there are
    many of them, none is urgent, and most servers count per client rather than per page.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}
        """(url, host or minor; which of them) → time on the monotonic clock."""
        self._sweep_at = REMEMBERED

    def __repr__(self) -> str:
        return f"<Waits {len(self._until)} remembered>"

    def remember(self, url: str, seconds: float, *, whole_host: bool) -> Mapping[str, float]:
        """Leave `url`, or its whole host, alone for `seconds`; return what that is, for `obey`."""
        name = urls.host(url)
        keys = [("host", name)] if whole_host else [("url", url), ("minor", name)]
        said = {" ".join(key): seconds for key in keys}
        self.obey(said)
        return said

    def obey(self, said: Mapping[str, float]) -> None:
        """Leave alone what somebody was told to, for seconds from now. Shortens no earlier wait."""
        now = self._clock.monotonic()
        if len(self._until) >= self._sweep_at:
            self._until = {k: t for k, t in self._until.items() if t > now}
            self._sweep_at = max(REMEMBERED, 2 * len(self._until))
        for words, seconds in said.items():
            kind, _, name = words.partition(" ")
            if 0 < seconds <= LONGEST_WAIT:
                key = (kind, name)
                self._until[key] = max(self._until.get(key, 0.0), now + seconds)

    def left(self, url: str, *, minor: bool = False) -> float:
        """Return the seconds for which `url` is still to be left alone, 0 when it may be asked."""
        if not self._until:
            return 0.0
        now, name = self._clock.monotonic(), urls.host(url)
        keys = [("url", url), ("host", name), *([("minor", name)] if minor else [])]
        return max(0.0, max(self._until.get(key, now) for key in keys) - now)

    def dump(self) -> dict[str, float]:
        """Return what still holds, by `kind name`, as Unix times."""
        now, offset = self._clock.monotonic(), self._clock.now() - self._clock.monotonic()
        return {" ".join(key): until + offset for key, until in self._until.items() if until > now}

    def load(self, saved: Mapping[str, float]) -> None:
        """Take in what an earlier program had to leave alone. Nothing holds for over a week."""
        now, offset = self._clock.monotonic(), self._clock.now() - self._clock.monotonic()
        for words, until in saved.items():
            kind, _, name = words.partition(" ")
            if now < until - offset <= now + LONGEST_WAIT:
                key = (kind, name)
                self._until[key] = max(self._until.get(key, 0.0), until - offset)
