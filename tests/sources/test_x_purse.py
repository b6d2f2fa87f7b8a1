import asyncio

import pytest

from tgewatch.rules.prices import Prices
from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings
from tgewatch.sources.x_purse import IDS, NOTE, SAVE_EVERY, SavedPurse
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import MemoryNotes

NOON = 1_790_078_400.0


class Listed:
    """A price list that changes when it is told to."""

    def __init__(self):
        self.prices = Prices()

    async def refresh(self):
        return self.prices


class Stage:
    def __init__(self):
        self.notes = MemoryNotes()
        self.clock = ManualClock(NOON)
        self.prices = Listed()

    def purse(self, **settings):
        made = SavedPurse(
            XSettings(**settings),
            notes=self.notes,
            clock=self.clock,
            owners={"foo": "Foo"},
            handle=lambda user: {"7": "foo"}.get(user, ""),
            prices=self.prices,
        )
        asyncio.run(made.load())
        return made


@pytest.fixture
def stage():
    return Stage()


def test_posts_are_charged_to_the_company_of_their_author(stage):
    purse = stage.purse()

    purse.posts([(1, "7"), (2, "9")], NOON)
    purse.users([(7, "Foo")], NOON)

    assert purse.bill.companies(NOON) == {
        "Foo": pytest.approx(0.015),
        "others": pytest.approx(0.005),
    }


def test_a_restart_forgets_neither_money_nor_what_was_paid_for(stage):
    purse = stage.purse()
    purse.posts([(1, "7"), (2**62, "7")], NOON)
    purse.users([(7, "Foo")], NOON)
    purse.counts(NOON)
    asyncio.run(purse.save(now=True))

    again = stage.purse()
    again.posts([(1, "7"), (2**62, "7")], NOON)
    again.users([(7, "Foo")], NOON)

    assert again.bill.days == purse.bill.days


def test_the_ids_of_yesterday_are_of_no_use(stage):
    purse = stage.purse()
    purse.posts([(1, "7")], NOON)
    asyncio.run(purse.save(now=True))
    stage.clock.advance(86_400)

    assert stage.purse().bill.posts == set()


def test_is_saved_now_and_then_and_not_when_nothing_changed(stage):
    purse = stage.purse()
    purse.posts([(1, "7")], NOON)
    asyncio.run(purse.save())
    assert NOTE not in stage.notes.kept

    stage.clock.advance(SAVE_EVERY)
    asyncio.run(purse.save())
    assert NOTE in stage.notes.kept
    stage.notes.kept.clear()
    purse.posts([(1, "7")], NOON)
    asyncio.run(purse.save(now=True))

    assert stage.notes.kept == {}


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"days": []}', b'{"days": {"a": [1]}}'])
def test_notes_that_cannot_be_read_are_none(stage, note):
    stage.notes.kept[NOTE] = note
    stage.notes.kept[IDS] = note

    assert stage.purse().bill.days == {}


def test_ids_that_were_cut_off_are_none(stage):
    purse = stage.purse()
    purse.posts([(1, "7")], NOON)
    asyncio.run(purse.save(now=True))
    stage.notes.kept[IDS] = stage.notes.kept[IDS][:-3]

    assert stage.purse().bill.posts == set()


def test_the_level_follows_the_budget(stage):
    purse = stage.purse(budget=0.05)

    levels = []
    for post in range(10):
        purse.posts([(post, "7")], NOON)
        levels.append(purse.level)

    assert levels[6:] == [Level.ALL, Level.NO_KEYWORDS, Level.NO_KEYWORDS, Level.ONLY_HIGH]


def test_what_the_price_list_says_holds_from_then_on_and_not_before(stage):
    purse = stage.purse()
    purse.posts([(1, "7")], NOON)
    stage.prices.prices = Prices(post=0.5)
    asyncio.run(purse.refresh())
    purse.posts([(2, "7")], NOON)

    assert purse.bill.on(NOON) == pytest.approx(0.505)
