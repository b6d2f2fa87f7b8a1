"""The Twitter monitor under the name of the specification: it wraps what can ask Twitter."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from tgewatch.clock import SystemClock
from tgewatch.dropin import watchlist
from tgewatch.dropin.caching import get_cache_manager
from tgewatch.dropin.monitor import get_performance_monitor
from tgewatch.errors import TransientError

log = logging.getLogger(__name__)

BATCH = 100
"""Names in one look-up (GET /2/users/by takes no more)."""
COMPONENT = "twitter_monitor"
TIER = "twitter_user"
UNKNOWN = ""
"""Kept for a name that nobody has, so that it is not asked for again within the tier's TTL."""


class PerformanceOptimizedTwitterMonitor:
    """Asks a monitor or client that it is given; measures it, and looks users up in batches.

    On its own it cannot ask Twitter: it says so once, and returns nothing.
    """

    def __init__(
        self,
        bearer_token: Any = "",
        companies: Iterable[Any] = (),
        keywords: Iterable[str] = (),
        *,
        base_monitor: Any = None,
        client: Any = None,
    ) -> None:
        """Wrap `base_monitor` (or one in the first place) with `fetch_all_tweets`.

        `client` has `get_users(usernames=[…])`, as tweepy's; without it the base monitor's is used.
        The token is neither kept nor shown. Raises ConfigError.
        """
        if base_monitor is None and hasattr(bearer_token, "fetch_all_tweets"):
            base_monitor = bearer_token
        self.base_monitor: Any = base_monitor
        self.client: Any = client or getattr(base_monitor, "client", None)
        self.companies = watchlist.companies_of(companies)
        self.keywords = watchlist.keywords_of(keywords)
        self.cache_manager = get_cache_manager()
        self.perf_monitor = get_performance_monitor()
        self._told = False

    def __repr__(self) -> str:
        return f"<PerformanceOptimizedTwitterMonitor {self.base_monitor!r}>"

    def set_swarm_hooks(self, swarm_hooks: Any) -> None:
        """Pass the hooks on to a base monitor that takes them."""
        if hasattr(self.base_monitor, "set_swarm_hooks"):
            self.base_monitor.set_swarm_hooks(swarm_hooks)

    def fetch_all_tweets(self, timeout: float = 60) -> list[dict[str, Any]]:
        """Return what the base monitor finds, each once. Raises what it raises."""
        if self.base_monitor is None:
            if not self._told:
                self._told = True
                log.warning("twitter_not_available: no base monitor was given")
            return []
        monitor = self.perf_monitor
        begun, limited = SystemClock().monotonic(), False
        tweets: list[dict[str, Any]] = []
        with monitor.cycle(), monitor.timer("twitter_fetch_cycle"):
            try:
                tweets = self._once_each(self.base_monitor.fetch_all_tweets(timeout=timeout) or ())
            except TransientError as error:
                limited = error.cause == "http_429"
                raise
            finally:
                state = getattr(self.base_monitor, "state", None)
                users = state.get("user_id_cache", {}) if isinstance(state, dict) else {}
                monitor.record_twitter_cycle(
                    len(tweets), len(users), SystemClock().monotonic() - begun, limited
                )
        return tweets

    def batch_lookup_users_cached(self, handles: Sequence[str]) -> dict[str, str]:
        """Return user ids by handle, as the handles are written; unknown ones are left out.

        Each name is asked for once, at most 100 in a call, and remembered for the tier's TTL, as
        is that nobody has it. Raises what the client raises; what was found before it is kept.
        """
        names = {handle: handle.strip().lstrip("@").lower() for handle in handles}
        found: dict[str, str] = {}
        missing: list[str] = []
        for name in dict.fromkeys(filter(None, names.values())):
            known = self.cache_manager.get(TIER, name)
            self.perf_monitor.record_cache_access(COMPONENT, hit=known is not None)
            if known is None:
                missing.append(name)
            else:
                found[name] = known
        if missing and self.client is None:
            log.warning("twitter_not_available: no client was given")
            missing = []
        for start in range(0, len(missing), BATCH):
            found |= self._looked_up(missing[start : start + BATCH])
        return {handle: found[name] for handle, name in names.items() if found.get(name)}

    def get_performance_stats(self) -> dict[str, Any]:
        """Return cache_stats and component_stats."""
        return {
            "cache_stats": self.cache_manager.get_stats(),
            "component_stats": self.perf_monitor.get_component_stats(COMPONENT),
        }

    def _looked_up(self, names: list[str]) -> dict[str, str]:
        with self.perf_monitor.timer("twitter_user_lookup"):
            answer = self.client.get_users(usernames=names)
        self.perf_monitor.record_api_call(COMPONENT)
        users = {str(user.username).lower(): str(user.id) for user in answer.data or ()}
        found = {name: users.get(name, UNKNOWN) for name in names}
        for name, identity in found.items():
            self.cache_manager.set(TIER, name, identity)
        return found

    def _once_each(self, tweets: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave out what came twice in this answer."""
        listed = list(tweets)
        unique: dict[Any, dict[str, Any]] = {}
        for number, tweet in enumerate(listed):
            unique.setdefault(tweet.get("id") or tweet.get("url") or number, tweet)
        if listed:
            self.perf_monitor.record_deduplication(len(listed), len(listed) - len(unique))
        return list(unique.values())
