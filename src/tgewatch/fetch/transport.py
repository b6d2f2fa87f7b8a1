"""One exchange over HTTP: a request out, an answer in, within bounds. No policy.

All pools share one connector, so that the connection of a poll serves the articles found in it;
each pool has room for so many requests at once. Redirects, retries and politeness are the client's.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from ssl import SSLContext
from types import SimpleNamespace
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from tgewatch.clock import Clock
from tgewatch.errors import MalformedError, TgewatchError, TransientError
from tgewatch.fetch import failures
from tgewatch.fetch.connector import Connector
from tgewatch.fetch.decompress import ACCEPT_ENCODING, Body
from tgewatch.fetch.guard import Guard
from tgewatch.fetch.pools import Meter, Place, PoolState, pools
from tgewatch.fetch.resolve import Resolver
from tgewatch.ports import PoolMetrics
from tgewatch.rules import urls
from tgewatch.settings import FetchSettings

MAX_HEADER = 16_384
"""Bytes of one header line; some content security policies are long."""
MAX_HEADERS = 200
ERROR_BODY = 65_536
"""Bytes of an answer other than 2xx that are read; more is not, and closes the connection."""
ERROR_SECONDS = 2.0
"""For such a body; what the status and headers say must not be lost to it."""
STALE_CONNECTIONS = 2
"""Kept connections found dead before the server's silence counts as its answer."""
RESOLVED_NAMES = 20_000
"""Names remembered."""


@dataclass(frozen=True, slots=True)
class Send:
    """One request as it goes out."""

    url: str
    """Checked by rules.urls."""
    pool: str = "default"
    headers: tuple[tuple[str, str], ...] = ()
    """Beside User-Agent, Accept and Accept-Encoding, of which the first two may be replaced."""
    method: str = "GET"
    body: bytes | None = None
    stalled: float | None = None
    """Seconds without a byte before giving up; None takes the pool's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    url: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case, several lines joined by `, `; without Set-Cookie."""
    body: bytes
    """Decoded; empty when an answer other than 2xx has one that is too large or broken."""
    wire: int
    """Bytes of the body as it came."""
    requested: float
    received: float
    elapsed: float
    """Seconds from the first byte out to the last byte in, connecting included."""
    reused: bool


@dataclass(slots=True)
class _Trace:
    """What aiohttp's hooks say of one request."""

    meter: Meter
    reused: bool = False
    began: float = 0.0


class Transport:
    """Sends requests. An async context manager; open it in the loop that uses it."""

    def __init__(
        self,
        settings: FetchSettings,
        *,
        clock: Clock,
        resolver: AbstractResolver | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        """Take the system's resolver and certificates where none are given."""
        self._settings = settings
        self._clock = clock
        self._resolver = resolver
        self._own_resolver: Resolver | None = None
        self._tls = tls
        self._guard = Guard(allow_private=settings.allow_private, networks=settings.allow_addresses)
        self._connector: Connector | None = None
        self._active = 0
        self._session: aiohttp.ClientSession | None = None
        self.pools: Mapping[str, PoolState] = pools(settings)

    def __repr__(self) -> str:
        state = "open" if self._session else "closed"
        return f"<Transport {state}, {self._active} active, {self._open_sockets} connections>"

    @property
    def _open_sockets(self) -> int:
        return self._connector.open_sockets if self._connector else 0

    def _crowded(self) -> bool:
        return self._open_sockets - self._active >= self._settings.idle_connections

    async def __aenter__(self) -> Self:
        if self._resolver is None:
            self._own_resolver = Resolver()
        keep = self._settings.keep_alive
        lifetime: dict[str, Any] = {"keepalive_timeout": keep} if keep else {"force_close": True}
        self._connector = Connector(
            guard=self._guard,
            crowded=self._crowded,
            ssl=self._tls or True,
            resolver=self._resolver or self._own_resolver,
            use_dns_cache=self._settings.dns_ttl > 0,
            ttl_dns_cache=int(self._settings.dns_ttl),
            dns_cache_max_size=RESOLVED_NAMES,
            **lifetime,
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
            max_headers=MAX_HEADERS,
            middlewares=(_send_once,),
            trace_configs=[self._hooks()],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        resolver, self._own_resolver = self._own_resolver, None
        if resolver is not None:
            await resolver.close()

    def metrics(self) -> dict[str, PoolMetrics]:
        """Return what each pool has done so far."""
        return {name: pool.meter.snapshot() for name, pool in self.pools.items()}

    async def send(
        self, request: Send, *, seconds: float, starting: Callable[[], None] = lambda: None
    ) -> Answer:
        """Return the answer to one request, sent once (again only when a kept connection was dead).

        `seconds` bounds all of it, the wait for room included; `starting` is called once there is
        room, right before sending. Raises TransientError (`busy` when there was no room in time,
        `timeout`, `connect_timeout`, `stalled`, `dns`, `refused`, `reset`, `unreachable`, `tls`, `incomplete` …), RefusedError
        (`blocked_address`, `too_large`) or MalformedError (`bad_http`, `bad_encoding`, `bomb`,
        `truncated`).
        """
        pool = self.pools[request.pool]
        asked = False
        try:
            async with asyncio.timeout(max(0.0, seconds)), pool.room.place() as place:
                asked = True
                starting()
                with self._counted(pool.meter):
                    return await self._exchange(request, pool, place)
        except failures.FOREIGN as error:
            # In a variable it would keep this frame, and the frame its traceback, until the next
            # search for garbage.
            raise pool.meter.failed(
                failures.translated(error, request.url) if asked else _no_room(request)
            ) from error
        except TgewatchError as error:
            pool.meter.failed(error)
            raise

    @contextlib.asynccontextmanager
    async def opened(
        self, request: Send, *, seconds: float, silence: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that has no end, and close it when the body is left.

        `seconds` bounds its beginning, `silence` each wait for a byte. It holds a place of its pool
        for as long. Raises what aiohttp raises: see `failures`. Redirects are not followed.
        """
        if self._session is None:
            raise self._unusable()
        pool = self.pools[request.pool]
        async with pool.room.place():
            with self._counted(pool.meter):
                pool.meter.requests += 1
                async with asyncio.timeout(seconds):
                    response = await self._session.request(
                        request.method,
                        URL(request.url, encoded=True),
                        headers=self._headers(request, pool) | {"Accept-Encoding": "identity"},
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(
                            sock_connect=pool.settings.connect, sock_read=silence
                        ),
                        trace_request_ctx=_Trace(meter=pool.meter),
                    )
                pool.meter.statuses[response.status] += 1
                try:
                    yield response
                finally:
                    response.close()

    @contextlib.contextmanager
    def _counted(self, meter: Meter) -> Iterator[None]:
        self._active += 1
        meter.active += 1
        try:
            yield
        finally:
            self._active -= 1
            meter.active -= 1

    async def _exchange(self, request: Send, pool: PoolState, place: Place) -> Answer:
        for stale in range(STALE_CONNECTIONS + 1):
            trace = _Trace(meter=pool.meter)
            try:
                return await self._once(request, pool, place, trace)
            except failures.DroppedError:
                idempotent = request.method in {"GET", "HEAD"}
                if not (trace.reused and idempotent) or stale == STALE_CONNECTIONS:
                    raise
        raise AssertionError  # the last turn returns or raises

    def _unusable(self) -> Exception:
        if self._connector is None:
            return RuntimeError("the transport is not open")
        return TransientError("the connections were closed meanwhile", cause="closed")

    async def _once(self, request: Send, pool: PoolState, place: Place, trace: _Trace) -> Answer:
        if self._session is None:
            raise self._unusable()
        pool.meter.requests += 1
        requested, began = self._clock.now(), self._clock.monotonic()
        silence = pool.settings.stalled
        if request.stalled is not None:
            silence = min(silence, request.stalled)
        place.asked()
        response = await self._session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=self._headers(request, pool),
            data=request.body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(sock_connect=pool.settings.connect, sock_read=silence),
            trace_request_ctx=trace,
        )
        try:
            await place.answered()
            pool.meter.statuses[response.status] += 1
            headers = _joined(response.headers.items())
            body, wire = await self._body(response, headers, pool)
        except BaseException:
            response.close()
            raise
        response.release()
        return Answer(
            url=request.url,
            status=response.status,
            headers=headers,
            body=body,
            wire=wire,
            requested=requested,
            received=self._clock.now(),
            elapsed=self._clock.monotonic() - began,
            reused=trace.reused,
        )

    def _headers(self, request: Send, pool: PoolState) -> dict[str, str]:
        headers = {"User-Agent": self._settings.user_agent, "Accept": pool.accept}
        for name, value in request.headers:
            headers[_CANONICAL.get(name.lower(), name)] = value
        headers["Accept-Encoding"] = ACCEPT_ENCODING
        return headers

    async def _body(
        self, response: aiohttp.ClientResponse, headers: Mapping[str, str], pool: PoolState
    ) -> tuple[bytes, int]:
        good = 200 <= response.status < 300  # noqa: PLR2004 - the class of success
        if response.status in {204, 304} or response.method == "HEAD":
            return b"", 0
        if not good:
            return await self._error_body(response, headers, pool)
        body = Body(headers.get("content-encoding", ""), limit=pool.settings.max_bytes)
        await _read(response, body, pool.meter)
        try:
            return body.finish(), body.wire
        except MalformedError as error:
            if "content-length" in headers or "transfer-encoding" in headers:
                raise
            # Nothing but the end of the connection marked the end of the body.
            raise TransientError(str(error), cause="incomplete") from error

    @staticmethod
    async def _error_body(
        response: aiohttp.ClientResponse, headers: Mapping[str, str], pool: PoolState
    ) -> tuple[bytes, int]:
        limit = min(ERROR_BODY, pool.settings.max_bytes)
        try:
            async with asyncio.timeout(ERROR_SECONDS):
                body = Body(headers.get("content-encoding", ""), limit=limit)
                await _read(response, body, pool.meter)
                return body.finish(), body.wire
        except (TgewatchError, aiohttp.ClientError, TimeoutError):
            response.close()
            return b"", 0

    def _hooks(self) -> aiohttp.TraceConfig:
        async def reused(_: object, context: SimpleNamespace, __: object) -> None:
            trace: _Trace = context.trace_request_ctx
            trace.reused = True
            trace.meter.reused += 1

        async def opening(_: object, context: SimpleNamespace, __: object) -> None:
            context.trace_request_ctx.began = self._clock.monotonic()

        async def opened(_: object, context: SimpleNamespace, __: object) -> None:
            trace: _Trace = context.trace_request_ctx
            trace.meter.opened += 1
            trace.meter.handshake += self._clock.monotonic() - trace.began

        hooks = aiohttp.TraceConfig()
        hooks.on_connection_reuseconn.append(reused)
        hooks.on_connection_create_start.append(opening)
        hooks.on_connection_create_end.append(opened)
        return hooks


_CANONICAL = {"user-agent": "User-Agent", "accept": "Accept"}


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending again by itself: what was sent is counted and paced here."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise failures.DroppedError(str(error)) from error


def _no_room(request: Send) -> TransientError:
    """Return what is to be said of a request that was not sent: no fault of the other side."""
    return TransientError(
        f"{urls.redacted(request.url)}: no room in the pool before the deadline", cause="busy"
    )


async def _read(response: aiohttp.ClientResponse, body: Body, meter: Meter) -> None:
    async for chunk in response.content.iter_any():
        meter.bytes_read += len(chunk)
        body.feed(chunk)


def _joined(pairs: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if key in headers:
            headers[key] += ", " + value
        elif key != "set-cookie":
            headers[key] = value
    return headers
