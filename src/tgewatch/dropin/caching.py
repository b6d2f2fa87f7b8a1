"""The cache under the names of the specification: tiers, cache-aside, conditional headers."""

import logging
import math
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tgewatch.clock import SystemClock
from tgewatch.dropin import guest
from tgewatch.dropin.process import process, state_folder
from tgewatch.fetch.cache import Cache, cache_from
from tgewatch.fetch.inquiry import Fetched
from tgewatch.fetch.memory import TierStats
from tgewatch.rules import freshness
from tgewatch.settings import CacheSettings, Tier

log = logging.getLogger(__name__)

SHARES: Mapping[str, float] = {
    "rss": 0.25,
    "twitter_user": 0.05,
    "article_content": 0.5,
    "search_results": 0.1,
    "conditional_headers": 0.1,
}
"""Of the memory limit, by tier."""
HEADERS = "conditional_headers"
POLICIES = ("lru", "tinylfu")
MEGABYTE = 1024 * 1024
LARGEST_FILE = 50_000_000
"""Bytes of an export that is read back."""


class IntelligentCacheManager:
    """A cache with the tiers rss, twitter_user, article_content and search_results.

    May be used from any thread. Two of them share nothing; the one of `get_cache_manager` is also
    the scrapers' own, and kept in a file across restarts.
    """

    def __init__(
        self,
        max_memory_mb: float = 100,
        *,
        policy: str = "lru",
        persistence_file: str | Path | None = None,
        settings: CacheSettings | None = None,
    ) -> None:
        """Take the limits from `settings` where they are given, and keep what they name in a file.

        Otherwise the memory limit is shared out to the tiers (SHARES), and conditional headers that
        an earlier `save_persistent_cache` wrote are read back. Raises ValueError.
        """
        self._file = Path(persistence_file) if persistence_file is not None else None
        self._settings = settings or _settings(max_memory_mb, policy)
        self._in_file = settings is not None
        self.ttls: dict[str, float] = {n: t.ttl for n, t in self._settings.tiers.items()}
        """Seconds by tier; may be changed at any time, and holds for what is set from then on."""
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._pid = 0
        self._cache = self._opened()

    def __repr__(self) -> str:
        return f"<IntelligentCacheManager {self._cache!r}>"

    @property
    def persistence_file(self) -> Path:
        """Return where `save_persistent_cache` writes: cache_persistence.json in the state folder."""
        return self._file or state_folder() / "cache_persistence.json"

    @property
    def cache(self) -> Cache:
        """Return the cache itself, of this process: a fork begins with an empty one."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._cache = self._opened()
        return self._cache

    def _opened(self) -> Cache:
        cache = cache_from(self._settings, root=Path(), clock=SystemClock())
        cache.open()
        self._pid = os.getpid()
        if not self._in_file:
            for key, value, ttl in _exported(self.persistence_file):
                cache.set(key, value, tier=HEADERS, ttl=ttl)
        return cache

    # --- values ---------------------------------------------------------------------------

    def get(self, tier: str, key: str) -> Any:
        """Return the fresh value, or None."""
        if not self._known(tier):
            return None
        return self.cache.get(key, tier=tier)

    def set(self, tier: str, key: str, value: Any) -> bool:
        """Keep a value for the tier's TTL; False when it was not kept."""
        if not self._known(tier):
            return False
        return self.cache.set(key, value, tier=tier, ttl=self.ttls.get(tier))

    def get_or_fetch(self, tier: str, key: str, fetch_func: Callable[[], Any]) -> tuple[Any, bool]:
        """Return the value and whether it cost no fetch of the caller's own.

        One fetch runs however many threads ask; what it raises reaches all of them. None is
        returned and not kept. The function may be async. An unknown tier means a direct fetch.
        """
        if not self._known(tier):
            return guest.called(fetch_func), False
        fetched, own = False, threading.get_ident()

        def fetch() -> Fetched:
            nonlocal fetched  # also run on another thread, while a stale value was given
            fetched = fetched or threading.get_ident() == own
            value = guest.called(fetch_func)
            return Fetched(value, store=value is not None)

        value = self.cache.get_or_fetch_blocking(key, fetch, tier=tier, ttl=self.ttls.get(tier))
        return value, not fetched

    def invalidate(self, tier: str, key: str) -> bool:
        """Forget one key; False when it was not there."""
        return self._known(tier) and self.cache.invalidate(key, tier=tier)

    def clear(self, tier: str | None = None) -> None:
        """Forget a tier, or everything."""
        if tier is None or self._known(tier):
            self.cache.clear(tier)

    # --- conditional headers --------------------------------------------------------------

    def get_conditional_headers(self, url: str) -> dict[str, str]:
        """Return If-None-Match and If-Modified-Since for the next request, as far as known."""
        kept = self.cache.kept(url, tier=HEADERS)
        if kept is None or kept.fresh_for <= 0 or not isinstance(kept.value, dict):
            return {}
        names = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
        return {names[key]: value for key, value in kept.value.items() if key in names}

    def save_conditional_headers(self, url: str, response_headers: Mapping[str, str]) -> None:
        """Keep ETag and Last-Modified of an answer; one without either changes nothing."""
        headers = {str(name).lower(): str(value) for name, value in response_headers.items()}
        if value := _sendable(headers):
            self.cache.set(url, value, tier=HEADERS, ttl=self.ttls.get(HEADERS))

    # --- what it does and keeps -----------------------------------------------------------

    def count(self, tier: str, *, hits: int = 0, misses: int = 0) -> None:
        """Count reads that somebody else answered: a 304 is a hit, a body a miss."""
        with self._lock:
            self._seen[tier, "hits"] += hits
            self._seen[tier, "misses"] += misses

    def get_stats(self) -> dict[str, Any]:
        """Return rates in percent, counts, and megabytes (of 1,048,576 bytes)."""
        stats = self.cache.stats()
        tiers = {name: self._tier(one) for name, one in stats.items() if name != HEADERS}
        hits = sum(one["hits"] for one in tiers.values())
        misses = sum(one["misses"] for one in tiers.values())
        limit = sum(one.budget for one in stats.values())
        return {
            "overall_hit_rate": _percent(hits, misses),
            "total_hits": hits,
            "total_misses": misses,
            "total_evictions": sum(one.evictions for one in stats.values()),
            "memory_used_mb": round(sum(one.bytes for one in stats.values()) / MEGABYTE, 2),
            "memory_limit_mb": round(limit / MEGABYTE, 2),
            "tier_stats": tiers,
            "conditional_headers_cached": stats[HEADERS].entries,
        }

    def _tier(self, stats: TierStats) -> dict[str, Any]:
        with self._lock:
            hits = stats.hits + stats.negative_hits + self._seen[stats.tier, "hits"]
            misses = stats.misses + self._seen[stats.tier, "misses"]
        return {
            "hit_rate": _percent(hits, misses),
            "hits": hits,
            "misses": misses,
            "size": stats.entries,
            "bytes": stats.bytes,
            "evictions": stats.evictions,
            "expirations": stats.expirations,
            "age_oldest": round(stats.age_oldest, 1),
        }

    def cleanup(self) -> None:
        """Drop what has expired, and write what is worth keeping. It stays usable."""
        self.cache.cleanup()
        self.cache.flush()
        self.save_persistent_cache()

    def save_persistent_cache(self) -> None:
        """Export the tiers worth keeping as JSON. What fails is logged, not raised."""
        try:
            self.cache.export_json(self.persistence_file)
        except OSError as error:
            log.warning(
                "cache_not_exported",
                extra={"path": str(self.persistence_file), "why": error.strerror},
            )

    def close(self) -> None:
        """Write what waits and stop the cache's threads; the next call opens it again."""
        with self._lock:
            if self._pid == os.getpid():
                self._pid = 0
                self._cache.close()

    def _known(self, tier: str) -> bool:
        if tier in SHARES:
            return True
        log.warning("unknown_cache_tier", extra={"tier": tier})
        return False


def _settings(megabytes: Any, policy: str) -> CacheSettings:
    """Return the default tiers within `megabytes`, without a file. Raises ValueError."""
    if isinstance(megabytes, str) or not 0 <= megabytes < math.inf:
        raise ValueError(f"max_memory_mb {megabytes!r} is not a number of megabytes")
    if policy not in POLICIES:
        raise ValueError(f"policy {policy!r:.40}: choose from {', '.join(POLICIES)}")
    default = CacheSettings()
    tiers: dict[str, Tier] = {
        name: default.tiers[name].model_copy(
            update={"max_bytes": max(1, int(megabytes * MEGABYTE * part))}
        )
        for name, part in SHARES.items()
    }
    return CacheSettings(policy=policy, path=None).model_copy(update=tiers)


def get_cache_manager() -> IntelligentCacheManager:
    """Return the one of this process: with the limits of the settings, and kept in a file."""

    def make() -> IntelligentCacheManager:
        made = IntelligentCacheManager(settings=process().settings().cache)
        process().closing.append(made.close)
        return made

    return process().part("cache", make)


class _Row(msgspec.Struct):
    key: str
    fresh_until: float
    value: Any = None


class _Export(msgspec.Struct):
    tiers: dict[str, msgspec.Raw] = {}


def _exported(path: Path) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield URL, headers and remaining seconds from an export; nothing from a file that is none."""
    now = SystemClock().now()
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        rows = _rows(content) if len(content) <= LARGEST_FILE else []
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError) as error:
        log.warning("cache_not_read", extra={"path": str(path), "why": str(error)})
        return
    for row in rows:
        if row.fresh_until > now and isinstance(row.value, dict):
            told = {k: v for k, v in row.value.items() if isinstance(v, str)}
            told["last-modified"] = told.pop("last_modified", "")
            if value := _sendable(told):
                yield row.key, value, row.fresh_until - now


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what of an answer's headers makes the next request conditional; a file may hold worse."""
    known = freshness.validators(headers)
    value = {"etag": known.etag, "last_modified": known.last_modified}
    return {name: text for name, text in value.items() if text}


def _rows(content: bytes) -> list[_Row]:
    raw = msgspec.json.decode(content, type=_Export).tiers.get(HEADERS)
    return [] if raw is None else msgspec.json.decode(raw, type=list[_Row])


def _percent(hits: int, misses: int) -> float:
    return round(100.0 * hits / (hits + misses), 2) if hits + misses else 0.0
