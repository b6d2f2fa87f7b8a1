"""What connections and caches have counted themselves, taken over into the record."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tgewatch.metrics.recorder import Recorder
from tgewatch.ports import PoolMetrics

TOO_MANY = 429
NOT_MODIFIED = 304
_STATM = Path("/proc/self/statm")


class TierCounts(Protocol):
    """What a tier of the cache counts."""

    @property
    def hits(self) -> int: ...

    @property
    def negative_hits(self) -> int: ...

    @property
    def stale_served(self) -> int: ...

    @property
    def evictions(self) -> int: ...

    @property
    def bytes(self) -> int: ...


class Intake:
    """Counts what was added since it last looked. What happened before it was made is not counted."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        pools: Callable[[], Mapping[str, PoolMetrics]],
        tiers: Callable[[], Mapping[str, TierCounts]],
    ) -> None:
        self._recorder = recorder
        self._pools = pools
        self._tiers = tiers
        self._known = self._totals()

    def skip(self) -> None:
        """Leave out what is new: it is counted by somebody else."""
        self._known = self._totals()

    def take(self) -> Mapping[str, int]:
        """Record what is new, and return it."""
        totals = self._totals()
        new = {what: amount - self._known.get(what, 0) for what, amount in totals.items()}
        self._known = totals
        for what, amount in new.items():
            if amount > 0:
                self._recorder.count(what, amount)
        held = sum(tier.bytes for tier in self._tiers().values())
        self._recorder.gauge("cache_megabytes", held / 1e6)
        if (resident := resident_megabytes()) is not None:
            self._recorder.gauge("memory_megabytes", resident)
        return new

    def _totals(self) -> dict[str, int]:
        pools, tiers = self._pools(), self._tiers()
        statuses = [pair for pool in pools.values() for pair in pool.statuses.items()]
        totals = {
            "api_calls": sum(pool.requests for pool in pools.values()),
            "connections_opened": sum(pool.opened for pool in pools.values()),
            "connections_reused": sum(pool.reused for pool in pools.values()),
            "retries": sum(pool.retries for pool in pools.values()),
            "timeouts": sum(pool.timeouts for pool in pools.values()),
            "held_back": sum(pool.throttled for pool in pools.values()),
            "bytes_read": sum(pool.bytes_read for pool in pools.values()),
            "errors": sum(sum(pool.errors.values()) for pool in pools.values()),
            "rate_limit_violations": sum(n for status, n in statuses if status == TOO_MANY),
            "cache_hits": sum(tier.hits + tier.negative_hits for tier in tiers.values()),
            "cache_stale": sum(tier.stale_served for tier in tiers.values()),
            "cache_evictions": sum(tier.evictions for tier in tiers.values()),
            "cache_revalidated": sum(n for status, n in statuses if status == NOT_MODIFIED),
            "cache_misses": sum(map(_bodies, pools.values())),
        }
        for name, pool in pools.items():
            totals[f"api_calls.{name}"] = pool.requests
            totals[f"cache_revalidated.{name}"] = pool.statuses.get(NOT_MODIFIED, 0)
            totals[f"cache_misses.{name}"] = _bodies(pool)
        return totals


def _bodies(pool: PoolMetrics) -> int:
    return sum(n for status, n in pool.statuses.items() if 200 <= status < 300)  # noqa: PLR2004 - the class of success


def resident_megabytes() -> float | None:
    """Return the memory of this process; None where the system does not say."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
