"""The metrics over HTTP, for Prometheus: GET /metrics, and /metrics.json for everybody else.

Nothing but these two, one request a connection, within small bounds. It is meant for loopback.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import orjson

from tgewatch.errors import ConfigError
from tgewatch.metrics.export import prometheus
from tgewatch.metrics.metering import Metering

log = logging.getLogger(__name__)

TEXT = "text/plain; version=1.0.0; charset=utf-8"
HEAD = 8_192
"""Bytes of a request."""
SECONDS = 5.0
"""For a request to come in and its answer to go out."""
AT_ONCE = 16
"""Connections."""
HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Where Prometheus finds the metrics."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/metrics"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that `host:port`, `:port` or `port` names; the latter are loopback.

        Raises ConfigError.
        """
        host, _, port = text.strip().rpartition(":")
        if not port.isdecimal() or int(port) > HIGHEST_PORT:
            raise ConfigError([f"{text!r} is no address to listen on; for example 127.0.0.1:9464"])
        return cls(host.strip("[]") or "127.0.0.1", int(port))


@asynccontextmanager
async def serve_metrics(metering: Metering, address: Address) -> AsyncIterator[Address]:
    """Serve while the block runs; yields the address with the port that was bound.

    Raises ConfigError when it cannot listen there.
    """
    endpoint = _Endpoint(metering)
    try:
        server = await asyncio.start_server(
            endpoint.answer, address.host, address.port, limit=HEAD, backlog=AT_ONCE
        )
    except OSError as error:
        raise ConfigError(
            [
                f"metrics cannot be served on {address.host}:{address.port}: {error.strerror or error}"
            ]
        ) from error
    try:
        yield Address(address.host, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        endpoint.hang_up()
        await server.wait_closed()


class _Endpoint:
    def __init__(self, metering: Metering) -> None:
        self._metering = metering
        self._open: set[asyncio.StreamWriter] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, however it is asked, and close."""
        self._open.add(writer)
        try:
            if len(self._open) > AT_ONCE:
                return
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._reply(head))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("metrics_not_asked_for")
        finally:
            self._open.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """End what is under way."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _reply(self, head: bytes) -> bytes:
        method, target, *_ = [*head.split(b"\r\n", 1)[0].split(b" "), b"", b""]
        path = target.split(b"?", 1)[0]
        if method not in {b"GET", b"HEAD"}:
            return _response(405, "Method Not Allowed", b"", "text/plain", "Allow: GET, HEAD\r\n")
        if path == b"/metrics":
            self._metering.take()
            body = await asyncio.to_thread(prometheus, self._metering.recorder)
            return _response(200, "OK", body, TEXT, bare=method == b"HEAD")
        if path == b"/metrics.json":
            self._metering.take()
            body = await asyncio.to_thread(self._json)
            return _response(200, "OK", body, "application/json", bare=method == b"HEAD")
        return _response(404, "Not Found", b"try /metrics\n", "text/plain")

    def _json(self) -> bytes:
        return orjson.dumps(self._metering.report(), option=orjson.OPT_NON_STR_KEYS)


def _response(
    status: int, reason: str, body: bytes, kind: str, more: str = "", *, bare: bool = False
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if bare else body)
