"""A worker polls each source once per due time, and tells what it did not."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tgewatch.cli.progress import Silent
from tgewatch.detect.detector import Detector
from tgewatch.detect.merge import merge
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.poller import Poller
from tgewatch.engine.relay import Follower
from tgewatch.engine.worker import AGAIN, STRANGER, Worker
from tgewatch.errors import RefusedError, TransientError
from tgewatch.model import Batch, Due, Pulse, Source, SourceState, Taken
from tgewatch.notify.router import Router
from tgewatch.settings import CycleSettings, Settings
from tgewatch.swarm.local import LocalReservations
from tgewatch.testing import ManualClock
from tgewatch.testing.fetcher import ScriptedFetcher
from tgewatch.testing.queue import ScriptedQueue
from tgewatch.testing.reader import ScriptedReader, reading
from tgewatch.testing.store import MemoryStore

NOW = 1_780_000_000.0
PULSE = Pulse(1e6, 3, (0,) * 48, 0, (NOW, 0.7, 3600.0, 1.0))


def url(number):
    return f"https://f{number}.example/"


async def plain(body, _url, _type):
    return body.decode()


@dataclass
class Bench:
    """One worker, and everything around it."""

    clock: ManualClock
    reader: ScriptedReader
    store: MemoryStore
    queue: ScriptedQueue
    reservations: LocalReservations
    worker: Worker
    reports: list[Any]
    runner: asyncio.Runner

    def batch(self, *due, token=1):
        self.queue.sent.append(Batch(f"{len(self.queue.sent)}", token, due, PULSE))

    def work(self):
        """Let the worker do what was sent, and end."""
        self.runner.run(self._work())
        self.queue.sent.clear()

    async def _work(self):
        stop, handed = asyncio.Event(), len(self.queue.sent)
        serve = self.queue.serve

        async def until_done(handle, *, stop, room):
            async def counted(taken: Taken):
                nonlocal handed
                await handle(taken)
                handed -= 1
                if not handed:
                    stop.set()

            await serve(counted, stop=stop, room=room)

        self.queue.serve = until_done
        try:
            async with asyncio.timeout(30):
                await self.worker.run(stop, reported=self.reports.append)
        finally:
            del self.queue.serve

    @property
    def polled(self):
        return [each for _, outcome in self.queue.told for each in outcome.polled]

    @property
    def later(self):
        return {u: s for _, outcome in self.queue.told for u, s in outcome.later.items()}

    def state(self, number):
        return self.runner.run(self.store.source_states([url(number)])).get(url(number))


@pytest.fixture
def bench():
    clock = ManualClock(NOW)
    settings = Settings(
        sources=tuple(Source(url=url(n), name=f"{n}") for n in range(5)),
        cycle=CycleSettings(concurrency=40),
    )
    router = Router(settings.channels)
    store = MemoryStore(merge=merge, route=router.route)
    reader, queue = ScriptedReader(), ScriptedQueue()
    for number in range(5):
        reader.says(url(number), reading())
    follower = Follower(settings.polling, now=NOW, chance=lambda: 0.0)
    poller = Poller(
        settings=settings,
        readers={"feed": reader},
        pipeline=Pipeline(
            Detector(settings.companies, settings.detection), Articles(ScriptedFetcher(()), plain)
        ),
        schedule=follower,
        store=store,
        notices=router.source_notices,
        clock=clock,
        progress=Silent(),
    )
    reservations = LocalReservations(clock=clock)
    worker = Worker(
        settings=settings,
        poller=poller,
        schedule=follower,
        store=store,
        queue=queue,
        reservations=reservations,
        clock=Patient(clock),
    )
    with asyncio.Runner() as runner:
        yield Bench(clock, reader, store, queue, reservations, worker, [], runner)


class Patient:
    """A clock that stands still while others wait: sleeping takes one turn of the loop."""

    def __init__(self, clock):
        self._clock = clock

    def now(self):
        return self._clock.now()

    def monotonic(self):
        return self._clock.monotonic()

    async def sleep(self, _seconds):
        await asyncio.sleep(0.001)  # noqa: TID251 - lets the work go on


def test_what_is_sent_is_polled_stored_and_told(bench):
    bench.batch(Due(url(0), 0), Due(url(1), 0))
    bench.work()

    assert sorted(asked for asked, *_ in bench.reader.asked) == [url(0), url(1)]
    assert sorted(bench.polled) == [url(0), url(1)]
    assert bench.state(0).polls == 1
    assert bench.state(0).next_poll > NOW
    assert sum(report.polled for report in bench.reports) == 2


def test_what_was_polled_meanwhile_is_not_polled_again(bench):
    bench.batch(Due(url(0), 0))
    bench.work()
    bench.batch(Due(url(0), 0))
    bench.work()

    assert len(bench.reader.asked) == 1
    assert bench.polled == [url(0), url(0)]  # the scheduler is to look into the store
    assert bench.worker.counts["done_already"] == 1


def test_the_next_poll_goes_by_what_the_store_remembers(bench):
    bench.batch(Due(url(0), 0))
    bench.work()
    bench.batch(Due(url(0), 1))
    bench.work()

    assert bench.state(0).polls == 2


def test_what_another_has_in_hand_is_left_to_it(bench):
    bench.runner.run(bench.reservations.reserve(f"poll 0 {url(0)}", seconds=60))
    bench.batch(Due(url(0), 0), Due(url(1), 0))
    bench.work()

    assert [asked for asked, *_ in bench.reader.asked] == [url(1)]
    assert bench.later == {url(0): AGAIN}


def test_a_scheduler_that_was_replaced_is_not_obeyed(bench):
    bench.batch(Due(url(0), 0), token=2)
    bench.batch(Due(url(1), 0), token=1)
    bench.work()

    assert [asked for asked, *_ in bench.reader.asked] == [url(0)]
    assert bench.worker.counts["outdated"] == 1


def test_a_source_that_is_not_on_our_list_is_left_to_others(bench):
    bench.batch(Due("https://stranger.example/", 0))
    bench.work()

    assert bench.later == {"https://stranger.example/": STRANGER}
    assert not bench.reader.asked


def test_a_poll_that_the_store_does_not_take_is_due_again_and_free_for_others(bench):
    bench.store.fails_next(TransientError("gone", cause="database"))
    bench.batch(Due(url(0), 0))
    bench.work()

    assert bench.later == {url(0): AGAIN}
    assert bench.state(0) is None
    assert bench.runner.run(bench.reservations.reserve(f"poll 0 {url(0)}", seconds=60))
    bench.batch(Due(url(1), 0))
    bench.work()
    assert bench.polled == [url(1)]


def test_a_poll_that_came_too_late_is_no_failure(bench):
    bench.store.fails_next(RefusedError("another was first", cause="stale"))
    bench.batch(Due(url(0), 0))
    bench.work()

    assert bench.polled == [url(0)]
    assert bench.worker.counts["stale"] == 1


def test_a_host_that_wants_a_pause_is_put_off_and_not_stored(bench):
    bench.reader.says(url(0), TransientError("later", cause="throttled", retry_after=77.0))
    bench.batch(Due(url(0), 0))
    bench.work()

    assert bench.later == {url(0): 77.0}
    assert bench.state(0) is None


def test_a_failing_source_is_stored_as_such(bench):
    bench.reader.says(url(0), TransientError("no", cause="http_503"))
    bench.batch(Due(url(0), 0))
    bench.work()

    assert bench.polled == [url(0)]
    assert bench.state(0).errors == 1


def test_nothing_is_remembered_of_a_source_between_two_polls(bench):
    """Another worker may poll it in between."""
    bench.batch(Due(url(0), 0))
    bench.work()
    elsewhere = replace(bench.state(0), polls=9, errors=4)
    bench.store._memory.data.states[url(0)] = elsewhere
    bench.batch(Due(url(0), 9))
    bench.work()

    assert bench.state(0).polls == 10
    assert bench.state(0).errors == 0


def test_without_a_store_a_whole_batch_is_put_off(bench):
    async def gone(_urls):
        raise TransientError("gone", cause="database")

    bench.store.source_states = gone
    bench.batch(Due(url(0), 0), Due(url(1), 0))
    bench.work()

    assert bench.later == {url(0): AGAIN, url(1): AGAIN}
    assert not bench.reader.asked
    assert SourceState(url=url(0)).polls == 0


def test_what_is_not_finished_when_work_ends_is_free_for_others(bench):
    began = asyncio.Event()

    async def never():
        began.set()
        await asyncio.Event().wait()

    bench.reader.says(url(0), never)

    async def story():
        stop = asyncio.Event()
        bench.batch(Due(url(0), 0))
        working = asyncio.ensure_future(bench.worker.run(stop, reported=bench.reports.append))
        await began.wait()
        assert not await bench.reservations.reserve(f"poll 0 {url(0)}", seconds=60)
        working.cancel()
        await asyncio.wait([working])
        assert await bench.reservations.reserve(f"poll 0 {url(0)}", seconds=60)

    bench.runner.run(story())
    assert bench.state(0) is None
    assert not bench.polled
