"""A week of the simulated world: one event a project, each change told once, dates right."""

import asyncio

import pytest

from tgewatch.bench.week import Player, Switches
from tgewatch.detect.correct import advance
from tgewatch.detect.merge import merge
from tgewatch.testing.store import MemoryStore
from tgewatch.world import make_plan
from tgewatch.world.lives import EVENTFUL

START = 1_790_035_200.0


def planned(**changed):
    return make_plan(
        **{
            "start": START, "outlets": 20, "projects": 13, "faults": False, "latency": 0.0,
            "lives": EVENTFUL, "writers": (3, 5), "twins": True, "per_day": 1.0, **changed,
        }
    )  # fmt: skip


def played(plan, switches=Switches()):  # noqa: B008 - frozen
    store = MemoryStore(merge=merge, route=lambda *_: (), advance=advance)
    return asyncio.run(Player(plan, store, switches=switches).play())


@pytest.fixture(scope="module")
def week():
    return played(planned())


def test_there_is_one_event_a_project_and_none_that_is_of_two(week):
    assert week.projects == 13
    assert week.about > 200
    assert week.false_merges == []
    assert week.events["several"] == 0
    assert week.events["one"] >= 11
    assert week.events["strangers"] == 0


def test_each_change_is_told_once_and_nothing_else_is(week):
    assert week.told["again"] == 0, week.wrong
    assert week.told["unplanned"] == 0, week.wrong
    assert week.told["missed"] <= 2, week.wrong
    assert week.told["once"] >= 30


def test_the_calendar_is_right_a_round_after_every_change_of_a_date(week):
    assert week.dates["wrong"] <= 1, week.late
    assert week.dates["right"] >= 15


def test_a_world_in_which_merging_is_off_is_seen_to_be_wrong():
    store = MemoryStore(merge=lambda claim, _, now: merge(claim, (), now), route=lambda *_: ())

    broken = asyncio.run(Player(planned(projects=4, days=3.0), store).play())

    assert broken.events["several"] >= 3
    assert broken.told["again"] > 5


def test_the_early_filter_saves_articles_and_changes_nothing_that_is_found():
    plan = planned(projects=5, days=3.0, per_day=4.0)

    wanted, every = played(plan), played(plan, Switches(early_filter=False))
    none = played(plan, Switches(articles=False))

    assert none.articles == 0 < wanted.articles < every.articles
    assert every.articles == every.entries
    assert wanted.found >= none.found
