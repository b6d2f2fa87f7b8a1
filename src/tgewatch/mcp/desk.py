"""Where questions are answered: opens the store for each, asks, and closes it again.

So a server that idles for days holds no connection, sees a store that begins to exist or is put
back from a backup, and never stands in the way of the watch that owns it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tgewatch.app import open_archive
from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.errors import RefusedError, TransientError
from tgewatch.mcp.answers import (
    EventList,
    EventStory,
    Judgement,
    Performance,
    RateLimits,
    Release,
    Reservation,
    ScanReport,
    Why,
)
from tgewatch.mcp.limits import rate_limits
from tgewatch.mcp.performance import performance
from tgewatch.mcp.rows import change_row, event_row, judgement, sighting, time_of
from tgewatch.mcp.scan import Scanner
from tgewatch.model import Event, Item, State
from tgewatch.notify.words import followable
from tgewatch.rules.urls import canonical
from tgewatch.settings import Settings
from tgewatch.store import Access, SqlStore

AT_ONCE = 4
"""Questions that have the store open at one time."""
WAITING = 32
"""Questions that may wait for their turn; further ones are refused."""
SECONDS = 15.0
"""For an answer, the wait for a turn included."""
EVIDENCE = 50
"""Pieces of evidence of one event."""
HISTORY = 100
"""Steps of one event's history."""
SIGHTINGS = 10


class Desk:
    """Answers from the store that the settings name; writes nothing but reservations.

    Every method raises TransientError when there is no answer in time or no turn, and what the
    store raises when it cannot be opened.
    """

    def __init__(self, settings: Settings, *, clock: Clock, scanner: Scanner | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._scanner = scanner
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asking = 0
        self._detector: Detector | None = None

    def __repr__(self) -> str:
        return f"<Desk {self._asking} asking>"

    @property
    def scans(self) -> bool:
        """Whether `scan_now` is allowed."""
        return self._scanner is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._asking >= AT_ONCE + WAITING:
            raise TransientError(f"{self._asking} questions are being answered; ask again later")
        self._asking += 1
        try:
            async with asyncio.timeout(SECONDS), self._turns:
                yield
        except TimeoutError as error:
            raise TransientError(f"no answer within {SECONDS:g} s; ask again later") from error
        finally:
            self._asking -= 1

    @asynccontextmanager
    async def _store(self, access: Access = Access.READ) -> AsyncIterator[SqlStore]:
        async with (
            self._turn(),
            open_archive(self._settings, clock=self._clock, access=access) as store,
        ):
            yield store

    async def search(
        self,
        *,
        text: str = "",
        company: str = "",
        states: Sequence[State] = (),
        since: float | None = None,
        until: float | None = None,
        dismissed: bool = False,
        skip: int = 0,
        limit: int = 20,
    ) -> EventList:
        """Return events, most recently changed first; what is left empty filters nothing."""
        async with self._store() as store:
            found = await store.events(
                states=states,
                company=company,
                text=text,
                since=since,
                until=until,
                dismissed=dismissed,
                limit=skip + limit + 1,
            )
        return self._page(found[skip:], limit)

    async def upcoming(self, *, days: float, skip: int = 0, limit: int = 20) -> EventList:
        """Return dated events that are not over, earliest first."""
        now = self._clock.now()
        async with self._store() as store:
            until = now + days * 86_400.0
            found = await store.upcoming(now, until=until, limit=skip + limit + 1)
        return self._page(found[skip:], limit)

    def _page(self, found: Sequence[Event], limit: int) -> EventList:
        return EventList(
            now=time_of(self._clock.now()),
            events=tuple(map(event_row, found[:limit])),
            more=len(found) > limit,
        )

    async def event(self, prefix: str) -> EventStory:
        """Return one event. Raises RefusedError for an id that fits none, or several."""
        async with self._store() as store:
            found = await store.event(prefix)
            if found is None:
                raise RefusedError(f"no event {prefix!r}; search_events lists their ids")
            history = await store.history(found.id)
        return EventStory(
            now=time_of(self._clock.now()),
            event=event_row(found, evidence=EVIDENCE),
            history=tuple(map(change_row, history[-HISTORY:])),
            history_in_all=len(history),
        )

    async def why_url(self, url: str) -> Why:
        """Return what became of a URL."""
        async with self._store() as store:
            traces = await store.why(url)
        return Why(
            now=time_of(self._clock.now()),
            known=bool(traces),
            sightings=tuple(map(sighting, traces[:SIGHTINGS])),
            judgement=None,
        )

    async def why_text(self, text: str) -> Why:
        """Return what detection says of a text whose first line is its title."""
        title, _, summary = text.strip().partition("\n")
        now = self._clock.now()
        item = Item(source="", key="", url="", title=title, summary=summary, published=now)
        async with self._turn():
            said = await asyncio.to_thread(self._judge, item)
        return Why(now=time_of(now), known=False, sightings=(), judgement=said)

    def _judge(self, item: Item) -> Judgement:
        if self._detector is None:
            self._detector = Detector(self._settings.companies, self._settings.detection)
        matches = self._detector.scan(item)
        return judgement(self._detector.judge(item, matches=matches))

    async def performance(self) -> Performance:
        """Return what the program measured of itself."""
        async with self._turn():
            return await performance(settings=self._settings, clock=self._clock)

    async def rate_limits(self) -> RateLimits:
        """Return what may be asked of others now."""
        async with self._store() as store:
            return await rate_limits(store, settings=self._settings, clock=self._clock)

    async def reserve(self, content: str, *, seconds: float) -> Reservation:
        """Take `content`, unless somebody has it. Of all who ask of one store, one gets it."""
        name = identity(content)
        until = self._clock.now() + seconds
        async with self._store(Access.AMEND) as store:
            reserved = await store.reserve(f"content {name}", seconds=seconds)
        return Reservation(
            reserved=reserved, content=name, until=time_of(until) if reserved else None
        )

    async def release(self, content: str) -> Release:
        """Give `content` back before its time, whoever has it."""
        name = identity(content)
        async with self._store(Access.AMEND) as store:
            await store.release(f"content {name}")
        return Release(content=name)

    async def scan(self, *, deadline: float) -> ScanReport:
        """Poll what is due. Raises RefusedError when it is not allowed."""
        if self._scanner is None:
            raise RefusedError("scanning is off; start the server with --allow-scan")
        return await self._scanner.scan(deadline=deadline)


def identity(content: str) -> str:
    """Return what stands for `content`: the canonical URL, or the SHA-256 of words and order.

    Two spellings of one URL are one, and so are two texts that differ in white space alone.
    """
    plain = content.strip()
    if followable(plain) and len(plain.split()) == 1:
        return canonical(plain)
    return "sha256:" + hashlib.sha256(" ".join(plain.split()).encode(errors="replace")).hexdigest()
