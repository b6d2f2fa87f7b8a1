"""From what was recorded to what targets judge."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from tgewatch.metrics.recorder import Record, comparable, mean, share, without_body


def measures(record: Record) -> dict[str, float | None]:
    """Return what the specification's targets judge; None is "not measured".

    Taken from the remembered cycles that are of the kind of the last one; rates from all counts
    where no cycle has any. `connection_reuse` is over the requests for whose host a connection was
    open, `connection_reuse_overall` over all of them. A reduction is against the baseline, and unknown without one.
    """
    cycles, base = comparable(record.cycles), record.baseline
    counts = _summed(record)
    seconds = mean(cycle.seconds for cycle in cycles)
    calls = mean(cycle.counts.get("api_calls", 0) for cycle in cycles)
    reduction = speedup = None
    if base is not None and base.api_calls and calls is not None:
        reduction = 100.0 * (1.0 - calls / base.api_calls)
    if base is not None and base.seconds and seconds is not None:
        speedup = 100.0 * (1.0 - seconds / base.seconds)
    hits = share(without_body(counts), counts["cache_misses"])
    reuse = share(counts["connections_reused"], counts["connections_opened"])
    possible = counts["connections_possible"]
    return {
        "cycle_seconds": seconds,
        "cycle_reduction": speedup,
        "api_calls": calls,
        "call_reduction": reduction,
        "cache_hit_rate": None if hits is None else 100.0 * hits,
        "connection_reuse": 100.0 * counts["connections_kept"] / possible if possible else None,
        "connection_reuse_overall": None if reuse is None else 100.0 * reuse,
        "rate_limit_violations": float(counts["rate_limit_violations"]) if cycles else None,
        "cache_megabytes": record.gauges.get("cache_megabytes"),
    }


def plain(record: Record) -> dict[str, object]:
    """Return the record as values that JSON has words for."""
    return {
        "at": record.at,
        "counts": dict(record.counts),
        "gauges": dict(record.gauges),
        "operations": {
            f"{component}.{operation}": {
                **asdict(timing),
                "errors": record.errors.get((component, operation), 0),
            }
            for (component, operation), timing in record.operations.items()
        },
        "cycles": [{**asdict(cycle), "hit_rate": cycle.hit_rate} for cycle in record.cycles],
        "finished": record.finished,
        "baseline": asdict(record.baseline) if record.baseline else None,
    }


def _summed(record: Record) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for cycle in comparable(record.cycles):
        total.update(cycle.counts)
    return total or Counter(record.counts)
