"""A real HTTP server on loopback that takes messages and keeps a log: the judge of deliveries.

Inside a test: `async with ChannelServer(log=path) as server: … server.url …`. From a shell:
`python -m tgewatch.testing.channel_server --log FILE`, which prints its URL and serves until it is
stopped.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

BODY_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it arrived."""

    path: str
    key: str
    """Value of `Idempotency-Key`; empty without one."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    answered: int
    """Status that was answered; 0 when the connection was cut or left hanging."""

    @property
    def taken(self) -> bool:
        """Whether the sender was told that the message has arrived."""
        return 200 <= self.answered < 300  # noqa: PLR2004 - the class of statuses is the name

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class ChannelServer:
    """Takes every message, unless told otherwise; what it is told holds for one request each."""

    def __init__(self, *, log: Path | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.received: list[Received] = []
        """Every request in order, also those that were answered with an error."""
        self._log = log
        self._host = host
        self._port = port
        self._script: deque[_Answer] = deque()
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    def __repr__(self) -> str:
        return f"<ChannelServer {self._host}:{self._port} {len(self.received)} received>"

    @property
    def url(self) -> str:
        """Address to post to; any path will do."""
        return f"http://{self._host}:{self._port}/hook"

    @property
    def keys(self) -> list[str]:
        """Keys of the messages that arrived, also unanswered; a repeated one is here twice."""
        return [one.key for one in self.received if one.taken or not one.answered]

    def answers(self, status: int, *, times: int = 1, **headers: str) -> "ChannelServer":
        """Answer so; `retry_after="7"` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._script.extend([_Answer(status, named)] * times)
        return self

    def hangs_after_taking(self) -> "ChannelServer":
        """Take the message into the log and never answer."""
        self._script.append(_Answer(0))
        return self

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self._script.popleft() if self._script else _Answer(204)
        self._note(
            Received(
                path=request.path,
                key=request.headers.get("Idempotency-Key", ""),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                answered=answer.status,
            )
        )
        if not answer.status:
            await self._stopping.wait()
            raise web.HTTPServiceUnavailable
        return web.Response(status=answer.status, headers=answer.headers)

    def _note(self, one: Received) -> None:
        """Keep it before it is answered: what the sender believes sent is in the log."""
        self.received.append(one)
        if self._log is None:
            return
        try:
            body = one.json()
        except orjson.JSONDecodeError:
            body = one.body.decode(errors="replace")
        line = orjson.dumps(
            {"path": one.path, "key": one.key, "answered": one.answered, "body": body}
        )
        with self._log.open("ab") as opened:
            opened.write(line + b"\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return what a server has logged: path, key, answered and body of every request."""
    if not path.exists():
        return []
    return [orjson.loads(line) for line in path.read_bytes().splitlines() if line]


async def _serve(log: Path | None, port: int) -> None:
    async with ChannelServer(log=log, port=port) as server:
        print(server.url, flush=True)  # noqa: T201 - it is how the caller learns the address
        await asyncio.Event().wait()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Take messages and keep a log of them.")
    parser.add_argument("--log", type=Path, help="file that gets one JSON line a request")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    told = parser.parse_args()
    try:
        asyncio.run(_serve(told.log, told.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
