"""What the program measured of itself, from its metrics file."""

from collections.abc import Mapping

from tgewatch.mcp.answers import Performance, TargetRow, Timing
from tgewatch.mcp.rows import time_of
from tgewatch.metrics.archive import Written

SLOWEST = 12
TARGETS = 20


def performance(written: Written | None, now: float) -> Performance:
    """Return what was written; nothing measured is an answer too."""
    written, measured = written or Written(), written is not None
    timed = sorted(written.operations.items(), key=lambda pair: -pair[1].get("total", 0.0))
    return Performance(
        now=time_of(now),
        measured=measured,
        at=time_of(written.at) if measured else None,
        running=written.running,
        cycles=written.finished,
        measures=dict(written.measures),
        targets=tuple(map(_target, written.targets[:TARGETS])),
        slowest=tuple(_timing(name, one) for name, one in timed[:SLOWEST]),
    )


def _target(row: Mapping[str, object]) -> TargetRow:
    limit, measured, passed = row.get("limit"), row.get("measured"), row.get("passed")
    return TargetRow(
        measure=str(row.get("measure", "")),
        limit=float(limit) if isinstance(limit, int | float) else 0.0,
        unit=str(row.get("unit", "")),
        measured=float(measured) if isinstance(measured, int | float) else None,
        passed=passed if isinstance(passed, bool) else None,
    )


def _timing(name: str, one: Mapping[str, float]) -> Timing:
    return Timing(
        operation=name,
        count=int(one.get("count", 0)),
        errors=int(one.get("errors", 0)),
        mean=round(1e3 * one.get("mean", 0.0), 3),
        p50=round(1e3 * one.get("p50", 0.0), 3),
        p95=round(1e3 * one.get("p95", 0.0), 3),
        p99=round(1e3 * one.get("p99", 0.0), 3),
    )
