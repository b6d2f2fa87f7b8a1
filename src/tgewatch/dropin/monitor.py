"""The monitor under the names of the specification, over the recorder."""

import logging
import math
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tgewatch.clock import Clock, SystemClock
from tgewatch.dropin.process import process, state_folder
from tgewatch.metrics.archive import read_metrics
from tgewatch.metrics.export import report, save, summary
from tgewatch.metrics.recorder import Baseline, Recorder, mean
from tgewatch.metrics.targets import SPECIFIED, Check, Target, check

log = logging.getLogger(__name__)

STATED: Mapping[str, float] = MappingProxyType(
    {"avg_cycle_time": 90.0, "avg_api_calls": 150.0, "cache_hit_rate": 0.0}
)
"""The baseline that the specification states. Nothing is judged by it until one is measured."""
SCRAPERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "news_scraper": ("articles_found", "feeds_processed"),
        "twitter_monitor": ("tweets_found", "users_fetched", "rate_limit_hits"),
    }
)
SHARED = ("cycles", "cache_hits", "cache_misses", "api_calls")
DEDUPLICATION = ("total_items", "duplicates_removed", "unique_items")
COMPONENTS = 100
"""Different components that are counted; further ones are not."""


class PerformanceMonitor:
    """Records cycles, operations and components, and holds them against targets.

    May be used from any thread. Nothing but the caller sets `baseline_metrics`: later cycles do
    not, so that an improvement stays measured against what it was before.
    """

    def __init__(self, history_size: int = 100, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.recorder = Recorder(clock=self._clock, history=history_size)
        self.baseline_metrics: dict[str, float] = dict(STATED)
        """avg_cycle_time (seconds), avg_api_calls, cache_hit_rate (percent)."""
        self.targets: tuple[Target, ...] = SPECIFIED
        self.measured_elsewhere: Callable[[], Mapping[str, float | None]] = dict
        """Returns measures that others take, as the reuse of connections."""
        self._lock = threading.Lock()
        self._components: dict[str, Counter[str]] = {
            **{name: Counter() for name in SCRAPERS},
            "deduplication": Counter(),
        }
        self._seconds: dict[str, float] = {}
        self._saved = 0
        """Cycles of ours that the file has counted."""

    def __repr__(self) -> str:
        return f"<PerformanceMonitor {self.recorder!r}>"

    @property
    def history_size(self) -> int:
        """Cycles that are remembered; may be changed at any time."""
        return self.recorder.history

    @history_size.setter
    def history_size(self, amount: int) -> None:
        self.recorder.history = amount

    @property
    def metrics_file(self) -> Path:
        """Where `save_metrics` writes: performance_metrics.json in the state folder."""
        return state_folder() / "performance_metrics.json"

    # --- what happens ---------------------------------------------------------------------

    def timer(self, operation_name: str) -> AbstractContextManager[None]:
        """Time the body of a `with`; one that raises counts as failed."""
        return self.recorder.timer(operation_name)

    def record_operation(self, operation_name: str, duration: float, success: bool = True) -> None:  # noqa: FBT001, FBT002 - the original's
        """Take in a duration in seconds. Raises ValueError for one that is none."""
        if not math.isfinite(duration):
            raise ValueError(f"duration {duration} is not a number of seconds")
        self.recorder.observe(operation_name, duration, failed=not success)

    def start_cycle(self) -> None:
        """Begin a cycle; one that was never ended is forgotten."""
        self.recorder.drop_cycle()
        self.recorder.start_cycle("drop-in")

    def end_cycle(self) -> None:
        """End the cycle; without one it does nothing."""
        self.recorder.end_cycle()

    def cycle(self) -> AbstractContextManager[None]:
        """Let the body of a `with` be a cycle, or part of the one under way."""
        return self.recorder.cycle("drop-in")

    def record_api_call(self, component: str = "unknown") -> None:
        self.add(component, api_calls=1)

    def record_cache_access(self, component: str, hit: bool) -> None:  # noqa: FBT001 - the original's
        self.add(component, **{"cache_hits" if hit else "cache_misses": 1})

    def record_deduplication(self, total: int, duplicates: int) -> None:
        """Take in how many items there were and how many of them were known, never more than all."""
        total = max(0, total)
        duplicates = min(max(0, duplicates), total)
        self.add(
            "deduplication",
            total_items=total,
            duplicates_removed=duplicates,
            unique_items=total - duplicates,
        )

    def record_scraper_cycle(
        self, articles_found: int, feeds_processed: int, duration: float
    ) -> None:
        """Take in one cycle of the news scraper; `duration` in seconds."""
        self.add(
            "news_scraper",
            cycles=1,
            articles_found=articles_found,
            feeds_processed=feeds_processed,
        )
        self._took("news_scraper", duration)

    def record_twitter_cycle(
        self,
        tweets_found: int,
        users_fetched: int,
        duration: float,
        rate_limit_hit: bool = False,  # noqa: FBT001, FBT002 - the original's
    ) -> None:
        """Take in one cycle of the Twitter monitor; `duration` in seconds."""
        self.add(
            "twitter_monitor",
            cycles=1,
            tweets_found=tweets_found,
            users_fetched=users_fetched,
            rate_limit_hits=int(rate_limit_hit),
        )
        self._took("twitter_monitor", duration)

    def add(self, component: str, **counts: int) -> None:
        """Add to the counts of a component, and to the cycle under way."""
        with self._lock:
            if component not in self._components and len(self._components) < COMPONENTS:
                self._components[component] = Counter()
            if component in self._components:
                self._components[component].update(counts)
        for what in ("api_calls", "cache_hits", "cache_misses"):
            if counts.get(what):
                self.recorder.count(what, counts[what])

    def _took(self, component: str, seconds: float) -> None:
        with self._lock:
            self._seconds[component] = self._seconds.get(component, 0.0) + seconds

    # --- what is known --------------------------------------------------------------------

    def get_operation_stats(self, operation_name: str) -> dict[str, Any]:
        """Return count, milliseconds and success in percent; an unknown operation has none."""
        record = self.recorder.record()
        component, _, operation = operation_name.rpartition(".")
        name = ("program", operation_name)
        if name not in record.operations:
            name = (component, operation)
        timing, errors = record.operations.get(name), record.errors.get(name, 0)
        if timing is None:
            return _operation(0, 0, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
        seconds = (
            timing.mean, timing.shortest, timing.longest, timing.p50, timing.p95, timing.p99
        )  # fmt: skip
        return _operation(timing.count, errors, seconds)

    def get_component_stats(self, component: str) -> dict[str, Any]:
        """Return the counts of a component and what follows from them; {} for an unknown one."""
        with self._lock:
            if component not in self._components:
                return {}
            counts = Counter(self._components[component])
            seconds = self._seconds.get(component, 0.0)
        if component == "deduplication":
            return _deduplication(counts)
        names = (*SHARED, *SCRAPERS.get(component, ()))
        stats: dict[str, Any] = {**dict.fromkeys(names, 0), **counts}
        cycles = stats["cycles"]
        stats["total_time"] = round(seconds, 4)
        stats["avg_cycle_time"] = round(seconds / cycles, 4) if cycles else 0.0
        stats["cache_hit_rate"] = _percent(stats["cache_hits"], stats["cache_misses"])
        for what in ("articles", "tweets"):
            if f"{what}_found" in stats:
                per_cycle = stats[f"{what}_found"] / cycles if cycles else 0.0
                stats[f"{what}_per_cycle"] = round(per_cycle, 2)
        return stats

    def get_cycle_stats(self) -> dict[str, Any]:
        """Return what the remembered cycles took, against `baseline_metrics`."""
        cycles = self.recorder.record().cycles
        base = self.baseline_metrics
        seconds = [cycle.seconds for cycle in cycles]
        calls = [cycle.counts.get("api_calls", 0) for cycle in cycles]
        duration, asked = mean(seconds) or 0.0, mean(calls) or 0.0
        reduction = _reduction(base.get("avg_api_calls", 0.0), asked) if cycles else 0.0
        faster = _reduction(base.get("avg_cycle_time", 0.0), duration) if cycles else 0.0
        return {
            "total_cycles": len(cycles),
            "avg_duration": round(duration, 4),
            "min_duration": round(min(seconds, default=0.0), 4),
            "max_duration": round(max(seconds, default=0.0), 4),
            "avg_api_calls": round(asked, 2),
            "baseline_duration": base.get("avg_cycle_time", 0.0),
            "baseline_api_calls": base.get("avg_api_calls", 0.0),
            "baseline_measured": self._baseline() is not None,
            "improvement_percent": round(faster, 2),
            "api_reduction_percent": round(reduction, 2),
            "target_duration_met": bool(cycles) and duration < self._limit("cycle_seconds"),
            "target_api_reduction_met": bool(cycles) and reduction >= self._limit("call_reduction"),
            "target_met": bool(cycles) and duration < self._limit("cycle_seconds"),
        }

    def checks(self) -> tuple[Check, ...]:
        """Hold what was measured against the targets; a baseline that was only stated is none."""
        return check(self._measures(), self.targets)

    def get_performance_report(self) -> dict[str, Any]:
        """Return everything, as `save_metrics` writes it."""
        self._tell_baseline()
        whole = report(self.recorder, targets=self.targets, extra=self._measures())
        operations = self.recorder.record().operations
        names = [o if c == "program" else f"{c}.{o}" for c, o in operations]
        with self._lock:
            components = tuple(self._components)
        return {
            "timestamp": datetime.fromtimestamp(self._clock.now(), UTC).isoformat(),
            "cycle_stats": self.get_cycle_stats(),
            **{name: self.get_component_stats(name) for name in components},
            "operation_stats": {name: self.get_operation_stats(name) for name in names},
            "baseline_metrics": dict(self.baseline_metrics),
            **whole,
        }

    def print_summary(self) -> None:
        """Print the validation of the targets, as the specification shows it.

        An output that has no ✓ gets a ?.
        """
        text = summary(self.checks()) + "\n"
        coding = getattr(sys.stdout, "encoding", None) or "utf-8"
        sys.stdout.write(text.encode(coding, "replace").decode(coding))
        sys.stdout.flush()

    def save_metrics(self) -> None:
        """Write the report to `metrics_file`. What fails is logged, not raised.

        Cycles that are in the file already, of an earlier process or of the command line, stay before
        ours as far as `history_size` has room for them.
        """
        path = self.metrics_file
        try:
            save(path, self._continued(path, self.get_performance_report()))
        except OSError as error:
            log.warning("metrics_not_written", extra={"path": str(path), "why": error.strerror})

    def _continued(self, path: Path, report: dict[str, Any]) -> dict[str, Any]:
        """Return the report with the history of the file before its own."""
        written, record = read_metrics(path), self.recorder.record()
        with self._lock:
            new, self._saved = record.finished - self._saved, record.finished
        if written is None:
            return report
        known = {(cycle.started, cycle.kind) for cycle in record.cycles}
        others = (c for c in written.cycles if (c.started, c.kind) not in known)
        cycles = sorted((*others, *record.cycles), key=lambda cycle: cycle.started)
        kept = [{**asdict(c), "hit_rate": c.hit_rate} for c in cycles[-self.history_size :]]
        return {**report, "cycles": kept, "finished": written.finished + new}

    def capture_baseline(self) -> dict[str, float]:
        """Make the mean of the remembered cycles the baseline, and return it."""
        stats = self.get_cycle_stats()
        if stats["total_cycles"]:
            self.baseline_metrics = {
                "avg_cycle_time": stats["avg_duration"],
                "avg_api_calls": stats["avg_api_calls"],
                "cache_hit_rate": self._hit_rate() or 0.0,
            }
        return dict(self.baseline_metrics)

    def _baseline(self) -> Baseline | None:
        base = self.baseline_metrics
        if base == STATED:
            return None
        return Baseline(0, base.get("avg_cycle_time", 0.0), base.get("avg_api_calls", 0.0))

    def _tell_baseline(self) -> None:
        if (base := self._baseline()) is not None:
            self.recorder.capture_baseline(base)

    def _measures(self) -> dict[str, float | None]:
        cycles = self.recorder.record().cycles
        base = self._baseline()
        calls = mean(cycle.counts.get("api_calls", 0) for cycle in cycles)
        reduction = None
        if base is not None and base.api_calls and calls is not None:
            reduction = _reduction(base.api_calls, calls)
        return {
            "cycle_seconds": mean(cycle.seconds for cycle in cycles),
            "api_calls": calls,
            "call_reduction": reduction,
            "cache_hit_rate": self._hit_rate(),
            **self.measured_elsewhere(),
        }

    def _hit_rate(self) -> float | None:
        with self._lock:
            parts = [self._components[name] for name in SCRAPERS]
            hits = sum(part["cache_hits"] for part in parts)
            misses = sum(part["cache_misses"] for part in parts)
        return _percent(hits, misses) if hits + misses else None

    def _limit(self, measure: str) -> float:
        return next((one.limit for one in self.targets if one.measure == measure), 0.0)


def get_performance_monitor() -> PerformanceMonitor:
    """Return the one of this process."""
    return process().part("monitor", PerformanceMonitor)


def _operation(count: int, errors: int, seconds: tuple[float, ...]) -> dict[str, Any]:
    names = ("avg", "min", "max", "p50", "p95", "p99")
    return {
        "count": count,
        **{
            f"{name}_duration_ms": round(1000.0 * value, 3)
            for name, value in zip(names, seconds, strict=True)
        },
        "success_rate": round(100.0 * (count - errors) / count, 2) if count else 0.0,
        "success_count": count - errors,
        "failure_count": errors,
    }


def _deduplication(counts: Mapping[str, int]) -> dict[str, Any]:
    stats: dict[str, Any] = {**dict.fromkeys(DEDUPLICATION, 0), **counts}
    stats["deduplication_rate"] = _percent(stats["duplicates_removed"], stats["unique_items"])
    stats["unique_rate"] = _percent(stats["unique_items"], stats["duplicates_removed"])
    return stats


def _percent(part: float, rest: float) -> float:
    return round(100.0 * part / (part + rest), 2) if part + rest else 0.0


def _reduction(before: float, now: float) -> float:
    return 100.0 * (before - now) / before if before else 0.0
