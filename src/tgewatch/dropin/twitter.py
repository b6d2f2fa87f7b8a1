"""The Twitter monitor under the name of the specification: the real program, or one that exists."""

import logging
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tgewatch.clock import SystemClock
from tgewatch.dropin import guest, watchlist
from tgewatch.dropin.bridge import Held
from tgewatch.dropin.caching import get_cache_manager
from tgewatch.dropin.deadline import seconds_of
from tgewatch.dropin.monitor import get_performance_monitor
from tgewatch.dropin.newsroom import writable
from tgewatch.dropin.process import process, state_folder
from tgewatch.dropin.sessions import get_session_manager
from tgewatch.dropin.telling import tell
from tgewatch.dropin.x_room import XRoom, open_x_room
from tgewatch.errors import ConfigError, TransientError
from tgewatch.fetch.ledger import Ledgers, ledgers_from
from tgewatch.fetch.transport import Transport
from tgewatch.model import Company
from tgewatch.rules import x_plan, x_query
from tgewatch.settings import Settings, XSettings

log = logging.getLogger(__name__)

BATCH = 100
"""Names in one look-up (GET /2/users/by takes no more)."""
COMPONENT = "twitter_monitor"
TIER = "twitter_user"
UNKNOWN = ""
"""Kept for a name that nobody has, so that it is not asked for again within the tier's TTL."""
NAME = re.compile(r"[A-Za-z0-9_]{1,15}")
"""What X takes for a name; one other among a hundred, and it refuses all of them."""
NARROWING = 250
"""Characters of a query for keywords; the rest is for accounts."""
GRACE = 30.0
"""Seconds beyond its deadline in which a round may still note and close what it has."""
OPEN_SECONDS = 60.0
LOOK_UP_SECONDS = 60.0
OFF = (
    "x_is_off: give a bearer token, or put one into TGEWATCH_X__TOKEN, or name it with"
    " [x] token_env or token_file"
)


class PerformanceOptimizedTwitterMonitor:
    """Reads X for a watchlist, within its limits and a budget, and returns what is new.

    Made from a bearer token and lists, it is the real program with a store in the state folder; the
    same lists are the same monitor, also after a restart. Around a monitor that exists it measures
    that one.
    """

    def __init__(
        self,
        bearer_token: Any = "",
        companies: Iterable[Any] = (),
        keywords: Iterable[str] = (),
        *,
        base_monitor: Any = None,
        client: Any = None,
        name: str = "",
    ) -> None:
        """Take a token, names or dicts with an x_handle, and phrases that a post has to hold.

        `base_monitor` (or one in the first place) with `fetch_all_tweets` is asked instead, and
        `client` with `get_users(usernames=[…])`, as tweepy's, for names; either may be async. Without a token the one of
        the settings counts. `name` tells the store apart instead of the lists. Opens and asks
        nothing yet. Raises ConfigError with all that is wrong.
        """
        if base_monitor is None and hasattr(bearer_token, "fetch_all_tweets"):
            base_monitor, bearer_token = bearer_token, ""
        self.base_monitor: Any = base_monitor
        self.client: Any = client or getattr(base_monitor, "client", None)
        self.companies = watchlist.companies_of(companies)
        self.keywords = watchlist.keywords_of(keywords)
        self.cache_manager = get_cache_manager()
        self.perf_monitor = get_performance_monitor()
        self.swarm_hooks: Any = None
        self._given = _given(bearer_token)
        self._name = watchlist.named(name) or watchlist.identity(self._watched(), self.keywords, ())
        self._told: set[str] = set()
        self._folders: dict[Path, Path] = {}

    def __repr__(self) -> str:
        what = repr(self.base_monitor) if self.base_monitor else f"{len(self.companies)} companies"
        return f"<PerformanceOptimizedTwitterMonitor {what}>"

    def set_swarm_hooks(self, swarm_hooks: Any) -> None:
        """Tell these hooks of every cycle, as far as they have `notify` and `cache_updated`.

        A wrapped monitor gets them too.
        """
        self.swarm_hooks = swarm_hooks
        if hasattr(self.base_monitor, "set_swarm_hooks"):
            self.base_monitor.set_swarm_hooks(swarm_hooks)

    def fetch_all_tweets(self, timeout: float | None = 60) -> list[Any]:
        """Return posts (dicts) that were not returned before, each once, likeliest first.

        After `timeout` seconds (None: 60) it returns what it has; the rest comes with the next call.
        Without a token, or anybody to read, it says so once and returns nothing. Raises RefusedError when X
        refuses the token, TransientError when it cannot be reached, StoreBusyError when another
        process has the same monitor open, and what a base monitor raises.
        """
        seconds = seconds_of(timeout, default=60.0)
        if self.base_monitor is None and not self._readable():
            return []
        monitor = self.perf_monitor
        begun = SystemClock().monotonic()
        tweets: list[Any] = []
        users, limited = 0, False
        with monitor.cycle(), monitor.timer("twitter_fetch_cycle"):
            try:
                if self.base_monitor is not None:
                    tweets, users = self._wrapped(seconds)
                else:
                    tweets, users, limited = self._round(seconds)
            except TransientError as error:
                limited = error.cause in {"http_429", "x_rate_limited"}
                raise
            finally:
                monitor.record_twitter_cycle(
                    len(tweets), users, SystemClock().monotonic() - begun, limited
                )
        tell(self.swarm_hooks, f"{len(tweets)} tweets found")
        return tweets

    def batch_lookup_users_cached(self, handles: Sequence[str]) -> dict[str, str]:
        """Return user ids by handle, as the handles are written; unknown ones are left out.

        Each name is asked for once, at most 100 in a call, and remembered for the tier's TTL, as
        is that nobody has it. Raises what the client or X raises; what was found before it is kept.
        """
        names = {handle: handle.strip().lstrip("@").lower() for handle in handles}
        found: dict[str, str] = {}
        missing: list[str] = []
        for name in dict.fromkeys(filter(NAME.fullmatch, names.values())):
            known = self.cache_manager.get(TIER, name)
            self.perf_monitor.record_cache_access(COMPONENT, hit=known is not None)
            if known is None:
                missing.append(name)
            else:
                found[name] = known
        if missing and self.client is None and self._settings() is None:
            self._say_once(OFF)
            missing = []
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            with self.perf_monitor.timer("twitter_user_lookup"):
                users = self._looked_up(batch)
            for name in batch:
                found[name] = users.get(name, UNKNOWN)
                self.cache_manager.set(TIER, name, found[name])
        return {handle: found[name] for handle, name in names.items() if found.get(name)}

    def get_performance_stats(self) -> dict[str, Any]:
        """Return cache_stats, component_stats, and x_stats once X was asked.

        The latter are calls, look-ups that memory has saved, dollars, and how the ledger stands.
        """
        room = _rooms().opened(self._name)
        return {
            "cache_stats": self.cache_manager.get_stats(),
            "component_stats": self.perf_monitor.get_component_stats(COMPONENT),
            "x_stats": {} if room is None else room.bridge.run(room.value.stats(), timeout=GRACE),
        }

    # --- X --------------------------------------------------------------------------------

    def _round(self, timeout: float) -> tuple[list[dict[str, Any]], int, bool]:
        room = self._room()
        try:
            tweets = room.bridge.run(room.value.round(seconds=timeout), timeout=timeout + GRACE)
        except TimeoutError:
            said = f"the round did not end within {timeout + GRACE:.0f} s"
            raise TransientError(said, cause="timeout") from None
        finally:
            done = room.bridge.run(room.value.take_counts(), timeout=GRACE)
            self.perf_monitor.add(
                COMPONENT, api_calls=done.calls, cache_hits=done.hits, cache_misses=done.misses
            )
        if tweets or done.repeated:
            self.perf_monitor.record_deduplication(len(tweets) + done.repeated, done.repeated)
        return tweets, done.hits + done.misses, done.throttled > 0

    def _looked_up(self, names: list[str]) -> Mapping[str, str]:
        if self.client is not None:
            answer = guest.called(self.client.get_users, usernames=names)
            self.perf_monitor.record_api_call(COMPONENT)
            return {str(user.username).lower(): str(user.id) for user in answer.data or ()}
        room = self._room()
        try:
            looking = room.value.look_up(names, seconds=LOOK_UP_SECONDS)
            return room.bridge.run(looking, timeout=LOOK_UP_SECONDS + GRACE)
        finally:
            done = room.bridge.run(room.value.take_counts(), timeout=GRACE)
            self.perf_monitor.add(COMPONENT, api_calls=done.calls)

    def _room(self) -> Held[XRoom]:
        settings = self._settings()
        if settings is None:
            raise ConfigError([OFF])
        return _rooms().room(self._name, settings, self.keywords)

    def _readable(self) -> bool:
        """Return whether there is a token, and somebody to read; say once what is missing."""
        settings = self._settings()
        if settings is None:
            self._say_once(OFF)
        elif not x_plan.accounts(settings.companies) and not settings.x.keywords:
            self._say_once("x_has_nobody_to_read: give companies an x_handle")
        else:
            return True
        return False

    def _settings(self) -> Settings | None:
        """Return the settings under which X is read; None without a token. Raises ConfigError."""
        base = process().settings()
        token = self._given.token or base.x.token
        if not token:
            return None
        kept, left_out = x_query.fitting(self.keywords, NARROWING)
        if left_out:
            self._say_once(f"x_keywords_too_long: {len(left_out)} do not fit into a query")
        x = {**base.x.model_dump(), "token": token, **({"phrases": kept} if kept else {})}
        settings = watchlist.settings_for(
            base,
            companies=self._watched(),
            keywords=self.keywords,
            sources=(),
            store=self._folder() / f"x-{self._name}.db",
        )
        return settings.model_copy(update={"x": _checked(x)})

    def _folder(self) -> Path:
        """Return where the store is: beside those of news, or for this object in a temporary one."""
        wanted = state_folder() / "drop-ins"
        if wanted not in self._folders:
            self._folders[wanted] = writable(wanted)
        return self._folders[wanted]

    def _watched(self) -> tuple[Company, ...]:
        """Return the companies, with the accounts that the settings know for those without one."""
        known = {c.name.casefold(): c.x_handle for c in process().settings().companies}
        watched = tuple(
            c if c.x_handle else replace(c, x_handle=known.get(c.name.casefold(), ""))
            for c in self.companies
        )
        if wrong := [c for c in watched if c.x_handle and not NAME.fullmatch(c.x_handle)]:
            raise ConfigError([f"{c.name}: x_handle {c.x_handle!r} is no name on X" for c in wrong])
        return watched

    def _say_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning(what)

    # --- a monitor that exists --------------------------------------------------------------

    def _wrapped(self, timeout: float) -> tuple[list[Any], int]:
        """Return what the base monitor finds, each once, and how many users it knows."""
        listed = guest.found_by(self.base_monitor.fetch_all_tweets, timeout=timeout)
        unique: dict[Any, Any] = {}
        for number, tweet in enumerate(listed):
            unique.setdefault(_name_of(tweet) or ("", number), tweet)
        if listed:
            self.perf_monitor.record_deduplication(len(listed), len(listed) - len(unique))
        state = getattr(self.base_monitor, "state", None)
        users = state.get("user_id_cache", {}) if isinstance(state, dict) else {}
        return list(unique.values()), len(users)


class _Rooms:
    """Rooms that are open, all on the connections of the moment, within one ledger."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transport: Held[Transport] | None = None
        self._rooms: dict[tuple[str, Path], tuple[Settings, Held[XRoom]]] = {}
        settings = process().settings()
        self._ledgers: Ledgers = ledgers_from(
            settings.limits, root=settings.root, clock=SystemClock()
        )
        process().closing.append(self._ledgers.close)

    def opened(self, name: str) -> Held[XRoom] | None:
        """Return the room of a name when it is open."""
        with self._lock:
            known = self._rooms.get((name, state_folder()))
            return known[1] if known and not known[1].bridge.closed else None

    def room(self, name: str, settings: Settings, keywords: Sequence[str]) -> Held[XRoom]:
        """Return the room of a name, opened when first asked for, or when it is to be another."""
        transport = get_session_manager().transport
        key = (name, state_folder())
        with self._lock:
            if self._transport is not transport:
                for _, room in self._rooms.values():
                    room.release()
                self._rooms.clear()
                self._transport = transport
            known = self._rooms.get(key)
            if known is not None and known[0] == settings:
                return known[1]
            if known is not None:
                known[1].release()
                del self._rooms[key]

            def opening() -> Any:
                return open_x_room(
                    settings,
                    keywords=keywords,
                    transport=transport.value,
                    ledgers=self._ledgers,
                    clock=SystemClock(),
                )

            held: Held[XRoom] = transport.bridge.hold(opening, timeout=OPEN_SECONDS)
            self._rooms[key] = (settings, held)
            return held


def _name_of(tweet: Any) -> Any:
    """Return what tells a dict or an object, as tweepy's, from others of its kind."""
    if isinstance(tweet, Mapping):
        return tweet.get("id") or tweet.get("url")
    return getattr(tweet, "id", None)


def _rooms() -> _Rooms:
    return process().part("x", _Rooms)


def _given(token: Any) -> XSettings:
    """Return the token where no repr shows it. Raises ConfigError."""
    if not isinstance(token, str | None):
        raise ConfigError(["bearer_token: is not a text"])
    return _checked({"token": token or ""})


def _checked(x: Mapping[str, Any]) -> XSettings:
    """Return settings of X. Raises ConfigError, which does not show what was given."""
    try:
        return XSettings(**x)
    except ValidationError as error:
        raise ConfigError(
            [f"x.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        ) from None
