"""A real HTTP endpoint on loopback that gives second opinions, in either style, and can say no.

Inside a test: `async with OpinionServer() as server: … server.url("openai") …`. It answers
`relevant` with `confidence` unless it was told otherwise; what it is told holds for one question
each. It shares no code with the client.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import orjson
from aiohttp import web

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
BODY_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, as it arrived."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    content: dict[str, Any]

    @property
    def text(self) -> dict[str, str]:
        """The text that is asked about."""
        found: dict[str, str] = orjson.loads(self.content["messages"][-1]["content"])
        return found


_Reply = Callable[[web.Request, bool], web.StreamResponse | None]


class OpinionServer:
    """Answers questions."""

    def __init__(self, *, relevant: bool = True, confidence: float = 0.9, kind: str = "") -> None:
        self.asked: list[Asked] = []
        self.at_once = 0
        """Most questions under way at a time."""
        self._usual = {
            "relevant": relevant,
            "confidence": confidence,
            "kind": kind or None,
            "reason": "the text says so",
        }
        self._script: deque[_Reply | None] = deque()
        self._stopping = asyncio.Event()
        self._under_way = 0
        self._runner: web.AppRunner | None = None
        self._port = 0

    def url(self, style: str = "openai") -> str:
        """Address of the endpoint of that style."""
        return f"http://127.0.0.1:{self._port}{PATHS[style]}"

    def says(self, **changed: object) -> "OpinionServer":
        """Give an answer with other fields next time."""
        return self.writes(orjson.dumps({**self._usual, **changed}).decode())

    def writes(self, text: str, *, usage: object = None) -> "OpinionServer":
        """Write this text as the model's next time."""
        self._script.append(lambda _, anthropic: _envelope(text, anthropic, usage))
        return self

    def sends(self, body: bytes, *, status: int = 200, **headers: str) -> "OpinionServer":
        """Send these bytes next time; `retry_after="7"` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._script.append(lambda _, __: web.Response(status=status, body=body, headers=named))
        return self

    def refuses(self, status: int, **headers: str) -> "OpinionServer":
        """Answer with this status next time."""
        return self.sends(b'{"error": "no"}', status=status, **headers)

    def hangs(self) -> "OpinionServer":
        """Say nothing next time."""
        self._script.append(None)
        return self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.path, headers, orjson.loads(await request.read())))
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        try:
            anthropic = request.path == PATHS["anthropic"]
            if not self._script:
                return _envelope(orjson.dumps(self._usual).decode(), anthropic, None)
            reply = self._script.popleft()
            answer = None if reply is None else reply(request, anthropic)
            if answer is None:
                await self._stopping.wait()
                return web.Response(status=503)
            return answer
        finally:
            self._under_way -= 1

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=BODY_LIMIT)
        for path in PATHS.values():
            application.router.add_post(path, self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()


def _envelope(text: str, anthropic: bool, usage: object) -> web.Response:  # noqa: FBT001 - one of two
    used = (
        usage
        if usage is not None
        else (
            {"input_tokens": 500, "output_tokens": 40}
            if anthropic
            else {"prompt_tokens": 500, "completion_tokens": 40}
        )
    )
    content: dict[str, object] = (
        {"type": "message", "content": [{"type": "text", "text": text}], "usage": used}
        if anthropic
        else {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": used}
    )
    return web.Response(body=orjson.dumps(content), content_type="application/json")
