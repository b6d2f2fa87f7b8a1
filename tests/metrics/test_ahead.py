"""Articles read ahead of their use: counted from their being fetched to a message."""

import asyncio

import pytest

from tgewatch.metrics.ahead import REMEMBERED, Ahead, worth
from tgewatch.metrics.recorder import Recorder
from tgewatch.model import Claim, Item, Judged, Kind, Notice, Poll, Source, SourceState, Stored
from tgewatch.model.delivery import Link
from tgewatch.ports import Request, Response
from tgewatch.testing import ManualClock
from tgewatch.testing.channel import FakeChannel

SOURCE = Source(url="https://paper.example/feed", name="paper")


def url(name):
    return f"https://paper.example/{name}"


def judged(name, *, article="fetched", claim=True, retry_at=None):
    item = Item(source=SOURCE.url, key=name, url=url(name), title=name)
    made = Claim(
        id=name, source=SOURCE.url, item=name, url=item.url, title=name, project="Lumara",
        kind=Kind.ANNOUNCED, confidence=0.9, at=0.0, seen=0.0,
    )  # fmt: skip
    return Judged(
        item, "event" if claim else "score", "", claim=made if claim else None, article=article,
        article_retry_at=retry_at,
    )  # fmt: skip


def notice(*names):
    links = tuple(Link(url(name), name, "paper") for name in names)
    return Notice("event", "announced", "Lumara", "Lumara has news", 0.0, links=links)


class Sized:
    def __init__(self, size):
        self._size = size

    async def fetch(self, request):
        return Response(request.url, 200, {}, b"", 0.0, bytes_read=self._size)


class Nothing:
    async def commit_poll(self, poll):
        return Stored(len(poll.judged))

    async def commit_rejudged(self, *_, at):  # noqa: ARG002 - the port names it
        return Stored(0)


class Stage:
    def __init__(self):
        self.clock = ManualClock()
        self.recorder = Recorder(clock=self.clock)
        self.ahead = Ahead(self.recorder, clock=self.clock)

    def fetch(self, name, size=1_000, pool="article"):
        asyncio.run(self.ahead.fetcher(Sized(size)).fetch(Request(url(name), pool=pool)))

    def poll(self, *items):
        poll = Poll(SOURCE, 0.0, SourceState(url=SOURCE.url), "changed", judged=items)
        asyncio.run(self.ahead.store(Nothing()).commit_poll(poll))

    def rejudge(self, *items):
        asyncio.run(self.ahead.store(Nothing()).commit_rejudged(SOURCE, items, at=0.0))

    def tell(self, *names):
        asyncio.run(self.ahead.channel(FakeChannel("pager")).send(notice(*names), key="k"))

    @property
    def counts(self):
        return self.recorder.record().counts

    @property
    def lead(self):
        return self.recorder.record().operations.get(("article", "lead"))


@pytest.fixture
def stage():
    return Stage()


def test_precision_recall_and_waste_follow_from_what_became_of_each_item(stage):
    for name, size in (("used", 700), ("useless", 300)):
        stage.fetch(name, size)
    stage.rejudge(judged("used"), judged("useless", claim=False))
    stage.poll(judged("plain", article="not_needed"), judged("noise", article="", claim=False))

    assert worth(stage.counts) == {"precision": 0.5, "recall": 0.5, "late": 0.0, "wasted": 0.3}


def test_an_item_counts_once_when_it_is_known_what_became_of_it(stage):
    stage.poll(judged("waiting", article="wanted", retry_at=0.0))
    stage.rejudge(judged("waiting", article="failed: timeout", retry_at=60.0))
    assert stage.counts.get("used_items", 0) == 0

    stage.rejudge(judged("waiting", article="failed: http_404"))
    assert stage.counts["used_items"] == 1
    assert "articles_read" not in stage.counts


def test_the_lead_ends_with_the_first_message_that_links_to_the_article(stage):
    stage.fetch("a")
    stage.rejudge(judged("a"))
    stage.clock.advance(3.0)
    stage.tell("a", "other")
    stage.clock.advance(50.0)
    stage.tell("a")

    assert (stage.lead.count, stage.lead.longest) == (1, pytest.approx(3.0))
    assert worth(stage.counts)["late"] == 0.0


def test_an_article_that_comes_after_its_message_is_late(stage):
    stage.tell("a")
    stage.rejudge(judged("a"))

    assert stage.lead is None
    assert worth(stage.counts)["late"] == 1.0


def test_feeds_are_no_articles_and_an_article_from_the_cache_costs_nothing(stage):
    stage.fetch("a", pool="rss")
    stage.rejudge(judged("a", claim=False))

    assert stage.counts["article_bytes"] == 0
    assert worth(stage.counts)["wasted"] is None


def test_of_nothing_nothing_is_said():
    assert set(worth({}).values()) == {None}


def test_no_more_is_remembered_than_allowed(stage):
    for number in range(REMEMBERED + 50):
        stage.ahead.judged(judged(str(number)))
        stage.ahead.came(url(str(number)), 1)

    assert repr(stage.ahead) == f"<Ahead {REMEMBERED} articles ready>"
    stage.ahead.told(notice("0"))
    assert stage.lead is None
    stage.ahead.told(notice(str(REMEMBERED)))
    assert stage.lead.count == 1
