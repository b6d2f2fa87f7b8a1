"""What the program measured of itself, from its metrics file, and what its other instances say."""

import asyncio
from collections.abc import Mapping

from tgewatch.app.instances import read_instances
from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.mcp.answers import Instance, Performance, TargetRow, Timing
from tgewatch.mcp.rows import quoted, time_of
from tgewatch.metrics.archive import Written, read_metrics
from tgewatch.settings import Settings
from tgewatch.swarm.presence import Present

SLOWEST = 12
TARGETS = 20
INSTANCES = 100


async def performance(*, settings: Settings, clock: Clock) -> Performance:
    """Return what is known; that nothing was measured is an answer too."""
    written = await asyncio.to_thread(read_metrics, settings.metrics.path)
    present: tuple[Present, ...] = ()
    problem = ""
    if settings.swarm.redis_url:
        try:
            present = tuple(await read_instances(settings, clock=clock))
        except TransientError as error:
            problem = str(error)
    return summary(written, clock.now(), present=present, problem=problem)


def summary(
    written: Written | None,
    now: float,
    *,
    present: tuple[Present, ...] = (),
    problem: str = "",
) -> Performance:
    """Return what a metrics file and the instances say."""
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
        instances=tuple(map(_instance, present[:INSTANCES])),
        problem=problem,
    )


def _instance(one: Present) -> Instance:
    said = one.snapshot
    return Instance(
        instance=quoted(said.instance or one.identity, 80),
        silent=round(one.silent, 1),
        started=time_of(said.started),
        polls=said.counts.get("polls", 0),
        polls_failed=said.counts.get("polls_failed", 0),
        requests=said.counts.get("api_calls", 0),
        memory_megabytes=said.gauges.get("memory_megabytes"),
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
