"""Replays polling policies on logged publication times.

Polling does not change what is published, so a replay on the logged times is exact: a poll reveals
what its source had published by then, as far back as its window reaches. Every policy starts with
the same first polls, learns from its own polls alone, and is judged on the same items.
"""

import csv
import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tgewatch.engine.policies import Fixed, Index, Policy, SquareRoot
from tgewatch.errors import MalformedError
from tgewatch.rules.calibration import CalibrationLog, Reliability
from tgewatch.rules.rhythm import DAY

POLICIES = ("fixed", "index", "index2", "sqrt")
"""index2 weighs the square of a delay."""
WINDOW = 20
"""Entries that a feed shows."""
WARM_UP, LEARNING = 14 * DAY, 7 * DAY
"""Seconds from the first item to the evaluation, and of those with polls; less in short traces."""
TOLERANCE = 0.01
"""Share by which requests may differ from the fixed policy's before the budget is set again."""
ATTEMPTS = 4
RESAMPLES = 1_000
PROBLEMS_SHOWN = 10
LEAST = 50
"""Intervals that a trace must span."""


@dataclass(frozen=True, slots=True)
class Trace:
    """When each source published what, ascending."""

    sources: tuple[str, ...]
    times: tuple["array[float]", ...]

    @property
    def items(self) -> int:
        return sum(map(len, self.times))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay covers, in Unix seconds; the same for every policy."""

    interval: float
    """Seconds between polls of the fixed policy; its requests are everyone's budget."""
    start: float
    """First polls, spread over one interval."""
    judged_from: float
    """Items published and requests made from here on count."""
    until: float
    window: int
    seed: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one policy achieved."""

    delays: tuple["array[float]", ...]
    """Seconds from publication to the poll that revealed it, per source, judged items only."""
    requests: int
    lost: int
    """Items that left the window unseen; the poll that missed them ends their delay."""
    reliability: Reliability
    """Of the predicted probabilities of news; without polls where the policy predicts none."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Delays in seconds."""

    mean: float
    p50: float
    p95: float
    p99: float
    longest: float
    items: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times shorter a mean delay is than the other, with a 95 % interval."""

    value: float
    low: float
    high: float


def read_trace(lines: Iterable[str]) -> Trace:
    """Read CSV with the columns `source` and `published` (ISO 8601; UTC where no zone is given).

    Raises MalformedError naming the lines that cannot be read.
    """
    rows = csv.DictReader(lines)
    problems: list[str] = []
    found: dict[str, list[float]] = {}
    if not rows.fieldnames:
        raise MalformedError("no trace: there is nothing in it")
    if missing := {"source", "published"} - set(rows.fieldnames):
        raise MalformedError(
            f"no trace: the first line names no {' and no '.join(sorted(missing))}"
        )
    try:
        for row in rows:
            source, text = row["source"], row["published"]
            try:
                moment = datetime.fromisoformat((text or "").strip())
            except ValueError:
                problems.append(f"line {rows.line_num}: not an ISO 8601 time: {text!r:.60}")
                continue
            if not source:
                problems.append(f"line {rows.line_num}: no source")
                continue
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            found.setdefault(source, []).append(zoned.timestamp())
    except csv.Error as error:
        problems.append(f"line {rows.line_num + 1}: {error}")
    if not found and not problems:
        problems.append("no items")
    if problems:
        hidden = len(problems) - PROBLEMS_SHOWN
        more = [f"and {hidden} more"] if hidden > 0 else []
        raise MalformedError(f"no trace: {'; '.join(problems[:PROBLEMS_SHOWN] + more)}")
    return Trace(tuple(found), tuple(array("d", sorted(times)) for times in found.values()))


def plan(trace: Trace, *, interval: float, window: int = WINDOW, seed: int = 0) -> Plan:
    """Choose the warm-up and what is judged. Raises MalformedError for a trace that is too short."""
    first = min(times[0] for times in trace.times)
    last = max(times[-1] for times in trace.times)
    span = last - first
    if span < LEAST * interval:
        raise MalformedError(f"the trace spans {span:.0f} s, less than {LEAST} intervals")
    warm_up = min(WARM_UP, 0.4 * span)
    return Plan(
        interval=interval,
        start=first + warm_up * (1 - LEARNING / WARM_UP),
        judged_from=first + warm_up,
        until=last,
        window=window,
        seed=seed,
    )


def replay(
    trace: Trace, name: str, plan: Plan, *, progress: Callable[[float], None] = lambda _: None
) -> Replayed:
    """Replay one of POLICIES. `progress` is told the share that is done.

    The budget of a learning policy is set again, and the replay repeated, while its requests are
    more than one per cent off those of the fixed policy; deterministic for a seed. Raises
    ValueError for a name that is none.
    """
    budget = rate = len(trace.sources) / plan.interval
    wanted = budget * (plan.until - plan.judged_from)
    result = _run(trace, _policy(name, trace, plan, rate), plan, progress)
    for _ in range(ATTEMPTS):
        ratio = result.requests / wanted
        if name == "fixed" or abs(ratio - 1) <= TOLERANCE:
            break
        rate /= min(2.0, max(0.5, ratio))
        result = _run(trace, _policy(name, trace, plan, rate), plan, progress)
    return result


def _policy(name: str, trace: Trace, plan: Plan, rate: float) -> Policy:
    chance = Random(plan.seed).random  # noqa: S311 - a simulation, to be repeated exactly
    starts = [plan.start + plan.interval * chance() for _ in trace.sources]
    if name == "fixed":
        return Fixed(starts, plan.interval, chance=chance)
    if name == "sqrt":
        return SquareRoot(starts, plan.interval, rate=rate)
    if name in {"index", "index2"}:
        return Index(starts, plan.interval, rate=rate, power=2 if name == "index2" else 1)
    raise ValueError(f"no policy {name!r}; there are {', '.join(POLICIES)}")


def _run(trace: Trace, policy: Policy, plan: Plan, progress: Callable[[float], None]) -> Replayed:
    judged_from, until, window = plan.judged_from, plan.until, plan.window
    series = trace.times
    seen = [0] * len(series)
    delays = tuple(array("d") for _ in series)
    left = sum(1 for times in series for time in times if time >= judged_from)
    requests = lost = 0
    log = CalibrationLog()
    tick = (until - plan.start) / 50
    told = plan.start
    while True:
        at, source, expected = policy.next()
        if at >= until and not left:
            break
        if at >= told:
            progress(min(1.0, (at - plan.start) / (until - plan.start)))
            told += tick
        times, first = series[source], seen[source]
        last = first
        while last < len(times) and times[last] <= at:
            last += 1
        fresh = times[max(first, last - window) : last]
        if last > first:
            judged = [at - time for time in times[first:last] if time >= judged_from]
            delays[source].extend(judged)
            left -= len(judged)
            seen[source] = last
            if judged:
                lost += last - first - len(fresh)
        if judged_from <= at < until:
            requests += 1
            if expected == expected:  # noqa: PLR0124 - NaN says nothing
                log.add(-math.expm1(-expected), hit=last > first)
        policy.report(source, at, fresh)
    progress(1.0)
    return Replayed(delays, requests, lost, log.reliability())


def summarise(replayed: Replayed) -> Summary:
    """Sum up the delays; percentiles are the smallest delay that so many do not exceed."""
    delays = sorted(delay for each in replayed.delays for delay in each)
    count = len(delays)
    if not count:
        return Summary(0.0, 0.0, 0.0, 0.0, 0.0, 0)

    def quantile(share: float) -> float:
        return delays[max(0, math.ceil(share * count) - 1)]

    return Summary(
        mean=math.fsum(delays) / count,
        p50=quantile(0.5),
        p95=quantile(0.95),
        p99=quantile(0.99),
        longest=delays[-1],
        items=count,
    )


def compare(trace: Trace, plan: Plan, base: Replayed, other: Replayed) -> Ratio:
    """Return how many times shorter the mean delay of `other` is than that of `base`.

    The interval is a paired bootstrap over days: each resample draws whole days, with the delays
    that both policies had on the same items.
    """
    ours, theirs = _per_day(trace, plan, base), _per_day(trace, plan, other)
    days = sorted(ours)
    pairs = [(ours[day], theirs[day]) for day in days]
    mine, other_sum = math.fsum(a for a, _ in pairs), math.fsum(b for _, b in pairs)
    if other_sum <= 0:
        return Ratio(math.inf, math.inf, math.inf)
    draw = Random(plan.seed)  # noqa: S311 - a bootstrap, to be repeated exactly
    ratios = []
    for _ in range(RESAMPLES):
        chosen = draw.choices(pairs, k=len(pairs))
        ratios.append(sum(a for a, _ in chosen) / max(1e-9, sum(b for _, b in chosen)))
    ratios.sort()
    low, high = ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES)]
    return Ratio(mine / other_sum, low, high)


def _per_day(trace: Trace, plan: Plan, replayed: Replayed) -> dict[int, float]:
    """Return the summed delay of the items published on each day."""
    sums: dict[int, float] = {}
    for times, delays in zip(trace.times, replayed.delays, strict=True):
        judged = (time for time in times if time >= plan.judged_from)
        for time, delay in zip(judged, delays, strict=True):
            day = int(time // DAY)
            sums[day] = sums.get(day, 0.0) + delay
    return sums
