"""Whether the stream stands, as the desk hears of it."""

import pytest

from tgewatch.engine.x_air import AFTER_GAP, DOWN, LONG, Air
from tgewatch.model.post import Post
from tgewatch.testing.clock import ManualClock


class Stage:
    def __init__(self):
        self.clock = ManualClock()
        self.posts, self.refused = [], []
        self.air = Air(
            clock=self.clock,
            heard=self.posts.append,
            refused=lambda why, seconds: self.refused.append((why, seconds)),
        )


@pytest.fixture
def stage():
    return Stage()


def test_posts_are_passed_on_and_counted(stage):
    post = Post(id=1, author="7", text="TGE", at=0.0, root=1)
    stage.air.heard(post)

    assert (stage.posts, stage.air.posts) == ([post], 1)


def test_a_short_break_is_no_reason_to_search_instead_and_a_longer_one_is(stage):
    assert not stage.air.streaming
    stage.air.connected()
    stage.air.dropped("reset", 1.0)
    stage.clock.advance(DOWN - 1)
    assert stage.air.streaming
    assert not stage.air.connected_now

    stage.clock.advance(2)
    assert not stage.air.streaming


def test_a_break_that_is_known_to_last_counts_at_once(stage):
    stage.air.connected()
    stage.air.dropped("503", DOWN)

    assert not stage.air.streaming


def test_breaks_in_a_row_are_one(stage):
    stage.air.connected()
    for _ in range(7):
        stage.air.dropped("reset", 5.0)
        stage.clock.advance(10)

    assert not stage.air.streaming
    assert stage.air.described() == "down for 1 m 10 s: reset"


def test_what_a_gap_has_swallowed_is_looked_for_once_when_a_search_can_see_it(stage):
    stage.air.connected()
    assert not stage.air.audit_due()
    stage.clock.advance(AFTER_GAP)

    assert [stage.air.audit_due() for _ in range(3)] == [True, False, False]


def test_only_a_long_refusal_is_one_and_a_connection_takes_it_back(stage):
    stage.air.dropped("503", 320.0)
    assert stage.refused == []
    stage.air.dropped("403", LONG)
    stage.air.connected()

    assert stage.refused == [("403", LONG), ("", 0.0)]


def test_when_nobody_listens_nothing_stands_and_nothing_is_due(stage):
    stage.air.connected()
    stage.air.off()
    stage.clock.advance(AFTER_GAP)

    assert not stage.air.streaming
    assert not stage.air.audit_due()
    assert stage.air.described() == "not connected"


def test_says_how_it_stands(stage):
    assert stage.air.described() == "not connected"
    stage.air.connected()
    stage.clock.advance(65)
    assert stage.air.described() == "connected for 1 m 5 s, 0 posts so far"
    assert repr(stage.air) == "<Air on, 0 posts>"
