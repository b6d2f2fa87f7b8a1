"""A small site, a channel and the program between them, ready to be killed."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import psycopg
import pytest

from tgewatch.testing.background import in_background
from tgewatch.testing.channel_server import ChannelServer
from tgewatch.testing.loopback import LoopbackServer, reply

NOW = 1_790_000_000.0
"""When the feed is first read."""
LATER = NOW + 3_600.0
"""When the news are out."""
DAY = 86_400.0
PADDING = "<p>The team thanked everybody who had taken part in the work of the past year.</p>" * 4


@dataclass(frozen=True)
class Entry:
    """One entry of the feed."""

    name: str
    at: float
    title: str
    text: str = "Nothing happened."
    whole: bool = False
    """The feed has the article's text."""


OLD = (
    Entry("old-1", NOW - DAY, "Quarterly report on validators"),
    Entry(
        "old-2",
        NOW - 200 * DAY,
        "Zalora token generation event took place on 3 March 2026",
        "The token of Zalora, $ZAL, was launched on 3 March 2026 and is trading.",
        whole=True,
    ),
    Entry("old-3", NOW - 2 * DAY, "A recipe for lentil soup"),
)
NEWS = (
    Entry(
        "new-1",
        LATER - 900,
        "Merida announces its token generation event: $MERI launches soon",
        "Merida said that the TGE of $MERI is close. " * 3,
        whole=True,
    ),
    Entry("new-2", LATER - 600, "Ostrava announces token launch", "The token launch is near."),
    Entry("new-3", LATER - 300, "Markets were quiet"),
    Entry(
        "new-4",
        LATER - 200,
        "Pelion token generation event announced, $PELI airdrop to follow",
        "Pelion announced the TGE of $PELI. " * 3,
        whole=True,
    ),
    Entry(
        "new-5",
        LATER - 100,
        "Quilon announces the token generation event of $QUIL",
        "Quilon announced the TGE of $QUIL and an airdrop.",
    ),
)
PAGES = {
    "new-2": "Ostrava announced the token generation event of its token $OSTR.",
    "new-5": "Quilon announced that the token generation event of $QUIL takes place soon.",
}
SOURCES = 5
"""Feeds that the site has in all; the first is read alone by most tests."""


class Site:
    """Feeds with an ETag for each version, and the pages that they link to."""

    def __init__(self) -> None:
        self.entries: tuple[Entry, ...] = OLD
        self.server = LoopbackServer(self._answer)

    @property
    def etag(self) -> str:
        return f'"{len(self.entries)}"'

    @property
    def polls(self) -> list[str]:
        """The ETag that each poll of the first feed sent."""
        return [
            asked.headers.get("if-none-match", "")
            for asked in self.server.asked
            if asked.path == "/feed-0.xml"
        ]

    async def _answer(self, asked, _line):
        if asked.path.startswith("/feed-"):
            if asked.headers.get("if-none-match") == self.etag:
                return reply(304, ETag=self.etag)
            return reply(200, self._feed(), ETag=self.etag, Content_Type="application/rss+xml")
        text = PAGES.get(asked.path.removeprefix("/a/"))
        if text is None:
            return reply(404)
        page = f"<html><body><article><h1>News</h1><p>{text}</p>{PADDING}</article></body></html>"
        return reply(200, page.encode(), Content_Type="text/html; charset=utf-8")

    def _feed(self) -> bytes:
        items = "".join(
            f"<item><title>{one.title}</title><guid>{one.name}</guid>"
            f"<link>{self.server.url(f'/a/{one.name}')}</link><description>{one.text}</description>"
            + (f"<content:encoded>{one.text * 5}</content:encoded>" if one.whole else "")
            + f"<pubDate>{format_datetime(datetime.fromtimestamp(one.at, UTC))}</pubDate></item>"
            for one in reversed(self.entries)
        )
        return (
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"<channel><title>News</title>{items}</channel></rss>"
        ).encode()


@dataclass(frozen=True)
class Kept:
    """What a store holds, as far as no kill may make a difference."""

    items: Counter
    """(source, key, stage, article) → rows."""
    events: Counter
    """(project, ticker, state) → rows."""
    transitions: Counter
    """(project, change) → rows."""
    messages: Counter
    """(project, change, state) → rows."""
    keys: frozenset[str]
    """Of the messages."""
    etags: dict[int, str]
    """What is sent with the next poll, by number of the source."""

    def of(self, source: int) -> int:
        """Return how many items of a source there are."""
        return sum(count for (number, *_), count in self.items.items() if number == source)


@contextmanager
def opened(folder: Path):
    """Yield what runs a query on the store of a folder, and check first that it is sound."""
    url = folder / "database_url"
    if url.exists():
        with psycopg.connect(url.read_text()) as base:
            yield lambda query: base.execute(query).fetchall()
        return
    with closing(sqlite3.connect(folder / "state" / "tgewatch.db")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        yield lambda query: base.execute(query).fetchall()


def kept(folder: Path) -> Kept:
    """Read the store as it is on the disk."""
    with opened(folder) as ask:
        events = ask("SELECT id, project, ticker, state FROM events")
        names = {number: project for number, project, *_ in events}
        notices = [
            (key, state, json.loads(notice))
            for key, state, notice in ask("SELECT key, state, notice FROM outbox")
        ]
        return Kept(
            items=Counter(ask("SELECT source_id, key, stage, article FROM items")),
            events=Counter(tuple(rest) for _, *rest in events),
            transitions=Counter(
                (names[event], json.loads(data)["change"])
                for event, data in ask("SELECT event_id, data FROM transitions")
            ),
            messages=Counter(
                (names.get(notice["event"], ""), notice["change"], state)
                for _, state, notice in notices
            ),
            keys=frozenset(key for key, *_ in notices),
            etags={
                number: json.loads(state)["validators"]["etag"]
                for number, state in ask("SELECT id, state FROM sources")
            },
        )


@dataclass
class Town:
    """The site, the channel and the launcher, for all tests of a process."""

    site: Site
    channel: ChannelServer
    launcher: subprocess.Popen
    template: Path
    """A folder in which the feed was read once."""

    now = NOW
    later = LATER
    old = OLD
    news = OLD + NEWS

    def begin(self, folder: Path, now: float, *, at: str = "", note: str = "") -> int:
        """Start a scan and return its process id."""
        arguments = ("scan", "--all", "--json", "--now", str(now))
        order = {"arguments": arguments, "folder": str(folder), "at": at, "note": note}
        self.launcher.stdin.write(json.dumps(order) + "\n")
        self.launcher.stdin.flush()
        return int(self.launcher.stdout.readline())

    def end(self) -> int:
        """Return the exit code of what was begun, once it has come to its end."""
        return int(self.launcher.stdout.readline())

    def scan(self, folder: Path, now: float, *, at: str = "", note: str = "") -> int:
        self.begin(folder, now, at=at, note=note)
        return self.end()

    def settle(self, folder: Path, *, times: int = 2) -> Kept:
        """Run the program as its user would, until nothing is left to do."""
        for again in range(1, times + 1):
            code = self.scan(folder, LATER + 60 * again)
            assert code == 0, (folder / "err").read_text()
        return kept(folder)

    def kept(self, folder: Path) -> Kept:
        return kept(folder)

    def receive(self, *, exactly: frozenset[str], twice: int) -> None:
        """Check that the channel got each message, and at most `twice` of them a second time."""
        got = Counter(self.channel.keys)
        assert set(got) == set(exactly)
        assert sum(got.values()) <= len(got) + twice, got
        assert max(got.values(), default=1) <= 1 + twice

    def forget(self, entries: tuple[Entry, ...]) -> None:
        """Begin the logs anew, with a site that shows these entries."""
        self.site.entries = entries
        self.site.server.asked.clear()
        self.channel.received.clear()

    def write_settings(
        self, folder: Path, *, sources: int = 1, group: int = 1, database: str = ""
    ) -> None:
        if database:
            (folder / "database_url").write_text(database)
        listed = "".join(
            f'[[source]]\nurl = "{self.site.server.url(f"/feed-{number}.xml")}"\n'
            for number in range(sources)
        )
        (folder / "tgewatch.toml").write_text(
            "[fetch]\nallow_private = true\nspacing = 0\n"
            f'[store]\ngroup = {group}\ndatabase_url = "{database}"\n'
            f'[detection]\nmode = "discover"\n{listed}'
            f'[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "{self.channel.url}"\n'
        )


@pytest.fixture(scope="session")
def servers():
    """The site and the channel."""
    site, channel = Site(), ChannelServer()
    with in_background(site.server, channel):
        yield site, channel


@pytest.fixture(scope="session")
def town(servers, tmp_path_factory):
    """Everything, with a folder in which the feed was read once."""
    script = Path(__file__).with_name("launcher.py")
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as launcher:
        found = Town(*servers, launcher, tmp_path_factory.mktemp("read-once"))
        found.write_settings(found.template)
        assert found.scan(found.template, NOW) == 0
        yield found
        launcher.stdin.close()


@pytest.fixture(scope="session")
def undisturbed(town, tmp_path_factory):
    """What the store holds when nothing was killed, and every point that was passed on the way."""
    place = tmp_path_factory.mktemp("undisturbed") / "watch"
    shutil.copytree(town.template, place)
    town.forget(OLD + NEWS)
    note = place / "points"
    assert town.scan(place, LATER, note=str(note)) == 0
    return town.settle(place), tuple(dict.fromkeys(note.read_text().splitlines()))


@pytest.fixture
def fresh(town, tmp_path):
    """A folder in which nothing was ever read, of a site with its old entries."""
    town.forget(OLD)
    town.write_settings(tmp_path)
    return tmp_path


@pytest.fixture
def folder(town, tmp_path):
    """A folder in which the feed was read once; since then the site has news."""
    place = tmp_path / "watch"
    shutil.copytree(town.template, place)
    town.forget(OLD + NEWS)
    return place
