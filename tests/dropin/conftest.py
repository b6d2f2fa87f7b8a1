"""A web server for a pipeline to read, and a process that has not used the drop-ins yet."""

import asyncio
import os
import threading
from concurrent.futures import Future
from email.utils import formatdate
from xml.sax.saxutils import escape

import pytest

from tgewatch.dropin import process
from tgewatch.testing.loopback import LoopbackServer, reply

ARTICLE = "<html><body><article><p>{}</p></article></body></html>"


class Site:
    """Feeds and pages on loopback, on a thread of its own. What it says can be changed."""

    def __init__(self):
        self.entries = {}
        """Path of a feed → (title, summary), newest first."""
        self.pages = {}
        """Path → (status, body)."""
        self.asked = []
        self._ready = Future()
        self._over = asyncio.Event()
        self._loop = None
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.server = self._ready.result(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _live(self):
        async def serve():
            self._loop = asyncio.get_running_loop()
            async with LoopbackServer(self._answer) as server:
                self._ready.set_result(server)
                await self._over.wait()

        asyncio.run(serve())

    def url(self, path="/"):
        return self.server.url(path)

    def publish(self, path, title, summary=""):
        self.entries.setdefault(path, []).insert(0, (title, summary))

    async def _answer(self, asked, _line):
        self.asked.append(asked)
        if asked.path in self.entries:
            body = self._feed(asked.path)
            tag = f'"{len(self.entries[asked.path])}"'
            if asked.headers.get("if-none-match") == tag:
                return reply(304, ETag=tag)
            return reply(200, body, ETag=tag, Content_Type="application/rss+xml")
        if asked.path in self.pages:
            status, body, *headers = self.pages[asked.path]
            return reply(status, body, **(headers[0] if headers else {}))
        if asked.path.startswith("/a/"):
            return reply(200, ARTICLE.format(asked.path).encode(), Content_Type="text/html")
        if asked.path.startswith("/echo"):
            said = f"{asked.method} {asked.path} {asked.headers.get('x-word', '')}".encode()
            body = b"" if asked.method == "HEAD" else said + b" " + asked.body
            return reply(200, body, Content_Type="text/plain")
        return reply(404, b"not here")

    def _feed(self, path):
        rows = self.entries[path]
        items = "".join(
            f"<item><title>{escape(title)}</title><link>{self.url(f'/a{path}-{number}')}</link>"
            f"<description>{escape(summary)}</description>"
            f"<pubDate>{formatdate(1_790_000_000 + number)}</pubDate></item>"
            for number, (title, summary) in zip(range(len(rows), 0, -1), rows, strict=True)
        )
        return (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed of {path}</title>'
            f"{items}</channel></rss>"
        ).encode()


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """Let each test be a process of its own, as far as the drop-ins can tell."""
    for name in [n for n in os.environ if n.startswith("TGEWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TGEWATCH_ALLOW_PRIVATE", "true")
    monkeypatch.setenv("TGEWATCH_FETCH__SPACING", "0")
    monkeypatch.setenv("TGEWATCH_CLAUDE_FLOW__ENABLED", "false")  # one may be on PATH
    monkeypatch.chdir(tmp_path)
    process.end()
    yield tmp_path
    process.end()
