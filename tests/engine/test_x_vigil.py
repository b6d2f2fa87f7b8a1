"""Posts of today that X has no longer."""

import asyncio

import pytest

from tgewatch.engine.x_vigil import MOST, NEAR, SURE, Vigil
from tgewatch.errors import TransientError
from tgewatch.model.post import Post
from tgewatch.testing.clock import ManualClock

DAY = 86_400.0
NOON = 1_790_078_400.0
HOUR = 3_600.0


class Api:
    """Finds all posts but some."""

    def __init__(self):
        self.gone = set()
        self.asked = []
        self.error = None

    async def absent(self, posts):
        self.asked.append(list(posts))
        if self.error:
            raise self.error
        return frozenset(self.gone & set(posts))


class Stage:
    def __init__(self, every=HOUR):
        self.api, self.clock, self.every = Api(), ManualClock(NOON), every
        self.vigil = self.open()

    def open(self):
        return Vigil(self.api, clock=self.clock, every=self.every)

    def look(self):
        return [post.root for post in asyncio.run(self.vigil.look())]


@pytest.fixture
def stage():
    return Stage()


def post(number, *, root=0, **more):
    return Post(id=number, author="7", text="the TGE", at=NOON, root=root or number, **more)


def test_a_post_counts_as_gone_when_it_was_not_found_twice(stage):
    stage.vigil.watch([post(1), post(2)])
    stage.api.gone = {2}
    stage.clock.advance(HOUR)

    assert stage.look() == []
    assert stage.look() == []
    stage.clock.advance(SURE)
    assert stage.look() == [2]
    assert stage.api.asked == [[1, 2], [2]]


def test_it_is_told_once(stage):
    stage.vigil.watch([post(1)])
    stage.api.gone = {1}
    for _ in range(10):
        stage.clock.advance(HOUR / 4)
        if stage.look():
            break
    for _ in range(5):
        stage.clock.advance(HOUR)
        assert stage.look() == []
    assert stage.vigil.gone == 1


def test_one_that_is_found_again_was_never_gone(stage):
    stage.vigil.watch([post(1)])
    stage.api.gone = {1}
    stage.clock.advance(HOUR)
    stage.look()
    stage.api.gone = set()
    stage.clock.advance(SURE)

    assert stage.look() == []


def test_the_latest_version_is_asked_for_and_no_repost(stage):
    stage.vigil.watch([post(1), post(5, root=1), post(9, repost_of=4)])
    stage.clock.advance(HOUR)
    stage.look()

    assert stage.api.asked == [[5]]


def test_nobody_asks_for_the_posts_of_yesterday_which_would_cost_again(stage):
    stage.vigil.watch([post(1)])
    stage.clock.advance(DAY / 2 + HOUR)

    assert stage.look() == []
    stage.clock.advance(HOUR)
    stage.look()
    assert stage.api.asked == []


def test_nobody_asks_when_it_may_be_tomorrow_at_x(stage):
    stage.vigil.watch([post(1)])
    stage.clock.advance(DAY / 2 - NEAR + 1)
    stage.look()
    assert stage.api.asked == []


def test_never_means_never():
    stage = Stage(every=0.0)
    stage.vigil.watch([post(1)])
    stage.clock.advance(HOUR)
    stage.look()
    assert stage.api.asked == []


def test_a_failure_leaves_all_as_it_is_until_the_next_time(stage):
    stage.vigil.watch([post(1)])
    stage.api.error = TransientError("no", cause="reset")
    stage.clock.advance(HOUR)
    assert stage.look() == []
    stage.api.error, stage.api.gone = None, {1}
    stage.clock.advance(HOUR)
    stage.look()
    stage.clock.advance(SURE)
    assert stage.look() == [1]


def test_no_more_than_so_many_are_kept(stage):
    stage.vigil.watch(post(n) for n in range(1, MOST + 10))
    stage.clock.advance(HOUR)
    stage.look()
    assert stage.api.asked == [list(range(10, MOST + 10))]


def test_another_process_goes_on_today_and_not_tomorrow(stage):
    stage.vigil.watch([post(1)])
    kept = stage.vigil.dump()
    assert b"TGE" not in kept
    stage.vigil = stage.open()
    stage.vigil.load(kept)
    stage.clock.advance(HOUR)
    stage.look()
    assert stage.api.asked == [[1]]

    stage.clock.advance(DAY)
    stage.vigil = stage.open()
    stage.vigil.load(kept)
    stage.clock.advance(HOUR)
    stage.look()
    assert len(stage.api.asked) == 1


@pytest.mark.parametrize("note", [None, b"", b"{", b"[]", b'{"day": 1}'])
def test_notes_that_cannot_be_read_are_none(stage, note):
    stage.vigil.load(note)
    stage.clock.advance(HOUR)
    assert stage.look() == []


def test_rows_that_make_no_sense_are_left_out(stage):
    stage.vigil.watch([post(1)])
    day = stage.vigil.dump()[:20].decode()
    stage.vigil = stage.open()
    stage.vigil.load(f'{day[:19]},"next":0,"posts":[[1],["a",2,"7",1.0],[3,3,"7",1.0]]}}'.encode())
    stage.clock.advance(HOUR)
    stage.look()
    assert stage.api.asked == [[3]]
