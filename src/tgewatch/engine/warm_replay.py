"""Replays warm-ups on logged publication times: who is polled right before each batch is read.

Exact for the reason that `experiment` is. A batch is read every so many seconds; right before it,
a share of the sources is polled, chosen by the delay index, in turn, or not at all.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from random import Random

from tgewatch.engine.experiment import Plan, Trace
from tgewatch.rules.calibration import CalibrationLog, Reliability
from tgewatch.rules.delay_index import DelayIndex
from tgewatch.rules.rhythm import Rhythm

WAYS = ("none", "round_robin", "index")


@dataclass(frozen=True, slots=True)
class Warming:
    """When batches are read and what is polled for them."""

    batch: float
    """Seconds from one to the next; also the plan's interval."""
    polls: int
    """Before each, at most one for each source."""
    between: float = 0.0
    """Seconds between the ordinary polls of a source, made alike in every way; 0 for none."""


@dataclass(frozen=True, slots=True)
class Warmth:
    """What the batches knew that were judged."""

    batches: int
    items: int
    """Published since the respective batch before."""
    known: int
    """Of these, seen by a poll when their batch was read."""
    age: float
    """Mean seconds since publication of what is new to a batch; NaN for nothing."""
    polls: int
    """Made to warm up."""
    hits: int
    """Of these, those that found something new."""
    lost: int
    """Items that left their source's window unseen."""
    reliability: Reliability
    """Of the index's predictions for the warm-up polls, whoever chose them."""

    @property
    def share(self) -> float:
        return self.known / self.items if self.items else 0.0


@dataclass(slots=True)
class _Count:
    """What is summed up as batches go by."""

    batches: int = 0
    items: int = 0
    known: int = 0
    polls: int = 0
    hits: int = 0
    lost: int = 0
    ages: float = 0.0
    fresh: int = 0
    log: CalibrationLog = field(default_factory=CalibrationLog)


class _Sources:
    """All sources of a trace, and what polls have shown of them."""

    def __init__(self, series: Sequence["array[float]"], window: int) -> None:
        self._series = series
        self._window = window
        self._seen = [0] * len(series)
        self._index = DelayIndex()
        self._rhythms = [Rhythm() for _ in series]
        for rhythm in self._rhythms:
            rhythm.rate = self._index.tuning.prior_rate
            self._index.add(rhythm)

    def poll(self, source: int, at: float) -> tuple[Sequence[float], int]:
        """Return the times that a poll reveals, and how many it came too late for."""
        times, first = self._series[source], self._seen[source]
        last = bisect_right(times, at, lo=first)
        shown = times[max(first, last - self._window) : last]
        self._seen[source] = last
        self._index.observe(self._rhythms[source], at, shown)
        return shown, last - first - len(shown)

    def expected(self, source: int, at: float) -> float:
        """Return the items that are predicted to be out and not seen."""
        return self._index.risk(self._rhythms[source], at)[0]

    def most_at_risk(self, at: float, count: int) -> Sequence[int]:
        """Return the sources whose unseen items have built up the most delay, that one first."""

        def risk(source: int) -> float:
            return self._index.risk(self._rhythms[source], at)[1]

        return nlargest(count, range(len(self._rhythms)), key=risk)

    def published(self, since: float, until: float) -> int:
        """Return how many items came out after `since` and by `until`."""
        return sum(bisect_right(t, until) - bisect_right(t, since) for t in self._series)


def replay(
    trace: Trace,
    way: str,
    plan: Plan,
    warming: Warming,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Warmth:
    """Replay one of WAYS. Deterministic for the plan's seed; ValueError for a way that is none."""
    if way not in WAYS:
        raise ValueError(f"no way {way!r}; there are {', '.join(WAYS)}")
    sources, count = _Sources(trace.times, plan.window), _Count()
    amount = len(trace.sources)
    polls = min(warming.polls, amount)
    chance = Random(plan.seed).random  # noqa: S311 - a simulation, to be repeated exactly
    at = plan.start + warming.batch * chance()
    phases = [chance() for _ in trace.sources]
    for source in range(amount):  # everybody begins with the same history
        sources.poll(source, plan.start)
    turn, told = 0, plan.start
    chosen: Sequence[int]
    while at <= plan.until:
        since = max(plan.start, at - warming.batch)
        seen = _ordinary(sources, phases, since, at, warming.between)
        if way == "index":
            chosen = sources.most_at_risk(at, polls)
        elif way == "round_robin":
            chosen = [(turn + step) % amount for step in range(polls)]
            turn = (turn + polls) % amount
        else:
            chosen = ()
        judged = count if since >= plan.judged_from else _Count()
        seen += _warm(sources, chosen, at, judged)
        judged.batches += 1
        judged.items += sources.published(since, at)
        judged.known += sum(time > since for times, _ in seen for time in times)
        judged.fresh += sum(len(times) for times, _ in seen)
        judged.ages += sum(at - time for times, _ in seen for time in times)
        judged.lost += sum(lost for _, lost in seen)
        at += warming.batch
        if at >= told:
            progress(min(1.0, (at - plan.start) / (plan.until - plan.start)))
            told += (plan.until - plan.start) / 50
    progress(1.0)
    return Warmth(
        batches=count.batches,
        items=count.items,
        known=count.known,
        age=count.ages / count.fresh if count.fresh else math.nan,
        polls=count.polls,
        hits=count.hits,
        lost=count.lost,
        reliability=count.log.reliability(),
    )


def _ordinary(
    sources: _Sources, phases: Sequence[float], since: float, until: float, interval: float
) -> list[tuple[Sequence[float], int]]:
    """Poll every source at its interval, after `since` and before `until`, in the order of time."""
    if not interval:
        return []
    due: list[tuple[float, int]] = []
    for source, phase in enumerate(phases):
        first = math.floor(since / interval - phase) + 1
        after = math.ceil(until / interval - phase)
        due += [((number + phase) * interval, source) for number in range(first, after)]
    return [sources.poll(source, at) for at, source in sorted(due)]


def _warm(
    sources: _Sources, chosen: Sequence[int], at: float, count: _Count
) -> list[tuple[Sequence[float], int]]:
    """Poll the chosen, and compare what was predicted of each with what came."""
    revealed = []
    for source in chosen:
        expected = sources.expected(source, at)
        times, lost = sources.poll(source, at)
        revealed.append((times, lost))
        count.polls += 1
        count.hits += bool(times)
        count.log.add(-math.expm1(-expected), hit=bool(times))
    return revealed
