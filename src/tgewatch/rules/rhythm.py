"""How a source publishes: a rate with forgetting, and when in the hour, day and week.

The rate is a Gamma-Poisson estimate whose evidence fades. The profiles (hour of day, five-minute
bin of the hour, weekend) are counts of the source, shrunk towards those of all sources together.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

HOUR = 3_600.0
DAY = 86_400.0
BIN = 300.0
"""Seconds; the grain of the profile within an hour."""
MARK = 60.0
"""Seconds at the start of a bin that are told apart from its rest."""

COUNTS_CAP = 4_096
"""The counts of a source's profile are halved when they reach this, so that old habits fade."""
POOL_CAP = 1 << 20
"""The same for the profile of all sources together."""
BATCH_CAP = 50
"""New items that one poll may count: a site that re-publishes its archive is not that busy."""
HISTORY_CAP = 500


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of the estimate; how the defaults were chosen is told in docs/polling.md."""

    memory: float = 21 * DAY
    """Seconds after which evidence for the rate has faded to 1/e."""
    prior_rate: float = 5 / DAY
    """Items per second of a source that nothing is known about."""
    prior_exposure: float = 0.1 * DAY
    """Seconds of observation that the prior is worth."""
    hour_prior: float = 40.0
    """Items that the common hour and weekend profile is worth."""
    minute_prior: float = 60.0
    """Items that the common profile within the hour is worth."""
    mark_prior: float = 8.0
    """Items in one bin that the common share of its first minute is worth."""
    fast_share: float = 0.15
    """Share of the intensity that follows the last days alone."""
    fast_memory: float = 1.5 * DAY
    """Seconds after which a recent item has faded to 1/e from that share."""


def is_weekend(day: int) -> bool:
    """Tell whether a day, counted from 1970-01-01, is a Saturday or Sunday."""
    return (day + 3) % 7 >= 5  # noqa: PLR2004 - 1970-01-01 was a Thursday


HOURS, MINUTES, MARKS, CELLS = 0, 24, 36, 48
"""Where the counts of hours, five-minute bins, and first minutes of these begin; their number."""


class Profile:
    """Counts of publications by hour of day, five-minute bin of the hour, and weekend.

    Much is published on the mark (`:00`, `:30` …), so the first minute of each five is counted
    apart as well.
    """

    __slots__ = ("counts", "total", "weekend")

    def __init__(self, width: str = "H") -> None:
        """`width` is the type code of `array`: H holds what one source needs."""
        self.counts = array(width, [0] * CELLS)
        self.weekend = 0
        self.total = 0

    def count(self, published: float) -> None:
        """Count one publication."""
        index = int(published // BIN)
        minute = index % 12
        counts = self.counts
        counts[HOURS + index // 12 % 24] += 1
        counts[MINUTES + minute] += 1
        if published - index * BIN < MARK:
            counts[MARKS + minute] += 1
        self.weekend += is_weekend(index // 288)
        self.total += 1

    def add(self, other: "Profile", sign: int = 1) -> None:
        """Add the counts of `other`, or take them away with a `sign` of -1."""
        mine = self.counts
        for index, value in enumerate(other.counts):
            if value:
                mine[index] = max(0, mine[index] + sign * value)
        self.weekend = max(0, self.weekend + sign * other.weekend)
        self.total = max(0, self.total + sign * other.total)

    def halve(self) -> None:
        """Forget half of it."""
        counts = self.counts
        for index, value in enumerate(counts):
            counts[index] = value // 2
        for mark in range(12):
            counts[MARKS + mark] = min(counts[MARKS + mark], counts[MINUTES + mark])
        self.weekend = min(self.weekend // 2, sum(counts[HOURS:MINUTES]))
        self.total = sum(counts[HOURS:MINUTES])


class Rhythm:
    """What is learned of one source. Compact, since there may be a hundred thousand."""

    __slots__ = (
        "at",
        "elapsed",
        "evidence",
        "exposure",
        "fast",
        "judged",
        "longest",
        "newest",
        "period",
        "profile",
        "rate",
        "relevant",
        "share",
        "weight",
    )

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight
        """Relative cost of a second of delay."""
        self.at: float | None = None
        """Last good poll; everything published until then is known."""
        self.evidence = 0.0
        """Items, faded."""
        self.exposure = 0.0
        """Seconds they were observed in, faded alike."""
        self.fast = 0.0
        """Items of about the last day, faded."""
        self.rate = 0.0
        """Items per second as of `at`."""
        self.share = 0.0
        """Its part of the index's sum while it is counted in."""
        self.profile = Profile()
        self.newest: float | None = None
        """Publication time of the newest item."""
        self.period: float | None = None
        """Mean seconds between items as it was when the newest one appeared."""
        self.longest = 0.0
        """Longest gap between two items, fading slowly."""
        self.relevant = 0.0
        """Relevant items among the `judged` ones, both fading."""
        self.judged = 0.0
        self.elapsed = 0.0
        """Seconds that an answer typically takes."""

    def __repr__(self) -> str:
        return f"<Rhythm {self.rate * DAY:.3g}/day from {self.profile.total} items>"

    def learn(self, now: float, published: Sequence[float], tuning: Tuning) -> Sequence[float]:
        """Take in a good poll: the times of items not seen before, or on the first the history.

        Returns the times that were counted, in order. Times after `now` count as now. A new item dated before
        the last poll became visible after it, so it counts as published halfway between.
        """
        if self.at is not None and self.at > now + HOUR:
            # The clock was wrong then: what it said must not stand until it is true.
            self.at = now
            self.newest = self.newest and min(self.newest, now)
        if self.at is None:
            counted = self._begin(now, published, tuning)
        else:
            counted = self._continue(now, published, tuning)
        self.at = max(now, self.at or now)
        self.rate = (self.evidence + tuning.prior_exposure * tuning.prior_rate) / (
            self.exposure + tuning.prior_exposure
        )
        for time in counted:
            self.profile.count(time)
        if counted:
            self.newest = max(counted[-1], self.newest or counted[-1])
            if self.profile.total >= COUNTS_CAP:
                self.profile.halve()
        return counted

    def _begin(self, now: float, published: Sequence[float], tuning: Tuning) -> Sequence[float]:
        history = sorted(min(time, now) for time in published)[-HISTORY_CAP:]
        if len(history) < 2:  # noqa: PLR2004 - one item says nothing about a rate
            return history
        memory = tuning.memory
        # The oldest entry opens the window that the others are counted in.
        self.evidence = sum(math.exp((time - now) / memory) for time in history[1:])
        self.exposure = -memory * math.expm1((history[0] - now) / memory)
        gaps = [later - sooner for sooner, later in pairwise(history)]
        self.period = max(1.0, sum(gaps) / len(gaps))
        self.longest = max(gaps)
        return history

    def _continue(self, now: float, published: Sequence[float], tuning: Tuning) -> Sequence[float]:
        last = self.at or now
        passed = max(0.0, now - last)
        kept = math.exp(-passed / tuning.memory)
        self.evidence *= kept
        # Exact for any split of the time into polls, so how often we look changes nothing.
        self.exposure = self.exposure * kept + tuning.memory * (1.0 - kept)
        if self.fast:
            self.fast *= math.exp(-passed / tuning.fast_memory)
        if not published:
            return ()
        middle = min(now, last + passed / 2)
        times = sorted(min(time, now) if time > last else middle for time in published)
        times = times[-BATCH_CAP:]
        self._note_gap(times[-1], len(times), tuning)
        for time in times:
            self.evidence += math.exp((time - now) / tuning.memory)
            self.fast += math.exp((time - now) / tuning.fast_memory)
        return times

    def _note_gap(self, newest: float, count: int, tuning: Tuning) -> None:
        if self.newest is None:
            return
        gap = max(0.0, newest - self.newest)
        # Half of a record gap is forgotten over about 40 later items.
        self.longest = max(gap, self.longest * 0.983**count)
        if self.exposure > 0:
            rate = (self.evidence + count + 1e-9) / self.exposure
            self.period = max(1.0, min(1.0 / rate, 4 * tuning.memory))

    def judge(self, relevant: int, judged: int) -> None:
        """Take in how many of the new items were relevant."""
        if judged > 0:
            kept = 0.5 ** (judged / 500)
            self.relevant = self.relevant * kept + min(relevant, judged)
            self.judged = self.judged * kept + judged

    def time(self, elapsed: float) -> None:
        """Take in how long an answer took, in seconds."""
        share = 0.3 if self.elapsed else 1.0
        self.elapsed += share * (max(0.0, elapsed) - self.elapsed)


class _Saved(msgspec.Struct, array_like=True):
    """How a rhythm is written down. Changing it needs a new `version`."""

    version: int
    at: float | None
    evidence: float
    exposure: float
    fast: float
    counts: list[int]
    weekend: int
    newest: float | None
    period: float | None
    longest: float
    relevant: float
    judged: float
    elapsed: float
    allowance: list[float]


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(_Saved).decode
_VERSION = 1


def dump(rhythm: Rhythm, allowance: Iterable[float] = ()) -> str:
    """Write a rhythm down as JSON, with the state of the budget that its poll left behind."""
    profile = rhythm.profile
    saved = _Saved(
        version=_VERSION,
        at=rhythm.at,
        evidence=round(rhythm.evidence, 6),
        exposure=round(rhythm.exposure, 1),
        fast=round(rhythm.fast, 6),
        counts=profile.counts.tolist(),
        weekend=profile.weekend,
        newest=rhythm.newest,
        period=rhythm.period and round(rhythm.period, 1),
        longest=round(rhythm.longest, 1),
        relevant=round(rhythm.relevant, 3),
        judged=round(rhythm.judged, 3),
        elapsed=round(rhythm.elapsed, 3),
        allowance=list(allowance),
    )
    return _encode(saved).decode()


def load(text: str, tuning: Tuning, *, weight: float = 1.0) -> tuple[Rhythm, Sequence[float]]:
    """Read what `dump` wrote. Anything else, or nothing, is a rhythm still to be learned."""
    rhythm = Rhythm(weight=weight)
    rhythm.rate = tuning.prior_rate
    try:
        saved = _decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return rhythm, ()
    if not _sound(saved):
        return rhythm, ()
    rhythm.at = saved.at
    rhythm.evidence = saved.evidence
    rhythm.exposure = saved.exposure
    rhythm.fast = saved.fast
    rhythm.profile.counts = array("H", saved.counts)
    rhythm.profile.weekend = saved.weekend
    rhythm.profile.total = sum(saved.counts[HOURS:MINUTES])
    rhythm.newest = saved.newest
    rhythm.period = saved.period
    rhythm.longest = saved.longest
    rhythm.relevant = saved.relevant
    rhythm.judged = saved.judged
    rhythm.elapsed = saved.elapsed
    rhythm.rate = (rhythm.evidence + tuning.prior_exposure * tuning.prior_rate) / (
        rhythm.exposure + tuning.prior_exposure
    )
    return rhythm, saved.allowance


def _sound(saved: _Saved) -> bool:
    """Tell whether every number is one that `dump` can have written."""
    floats = (
        saved.at or 0.0,
        saved.evidence,
        saved.exposure,
        saved.fast,
        saved.newest or 0.0,
        saved.period or 0.0,
        saved.longest,
        saved.relevant,
        saved.judged,
        saved.elapsed,
    )
    return (
        saved.version == _VERSION
        and len(saved.counts) == CELLS
        and all(0 <= value <= COUNTS_CAP for value in (*saved.counts, saved.weekend))
        and saved.weekend <= sum(saved.counts[HOURS:MINUTES])
        and all(saved.counts[MARKS + i] <= saved.counts[MINUTES + i] for i in range(12))
        and all(0 <= value < 1e15 for value in floats)  # noqa: PLR2004 - absurd
    )
