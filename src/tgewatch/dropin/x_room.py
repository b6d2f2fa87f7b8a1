"""X over a pipeline's lists: a round, and the posts that it brought as dicts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from tgewatch.clock import Clock
from tgewatch.detect.detector import Detector
from tgewatch.detect.merge import merge
from tgewatch.dropin.article import Terms, article_of
from tgewatch.engine.x_desk import SOURCE, XDesk
from tgewatch.engine.x_status import LEVELS
from tgewatch.errors import TransientError
from tgewatch.fetch.caller import HttpCaller
from tgewatch.fetch.ledger import Ledgers
from tgewatch.fetch.transport import Transport
from tgewatch.model import Judged, SourceState, Validators
from tgewatch.model.post import Post
from tgewatch.settings import Settings
from tgewatch.sources.x_parts import XParts, x_parts
from tgewatch.sources.x_ports import Notes
from tgewatch.store import open_store

NOTE = "drop-in: x"
MOST = 20_000
"""Posts remembered as handed out; searches overlap by minutes, and these are many more."""
SHORTEST = 0.1
"""Seconds that a round gets at least."""


class _Kept(msgspec.Struct):
    position: str = ""
    handed: list[int] = []


class Handed:
    """How far was read what the caller has got, and which posts those were.

    What a round hands out is noted when the next one begins, or at an orderly end: a kill in
    between brings it again, and nothing is lost.
    """

    def __init__(self, kept: _Kept | None = None) -> None:
        kept = kept or _Kept()
        self.position = kept.position
        self._known: dict[int, None] = dict.fromkeys(kept.handed)
        self._due = False

    def __repr__(self) -> str:
        return f"<Handed {len(self._known)}>"

    @classmethod
    async def load(cls, notes: Notes) -> "Handed":
        """Return what was noted; what cannot be read is nothing."""
        noted = await notes.note(NOTE)
        try:
            return cls(None if noted is None else msgspec.msgpack.decode(noted, type=_Kept))
        except (ValueError, RecursionError):
            return cls()

    def take(self, posts: Sequence[Post], position: str) -> list[Post]:
        """Return those of `posts` that were not handed out before."""
        fresh = [post for post in posts if post.id not in self._known]
        self._known.update(dict.fromkeys(post.id for post in fresh))
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        self._due |= position != self.position
        self.position = position
        return fresh

    async def save(self, notes: Notes, at: float) -> None:
        """Note it, when it has changed."""
        if self._due:
            kept = _Kept(self.position, list(self._known))
            await notes.write_note(NOTE, msgspec.msgpack.encode(kept), at=at)
            self._due = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done since the room was opened, or between two such counts."""

    calls: int = 0
    throttled: int = 0
    hits: int = 0
    """Names that were known."""
    misses: int = 0
    repeated: int = 0
    """Posts that had come before, and copies."""

    def __sub__(self, before: "Counts") -> "Counts":
        return Counts(
            calls=self.calls - before.calls,
            throttled=self.throttled - before.throttled,
            hits=self.hits - before.hits,
            misses=self.misses - before.misses,
            repeated=self.repeated - before.repeated,
        )


class XRoom:
    """One watchlist's accounts, open. Rounds never overlap."""

    def __init__(
        self,
        settings: Settings,
        *,
        keywords: Sequence[str],
        parts: XParts,
        desk: XDesk,
        handed: Handed,
        ledgers: Ledgers,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._terms = Terms(settings.companies, keywords)
        self._detector = Detector(settings.companies, settings.detection)
        self._parts = parts
        self._desk = desk
        self._handed = handed
        self._ledgers = ledgers
        self._clock = clock
        self._turn = asyncio.Lock()
        self._counted = Counts()

    def __repr__(self) -> str:
        return f"<XRoom {self._desk!r}, {self._handed!r}>"

    async def round(self, *, seconds: float) -> list[dict[str, Any]]:
        """Ask what is due, and return posts that were not handed out before, likeliest first.

        `seconds` bound it, the wait for another round included. What they cut off comes with the
        next round. Raises TransientError or RefusedError when X answered nothing.
        """
        until = self._clock.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                await self._turn.acquire()
        except TimeoutError:
            return []
        try:
            await self._handed.save(self._parts.notes, self._clock.now())
            state = SourceState(url=SOURCE.url, validators=Validators(etag=self._handed.position))
            left = max(SHORTEST, until - self._clock.monotonic())
            posts = await self._desk.posts(seconds=left, state=state)
            fresh = self._handed.take(posts, self._desk.position.etag)
            return sorted(map(self._tweet, fresh), key=lambda one: (-one["confidence"], -one["id"]))
        finally:
            self._turn.release()

    async def look_up(self, handles: Sequence[str], *, seconds: float) -> Mapping[str, str]:
        """Return ids by handle in lower case. Raises TransientError or RefusedError."""
        try:
            async with asyncio.timeout(seconds):
                return await self._desk.look_up(handles)
        except TimeoutError:
            said = f"X did not say within {seconds:.0f} s whose accounts these are"
            raise TransientError(said, cause="timeout") from None

    async def take_counts(self) -> Counts:
        """Return what was done since the last call."""
        before, self._counted = self._counted, self._counts()
        return self._counted - before

    async def stats(self) -> dict[str, Any]:
        """Return what X was asked, what it costs and what it still allows, ready for JSON."""
        api, who, money = self._parts.api, self._parts.who, self._parts.money
        now = self._clock.now()
        asked = api.calls.get("users", 0)
        return {
            "strategy": self._desk.status()["strategy"],
            "calls": dict(api.calls),
            "rate_limited": api.throttled,
            "look_ups": {
                "names": who.hits + who.misses,
                "known": who.hits,
                "calls": asked,
                "calls_saved": who.hits + who.misses - asked,
            },
            "spend": {
                "today": round(money.bill.on(now), 4),
                "month": round(money.bill.month(now), 4),
                "forecast": round(money.bill.forecast(now), 2),
                "budget": self._settings.x.budget,
                "saving": LEVELS[money.level],
            },
            "ledger": {
                one.endpoint.split(".")[1]: {
                    "line": one.line,
                    "granted": one.granted,
                    "waited": round(one.waited, 3),
                    "rate_limited": one.throttled,
                }
                for one in self._ledgers.standings()
                if one.endpoint in api.endpoints
            },
        }

    async def close(self) -> None:
        """Note what was handed out, and save what is known."""
        await self._handed.save(self._parts.notes, self._clock.now())
        await self._desk.close()

    def _counts(self) -> Counts:
        api, who, sieve = self._parts.api, self._parts.who, self._desk.sieve
        return Counts(
            calls=sum(api.calls.values()),
            throttled=api.throttled,
            hits=who.hits,
            misses=who.misses,
            repeated=sieve.repeated + sieve.reposts + sieve.copies,
        )

    def _tweet(self, post: Post) -> dict[str, Any]:
        """Return a post as pipelines know it; every value has a form in JSON."""
        item, company = self._desk.item(post), self._desk.company(post)
        source = replace(SOURCE, company=company.name) if company else SOURCE
        matches = self._detector.scan(item, source=source)
        verdict = self._detector.judge(item, source=source, matches=matches) if matches else None
        judged = Judged(item=item, stage="", reason="", verdict=verdict)
        made = article_of(judged, source, feed_title=SOURCE.name, terms=self._terms)
        return {
            "id": post.id,
            "text": post.text,
            "author_id": int(post.author) if post.author else None,
            "username": item.author.lstrip("@"),
            "company": company.name if company else "",
            "created_at": datetime.fromtimestamp(post.at, UTC).isoformat(),
            "metrics": dict(post.metrics),
            "lang": post.lang,
            "url": item.url,
            "edit_of": post.root if post.root != post.id else None,
            "source": SOURCE.url,
            "search_strategy": self._desk.status()["search"],
            "confidence": made["confidence"],
            "relevance_info": made["relevance_info"],
        }


@asynccontextmanager
async def open_x_room(
    settings: Settings,
    *,
    keywords: Sequence[str],
    transport: Transport,
    ledgers: Ledgers,
    clock: Clock,
) -> AsyncIterator[XRoom]:
    """Open the store of these lists and what reads X over it, and close them when the block ends.

    Raises StoreBusyError when another process reads X for the same lists from the same folder, and
    ConfigError for settings that lead to queries that X refuses.
    """
    opening = open_store(
        settings.store, root=settings.root, clock=clock, merge=merge, route=lambda *_: ()
    )
    async with opening as store:
        parts = x_parts(
            settings.x,
            settings.companies,
            caller=HttpCaller(transport, pool="twitter"),
            turns=ledgers,
            notes=store,
            clock=clock,
        )
        chance = Random()  # noqa: S311 - jitter
        desk = XDesk(settings.x, settings.companies, ask=parts, clock=clock, chance=chance.random)
        room = XRoom(
            settings,
            keywords=keywords,
            parts=parts,
            desk=desk,
            handed=await Handed.load(store),
            ledgers=ledgers,
            clock=clock,
        )
        try:
            yield room
        finally:
            await room.close()
