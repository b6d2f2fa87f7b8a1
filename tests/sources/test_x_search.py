import asyncio
from dataclasses import replace

import pytest

from tgewatch.errors import TransientError
from tgewatch.fetch.ledger import Ledgers
from tgewatch.model import Priority
from tgewatch.rules import snowflake
from tgewatch.rules.x_plan import Shard
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Archive, FakeX, Faults, Post

NOON = 1_790_078_400.0
RECENT = "GET /2/tweets/search/recent"
SHARD = Shard("s", "recent", "from:foo", Priority.MEDIUM, ("foo",))


class Stage:
    """Somebody who reads one query again and again."""

    def __init__(self, *, faults=None, **settings):
        self.clock = ManualClock(NOON)
        archive = Archive()
        archive.add_account(Account(7, "foo"))
        self.fake = FakeX(archive, now=self.clock.now, faults=faults)
        self.settings = XSettings(**{"token": "token", **settings})
        caller = InProcessCaller(self.fake, self.clock)
        self.parts = x_parts(
            self.settings, [], caller=caller, turns=Ledgers(clock=self.clock), notes=MemoryNotes(),
            clock=self.clock,
        )  # fmt: skip
        self.asked = caller.asked
        self.cursor = None
        self.got = []
        self.problem = ""

    def post(self, *, ago=60.0, **more):
        at = round(self.clock.now() - ago, 3)
        post = Post(self.fake.archive.next_id(at), 7, f"TGE {at}", at, **more)
        self.fake.archive.add(post)
        return post.id

    def read(self, shard=SHARD, **more):
        found = asyncio.run(self.parts.queries.read(shard, self.cursor, **more))
        self.cursor = found.cursor
        self.problem = found.problem
        self.got += [post.id for post in found.posts]
        return [post.id for post in found.posts]


@pytest.fixture
def stage():
    return Stage()


def test_the_first_reading_goes_as_far_back_as_is_asked(stage):
    old, new = stage.post(ago=7_200), stage.post(ago=1_800)

    assert stage.read(history=3_600) == [new]
    assert old not in stage.got


def test_later_readings_bring_what_is_new(stage):
    first = stage.post(ago=60)
    stage.read(history=600)
    second = stage.post(ago=0)
    stage.clock.advance(60)

    assert second in stage.read()
    assert stage.got.count(first) <= 2


def test_a_quiet_query_pays_for_no_post_again(stage):
    stage.post(ago=60)
    stage.read(history=600)
    stage.clock.advance(600)
    stage.read()
    for _ in range(5):
        stage.clock.advance(86_400)
        assert stage.read() == []

    assert sum(len(day.posts) for day in stage.fake.meter.days.values()) == 1


def test_posts_that_are_indexed_late_are_found():
    stage = Stage(faults=Faults(seed=3, late=1.0, late_by=80.0))
    posts = []
    stage.read(history=60)
    for _ in range(60):
        posts.append(stage.post(ago=0))
        stage.clock.advance(7)
        if len(posts) % 8 == 0:
            stage.read()
    for _ in range(4):
        stage.clock.advance(60)
        stage.read()

    assert set(posts) <= set(stage.got)


def test_more_than_a_page_is_read_page_by_page(stage):
    posts = {stage.post(ago=60 + n) for n in range(250)}

    assert set(stage.read(history=3_600)) == posts
    assert len(stage.asked) == 3
    assert stage.cursor.newest == max(posts), "of the first page"
    assert stage.cursor.gap is None


def test_more_than_is_read_at_once_follows_the_next_time():
    stage = Stage(pages=2)
    posts = {stage.post(ago=200 + n) for n in range(550)}

    stage.read(history=3_600)
    assert stage.cursor.gap is not None
    assert "more pages" in stage.problem
    newer = stage.post(ago=40)
    rounds = 0
    while stage.cursor.gap is not None:
        stage.clock.advance(60)
        stage.read()
        rounds += 1
        assert rounds < 10

    assert posts | {newer} <= set(stage.got)


def test_a_reading_that_breaks_off_keeps_what_it_has(stage):
    posts = {stage.post(ago=200 + n) for n in range(250)}
    stage.read(history=0.001)

    async def broken():
        calls = 0
        search = stage.parts.api.search

        async def sometimes(*args, **more):
            nonlocal calls
            calls += 1
            if calls == 2:
                raise TransientError("no answer")
            return await search(*args, **more)

        stage.parts.api.search = sometimes
        try:
            return await stage.parts.queries.read(SHARD, None, history=3_600)
        finally:
            stage.parts.api.search = search

    found = asyncio.run(broken())
    assert len(found.posts) == 100
    assert found.problem == "no answer"
    stage.cursor = found.cursor
    stage.got = [post.id for post in found.posts]
    stage.clock.advance(60)
    stage.read()

    assert set(stage.got) == posts


def test_nothing_at_all_is_an_error_and_moves_no_cursor(stage):
    stage.read(history=60)
    before = stage.cursor
    stage.fake.faults.plant(RECENT, *["503"] * 3)

    with pytest.raises(TransientError):
        stage.read()

    assert stage.cursor == before


def test_short_pages_lose_nothing():
    stage = Stage(faults=Faults(seed=1, short=0.5))
    posts = {stage.post(ago=60 + n) for n in range(250)}
    stage.read(history=3_600)
    while stage.cursor.gap is not None:
        stage.clock.advance(60)
        stage.read()

    assert set(stage.got) == posts


def test_a_cursor_that_is_weeks_old_is_no_error(stage):
    stage.read(history=60)
    stage.clock.advance(20 * 86_400)
    post = stage.post(ago=60)

    assert stage.read() == [post]


def test_what_comes_to_match_late_is_looked_back_for(stage):
    shard = replace(SHARD, query="TGE min_likes:50", keywords=True)
    late = stage.post(ago=60, likes=100)
    stage.read(shard, history=600)
    assert late not in stage.got

    for _ in range(40):
        stage.clock.advance(300)
        stage.read(shard)

    assert late in stage.got


def test_a_timeline_is_read_by_the_id_of_its_account(stage):
    shard = Shard("timeline/foo", "timeline", "foo", Priority.LOW, ("foo",))
    post = stage.post()

    assert stage.read(shard, subject="7", history=600) == [post]
    assert "/2/users/7/tweets" in stage.asked[0][1]


def test_edits_are_versions_of_one_post(stage):
    first = stage.post(ago=600)
    second = stage.fake.archive.edit(first, "TGE moved", at=NOON - 300)

    found = asyncio.run(stage.parts.queries.read(SHARD, None, history=3_600))

    assert {post.root for post in found.posts} == {first}
    assert second is not None or len(found.posts) >= 1


def test_the_overlap_is_what_the_settings_say():
    stage = Stage(overlap=0)
    stage.read(history=60)
    stage.clock.advance(60)
    stage.post(ago=31)
    stage.read()

    assert stage.cursor.newest >= snowflake.id_at(NOON)
