"""X's price list, as the purse asks for it."""

import asyncio
from dataclasses import dataclass, field

import orjson
import pytest

from tgewatch.errors import TransientError
from tgewatch.rules.prices import Prices
from tgewatch.sources.x_prices import AGAIN, FRESH, NOTE, PriceList
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import MemoryNotes, Reply

URL = "https://console.example/pricing"
STATED = Prices(post=0.005, user=0.010, counts=0.005)
LIST = orjson.dumps({"eventTypePricing": {"Post": 0.004}, "requestTypePricing": {}})


@dataclass
class Console:
    """Where the list is; what it answers can be changed."""

    answer: object = field(default_factory=lambda: Reply(200, {}, LIST))
    asked: list = field(default_factory=list)

    async def call(self, method, url, *, headers, body, seconds):
        assert (method, url, body) == ("GET", URL, None)
        assert 0 < seconds <= 10
        self.asked.append(dict(headers))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Stage:
    def __init__(self):
        self.console, self.notes, self.clock = Console(), MemoryNotes(), ManualClock()

    def open(self, url=URL):
        return PriceList(self.console, url=url, stated=STATED, notes=self.notes, clock=self.clock)


@pytest.fixture
def stage():
    return Stage()


def refreshed(prices):
    return asyncio.run(prices.refresh())


def test_what_the_list_names_counts_and_the_settings_for_the_rest(stage):
    assert refreshed(stage.open()) == Prices(post=0.004, user=0.010, counts=0.005)
    assert "Authorization" not in stage.console.asked[0]


def test_it_is_asked_once_a_day_and_not_more_often(stage):
    prices = stage.open()
    for _ in range(3):
        refreshed(prices)
        stage.clock.advance(FRESH / 4)
    assert len(stage.console.asked) == 1

    stage.clock.advance(FRESH / 4)
    refreshed(prices)
    assert len(stage.console.asked) == 2


def test_another_process_takes_over_what_was_loaded(stage):
    refreshed(stage.open())

    assert refreshed(stage.open()).post == 0.004
    assert len(stage.console.asked) == 1
    assert refreshed(stage.open("")) == STATED


def test_the_note_of_another_address_is_none(stage):
    stage.notes.kept[NOTE] = orjson.dumps({"url": "x", "at": 9e9, "prices": {"post": 9}})

    assert refreshed(stage.open()).post == 0.004


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"at": 1}'])
def test_a_note_that_cannot_be_read_is_none(stage, note):
    stage.notes.kept[NOTE] = note

    assert refreshed(stage.open()).post == 0.004


def test_without_an_address_nobody_is_asked(stage):
    assert refreshed(stage.open("")) == STATED
    assert stage.console.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (TransientError("no network", cause="unreachable"), "no network"),
        (Reply(503, {}, LIST), "503"),
        (Reply(302, {"location": "https://elsewhere.example"}, b""), "302"),
        (Reply(200, {}, b"<html>"), "not JSON"),
        (Reply(200, {}, b"[1]"), "names no price"),
        (Reply(200, {}, b'{"eventTypePricing": {"Post": "much"}}'), "names no price"),
    ],
)
def test_what_cannot_be_loaded_is_said_once_and_asked_again_in_an_hour(stage, answer, why, caplog):
    stage.console.answer = answer
    prices = stage.open()

    for _ in range(3):
        assert refreshed(prices) == STATED
        stage.clock.advance(AGAIN)

    assert len(stage.console.asked) == 3
    (said,) = caplog.records
    assert why in said.why
    stage.console.answer = Reply(200, {}, LIST)
    assert refreshed(prices).post == 0.004


def test_a_list_that_is_gone_leaves_what_it_said_last(stage):
    prices = stage.open()
    refreshed(prices)
    stage.console.answer = Reply(404, {}, b"")
    stage.clock.advance(FRESH)

    assert refreshed(prices).post == 0.004
