"""Asks somebody else about verdicts that are unsure, after they are stored and never in their way.

The local verdict stands until an answer came, and for good when none comes: endpoint gone, budget
spent, answer unusable. What is asked, and how far an answer may go, is `detect.advice`'s.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol

import orjson

from tgewatch.clock import Clock
from tgewatch.detect.advice import Advice, Question, advised, opinion_in, question_of
from tgewatch.engine.pipeline import Pipeline, voiced
from tgewatch.errors import RefusedError, TgewatchError, TransientError
from tgewatch.model import Judged, Kind, Source, Stored
from tgewatch.settings import DetectionSettings, SecondOpinionSettings

log = logging.getLogger(__name__)

NOTE = "second_opinion"
"""Name of the note that holds what was spent today, and the answers that are remembered."""
WAITING = 256
"""Items that wait for an opinion at once; what finds no place keeps its local verdict."""
STREAK = 3
"""Failures in a row after which nobody is asked for `PAUSE`."""
PAUSE = 600.0
"""Seconds."""
REFUSED_PAUSE = 3_600.0
"""Seconds, after an answer that asking again does not change (wrong key, unknown model)."""
LONGEST_PAUSE = 86_400.0
MILLION = 1e6


class Adviser(Protocol):
    """Somebody who answers."""

    async def ask(self, question: Question) -> Advice:
        """Return an answer. Raises TransientError, RefusedError or MalformedError."""


class OpinionStore(Protocol):
    """What a second opinion needs of the store."""

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        """Replace what was judged of known items of one source, and merge their claims."""

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        """Note something small under a name; None removes it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item that is unsure."""

    source: Source
    judged: Judged


@dataclass(slots=True)
class Purse:
    """What was spent today (UTC), and the answers that are remembered."""

    day: str = ""
    calls: int = 0
    dollars: float = 0.0
    answers: "OrderedDict[str, dict[str, Any]]" = field(default_factory=OrderedDict)
    """Identity of a question → advice and when it was given, oldest first."""

    def turn(self, now: float) -> None:
        """Begin a new day when it is one."""
        today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        if today != self.day:
            self.day, self.calls, self.dollars = today, 0, 0.0

    def remembered(self, identity: str, now: float, ttl: float) -> Advice | None:
        """Return an answer that still holds."""
        held = self.answers.get(identity)
        if held is None:
            return None
        try:
            if not 0.0 <= now - held["at"] <= ttl:
                return None
            kind = Kind(held["kind"]) if held["kind"] else None
            return Advice(held["relevant"], held["confidence"], kind, held["reason"], held["model"])
        except (KeyError, TypeError, ValueError):  # not of our writing
            return None

    def remember(self, identity: str, advice: Advice, now: float, most: int) -> None:
        """Keep an answer, and let go of the oldest beyond `most`."""
        self.answers.pop(identity, None)
        self.answers[identity] = {
            "relevant": advice.relevant,
            "confidence": advice.confidence,
            "kind": advice.kind,
            "reason": advice.reason,
            "model": advice.model,
            "at": now,
        }
        while len(self.answers) > most:
            self.answers.popitem(last=False)

    def written(self) -> bytes:
        """Return it as it is kept."""
        return orjson.dumps(
            {"day": self.day, "calls": self.calls, "dollars": self.dollars, "answers": self.answers}
        )

    @classmethod
    def read(cls, content: bytes | None) -> "Purse":
        """Return what was kept; what cannot be read counts as nothing."""
        try:
            held = orjson.loads(content or b"{}")
            return cls(
                str(held["day"]),
                int(held["calls"]),
                float(held["dollars"]),
                OrderedDict(held["answers"]),
            )
        except (KeyError, TypeError, ValueError):
            return cls()


class SecondOpinions:
    """Takes items as they are stored, asks about the unsure ones, and stores what follows."""

    def __init__(
        self,
        adviser: Adviser,
        *,
        settings: SecondOpinionSettings,
        detection: DetectionSettings,
        store: OpinionStore,
        clock: Clock,
        voices: Mapping[str, str] = MappingProxyType({}),
        told: Callable[[], None] = lambda: None,
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Call `told` when an answer has put something into the outbox.

        `voices` names the company of each account, by handle in lower case.
        """
        self._adviser = adviser
        self._settings = settings
        self._detection = detection
        self._voices = voices
        self._store = store
        self._clock = clock
        self._told = told
        self._count_too = count
        self._queue: asyncio.Queue[_Asked] = asyncio.Queue(WAITING)
        self._purse: Purse | None = None
        self._lock = asyncio.Lock()
        self._paused_until = 0.0
        self._streak = 0
        self.counts: Counter[str] = Counter()
        """asked, remembered, moved, over_budget, paused, no_place, and failed.CAUSE → items."""

    def __repr__(self) -> str:
        return f"<SecondOpinions {dict(self.counts)}, {self._queue.qsize()} waiting>"

    def settled(self, source: Source, judged: Sequence[Judged], *, baseline: bool) -> None:
        """Take what is unsure of items that are stored; history is not asked about."""
        if baseline:
            return
        low, high = self._settings.band
        for one in judged:
            if one.verdict is None or not low <= one.verdict.confidence <= high:
                continue
            if opinion_in(one.verdict) is not None:
                continue
            if self._queue.full():
                self._count("no_place")
                continue
            self._queue.put_nowait(_Asked(source, one))

    @asynccontextmanager
    async def asking(self, *, last: float) -> AsyncIterator[None]:
        """Ask while the block lasts, and for `last` seconds more about what waits then.

        What is left after that keeps its local verdict.
        """
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._serve()) for _ in range(self._settings.at_once)]
            try:
                yield
                await self._finish(last)
            finally:
                for worker in workers:
                    worker.cancel()

    async def _finish(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            log.warning("second opinions took too long", extra={"left": self._queue.qsize()})

    async def _serve(self) -> None:
        while True:
            asked = await self._queue.get()
            try:
                await self._consider(asked)
            except TgewatchError as error:  # the store's: the local verdict stands
                self._count(f"failed.{getattr(error, 'cause', 'error')}")
            except Exception:  # the task boundary: no opinion ends a watch
                log.exception("second opinion crashed", extra={"url": asked.judged.item.url})
                self._count("failed.crash")
            finally:
                self._queue.task_done()

    async def _consider(self, asked: _Asked) -> None:
        judged = asked.judged
        if judged.verdict is None:
            return
        question = question_of(judged.item, judged.article_text, model=self._settings.model)
        advice = await self._answer(question)
        if advice is None:
            return
        verdict = advised(judged.verdict, advice, self._detection, bound=self._settings.bound)
        now = self._clock.now()
        voice = voiced(asked.source, judged.item, self._voices)
        again = Pipeline.with_verdict(voice, judged, verdict, now=now, baseline=False)
        stored = await self._store.commit_rejudged(asked.source, (again,), at=now)
        if (again.claim is None) is not (judged.claim is None):
            self._count("moved")
        if stored.outgoing:
            self._told()

    async def _answer(self, question: Question) -> Advice | None:
        """Return an answer, remembered or asked for; None where the local verdict stands."""
        purse = await self._opened()
        now = self._clock.now()
        known = purse.remembered(question.identity, now, self._settings.ttl)
        if known is not None:
            self._count("remembered")
            return known
        if now < self._paused_until:
            self._count("paused")
            return None
        expected = self._price(question.tokens, self._settings.tokens)
        if not await self._afford(purse, expected, now):
            return None
        self._count("asked")
        try:
            advice = await self._adviser.ask(question)
        except TgewatchError as error:
            self._fail(error)
            return None
        self._streak = 0
        async with self._lock:
            if advice.tokens_in or advice.tokens_out:
                spent = self._price(advice.tokens_in, advice.tokens_out)
                purse.dollars = max(0.0, purse.dollars + spent - expected)
            purse.remember(question.identity, advice, self._clock.now(), self._settings.remembered)
            await self._keep(purse)
        return advice

    async def _opened(self) -> Purse:
        async with self._lock:
            if self._purse is None:
                self._purse = Purse.read(await self._store.note(NOTE))
            return self._purse

    async def _afford(self, purse: Purse, expected: float, now: float) -> bool:
        """Book a question before it is asked, so that a crash spends nothing twice."""
        limit = self._settings
        async with self._lock:
            purse.turn(now)
            within = purse.calls < limit.calls and (
                not limit.dollars or purse.dollars + expected <= limit.dollars
            )
            if not within:
                if not self.counts["over_budget"]:
                    log.warning("the day's budget for second opinions is spent")
                self._count("over_budget")
                return False
            purse.calls += 1
            purse.dollars += expected
            await self._keep(purse)
        return True

    async def _keep(self, purse: Purse) -> None:
        await self._store.write_note(NOTE, purse.written(), at=self._clock.now())

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        prices = self._settings
        return (tokens_in * prices.price_in + tokens_out * prices.price_out) / MILLION

    def _fail(self, error: TgewatchError) -> None:
        cause = getattr(error, "cause", "error")
        self._count(f"failed.{cause}")
        self._streak += 1
        pause = PAUSE if self._streak >= STREAK else 0.0
        if isinstance(error, RefusedError):
            pause = REFUSED_PAUSE
        elif isinstance(error, TransientError) and error.retry_after is not None:
            pause = max(pause, min(error.retry_after, LONGEST_PAUSE))
        if pause:
            self._paused_until = max(self._paused_until, self._clock.now() + pause)
            log.warning("no second opinions for a while", extra={"cause": cause, "seconds": pause})

    def _count(self, what: str) -> None:
        self.counts[what] += 1
        self._count_too(f"second_opinion_{what.replace('.', '_')}")


def standing(
    content: bytes | None, settings: SecondOpinionSettings, now: float
) -> Mapping[str, Any]:
    """Return what was spent today and how many answers are remembered, for people."""
    purse = Purse.read(content)
    purse.turn(now)
    return {
        "calls": purse.calls,
        "calls_limit": settings.calls,
        "dollars": round(purse.dollars, 6),
        "dollars_limit": settings.dollars,
        "remembered": len(purse.answers),
    }
