"""POST to a webhook: once, through the same guard as every fetch."""

from collections.abc import Mapping

from tgewatch.fetch.transport import Send, Transport
from tgewatch.ports import PostResponse
from tgewatch.rules import urls


class HttpPoster:
    """A Poster over the transport. Follows no redirect and repeats nothing."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> PostResponse:
        """Return whatever status came. Raises TransientError or RefusedError, without the URL."""
        send = Send(urls.checked(url), headers=tuple(headers.items()), method="POST", body=body)
        answer = await self._transport.send(send, seconds=deadline)
        return PostResponse(answer.status, answer.headers)
