"""Which source to poll next: the one whose expected delay has grown past a threshold.

For a source polled last at s, the weighted delay that its unseen items have built up by t is
D(t) = w * integral from s to t of lam(u) (t - u) du. It is due when D reaches mu, where mu follows
from the budget R of polls per second: mu = trim * (sum sqrt(w lam))^2 / (2 R^2). For constant
rates this is the square-root allocation of Sia, Cho and Cho (TKDE 2007), and D = mu is the
Whittle index of paying mu per poll. With `power` 2 the delay is squared, which shortens the tail
at the cost of the mean: mu = trim * (sum (w lam)^(1/3) / R)^3 / 3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tgewatch.rules.rhythm import (
    BIN,
    DAY,
    HOURS,
    MARK,
    MARKS,
    MINUTES,
    POOL_CAP,
    Profile,
    Rhythm,
    Tuning,
    is_weekend,
)

ON_MARK, OFF_MARK = BIN / MARK, BIN / (BIN - MARK)
"""What a share of a bin's items, in its first minute or the rest, is in units of the bin's rate."""
LOOK_BACK = 2 * DAY
"""Seconds of unseen items that a present risk looks back over at most."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that moves a source's intensity."""

    name: str
    value: float
    """Multiplies the slow rate; `fast` is the ratio of the whole to the part without it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a source is due when it is."""

    per_day: float
    """Learned items per day."""
    weight: float
    threshold: float
    """Weighted item-seconds (or item-seconds squared) of delay at which it is due."""
    risk: float
    """Of those, built up so far."""
    expected: float
    """Unseen items expected by now."""
    due_in: float
    """Seconds; negative when overdue."""
    factors: tuple[Factor, ...]
    """What moves the intensity now: hour, week, minute, fast."""


class DelayIndex:
    """The common knowledge of all sources: their joint profile and the threshold."""

    def __init__(self, *, tuning: Tuning | None = None, power: int = 1) -> None:
        self.tuning = tuning or Tuning()
        self.power = power
        """1: the mean delay counts; 2: the mean square."""
        self.sum = 0.0
        """Of (weight * rate) ** (1 / (power + 1)) over all sources."""
        self.sources = 0
        self._pool = Profile("L")
        self._hours = [0.0] * 24
        self._minutes = [0.0] * 12
        self._marks = [0.0] * 12
        self._weekend = 0.0
        self._refresh()

    def __repr__(self) -> str:
        return f"<DelayIndex of {self.sources} sources, power {self.power}>"

    @property
    def pool(self) -> Profile:
        """When all sources together publish; to be read."""
        return self._pool

    def _settle(self, rhythm: Rhythm) -> None:
        """Bring the sum up to date with a source's rate and weight."""
        priced = rhythm.weight * rhythm.rate
        share = math.sqrt(priced) if self.power == 1 else priced ** (1.0 / (self.power + 1))
        self.sum += share - rhythm.share
        rhythm.share = share

    def _refresh(self) -> None:
        """Work out what the joint profile adds to each source's counts."""
        pool, tuning = self._pool, self.tuning
        counts = pool.counts.tolist()
        hours, minutes, marks = counts[:MINUTES], counts[MINUTES:MARKS], counts[MARKS:]
        # A few imagined items keep the joint profile flat until there is evidence.
        scale = tuning.hour_prior / (pool.total + 48)
        self._hours = [scale * (count + 2) for count in hours]
        scale = tuning.minute_prior / (pool.total + 48)
        self._minutes = [scale * (count + 4) for count in minutes]
        self._marks = [
            tuning.mark_prior * (first + 40 / ON_MARK) / (count + 40)
            for first, count in zip(marks, minutes, strict=True)
        ]
        self._weekend = tuning.hour_prior * (pool.weekend + 20 * 2 / 7) / (pool.total + 20)

    def add(self, rhythm: Rhythm) -> None:
        """Count a source in. Its rate and weight must be set."""
        rhythm.share = 0.0
        self._settle(rhythm)
        self.sources += 1
        if rhythm.profile.total:
            self._pool.add(rhythm.profile)
            self._refresh()

    def remove(self, rhythm: Rhythm) -> None:
        """Take out a source that was added."""
        self.sources -= 1
        # Starting from zero again takes out what rounding has left.
        self.sum = max(0.0, self.sum - rhythm.share) if self.sources else 0.0
        self._pool.add(rhythm.profile, -1)
        self._refresh()

    def reweigh(self, rhythm: Rhythm, weight: float) -> None:
        """Change the weight of a source that was added."""
        rhythm.weight = weight
        self._settle(rhythm)

    def observe(self, rhythm: Rhythm, now: float, published: Sequence[float]) -> None:
        """Learn from a good poll; see `Rhythm.learn`."""
        counted = rhythm.learn(now, published, self.tuning)
        self._settle(rhythm)
        if not counted:
            return
        for time in counted:
            self._pool.count(time)
        if self._pool.total >= POOL_CAP:
            self._pool.halve()
        self._refresh()

    def threshold(self, rate: float, trim: float) -> float:
        """Return mu for `rate` polls per second."""
        if rate <= 0:
            return math.inf
        power = self.power + 1
        return trim * (self.sum / rate) ** power / power

    def due(self, rhythm: Rhythm, since: float, mu: float, until: float) -> tuple[float, float]:
        """Return when the delay built up since `since` reaches `mu`, and the items expected then.

        Never later than `until`. The intensity is constant within the first minute and within the
        rest of each five-minute bin of the clock, so the delay is a polynomial in each piece and
        the crossing is found exactly.
        """
        limit = mu / rhythm.weight
        tuning, counts, total = self.tuning, rhythm.profile.counts, rhythm.profile.total
        hours, minutes, marks = self._hours, self._minutes, self._marks
        mark_prior = tuning.mark_prior
        weekend = (self._weekend + rhythm.profile.weekend) / (tuning.hour_prior + total)
        base = rhythm.rate * (1.0 - tuning.fast_share)
        base *= 288.0 / ((tuning.hour_prior + total) * (tuning.minute_prior + total))
        workdays, weekends = base * (1.0 - weekend) * 1.4, base * weekend * 3.5
        index = int(since // BIN)
        start = index * BIN
        fast = self._fast_at(rhythm, start + BIN / 2)
        fade = math.exp(-BIN / tuning.fast_memory)
        time, expected, risk, squared = since, 0.0, 0.0, 0.0
        hourly = -1.0
        quadratic = self.power == 1
        while time < until:
            minute = index % 12
            if hourly < 0.0 or minute == 0:
                hour = index // 12 % 24
                hourly = weekends if is_weekend(index // 288) else workdays
                hourly *= hours[hour] + counts[hour]
            count = counts[24 + minute]
            rate = hourly * (minutes[minute] + count) + fast
            first = (marks[minute] + counts[36 + minute]) / (mark_prior + count)
            edge = start + MARK
            if time < edge:
                rate *= ON_MARK * first
            else:
                rate *= OFF_MARK * (1.0 - first)
                index += 1
                start += BIN
                edge = start
                fast *= fade
            edge = min(edge, until)
            step = edge - time
            grown = risk + step * (expected + 0.5 * rate * step)
            if quadratic:
                if grown >= limit:
                    root = math.sqrt(expected * expected + 2.0 * rate * (limit - risk))
                    step = (root - expected) / rate
                    return time + step, expected + rate * step
            else:
                more = squared + step * (2.0 * risk + step * (expected + rate * step / 3.0))
                if more >= limit:
                    step = _crossing(squared - limit, risk, expected, rate, step)
                    return time + step, expected + rate * step
                squared = more
            risk = grown
            expected += rate * step
            time = edge
        return max(since, until), expected

    def _fast_at(self, rhythm: Rhythm, time: float) -> float:
        """Return the items per second that the last days alone suggest."""
        if not rhythm.fast:
            return 0.0
        tuning = self.tuning
        age = max(0.0, time - (rhythm.at or time))
        share = tuning.fast_share / tuning.fast_memory
        return share * rhythm.fast * math.exp(-age / tuning.fast_memory)

    def risk(self, rhythm: Rhythm, now: float) -> tuple[float, float]:
        """Return the unseen items expected by `now` and the weighted delay they have built up.

        Looks back over at most `LOOK_BACK` seconds.
        """
        if rhythm.at is None or now <= rhythm.at:
            return 0.0, 0.0
        expected = risk = squared = 0.0
        time = max(rhythm.at, now - LOOK_BACK)
        while time < now:
            bin_start = time // BIN * BIN
            edge = bin_start + (MARK if time < bin_start + MARK else BIN)
            edge = min(edge, now)
            step = edge - time
            rate = self.intensity(rhythm, time)
            squared += step * (2.0 * risk + step * (expected + rate * step / 3.0))
            risk += step * (expected + 0.5 * rate * step)
            expected += rate * step
            time = edge
        return expected, rhythm.weight * (risk if self.power == 1 else squared)

    def intensity(self, rhythm: Rhythm, time: float) -> float:
        """Return the items per second to expect of a source at `time`."""
        hour, week, minute, mark = self._factors(rhythm, time)
        slow = rhythm.rate * (1.0 - self.tuning.fast_share) * hour * week * minute
        return (slow + self._fast_at(rhythm, time)) * mark

    def _factors(self, rhythm: Rhythm, time: float) -> tuple[float, float, float, float]:
        tuning, counts, total = self.tuning, rhythm.profile.counts, rhythm.profile.total
        index = int(time // BIN)
        hour, minute = index // 12 % 24, index % 12
        by_hour, by_minute = tuning.hour_prior + total, tuning.minute_prior + total
        weekend = (self._weekend + rhythm.profile.weekend) / by_hour
        count = counts[MINUTES + minute]
        first = (self._marks[minute] + counts[MARKS + minute]) / (tuning.mark_prior + count)
        return (
            24 * (self._hours[hour] + counts[HOURS + hour]) / by_hour,
            weekend * 3.5 if is_weekend(index // 288) else (1 - weekend) * 1.4,
            12 * (self._minutes[minute] + count) / by_minute,
            ON_MARK * first if time - index * BIN < MARK else OFF_MARK * (1 - first),
        )

    def weekend_factor(self, rhythm: Rhythm) -> float:
        """Return how busy a weekend day is, as a share of a working day."""
        weekend = (self._weekend + rhythm.profile.weekend) / (
            self.tuning.hour_prior + rhythm.profile.total
        )
        return min(1.0, weekend * 3.5 / max(1e-9, (1 - weekend) * 1.4))

    def explain(self, rhythm: Rhythm, now: float, *, mu: float, longest: float) -> Explanation:
        """Say why a source is due when it is."""
        since = now if rhythm.at is None else rhythm.at
        hour, week, minute, mark = self._factors(rhythm, now)
        slow = rhythm.rate * (1.0 - self.tuning.fast_share) * hour * week * minute
        expected, risk = self.risk(rhythm, now)
        due, _ = self.due(rhythm, since, mu, since + longest)
        fast = 1.0 + self._fast_at(rhythm, now) / slow if slow > 0 else 1.0
        named = (("hour", hour), ("week", week), ("minute", minute * mark), ("fast", fast))
        return Explanation(
            per_day=rhythm.rate * DAY,
            weight=rhythm.weight,
            threshold=mu,
            risk=risk,
            expected=expected,
            due_in=due - now,
            factors=tuple(Factor(name, value) for name, value in named),
        )


def _crossing(squared: float, risk: float, expected: float, rate: float, step: float) -> float:
    """Find where the cubic of the squared delay turns positive in (0, step], by bisection."""
    low, high = 0.0, step
    for _ in range(30):
        middle = (low + high) / 2
        value = squared + middle * (2.0 * risk + middle * (expected + rate * middle / 3.0))
        low, high = (low, middle) if value >= 0 else (middle, high)
    return high
