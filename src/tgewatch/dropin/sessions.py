"""Connections under the names of the specification: sessions per use, over the fetch room."""

import base64
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from tgewatch.clock import Clock, SystemClock
from tgewatch.dropin.answer import Headers, Reply, encoded
from tgewatch.dropin.bridge import Bridge, Held
from tgewatch.dropin.deadline import seconds_of
from tgewatch.dropin.exchange import Order, checked_headers, exchange
from tgewatch.dropin.process import process
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.transport import Transport
from tgewatch.ports import PoolMetrics
from tgewatch.rules.retry import RetryPolicy
from tgewatch.settings import FetchSettings, Pool

TIMEOUTS: Mapping[str, float] = {"default": 30.0, "rss": 15.0, "twitter": 30.0, "article": 20.0}
"""Seconds for a request, by kind of session."""
GRACE = 5.0
"""Seconds beyond a request's own deadline before the caller gives up on the loop."""


class ConnectionMetrics:
    """Counts of one session manager: what the transport saw, and what callers add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._timed = 0

    def record_request(self, duration: float, reused: bool = False) -> None:  # noqa: FBT001, FBT002 - the original's
        """Add a request that was made elsewhere."""
        self.add(requests=1, reused=int(reused), opened=int(not reused))
        self.time(duration)

    def record_retry(self) -> None:
        self.add(retries=1)

    def record_timeout(self) -> None:
        self.add(timeouts=1)

    def record_error(self) -> None:
        self.add(errors=1)

    def add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)

    def time(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds
            self._timed += 1

    def get_stats(self, pools: Mapping[str, PoolMetrics] | None = None) -> dict[str, Any]:
        """Return all counts, with those of `pools`; rates are in percent."""
        with self._lock:
            total = Counter(self._counts)
            mean = self._seconds / self._timed if self._timed else 0.0
        for pool in (pools or {}).values():
            total.update(totals(pool))
        made = total["reused"] + total["opened"]
        return {
            "total_requests": total["requests"],
            "connection_reuse_rate": round(100.0 * total["reused"] / made, 2) if made else 0.0,
            "connection_reuses": total["reused"],
            "connection_creates": total["opened"],
            "retry_count": total["retries"],
            "timeout_count": total["timeouts"],
            "error_count": total["errors"],
            "bytes_read": total["bytes"],
            "avg_request_duration_ms": round(1000.0 * mean, 2),
        }


def totals(pool: PoolMetrics) -> dict[str, int]:
    """Return the counts of a pool that add up."""
    return {
        "requests": pool.requests,
        "reused": pool.reused,
        "opened": pool.opened,
        "retries": pool.retries,
        "timeouts": pool.timeouts,
        "errors": sum(pool.errors.values()),
        "bytes": pool.bytes_read,
    }


class Session:
    """Requests of one kind, with headers of its own."""

    def __init__(self, manager: "SharedSessionManager", kind: str, timeout: float) -> None:
        self._manager = manager
        self.kind = kind
        self.headers: dict[str, str] = {}
        """Sent with every request; an empty one leaves the program's own."""
        self.timeout = timeout
        """Seconds for a request, redirects and retries included."""

    def __repr__(self) -> str:
        return f"<Session {self.kind}>"

    def request(self, method: str, url: str, **kwargs: Any) -> Reply:
        return self._manager.request(method, url, self.kind, **kwargs)

    def get(self, url: str, **kwargs: Any) -> Reply:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> Reply:
        return self.request("POST", url, data=data, json=json, **kwargs)

    def head(self, url: str, **kwargs: Any) -> Reply:
        return self.request("HEAD", url, **kwargs)

    def close(self) -> None:
        """Do nothing: connections belong to the manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SharedSessionManager:
    """Pools of connections for default, rss, twitter and article, usable from any thread.

    Two of them share no connection. After `close_all` the next request opens them again.
    """

    def __init__(
        self,
        pool_connections: int = 50,
        pool_maxsize: int = 50,
        max_retries: int = 3,
        backoff_factor: float = 0.5,
        timeout: float | None = None,
        *,
        settings: Callable[[], FetchSettings] | None = None,
        bridge: Callable[[], Bridge] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take at most the smaller of the two pool sizes as connections of each kind.

        `settings` are asked for whenever connections are opened; without them the process's hold.
        """
        self._size = max(1, min(pool_connections, pool_maxsize))
        self._settings = settings or (lambda: process().settings().fetch)
        self._bridge = bridge or (lambda: process().bridge)
        self._clock = clock or SystemClock()
        self._retries = RetryPolicy(attempts=max_retries + 1, base=backoff_factor)
        self._chance = Random()  # noqa: S311 - jitter
        self._lock = threading.Lock()
        self._held: Held[Transport] | None = None
        self._opened_with: FetchSettings | None = None
        self.metrics = ConnectionMetrics()
        self.sessions = {
            kind: Session(self, kind, seconds if timeout is None else timeout)
            for kind, seconds in TIMEOUTS.items()
        }

    def __repr__(self) -> str:
        return f"<SharedSessionManager {self._held.value if self._held else 'closed'!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_all()

    def get_session(self, session_type: str = "default") -> Session:
        """Return the session of a kind; an unknown kind is the default one."""
        return self.sessions.get(session_type, self.sessions["default"])

    def get(self, url: str, session_type: str = "default", **kwargs: Any) -> Reply:
        return self.request("GET", url, session_type, **kwargs)

    def post(self, url: str, session_type: str = "default", **kwargs: Any) -> Reply:
        return self.request("POST", url, session_type, **kwargs)

    def head(self, url: str, session_type: str = "default", **kwargs: Any) -> Reply:
        return self.request("HEAD", url, session_type, **kwargs)

    def request(
        self,
        method: str,
        url: str,
        session_type: str = "default",
        *,
        timeout: Any = None,
        headers: Mapping[str, str | None] | None = None,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        auth: tuple[str, str] | None = None,
        allow_redirects: bool | None = None,
        stream: bool = False,
    ) -> Reply:
        """Return the answer, whatever its status.

        `timeout` is in seconds for all of it (of a pair, the sum; None is the session's). A header
        or parameter that is None is left out. Other arguments of requests are not taken: what would
        weaken the guard or the check of certificates does not exist here. Raises TransientError
        (`closed` when the connections were closed meanwhile), RefusedError or MalformedError, and
        ValueError for a timeout that is none.
        """
        if not isinstance(url, str):
            raise RefusedError(f"url {url!r:.60} is not a text", cause="bad_url")
        del stream  # bodies are read whole, within bounds
        session = self.get_session(session_type)
        sent = _joined(session.headers, headers or {})
        body = _body(data, json, sent)
        if auth is not None:
            token = base64.b64encode(":".join(auth).encode()).decode()
            sent["Authorization"] = f"Basic {token}"
        order = Order(
            method=method.upper(),
            url=_with_params(url, params),
            pool=session.kind,
            headers=checked_headers(sent),
            body=body,
            seconds=seconds_of(timeout, default=session.timeout),
            follow=method.upper() != "HEAD" if allow_redirects is None else allow_redirects,
        )
        return self._send(order)

    def _send(self, order: Order) -> Reply:
        begun = self._clock.monotonic()
        held = self._opened()
        try:
            return held.bridge.run(
                exchange(
                    held.value,
                    order,
                    retries=self._retries,
                    clock=self._clock,
                    chance=self._chance,
                ),
                timeout=order.seconds + GRACE,
            )
        except TimeoutError:
            raise TransientError(f"no answer in {order.seconds:.0f} s", cause="timeout") from None
        finally:
            self.metrics.time(self._clock.monotonic() - begun)

    def _opened(self) -> Held[Transport]:
        bridge, wanted = self._bridge(), self._settings()
        with self._lock:
            current = self._held is not None and self._held.bridge is bridge
            if self._held is None or not current or self._opened_with is not wanted:
                before = self._held if current else None
                self._remember()
                if before is not None:
                    before.release()
                settings = _sized(wanted, self._size)
                self._held = bridge.hold(lambda: self._transport(settings))
                self._opened_with = wanted
            return self._held

    @asynccontextmanager
    async def _transport(self, settings: FetchSettings) -> AsyncIterator[Transport]:
        async with Transport(settings, clock=self._clock) as transport:
            yield transport

    @property
    def transport(self) -> Held[Transport]:
        """Return the connections, opened, for who shares them."""
        return self._opened()

    def pools(self) -> Mapping[str, PoolMetrics]:
        """Return what each pool has done since it was opened."""
        held = self._held
        return held.value.metrics() if held is not None else {}

    def get_metrics(self) -> dict[str, Any]:
        """Return counts since the manager was made, over all pools and for each."""
        pools = self.pools()
        return {
            **self.metrics.get_stats(pools),
            "pools": {
                name: {
                    **totals(pool),
                    "active": pool.active,
                    "handshake_ms": round(pool.handshake_ms, 2),
                    "statuses": dict(pool.statuses),
                }
                for name, pool in pools.items()
            },
        }

    def close_all(self) -> None:
        """Close all connections. Counts stay."""
        with self._lock:
            held = self._held
            self._remember()
        if held is not None:
            held.release()

    def _remember(self) -> None:
        """Keep the counts of connections that are closed."""
        held, self._held = self._held, None
        for pool in held.value.metrics().values() if held is not None else ():
            self.metrics.add(**totals(pool))


def get_session_manager() -> SharedSessionManager:
    """Return the one of this process, whose connections the scrapers use too."""
    return process().part("sessions", SharedSessionManager)


def close_session_manager() -> None:
    """Close the connections of the one of this process; the next request opens them again."""
    get_session_manager().close_all()


def _sized(settings: FetchSettings, connections: int) -> FetchSettings:
    pools: dict[str, Pool] = {
        kind: getattr(settings, kind).model_copy(update={"connections": connections})
        for kind in TIMEOUTS
    }
    return settings.model_copy(update=pools)


def _body(data: Any, json: Any, headers: dict[str, str]) -> bytes | None:
    """Return the body that `data` or `json` stand for, and name its type in `headers`."""
    if json is not None and data is None:
        _default(headers, "Content-Type", "application/json")
        return encoded(json)
    if isinstance(data, Mapping | list | tuple):
        _default(headers, "Content-Type", "application/x-www-form-urlencoded")
        return urlencode(data, doseq=True).encode()
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str):
        return data.encode()
    raise MalformedError(f"data is a {type(data).__name__}, not text, bytes or fields")


def _joined(ours: Mapping[str, str], theirs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the session's headers, replaced by the request's whatever their case; None takes out."""
    named = {str(name).lower() for name in theirs}
    both = {name: value for name, value in ours.items() if name.lower() not in named}
    return {name: value for name, value in {**both, **theirs}.items() if value is not None}


def _default(headers: dict[str, str], name: str, value: str) -> None:
    if name not in Headers(headers):
        headers[name] = value


def _with_params(url: str, params: Any) -> str:
    if not params:
        return url
    parts = urlsplit(url)
    if isinstance(params, bytes):
        params = params.decode("utf-8", "replace")
    if not isinstance(params, str):
        pairs = params.items() if isinstance(params, Mapping) else params
        params = urlencode(
            [(name, value) for name, value in pairs if value is not None], doseq=True
        )
    added = params
    query = "&".join(part for part in (parts.query, added) if part)
    return urlunsplit(parts._replace(query=query))
