"""Calls of an API over the transport: any method, any status, nothing followed or repeated."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tgewatch.errors import MalformedError, TransientError
from tgewatch.fetch import failures
from tgewatch.fetch.transport import ERROR_BODY, Answer, Send, Transport
from tgewatch.rules import urls


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """An answer that goes on."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Of a status other than 200, bounded."""
    _response: aiohttp.ClientResponse = field(repr=False)
    _url: str = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield bytes as they come. Raises TransientError when they break off or stall."""
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except failures.FOREIGN as error:
            raise failures.translated(error, self._url) from error


class HttpCaller:
    """Calls through one pool of the transport."""

    def __init__(self, transport: Transport, *, pool: str) -> None:
        self._transport = transport
        self._pool = pool

    def __repr__(self) -> str:
        return f"<HttpCaller {self._pool} over {self._transport!r}>"

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        seconds: float,
    ) -> Answer:
        """Return whatever status came. Raises TransientError when none did.

        A body that cannot be decoded counts as none: it may be whole the next time.
        """
        send = Send(urls.checked(url), self._pool, tuple(headers), method, body)
        try:
            return await self._transport.send(send, seconds=seconds)
        except MalformedError as error:
            raise TransientError(str(error), cause=error.cause) from error

    @asynccontextmanager
    async def hold(
        self, url: str, *, headers: Sequence[tuple[str, str]], seconds: float, silence: float
    ) -> AsyncIterator[HeldAnswer]:
        """Open an answer without end. Raises TransientError or RefusedError when it cannot be."""
        send = Send(urls.checked(url), self._pool, tuple(headers))
        opening = self._transport.opened(send, seconds=seconds, silence=silence)
        try:
            response = await opening.__aenter__()
        except failures.FOREIGN as error:
            raise failures.translated(error, url) from error
        try:
            yield await _held(response, url)
        finally:
            await opening.__aexit__(None, None, None)


async def _held(response: aiohttp.ClientResponse, url: str) -> HeldAnswer:
    body = b""
    if response.status != 200:  # noqa: PLR2004 - the status is the name
        try:
            body = await response.content.read(ERROR_BODY)
        except failures.FOREIGN:
            body = b""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HeldAnswer(response.status, headers, body, response, url)
