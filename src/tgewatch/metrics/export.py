"""What was recorded, for people, files and Prometheus."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.core import SummaryMetricFamily as Summary
from prometheus_client.registry import Collector

from tgewatch.metrics.measures import measures, plain
from tgewatch.metrics.recorder import Recorder
from tgewatch.metrics.targets import SPECIFIED, Check, Target, check

RULE = "=" * 60


def report(
    recorder: Recorder,
    *,
    targets: Sequence[Target] = SPECIFIED,
    extra: dict[str, float | None] | None = None,
) -> dict[str, object]:
    """Return the whole report: record, measures and targets. `extra` adds or replaces measures."""
    record = recorder.record()
    found = {**measures(record), **(extra or {})}
    return {
        **plain(record),
        "measures": found,
        "targets": [
            {
                "measure": one.target.measure,
                "title": one.target.title,
                "limit": one.target.limit,
                "unit": one.target.unit,
                "measured": one.measured,
                "passed": one.passed,
            }
            for one in check(found, targets)
        ],
    }


def summary(checks: Sequence[Check]) -> str:
    """Return the validation of the targets as the specification prints it."""
    lines = [RULE, "PERFORMANCE TARGETS VALIDATION", RULE, ""]
    lines += [one.line() for one in checks]
    return "\n".join([*lines, "", RULE])


def save(path: Path, value: object) -> None:
    """Write `value` as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    draft.replace(path)


class _Recorded(Collector):
    """The recorder as Prometheus sees it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterable[Metric]:
        record = self._recorder.record()
        counts = CounterMetricFamily("tgewatch_events", "Things counted", labels=["what"])
        for what, amount in sorted(record.counts.items()):
            counts.add_metric([what], amount)
        yield counts
        yield CounterMetricFamily("tgewatch_cycles", "Finished cycles", value=record.finished)
        heights = GaugeMetricFamily("tgewatch_level", "Heights of the moment", labels=["what"])
        for what, height in sorted(record.gauges.items()):
            heights.add_metric([what], height)
        yield heights
        timings = Summary(
            "tgewatch_operation_seconds", "Durations", labels=["component", "operation"]
        )
        quantiles = GaugeMetricFamily(
            "tgewatch_operation_quantile_seconds",
            "Quantiles of durations",
            labels=["component", "operation", "quantile"],
        )
        for (component, operation), timing in sorted(record.operations.items()):
            timings.add_metric([component, operation], timing.count, timing.total)
            for name, value in (("0.5", timing.p50), ("0.95", timing.p95), ("0.99", timing.p99)):
                quantiles.add_metric([component, operation, name], value)
        yield timings
        yield quantiles
        errors = CounterMetricFamily(
            "tgewatch_operation_errors",
            "Operations that raised an error",
            labels=["component", "operation"],
        )
        for where, failed in sorted(record.errors.items()):
            errors.add_metric(where, failed)
        yield errors
        found = GaugeMetricFamily("tgewatch_measure", "What targets judge", labels=["measure"])
        for measure, reached in measures(record).items():
            if reached is not None:
                found.add_metric([measure], reached)
        yield found


def registry(recorder: Recorder) -> CollectorRegistry:
    """Return a registry of its own for one recorder."""
    made = CollectorRegistry()
    made.register(_Recorded(recorder))
    return made


def prometheus(recorder: Recorder) -> bytes:
    """Return the text exposition format."""
    return generate_latest(registry(recorder))
