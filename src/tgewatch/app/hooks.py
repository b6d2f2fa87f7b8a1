"""What agents that share claude-flow hear of rounds and watches, where it is installed."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tgewatch.clock import Clock
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.client import Client
from tgewatch.metrics.measures import measures
from tgewatch.metrics.metering import Metering
from tgewatch.metrics.targets import check
from tgewatch.settings import Settings
from tgewatch.swarm.claude_flow import Herald, mirror_from
from tgewatch.swarm.claude_flow.herald import METRICS, stamp

CACHE_KEY = "swarm/cache/updated"

Measured = Callable[[], Mapping[str, Any]]


class Hooks:
    """Tells of tasks. Nothing here waits for the tool, or raises what it does."""

    def __init__(self, herald: Herald, *, every: float, cache: Path | None, clock: Clock) -> None:
        """`every` is in seconds, between the metrics of an endless task; `cache` is its file."""
        self._herald = herald
        self._every = every
        self._cache = cache
        self._clock = clock
        self._stored = clock.monotonic()

    def __repr__(self) -> str:
        return f"<Hooks {self._herald!r}>"

    @contextmanager
    def task(self, kind: str, measured: Measured) -> Iterator[None]:
        """Let the body be a task, with what is `measured` after it; one that raises has failed."""
        task_id = self._herald.pre_task(kind)
        begun = self._stored = self._clock.monotonic()
        done = False
        try:
            yield
            done = True
        finally:
            if self._herald.is_heard:
                self._end(kind, task_id, measured(), success=done, begun=begun)

    def _end(
        self,
        kind: str,
        task_id: str | None,
        metrics: Mapping[str, Any],
        *,
        success: bool,
        begun: float,
    ) -> None:
        seconds = self._clock.monotonic() - begun
        self._tell_of_cache(metrics)
        self._herald.post_task(task_id, metrics, success=success, seconds=seconds)
        missed = missed_targets(metrics)
        how = "done" if success else "failed"
        self._herald.notify(
            f"{kind} {how} in {seconds:.1f} s" + (f"; missed: {missed}" if missed else ""),
            level="info" if success and not missed else "warning",
        )

    def minute(self, measured: Measured) -> None:
        """Store metrics of an endless task, if enough time has passed since it did last."""
        now = self._clock.monotonic()
        if now - self._stored >= self._every and self._herald.is_heard:
            self._stored = now
            metrics = measured()
            self._tell_of_cache(metrics)
            self._herald.store(METRICS, metrics)

    def end(self, report: Callable[[], Mapping[str, Any]]) -> None:
        """End the session of an endless watch, with a report."""
        if self._herald.is_heard:
            self._herald.session_end(report())

    def _tell_of_cache(self, metrics: Mapping[str, Any]) -> None:
        cycle = metrics.get("cycle_stats") or {}
        if self._cache is not None and cycle.get("counts", {}).get("cache_misses"):
            self._herald.post_edit(self._cache, CACHE_KEY)


def unheard(clock: Clock) -> Hooks:
    """Return hooks that nobody listens to."""
    return Hooks(Herald(None, keep=0.0, clock=clock), every=0.0, cache=None, clock=clock)


@contextmanager
def open_hooks(settings: Settings, *, clock: Clock) -> Iterator[Hooks]:
    """Look for claude-flow; at the end, let it hear the rest within `[claude_flow] drain`."""
    flow = settings.claude_flow
    mirror = mirror_from(
        flow, folder=settings.root, state=settings.state, environ=os.environ, clock=clock
    )
    herald = Herald(mirror, keep=flow.keep, clock=clock)
    try:
        yield Hooks(herald, every=flow.every, cache=settings.cache.path, clock=clock)
    finally:
        if mirror is not None:
            mirror.close(flow.drain)


def hook_metrics(
    metering: Metering, *, client: Client, cache: Cache, clock: Clock
) -> dict[str, Any]:
    """Return what agents get of a round: the last cycle, targets, cache and connections."""
    record = metering.recorder.record()
    found = measures(record)
    last = record.cycles[-1] if record.cycles else None
    return {
        "timestamp": stamp(clock),
        "cycle_stats": None if last is None else asdict(last),
        "measures": found,
        "targets": [
            {
                "measure": one.target.measure,
                "limit": one.target.limit,
                "unit": one.target.unit,
                "measured": one.measured,
                "passed": one.passed,
            }
            for one in check(found, metering.targets)
        ],
        "cache_stats": {name: asdict(tier) for name, tier in cache.stats().items()},
        "session_stats": {name: asdict(pool) for name, pool in client.metrics().items()},
    }


def missed_targets(metrics: Mapping[str, Any]) -> str:
    """Return which targets were missed, in a few words."""
    return ", ".join(
        f"{one['measure']} {one['measured']:.4g}{one['unit']}"
        for one in metrics.get("targets", ())
        if one["passed"] is False
    )
