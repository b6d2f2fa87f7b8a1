"""X as one source: queries in turn, the stream beside them, and every post handed on once.

All posts become items of one source, so the store knows each of them whichever query or connection
brought it. How far each query was read goes into the same transaction as the items (`validators`),
so that a crash loses nothing and repeats nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.engine.x_air import Air
from tgewatch.engine.x_asking import Asking
from tgewatch.engine.x_ports import Collaborators
from tgewatch.engine.x_status import STATUS, status_of
from tgewatch.engine.x_vigil import NOTE as TODAY
from tgewatch.engine.x_vigil import Vigil
from tgewatch.errors import ConfigError, RefusedError, TgewatchError, TransientError
from tgewatch.model import Company, Item, Source, SourceState, Validators
from tgewatch.model.post import Post
from tgewatch.parse.x_items import item_of
from tgewatch.ports import Reading
from tgewatch.rules import x_cursor, x_plan
from tgewatch.rules.x_copies import Sieve
from tgewatch.rules.x_plan import Shard
from tgewatch.settings import XSettings

log = logging.getLogger(__name__)

SOURCE = Source(url="x://posts", name="X", kind="x", interval=0.05)
"""Polled without pause in an endless watch: a poll waits until there is something."""
HOLD = 20.0
"""Seconds that a poll waits for news."""
ROUND = 40.0
"""Seconds for a round in which every query that is due is asked once."""
TICK = 1.0
"""Seconds between two looks at what is due."""
UPKEEP = 60.0
"""Seconds between looks at money, accounts and what is worth noting."""
WAKE = 5.0
"""Seconds after a poll that failed until it may be called for again."""
MOST = 2_000
"""Posts in one poll; the rest is in the next."""


class XDesk:
    """Reads X. `live` runs beside the polls of an endless watch; without it a poll does a round."""

    source = SOURCE

    def __init__(
        self,
        settings: XSettings,
        companies: Sequence[Company],
        *,
        ask: Collaborators,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        """Raise ConfigError for settings that lead to queries that X refuses."""
        if problems := x_plan.problems(settings):
            raise ConfigError(problems)
        self._settings = settings
        self._companies = companies
        self._accounts = x_plan.accounts(companies)
        self._ask = ask
        self._clock = clock
        self.sieve = Sieve()
        """Which posts are news; counts those that are not."""
        self._lock = asyncio.Lock()
        self._begun = False
        self._paying = False
        self._based = asyncio.Event()
        """The past has been read and stored."""
        self._news = asyncio.Event()
        self._waiting: list[Post] = []
        """Posts that no poll has taken yet."""
        self._offered: list[Post] = []
        """Posts of the last poll, until it is known to be stored."""
        self._etag = ""
        self._number = 0
        self._raised_at: float | None = None
        self._kept_at = -UPKEEP
        self._air = Air(clock=clock, heard=self._heard, refused=self._refuse_stream)
        self._asking = Asking(
            settings,
            companies,
            ask=ask,
            clock=clock,
            chance=chance,
            hand_on=self._hand_on,
            air=self._air,
        )
        self._vigil = Vigil(ask.api, clock=clock, every=settings.recheck)
        self.wake: Callable[[], None] = lambda: None
        """Called when there is news and nobody has come to take it since a poll failed."""

    def __repr__(self) -> str:
        return f"<XDesk {self._asking!r} {self._air!r}, {len(self._waiting)} posts wait>"

    # --- what the engine asks ---------------------------------------------------------------

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Return posts that came since the last poll, oldest first.

        Waits for some in an endless watch, else asks everything that is due. Raises TransientError
        or RefusedError when X answers nothing at all.
        """
        del url, headers
        begun = self._clock.monotonic()
        try:
            await self._begin(state)
            self._acknowledge(state)
            if state.baseline_at is None or not self._asking.live:
                await self._asking.round(ROUND)
                await self._look_after()
                await self._keep()
            else:
                await self._wait_for_news(HOLD)
            elapsed = 0.0 if self._asking.live else self._clock.monotonic() - begun
            return self._reading(state, elapsed=elapsed)
        except TgewatchError:
            self._raised_at = self._clock.monotonic()
            raise

    async def live(self, stop: asyncio.Event) -> None:
        """Ask what falls due and keep the stream until `stop`; then let nobody wait for news."""
        self._asking.live = True
        try:
            async with asyncio.TaskGroup() as group:
                work = (self._listen, self._keep_asking)
                tasks = [group.create_task(self._never_ending(each)) for each in work]
                await stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._asking.live = False
            self._air.off()
            self._news.set()

    async def posts(self, *, seconds: float, state: SourceState | None = None) -> list[Post]:
        """Ask everything, due or not, and return what came: each post once in this process.

        What takes longer than `seconds` is left for the next call. `state` holds the `position` of
        an earlier process, to go on from there. Raises TransientError or RefusedError when nothing
        answered.
        """
        begun = self._clock.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await self._begin(state or SourceState(url=SOURCE.url))
        except TimeoutError:
            said = f"X did not say within {seconds:.0f} s whose accounts these are"
            raise TransientError(said, cause="timeout") from None
        self._asking.replan()
        self._asking.rounds.hasten(self._clock.now())
        await self._asking.round(max(0.0, seconds - self._since(begun)))
        await self._keep()
        taken, self._waiting = self._waiting, []
        if not taken and self._asking.error is not None:
            raise self._asking.error
        return taken

    @property
    def position(self) -> Validators:
        """How far everything was read that was handed on."""
        return Validators(etag=f"{self._number} {x_cursor.dump(self._asking.cursors)}")

    async def look_up(self, handles: Sequence[str]) -> Mapping[str, str]:
        """Return ids by handle in lower case, from memory where it knows. Raises as the client."""
        async with self._lock:
            await self._open_purse()
        return await self._ask.who.lookup(handles)

    def item(self, post: Post) -> Item:
        """Return a post as an item, with its author where it is known."""
        company = self.company(post)
        handle = company.x_handle if company else self._ask.who.handle(post.author)
        return item_of(post, source=SOURCE.url, handle=handle)

    def company(self, post: Post) -> Company | None:
        """Return the company whose account a post is of."""
        return self._accounts.get(self._ask.who.handle(post.author))

    async def close(self) -> None:
        """Save what is known."""
        if self._begun:
            await self._keep(now=True)
        elif self._paying:
            await self._ask.money.save(now=True)

    def status(self) -> dict[str, Any]:
        """Return how it does, for people and programs."""
        asking = self._asking
        return status_of(
            at=self._clock.now(),
            strategy=asking.strategy,
            air=self._air.described(),
            rounds=asking.rounds,
            looks=asking.looks,
            api=self._ask.api,
            sieve=self.sieve,
            gone=self._vigil.gone,
            keywords=asking.keywords.described(),
            refused=asking.refused,
            level=self._ask.money.level,
        )

    # --- polls ------------------------------------------------------------------------------

    async def _begin(self, state: SourceState) -> None:
        async with self._lock:
            if not self._begun:
                await self._open_purse()
                self._etag = state.validators.etag
                self._vigil.load(await self._ask.notes.note(TODAY))
                number, _, cursors = self._etag.partition(" ")
                self._number = int(number) if number.isdigit() else 0
                await self._asking.begin(x_cursor.load(cursors or "{}"), tuple(self._accounts))
                self._begun = True
            self._asking.fresh = state.baseline_at is None
            if not self._asking.fresh:
                self._based.set()

    async def _open_purse(self) -> None:
        """Take over what was spent before, ahead of the first call that costs."""
        if not self._paying:
            await self._ask.money.load()
            self._paying = True

    def _acknowledge(self, state: SourceState) -> None:
        """Forget what the last poll brought when it was stored; else bring it again."""
        if state.validators.etag != self._etag:
            self._waiting[:0] = self._offered
        self._offered = []

    async def _wait_for_news(self, seconds: float) -> None:
        self._news.clear()
        if self._waiting:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _reading(self, state: SourceState, *, elapsed: float) -> Reading:
        error = self._asking.error
        lasting = isinstance(error, RefusedError) or not self._asking.answered
        if error is not None and lasting and not self._waiting:
            raise error
        taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        self._offered = taken
        self._number += 1
        before = state.validators.etag.partition(" ")[2]
        cursors = before if self._waiting else x_cursor.dump(self._asking.cursors)
        self._etag = f"{self._number} {cursors}"
        self._raised_at = None
        return Reading(
            items=tuple(self.item(post) for post in sorted(taken, key=lambda post: post.id)),
            unchanged=not taken and state.baseline_at is not None,
            validators=Validators(etag=self._etag),
            elapsed=elapsed,
            problems=() if error is None else (str(error),),
            title="X",
        )

    # --- what comes -------------------------------------------------------------------------

    def _heard(self, post: Post) -> None:
        self._ask.api.charge(post)
        self._hand_on([post])

    def _hand_on(self, posts: Sequence[Post]) -> list[Post]:
        """Let posts wait for the next poll; return those that are news."""
        fresh = [p for p in posts if self.sieve.passes(p, stranger=self.company(p) is None)]
        if fresh:
            self._waiting.extend(fresh)
            self._vigil.watch(fresh)
            self._news.set()
        return fresh

    async def _look_after(self) -> None:
        """Hand on that posts of today are gone."""
        gone = await self._vigil.look()
        if gone:
            roots = {post.root for post in gone}
            self._waiting = [post for post in self._waiting if post.root not in roots]
            self._waiting.extend(replace(post, text="", gone=True) for post in gone)
            self._news.set()

    def _refuse_stream(self, why: str, seconds: float) -> None:
        self._asking.refuse("stream", why, seconds)

    # --- what runs on -----------------------------------------------------------------------

    async def _never_ending(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._based.wait()
        while True:
            try:
                await work()
            except Exception:  # a bug of ours in X stops no feed; it is logged and begun anew
                log.exception("x_crashed")
            await self._clock.sleep(UPKEEP)

    async def _listen(self) -> None:
        if self._asking.strategy.stream and self._rules():
            await self._ask.stream.run(self._rules, self._air)

    def _rules(self) -> Sequence[x_plan.StreamRule]:
        level = self._ask.money.level
        covered = x_plan.covered(self._companies, level)
        keywords = self._asking.keywords.allowed(level)
        return x_plan.rules(covered, self._settings, keywords=keywords)

    async def _keep_asking(self) -> None:
        rounds = self._asking.rounds
        busy: set[str] = set()

        async def look(shard: Shard) -> None:
            try:
                await self._asking.look(shard)
            finally:
                busy.discard(shard.name)
                rounds.put_back([shard], self._clock.now())

        async with asyncio.TaskGroup() as group:
            while True:
                await self._tend()
                now = self._clock.now()
                for shard in rounds.due(now, self._settings.at_once - len(busy)):
                    busy.add(shard.name)
                    group.create_task(look(shard))
                following = rounds.next_due()
                left = TICK if following is None else following - self._clock.now()
                await self._clock.sleep(min(TICK, max(0.05, left)))

    async def _tend(self) -> None:
        if self._asking.replan() and self._air.connected_now:
            try:
                await self._ask.stream.sync(self._rules())
            except TgewatchError as error:
                log.warning("x_rules_not_changed", extra={"why": str(error)})
        if self._air.audit_due():
            self._asking.rounds.hasten(self._clock.now())
        if self._waiting and self._raised_at is not None and self._since(self._raised_at) > WAKE:
            self._raised_at = None
            self.wake()
        if self._since(self._kept_at) >= UPKEEP:
            self._kept_at = self._clock.monotonic()
            await self._ask.money.refresh()
            await self._ask.who.refresh()
            await self._asking.keywords.count(self._ask.money.level)
            await self._look_after()
            await self._keep()

    async def _keep(self, *, now: bool = False) -> None:
        """Save what outlives the process. What the store refuses is tried again the next time."""
        at = self._clock.now()
        try:
            await self._ask.money.save(now=now)
            await self._asking.save(at)
            await self._ask.notes.write_note(TODAY, self._vigil.dump(), at=at)
            await self._ask.notes.write_note(STATUS, orjson.dumps(self.status()), at=at)
        except TgewatchError as error:
            log.warning("x_not_saved", extra={"why": str(error)})

    def _since(self, begun: float) -> float:
        return self._clock.monotonic() - begun
