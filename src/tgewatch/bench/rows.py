"""The table: which figure stands where, with what beside it, and what it is to reach."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Reached = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a figure, and the same with the feature off or by somebody else."""

    group: str
    title: str
    name: str
    unit: str = ""
    other: str = ""
    """Name of the figure beside it."""
    target: str = ""
    reached: Reached | None = None


def at_most(limit: float) -> Reached:
    return lambda value: value <= limit


def at_least(limit: float) -> Reached:
    return lambda value: value >= limit


def shown(value: float) -> str:
    """Return a number as it is written everywhere: whole, or with three digits that matter."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - not a number
        return "-"
    if float(value).is_integer() or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    if abs(value) >= 10:  # noqa: PLR2004 - as above
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


SPECIFIED = (
    Row("cycle", "a cycle over everything, steady", "cycle.ours.seconds", "s",
        "cycle.naive.seconds", "< 60", at_most(60)),
    Row("cycle", "… as a multiple of the bare client's slowest answer", "cycle.ratio", "times",
        "", "≤ 1.05", at_most(1.05)),
    Row("cycle", "… the first one, with its articles", "cycle.ours.first.seconds", "s",
        "cycle.naive.seconds", "< 60", at_most(60)),
    Row("cycle", "… over what is due", "cycle.due.seconds", "s", "", "< 60", at_most(60)),
    Row("cycle", "the naive client, if it remembers pages", "cycle.remembering.seconds", "s"),
    Row("cycle", "lemon24/reader, ten workers", "cycle.reader.seconds", "s",
        "cycle.reader.first.seconds"),
    Row("told", "95 % of the answers stored and told", "told.ours.seconds", "s",
        "told.bare.seconds"),
    Row("told", "… as a multiple of the bare client's", "told.ratio", "times", "", "≤ 1.2",
        at_most(1.2)),
    Row("requests", "requests a cycle, steady", "calls.ours", "", "calls.naive"),
    Row("requests", "… fewer", "calls.reduction", "%", "", "≥ 90 (30)", at_least(90)),
    Row("requests", "… fewer than a naive client that remembers", "calls.remembering.reduction",
        "%", "calls.remembering"),
    Row("requests", "bytes of a steady cycle saved by validators", "caching.saved", "%",
        "", "30 to 40", at_least(30)),
    Row("requests", "bodies of a steady cycle saved by validators", "caching.bodies.saved", "%"),
    Row("filter", "articles fetched on first sight", "filter.articles", "",
        "filter.off.articles"),
    Row("filter", "… fewer", "filter.saved", "%", "", "≥ 40", at_least(40)),
    Row("pooling", "seconds on the network, every article fetched", "pooling.seconds", "s",
        "pooling.off.seconds"),
    Row("pooling", "… fewer", "pooling.saved", "%", "", "≥ 50", at_least(50)),
    Row("pooling", "… at most, by a client that opens no connection", "pooling.most", "%"),
    Row("pooling", "reuse where a connection was idle", "reuse.possible", "%", "reuse.naive",
        "> 95 (80)", at_least(95)),
    Row("pooling", "reuse within 10 s of an answer of the host", "reuse.within_keep_alive", "%"),
    Row("pooling", "reuse over all requests", "reuse.overall", "%", "reuse.naive"),
    Row("lookups", "calls to look up 150 mentions of 100 users", "batching.calls", "",
        "batching.off.calls"),
    Row("lookups", "… fewer", "batching.saved", "%", "", "≥ 60", at_least(60)),
    Row("cache", "reads that needed no body, after warm-up", "cache.hit_rate", "%",
        "cache.off.hit_rate", "> 70", at_least(70)),
    Row("cache", "… of those that the TTL allows", "cache.hit_rate.allowed", "%", "",
        "> 95", at_least(95)),
    Row("cache", "requests for 100 readers of one feed at once", "cache.herd_requests", "",
        "cache.off.herd_requests", "1", at_most(1)),
    Row("cache", "look-up", "cache.get_microseconds", "µs", "step.dict.get.microseconds",
        "< 5 (1,000)", at_most(5)),
    Row("limits", "requests before a Retry-After was over", "limits.violations", "",
        "limits.naive.violations", "0", at_most(0)),
    Row("limits", "answers 429", "limits.throttled", "", "", "0", at_most(0)),
    Row("delay", "mean delay at equal requests", "delay.seconds", "s", "delay.off.seconds"),
    Row("delay", "… times shorter than fixed polling", "delay.ratio", "times", "", "≥ 1.5",
        at_least(1.5)),
    Row("delay", "95th percentile of the delay", "delay.p95_seconds", "s",
        "delay.off.p95_seconds"),
    Row("memory", "cache", "memory.cache", "MB", "", "< 100", at_most(100)),
    Row("memory", "process, at the largest size", "memory.process", "MB", "", "< 150",
        at_most(150)),
)  # fmt: skip

LARGE = 10_000


def of_size(feeds: int) -> tuple[Row, ...]:
    """Return the lines of one size."""
    name, group = f"size.{feeds}", f"{feeds:,} feeds"
    aim = feeds == LARGE
    return (
        Row(group, "first cycle, beside a bare client", f"{name}.first.seconds", "s",
            f"{name}.first.bare.seconds"),
        Row(group, "first cycle, processor time", f"{name}.first.cpu_seconds", "s",
            f"{name}.first.bare.cpu_seconds"),
        Row(group, "first cycle, 95 % stored and told", f"{name}.first.told_seconds", "s",
            f"{name}.first.bare.told_seconds"),
        Row(group, "steady cycle, beside a bare client", f"{name}.steady.seconds", "s",
            f"{name}.steady.bare.seconds", *(("< 20", at_most(20)) if aim else ())),
        Row(group, "steady cycle, processor time", f"{name}.steady.cpu_seconds", "s",
            f"{name}.steady.bare.cpu_seconds", *(("< 30", at_most(30)) if aim else ())),
        Row(group, "steady cycle, processor time a poll", f"{name}.steady.cpu_ms_per_poll", "ms"),
        Row(group, "steady cycle, 95 % stored and told", f"{name}.steady.told_seconds", "s",
            f"{name}.steady.bare.told_seconds"),
        Row(group, "process", f"{name}.rss_mb", "MB", "", "< 150", at_most(150)),
        Row(group, "cache", f"{name}.cache_mb", "MB", "", "< 100", at_most(100)),
        Row(group, "requests before a Retry-After was over", f"{name}.violations", "", "", "0",
            at_most(0)),
    )  # fmt: skip


STEPS = (
    ("cache.miss", "cache, miss"),
    ("cache.set", "cache, set"),
    ("detect.dismiss", "match, a headline without a term"),
    ("detect.match", "match, an entry"),
    ("detect.judge", "judge, an entry with a term"),
    ("parse.feed", "parse, a feed of 30 entries"),
    ("schedule.1000", "schedule, a poll of 1,000 sources"),
    ("schedule.10000", "schedule, a poll of 10,000 sources"),
    ("limit.turn", "host budget, a turn"),
    ("limit.lease", "ledger, lease and settle"),
)


def rows(sizes: Sequence[int]) -> list[Row]:
    """Return all lines, in order."""
    steps = [Row("steps", title, f"step.{name}.microseconds", "µs") for name, title in STEPS]
    return [*SPECIFIED, *(row for feeds in sizes for row in of_size(feeds)), *steps]


def cells(row: Row, figures: Mapping[str, float]) -> tuple[str, ...] | None:
    """Return what a line says; None when it was not measured."""
    if row.name not in figures:
        return None
    value = figures[row.name]
    verdict = "" if row.reached is None else "reached" if row.reached(value) else "missed"
    other = shown(figures[row.other]) if row.other in figures else ""
    return (row.group, row.title, shown(value), other, row.unit, row.target, verdict)
