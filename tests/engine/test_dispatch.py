"""The scheduler: what is due is sent once, and the store says what became of it."""

import asyncio
from dataclasses import replace

import pytest

from tgewatch.engine import dispatch
from tgewatch.engine.dispatch import AGAIN, BATCH, LOST, OVERDUE, REVIEW, Dispatcher
from tgewatch.model import Backlog, Outcome, Poll, Source, SourceState
from tgewatch.settings import PollingSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.polls import simple_merge, simple_route
from tgewatch.testing.queue import ScriptedQueue
from tgewatch.testing.store import MemoryStore

NOW = 1_780_000_000.0
TOKEN = 7


class Desk:
    """A scheduler with everything around it."""

    def __init__(self, amount, policy="fixed"):
        self.sources = [Source(url=f"https://f{n}.example/", name=f"{n}") for n in range(amount)]
        self.clock = ManualClock(NOW)
        self.queue = ScriptedQueue()
        self.store = MemoryStore(merge=simple_merge, route=simple_route)
        self.settings = PollingSettings(policy=policy, interval=600, jitter=0)
        self.runner = asyncio.Runner()
        self.again()

    def again(self, token=TOKEN):
        """Begin as another scheduler."""
        self.dispatcher = Dispatcher(
            self.sources,
            settings=self.settings,
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            chance=lambda: 0.0,
            token=token,
        )
        self.run(self.dispatcher.prepare())

    def run(self, work):
        return self.runner.run(work)

    def turn(self, seconds=0.0):
        self.clock.advance(seconds)
        self.run(self.dispatcher.turn())
        sent, self.queue.sent = self.queue.urls, []
        return sent

    def poll(self, *urls, wait=600.0, tell=True):
        """Be a worker that polls these, and is heard of or not."""
        for url in urls:
            before = self.run(self.store.source_states([url])).get(url) or SourceState(url=url)
            after = replace(
                before, polls=before.polls + 1, next_poll=self.clock.now() + wait, baseline_at=NOW
            )
            source = next(one for one in self.sources if one.url == url)
            poll = Poll(source, self.clock.now(), after, "unchanged")
            self.run(self.store.commit_poll(poll))
        if tell:
            self.tell(Outcome(tuple(urls)))

    def tell(self, outcome, token=TOKEN):
        self.queue.told.append((token, outcome))


@pytest.fixture
def desk():
    desks = []

    def build(*arguments, **named):
        desks.append(Desk(*arguments, **named))
        return desks[-1]

    yield build
    for one in desks:
        one.runner.close()


def test_what_is_due_is_sent_once_in_small_batches(desk):
    one = desk(100)
    one.run(one.dispatcher.turn())
    sizes = [len(batch.due) for batch in one.queue.sent]

    assert sorted(one.queue.urls) == sorted(source.url for source in one.sources)
    assert sizes == [BATCH, BATCH, BATCH, 100 - 3 * BATCH]
    assert {batch.token for batch in one.queue.sent} == {TOKEN}
    assert len({batch.id for batch in one.queue.sent}) == 4

    one.queue.sent.clear()
    assert one.turn(60) == []


def test_a_source_that_was_polled_is_sent_again_when_it_is_due_and_not_before(desk):
    one = desk(1)
    (url,) = one.turn()
    one.poll(url)

    assert one.turn(1) == []
    assert one.turn(597) == []
    one.run(one.dispatcher.turn())
    one.clock.advance(2)
    one.run(one.dispatcher.turn())
    (batch,) = one.queue.sent
    assert [(due.url, due.polls) for due in batch.due] == [(url, 1)]


def test_no_more_is_in_flight_than_workers_can_take(desk, monkeypatch):
    monkeypatch.setattr(dispatch, "IN_FLIGHT", 40)
    one = desk(100)

    first = one.turn()
    assert len(first) == 40
    assert one.turn(1) == []
    one.poll(*first[:10])
    assert len(one.turn(1)) == 10


def test_one_that_could_not_be_polled_is_sent_again_after_as_long_as_was_said(desk):
    one = desk(1)
    (url,) = one.turn()
    one.tell(Outcome((), {url: 90.0}))

    assert one.turn(1) == []
    assert one.turn(88) == []
    assert one.turn(3) == [url]


def test_word_of_a_poll_that_the_store_does_not_know_is_not_believed(desk):
    one = desk(1)
    (url,) = one.turn()
    one.tell(Outcome((url,)))

    assert one.turn(0.2) == []
    assert one.turn(AGAIN + 0.1) == [url]


def test_a_poll_that_nobody_told_of_is_found_in_the_store(desk):
    one = desk(2)
    polled, lost = one.turn()
    one.queue.holding = Backlog(held=1)
    one.poll(polled, tell=False)

    assert one.turn(OVERDUE - 1) == []
    assert one.turn(REVIEW + 1) == []
    assert one.turn(AGAIN + 0.1) == [lost]
    assert one.dispatcher.counts.overdue == 2


def test_what_a_queue_has_lost_is_sent_again_soon(desk):
    one = desk(1)
    (url,) = one.turn()
    one.queue.holding = Backlog()

    assert one.turn(LOST + 1) == []
    assert one.turn(AGAIN + 1) == [url]


def test_without_a_queue_everything_stays_due(desk):
    one = desk(40)
    one.queue.broken = True
    assert one.turn() == []
    assert one.dispatcher.out == 0

    one.queue.broken = False
    assert len(one.turn(2)) == 40


def test_the_budget_is_not_spent_on_what_could_not_be_sent(desk):
    one = desk(40, policy="index")
    before = one.dispatcher.schedule.pulse().allowance
    one.queue.broken = True
    one.turn()
    assert one.dispatcher.schedule.pulse().allowance == before


def test_another_scheduler_goes_on_from_the_store(desk):
    one = desk(3)
    polled, *waiting = one.turn()
    one.poll(polled, tell=False)

    one.again(token=TOKEN + 1)

    assert sorted(one.turn()) == sorted(waiting)
    assert one.turn(601)[-1:] == [polled]


def test_word_for_an_earlier_scheduler_and_of_unknown_sources_does_nothing(desk):
    one = desk(1)
    one.turn()
    one.tell(Outcome((one.sources[0].url,)), token=TOKEN - 1)
    one.tell(Outcome(("https://nobody.example/",), {"https://else.example/": 1.0}))

    assert one.turn(10) == []
    assert one.dispatcher.out == 1


def test_it_runs_until_it_is_told_to_stop(desk):
    one = desk(2)

    async def story():
        stop = asyncio.Event()
        running = asyncio.ensure_future(one.dispatcher.run(stop))
        await one.queue.first.wait()
        stop.set()
        await running

    one.run(story())
    assert len(one.queue.urls) == 2
