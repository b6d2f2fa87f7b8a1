"""What becomes of a query's answer, or of what went wrong instead."""

import asyncio
from random import Random
from types import SimpleNamespace

import pytest

from tgewatch.engine.x_air import Air
from tgewatch.engine.x_asking import Asking
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Company
from tgewatch.model.post import Post
from tgewatch.rules.spending import Level
from tgewatch.rules.x_cursor import Cursor, Found
from tgewatch.settings import XSettings
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import MemoryNotes

COMPANIES = [Company("Foo", x_handle="foo"), Company("Bar", x_handle="bar")]


class Queries:
    """Answers, or fails, as it was told to; by place."""

    def __init__(self):
        self.errors = {}
        self.posts = []
        self.asked = []
        self.hanging = False

    async def read(self, shard, cursor, **more):
        self.asked.append((shard.name, cursor, more))
        if self.hanging:
            await asyncio.Event().wait()
        if error := self.errors.get(shard.name) or self.errors.get(shard.place):
            raise error
        return Found(tuple(self.posts), Cursor(newest=9, complete=1.0), calls=1)


class Who:
    def __init__(self):
        self.error = None

    async def lookup(self, handles):
        if self.error:
            raise self.error
        return {name.lower(): str(n) for n, name in enumerate(handles, 1)}


class Stage:
    def __init__(self, **settings):
        self.clock = ManualClock()
        self.queries, self.who, self.notes = Queries(), Who(), MemoryNotes()
        self.api = SimpleNamespace(limits={}, calls={}, throttled=0)
        self.money = SimpleNamespace(level=Level.ALL)
        self.handed = []
        self.settings = XSettings(token="t", **settings)  # noqa: S106 - of a fake
        self.air = Air(clock=self.clock, heard=print, refused=lambda *_: None)
        self.asking = self.open()

    def open(self):
        return Asking(
            self.settings,
            COMPANIES,
            ask=SimpleNamespace(
                api=self.api,
                queries=self.queries,
                who=self.who,
                money=self.money,
                notes=self.notes,
            ),
            clock=self.clock,
            chance=Random(1).random,  # noqa: S311 - jitter
            hand_on=self._take,
            air=self.air,
        )

    def _take(self, posts):
        self.handed += posts
        return list(posts)

    def begin(self):
        asyncio.run(self.asking.begin({}, ("foo", "bar")))

    def round(self, seconds=5.0):
        asyncio.run(self.asking.round(seconds))

    def names(self):
        return [name for name, _, _ in self.queries.asked]


def post(number):
    return Post(id=number, author="1", text="TGE", at=float(number), root=number)


def test_posts_are_handed_on_oldest_first_and_the_cursor_moves_with_them():
    stage = Stage()
    stage.queries.posts = [post(3), post(1), post(2)]
    stage.begin()
    stage.round()

    assert [one.id for one in stage.handed] == [1, 2, 3]
    assert stage.asking.cursors == {"recent/medium/0": Cursor(9, 1.0)}
    assert (stage.asking.answered, stage.asking.error) == (True, None)


def test_a_call_that_has_no_turn_is_put_off_and_is_no_error():
    stage = Stage()
    stage.queries.errors["recent"] = TransientError("w", retry_after=7.0, cause="rate_limited")
    stage.begin()
    stage.round()

    assert stage.asking.error is None
    assert stage.asking.rounds.next_due() == stage.clock.now() + 7.0


def test_what_x_refuses_gives_way_to_what_it_has_not_refused():
    stage = Stage(list_id="7")
    stage.queries.errors["list"] = RefusedError("no such operator", cause="x_invalid")
    stage.begin()
    assert stage.asking.strategy.search == "list"
    stage.round()
    stage.round()

    assert stage.asking.strategy.search == "packed"
    assert stage.names() == ["list", "recent/medium/0"]
    stage.queries.errors["recent"] = RefusedError("forbidden", cause="x_forbidden")
    stage.asking.rounds.hasten(stage.clock.now())
    stage.round()
    assert stage.asking.refused["recent"] == "forbidden"


def test_a_way_that_was_refused_is_tried_again_later():
    stage = Stage(list_id="7")
    stage.begin()
    stage.asking.refuse("list", "no")
    assert "list" in stage.asking.refused
    stage.clock.advance(6 * 3_600.0)

    assert stage.asking.refused == {}


def test_a_query_of_ours_that_is_wrong_is_no_reason_to_give_the_way_up(caplog):
    stage = Stage()
    stage.queries.errors["recent"] = RefusedError("bad query", cause="x_invalid")
    stage.begin()
    stage.round()

    assert stage.asking.refused == {}
    assert "x_query_refused" in caplog.text


@pytest.mark.parametrize("cause", ["x_unauthorized", "usage_capped"])
def test_a_token_or_month_that_is_refused_is_refused_on_every_way(cause):
    stage = Stage()
    stage.queries.errors["recent"] = RefusedError("no", cause=cause)
    stage.begin()
    stage.round()
    assert stage.asking.refused == {}
    assert stage.asking.error.cause == cause

    stage.who.error = stage.asking.error
    with pytest.raises(RefusedError):
        stage.begin()


def test_names_that_may_not_be_looked_up_keep_nobody_from_reading(caplog):
    stage = Stage()
    stage.who.error = RefusedError("forbidden", cause="x_forbidden")
    stage.begin()
    stage.round()

    assert stage.asking.answered
    assert "x_users_refused" in caplog.text


def test_a_round_ends_when_its_time_is_over_and_what_was_left_is_due(caplog):
    stage = Stage()
    stage.begin()
    stage.queries.hanging = True
    stage.round(0.05)
    stage.queries.hanging = False
    stage.round()

    assert stage.names() == ["recent/medium/0"] * 2
    assert "x_round_unfinished" in caplog.text


def test_a_stream_that_is_lost_makes_everything_due():
    stage = Stage()
    stage.asking.live = True
    stage.air.connected()
    stage.begin()
    stage.round()
    stage.air.dropped("reset", 120.0)
    assert stage.asking.replan()
    stage.round()

    assert len(stage.queries.asked) == 2


def test_a_plan_changes_only_with_what_decides_it():
    stage = Stage()
    stage.begin()
    assert not stage.asking.replan()
    stage.money.level = Level.NO_LOW
    assert stage.asking.replan()
    stage.api.limits["recent"] = 40
    assert stage.asking.replan()
    assert stage.asking.rounds.pace == 60.0


def test_the_limits_that_the_headers_tell_decide_the_pace():
    stage = Stage()
    stage.api.limits["recent"] = 5
    stage.begin()

    assert stage.asking.rounds.pace > 180.0


def test_another_process_knows_the_plan_and_when_what_is_due():
    stage = Stage()
    stage.begin()
    stage.round()
    asyncio.run(stage.asking.save(stage.clock.now()))
    stage.asking = stage.open()
    stage.begin()
    stage.round()

    assert len(stage.queries.asked) == 1
