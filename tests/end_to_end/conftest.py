"""A site and a channel, and the program between them: in this process, or in one of its own."""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tgewatch.cli import main
from tgewatch.testing.background import in_background
from tgewatch.testing.channel_server import ChannelServer
from tgewatch.testing.loopback import LoopbackServer, reply

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
PATIENCE = 60


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Site:
    """Feeds by name, whose entries are title, text and age in hours; what is not there is a 404."""

    def __init__(self) -> None:
        self.now = NOW.timestamp()
        self.feeds: dict[str, list[tuple[str, str, float]]] = {}
        self.pages: dict[str, str] = {}
        self.hanging: set[str] = set()
        self.pausing: dict[str, int] = {}
        """Feeds that answer 429, and the seconds for which they want to be left alone."""
        self.server = LoopbackServer(self._answer)

    def url(self, feed: str = "news") -> str:
        return self.server.url(f"/{feed}.xml")

    async def _answer(self, asked, line):
        name, _, kind = asked.path.strip("/").rpartition(".")
        if name in self.hanging:
            await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss>")
            return None
        if name in self.pausing:
            return reply(429, Retry_After=str(self.pausing[name]))
        if kind == "xml" and name in self.feeds:
            body = self._feed(name)
            tag = f'"{len(body)}"'
            if asked.headers.get("if-none-match") == tag:
                return reply(304, ETag=tag)
            return reply(200, body, ETag=tag, Content_Type="application/rss+xml")
        if asked.path in self.pages:
            page = f"<html><body><article><p>{self.pages[asked.path]}</p></article></body></html>"
            return reply(200, page.encode(), Content_Type="text/html")
        return reply(404)

    def _feed(self, name: str) -> bytes:
        items = "".join(
            f"<item><title>{title}</title><link>{self.server.url(f'/{name}/{number}')}</link>"
            f"<description>{text}</description><content:encoded>{text}</content:encoded><pubDate>"
            f"{format_datetime(datetime.fromtimestamp(self.now - age * 3600, UTC))}"
            "</pubDate></item>"
            for number, (title, text, age) in enumerate(self.feeds[name])
        )
        return (
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"<channel><title>{name}</title>{items}</channel></rss>"
        ).encode()


class Shell:
    """Runs commands as a user would, with nothing of this machine around them."""

    now = NOW.isoformat()

    def __init__(self, folder: Path, site: Site, channel: ChannelServer, patch: Any) -> None:
        self.folder = folder
        self.site = site
        self.channel = channel
        self._patch = patch
        for name in [n for n in os.environ if n.startswith(("TGEWATCH_", "XDG_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("TGEWATCH_CLAUDE_FLOW__ENABLED", "false")  # one may be on PATH
        patch.setenv("NO_COLOR", "1")
        patch.chdir(folder)

    def settings(self, *sources: str, more: str = "") -> None:
        """Write settings with these sources and the channel."""
        listed = "".join(f'[[source]]\nurl = "{url}"\n' for url in sources)
        (self.folder / "tgewatch.toml").write_text(
            "[fetch]\nallow_private = true\nspacing = 0\n"
            f'[detection]\nmode = "discover"\n{more}\n{listed}'
            f'[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "{self.channel.url}"\n'
        )

    def run(self, *arguments: str) -> Ended:
        """Run a command in this process."""
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with self._patch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        return Ended(int(ended.value.code or 0), _text(out), _text(err))

    def scan(self, *arguments: str, now: str = now) -> Ended:
        return self.run("scan", "--json", "--now", now, *arguments)

    @contextmanager
    def process(self, *arguments: str, **environ: str):
        """Run a command in a process of its own while the block lasts."""
        with subprocess.Popen(  # noqa: S603 - our own interpreter on our own words
            [sys.executable, "-m", "tgewatch", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, **environ},
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @staticmethod
    def finish(process: subprocess.Popen, number: signal.Signals | None = None) -> Ended:
        """Send a signal, if any, and wait for the end."""
        if number is not None:
            process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        return Ended(process.returncode, out, err)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()


@pytest.fixture(scope="session")
def servers():
    site, channel = Site(), ChannelServer()
    with in_background(site.server, channel):
        yield site, channel


@pytest.fixture
def shell(servers, tmp_path, monkeypatch):
    site, channel = servers
    for log in (
        site.feeds,
        site.pages,
        site.hanging,
        site.pausing,
        site.server.asked,
        channel.received,
    ):
        log.clear()
    site.now = NOW.timestamp()
    return Shell(tmp_path, site, channel, monkeypatch)
