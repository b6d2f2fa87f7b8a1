"""TTLs learned from what revalidations found."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from tgewatch.rules.ttl import ChangeRate, LearnedTtl, TtlPolicy
from tgewatch.settings.caching import CacheSettings

MOST_KEYS = 20_000
MOST_CLASSES = 1_000


def by_host(key: str) -> str:
    """Return the host of a URL as the class of a key."""
    try:
        host = urlsplit(key).netloc
    except ValueError:
        host = ""
    return (host or key)[:100]


class AdaptiveTtl:
    """Learns for each key of one tier how often it changes. Safe under threads; kept in memory only.

    A key starts from the rate of its class (by default the host), and a class from the tier's fixed
    TTL. Bounds hold always.
    """

    def __init__(
        self,
        *,
        ttl: float,
        staleness: float = 0.1,
        floor: float | None = None,
        cap: float | None = None,
        key_class: Callable[[str], str] = by_host,
    ) -> None:
        self._policy = TtlPolicy(
            ttl=ttl,
            staleness=staleness,
            floor=ttl / 10 if floor is None else floor,
            cap=ttl * 6 if cap is None else cap,
        )
        self._class_of = key_class
        self._prior = ChangeRate(self._policy.period)
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, ChangeRate] = OrderedDict()
        self._classes: OrderedDict[str, ChangeRate] = OrderedDict()

    def __repr__(self) -> str:
        return f"<AdaptiveTtl {len(self._keys)} keys in {len(self._classes)} classes>"

    def ttl(self, key: str) -> float:
        """Return the seconds that an answer for `key` may be believed."""
        with self._lock:
            rate = self._keys.get(key) or self._classes.get(self._class_of(key), self._prior)
        return self._policy.of(rate.rate)

    def observe(self, key: str, elapsed: float, *, changed: bool) -> None:
        """Learn from a revalidation `elapsed` seconds after the one before."""
        with self._lock:
            name = self._class_of(key)
            crowd = self._classes.pop(name, self._prior)
            own = self._keys.pop(key, None)
            if own is None:
                own = ChangeRate(1 / crowd.rate)
            self._keys[key] = own.observe(elapsed, changed=changed)
            self._classes[name] = crowd.observe(elapsed, changed=changed)
            if len(self._keys) > MOST_KEYS:
                self._keys.popitem(last=False)
            if len(self._classes) > MOST_CLASSES:
                self._classes.popitem(last=False)

    def classes(self) -> list[LearnedTtl]:
        """Return what is believed of each class, the one that changes most first."""
        with self._lock:
            known = list(self._classes.items())
        known.sort(key=lambda item: -item[1].rate)
        return [LearnedTtl(n, self._policy.of(r.rate), 1 / r.rate, r.checks) for n, r in known]


LEARNED = ("rss", "article_content")
"""Tiers whose answers are revalidated, so that there is something to learn from."""


def adaptive_from(settings: CacheSettings) -> dict[str, AdaptiveTtl]:
    """Return a learner for each tier that can have one; none when the settings say so."""
    if not settings.adaptive:
        return {}
    return {
        name: AdaptiveTtl(ttl=settings.tiers[name].ttl, staleness=settings.staleness)
        for name in LEARNED
    }
