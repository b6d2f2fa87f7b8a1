import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.settings import CycleSettings
from tgewatch.testing import ManualClock
from tgewatch.testing.reader import UNCHANGED, item, reading

URLS = tuple(f"https://paper{number}.example/feed" for number in range(8))


def all_say(stage, *given):
    for url in URLS:
        stage.reader.says(url, *given)


def test_a_scan_polls_only_what_is_due(stage):
    watch = stage(urls=URLS)
    all_say(watch, UNCHANGED)
    first = watch.scan()
    watch.clock.advance(1.0)

    second = watch.scan()

    assert (first.polled, first.not_due) == (8, 0)
    assert (second.polled, second.not_due) == (0, 8)


def test_a_scan_of_everything_asks_nobody_whether_it_is_due(stage):
    watch = stage(urls=URLS)
    all_say(watch, UNCHANGED)
    watch.scan()
    watch.clock.advance(1.0)

    assert watch.scan(everything=True).polled == 8


def test_the_deadline_ends_a_scan_and_what_was_not_done_stays_due(stage):
    watch = stage(urls=URLS, clock=SystemClock(), cycle=CycleSettings(deadline=0.2))

    async def never():
        await asyncio.Event().wait()

    all_say(watch, UNCHANGED)
    watch.reader.says(URLS[0], never)

    report = watch.scan()

    assert (report.polled, report.unfinished) == (7, 1)
    assert watch.schedule.due(SystemClock().now() + 1.0, 10) == [URLS[0]]


def test_no_more_polls_run_at_once_than_allowed(stage):
    watch = stage(urls=URLS, cycle=CycleSettings(concurrency=3))
    running, most = 0, 0

    async def counted():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await SystemClock().sleep(0)
        running -= 1
        return UNCHANGED

    all_say(watch, counted)

    assert watch.scan().polled == 8
    assert most == 3


def test_a_failed_delivery_is_made_up_for_by_a_later_scan(stage):
    watch = stage(urls=URLS[:1])
    title = "Lumara Protocol to launch LUM token on 12 August 2026"
    news = item(title, source=URLS[0], at=watch.clock.now())
    watch.reader.says(URLS[0], reading(item("Quiet", source=URLS[0])), reading(news))
    watch.scan()
    watch.channel.fails(1)
    watch.clock.advance(3_600)

    failed = watch.scan(everything=True)
    watch.clock.advance(3_600)
    later = watch.scan(everything=True)

    assert failed.deliveries["failed"] == 1
    assert later.deliveries["delivered"] == 1
    assert len(set(watch.channel.keys)) == 1


def watching(stage, says, *, until, **options):
    """Run an endless watch, stop it once `until` sources were asked, and return it."""
    watch = stage(clock=SystemClock(), **options)
    enough = asyncio.Event()

    async def asked():
        if len({url for url, _ in watch.reader.asked}) == until:
            enough.set()
        return await says()

    async def main():
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(watch.watch.run(stop, reported=print))
            await enough.wait()
            stop.set()
            await asyncio.wait_for(running, 10)

    all_say(watch, asked)
    watch.run(asyncio.wait_for(main(), 20))
    return watch


def test_a_watch_polls_what_falls_due_until_it_is_stopped(stage):
    async def says():
        return UNCHANGED

    watch = watching(stage, says, until=8, urls=URLS)

    assert sorted(url for url, _ in watch.reader.asked) == sorted(URLS)


def test_a_stopped_watch_lets_polls_under_way_finish(stage):
    finished = []

    async def says():
        await SystemClock().sleep(0.2)
        finished.append(1)
        return UNCHANGED

    watch = watching(stage, says, until=1, urls=URLS[:1])

    assert finished == [1]
    assert watch.state(URLS[0]).polls == 1


@pytest.mark.parametrize("everything", [True, False])
def test_a_watchlist_without_sources_is_a_round_without_polls(stage, everything):
    report = stage(urls=()).scan(everything=everything)

    assert (report.polled, report.unreachable) == (0, False)


class Striding(ManualClock):
    """A clock that others get a turn between two strides of."""

    async def sleep(self, seconds):
        await super().sleep(seconds)
        await SystemClock().sleep(0)


@pytest.mark.parametrize("patience", [0.0, 120.0])
def test_among_workers_an_article_is_left_to_its_worker_for_a_while(stage, patience):
    watch = stage(urls=(), clock=Striding())
    watch.watch.articles_after = patience
    overdue, stop = [], asyncio.Event()

    async def asked(now, **_):
        overdue.append(watch.clock.now() - now)
        if len(overdue) == 3:
            stop.set()
        return []

    watch.store.article_retries = asked
    watch.run(asyncio.wait_for(watch.watch.run(stop, reported=print), 20))

    assert overdue[:3] == [patience] * 3
