"""The queries to X: which there are, when each is asked, and what becomes of what they say."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tgewatch.clock import Clock
from tgewatch.engine.x_air import Air
from tgewatch.engine.x_coverage import Coverage
from tgewatch.engine.x_keywords import KeywordQuota
from tgewatch.engine.x_ports import Collaborators
from tgewatch.engine.x_rounds import Rounds
from tgewatch.engine.x_status import Look, learned, told
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.model import Company, Priority
from tgewatch.model.post import Post
from tgewatch.rules import x_plan
from tgewatch.rules.ledger import Urgency
from tgewatch.rules.x_cursor import Cursor, Found
from tgewatch.rules.x_plan import Shard
from tgewatch.rules.x_strategy import Strategy, choose
from tgewatch.settings import XSettings

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that a query waits for its turn in the ledger; then it is put off, not failed."""
RETRY_WAY = 6 * 3_600.0
"""Seconds until a way that X refused is tried again."""
TIGHT = 0.8
"""Share of the calls that X allows from which there is nothing to give to busy queries."""
PLAN, ROUNDS = "x.plan", "x.rounds"
"""Names of notes."""


class Asking:
    """Asks queries in turn. What it hands on and how far it has read change at the same moment."""

    def __init__(
        self,
        settings: XSettings,
        companies: Sequence[Company],
        *,
        ask: Collaborators,
        clock: Clock,
        chance: Callable[[], float],
        hand_on: Callable[[Sequence[Post]], list[Post]],
        air: Air,
    ) -> None:
        """`hand_on` takes posts, oldest first, and returns those that were news."""
        self._settings = settings
        self._ask = ask
        self._clock = clock
        self._coverage = Coverage(settings, companies)
        self._hand_on = hand_on
        self._air = air
        self._key: tuple[object, ...] = ()
        self._refused: dict[str, tuple[float, str]] = {}
        self._ids: Mapping[str, str] = {}
        self.rounds = Rounds(chance=chance)
        self.keywords = KeywordQuota(settings, ask.api, clock=clock)
        self.looks: dict[str, Look] = {}
        self.strategy = Strategy("packed", stream=False, reason="nothing was asked yet")
        self.live = False
        """It runs on, and so can keep a stream."""
        self.fresh = True
        """Nothing was ever read: the past is read first."""
        self.error: TgewatchError | None = None
        """What went wrong last; None since something answered."""
        self.answered = False
        """Something did, in this process."""

    def __repr__(self) -> str:
        return f"<Asking {self.rounds!r}>"

    @property
    def cursors(self) -> dict[str, Cursor]:
        """How far each query was read."""
        return self._coverage.cursors

    async def begin(self, cursors: dict[str, Cursor], accounts: Sequence[str]) -> None:
        """Take over what was known before, and look the accounts up. Raises what the client raises."""
        self._coverage.load(await self._ask.notes.note(PLAN))
        self._coverage.cursors = cursors
        self.rounds.restore(learned(await self._ask.notes.note(ROUNDS)))
        try:
            self._ids = await self._ask.who.lookup(accounts)
        except RefusedError as error:
            if error.cause in {"x_unauthorized", "usage_capped"}:
                raise
            log.warning("x_users_refused", extra={"why": str(error)})
        self.replan()

    async def save(self, at: float) -> None:
        """Note what outlives the process. Raises what the store raises."""
        await self._ask.notes.write_note(PLAN, self._coverage.dump(), at=at)
        await self._ask.notes.write_note(ROUNDS, told(self.rounds.learned), at=at)

    # --- which ------------------------------------------------------------------------------

    def replan(self) -> bool:
        """Choose strategy and queries anew when what decides them has changed; say whether."""
        level, refused, streaming = self._ask.money.level, self.refused, self._air.streaming
        keywords = self.keywords.allowed(level) and not streaming
        self.strategy = choose(self._settings, refused, level=level, live=self.live)
        limits = {place: self._ask.api.limits.get(place, 0) for place in x_plan.CALLS}
        key = (streaming, self.strategy, level, keywords, "all" in refused, *limits.values())
        if key == self._key:
            return False
        lost = bool(self._key) and self._key[0] is True and not streaming
        self._key = key
        way = replace(self.strategy, stream=streaming)
        shards = self._coverage.plan(way, level=level, keywords=keywords, refused=refused)
        self._coverage.settle(shards)
        least = self._settings.audit if streaming else self._settings.cycle
        allowed = x_plan.pace(shards, {p: n for p, n in limits.items() if n}, least=0.0)
        pace = max(least, allowed)
        now = self._clock.now()
        quiet = max(self._settings.quiet, pace)
        self.rounds.use(
            shards,
            pace=pace,
            quiet=quiet,
            longest=self._settings.audit,
            tight=allowed > TIGHT * least,
            now=now,
        )
        if lost:
            self.rounds.hasten(now)
        log.info("x_strategy", extra={"reason": self.strategy.reason, "shards": len(shards)})
        return True

    @property
    def refused(self) -> dict[str, str]:
        """Return which ways X refuses for now, and why."""
        now = self._clock.monotonic()
        return {way: why for way, (until, why) in self._refused.items() if now < until}

    def refuse(self, way: str, why: str, seconds: float = RETRY_WAY) -> None:
        """Do without a way for so long; 0 takes it back."""
        if seconds:
            self._refused[way] = (self._clock.monotonic() + seconds, why)
        else:
            self._refused.pop(way, None)

    # --- when -------------------------------------------------------------------------------

    async def round(self, seconds: float) -> None:
        """Ask everything that is due once; what takes longer than `seconds` is left."""
        self.replan()
        shards = self.rounds.due(self._clock.now(), len(self.rounds.shards))
        places = asyncio.Semaphore(self._settings.at_once)

        async def look(shard: Shard) -> None:
            async with places:
                await self.look(shard, patience=seconds)

        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for shard in shards:
                    group.create_task(look(shard))
        except TimeoutError:
            log.warning("x_round_unfinished", extra={"seconds": seconds})
        finally:
            self.rounds.put_back(shards, self._clock.now())

    async def look(self, shard: Shard, *, patience: float = PATIENCE) -> None:
        """Ask one query and take in what it brings, or what went wrong."""
        look = self.looks.setdefault(shard.name, Look())
        begun = self._clock.monotonic()
        try:
            found = await self._ask.queries.read(
                shard,
                self.cursors.get(shard.name),
                subject=self._ids.get(shard.query, "") if shard.place == "timeline" else "",
                urgency=_urgency(shard),
                history=self._settings.history if self.fresh else 0.0,
                patience=patience,
            )
        except TransientError as error:
            look.error = str(error)
            now = self._clock.now()
            if error.cause == "rate_limited":  # nothing was sent
                self.rounds.defer(shard, now + (error.retry_after or PATIENCE))
                return
            self.error = error
            self.rounds.failed(shard, at=now, retry_after=error.retry_after)
        except (RefusedError, MalformedError) as error:
            look.error = str(error)
            self.error = error
            self._refuse(shard, error)
            self.rounds.failed(shard, at=self._clock.now(), retry_after=None)
        else:
            self._take(shard, found, look, elapsed=self._clock.monotonic() - begun)

    def _take(self, shard: Shard, found: Found, look: Look, *, elapsed: float) -> None:
        now = self._clock.now()
        self.error, self.answered = None, True
        look.at, look.error = now, found.problem
        look.calls += found.calls
        if shard in self.rounds.shards:  # it was not replaced meanwhile, and its place taken over
            self.cursors[shard.name] = found.cursor
        fresh = self._hand_on(sorted(found.posts, key=lambda post: post.id))
        look.posts += len(fresh)
        self.rounds.done(
            shard,
            at=now,
            published=[post.at for post in fresh],
            wait=self._settings.audit if self._air.streaming else 0.0,
            elapsed=elapsed,
        )

    def _refuse(self, shard: Shard, error: TgewatchError) -> None:
        """Remember which way X refuses, so that another one is chosen."""
        cause = getattr(error, "cause", "")
        if cause in {"x_unauthorized", "usage_capped"}:
            return
        if cause != "x_invalid":
            self.refuse(shard.place, str(error))
        elif shard.name == "list":
            self.refuse("list", str(error))
        else:  # a query of ours is wrong; the way is not
            log.error("x_query_refused", extra={"shard": shard.name, "why": str(error)})


def _urgency(shard: Shard) -> Urgency:
    high = shard.priority is Priority.HIGH and not shard.keywords
    return Urgency.HIGH if high else Urgency.NORMAL
