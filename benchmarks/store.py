"""What it costs to store polls, and what the way of driving SQLite has to do with it.

    python benchmarks/store.py            # all of it, about a minute
    python benchmarks/store.py drivers    # needs `pip install aiosqlite greenlet`
    python benchmarks/store.py volume --url postgresql://…
    python benchmarks/store.py busy

`drivers` stores the same polls by the same statements: through SQLAlchemy's asyncio extension on
aiosqlite, which crosses threads for every statement; through the store's own writing thread with
one poll in a transaction; and with polls sharing transactions, as the store does it.
`volume` stores 10,000 sources with 30 items each, polls them all again without news, and asks
which of 50 items of each are new. `busy` says how long a poll waits for its commit while the event
loop has work without end, with the interpreter's switch interval as it comes and a tenth of it.
"""

import argparse
import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tgewatch.detect.correct import advance
from tgewatch.model import Item, Judged, Poll, Source, SourceState, Validators
from tgewatch.settings import StoreSettings
from tgewatch.store import SqlStore, open_store
from tgewatch.store.polls import Rules, commit
from tgewatch.testing import ManualClock
from tgewatch.testing.polls import NOW, claimed, key_of, simple_merge, simple_route

ATONCE = 200
"""Polls under way at once, as in a cycle."""
SUMMARY = "A sentence or two about what a project is going to do, as feeds give them. " * 3


def feed(number: int) -> str:
    return f"https://feed{number}.example/rss.xml"


def polled(number: int, items: Sequence[Judged], *, times: int) -> Poll:
    url = feed(number)
    state = SourceState(
        url=url,
        validators=Validators(f'"{number}-{times}"', "Tue, 14 Nov 2023 22:13:20 GMT"),
        body_hash="0123456789abcdef" * 2,
        baseline_at=NOW,
        polled_at=NOW + times,
        answered_at=NOW + times,
        newest_at=NOW,
        next_poll=NOW + 600,
        because="learned rhythm: 3.1 items a day, most of them at this hour",
        health="ok",
        polls=times,
        rhythm='{"rate":3.1,"hours":[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8],"since":1700000000.0}',
    )
    outcome = "changed" if items else "unchanged"
    return Poll(Source(url, f"Feed {number}"), NOW + times, state, outcome, tuple(items))


def entries(number: int, count: int) -> list[Item]:
    return [
        Item(
            source=feed(number),
            key=key_of(f"{number}/{n}"),
            url=f"https://feed{number}.example/2026/05/{n}-a-title-of-the-usual-length",
            title=f"A title of the usual length, number {n} of feed {number}",
            summary=SUMMARY,
            published=NOW - n,
            author="Somebody",
        )
        for n in range(count)
    ]


def first_poll(number: int, count: int) -> Poll:
    """Return a poll whose items were dropped, but for one in fifty polls."""
    judged = [
        Judged(item, "match", "no_term", article="not_needed") for item in entries(number, count)
    ]
    if number % 50 == 0:
        judged[0] = replace(
            claimed("x", f"Project {number // 500}", source=feed(number)), item=judged[0].item
        )
    return polled(number, judged, times=1)


async def spread(works: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Do all of it, so many at once."""
    waiting = iter(works)

    async def worker() -> None:
        for work in waiting:
            await work()

    await asyncio.gather(*(worker() for _ in range(ATONCE)))


class Meter:
    """CPU and wall time of a block, all threads of the process together."""

    def __enter__(self) -> Self:
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self.cpu
        self.wall = time.perf_counter() - self.wall


@asynccontextmanager
async def opened(folder: Path, *, group: int = 256, url: str = "") -> AsyncIterator[SqlStore]:
    settings = StoreSettings(group=group, database_url=url)
    async with open_store(
        settings, root=folder, clock=ManualClock(NOW), merge=simple_merge, route=simple_route
    ) as store:
        yield store


def drivers(polls: int) -> None:
    """Compare ways of driving SQLite, in one run."""
    works = {
        "new: 5 items": [first_poll(n, 5) for n in range(polls)],
        "unchanged": [polled(n, (), times=2) for n in range(polls)],
    }
    ways = {
        "aiosqlite, one poll a transaction": through_aiosqlite,
        "writing thread, one poll a transaction": partial(through_store, group=1),
        "writing thread, shared transactions": partial(through_store, group=256),
    }
    print(f"{polls} polls, {ATONCE} at once; CPU of the whole process per poll")
    base: dict[str, float] = {}
    for way, run in ways.items():
        with TemporaryDirectory() as folder:
            costs = asyncio.run(run(Path(folder), works))
        for work, cost in costs.items():
            base.setdefault(work, cost)
            print(f"  {work:13} {way:40} {cost * 1e6:7.0f} us  {cost / base[work]:5.2f}x")


async def through_store(
    folder: Path, works: dict[str, list[Poll]], *, group: int
) -> dict[str, float]:
    costs = {}
    async with opened(folder, group=group) as store:
        for name, polls in works.items():
            with Meter() as meter:
                await spread([partial(store.commit_poll, poll) for poll in polls])
            costs[name] = meter.cpu / len(polls)
    return costs


async def through_aiosqlite(folder: Path, works: dict[str, list[Poll]]) -> dict[str, float]:
    from sqlalchemy import event
    from sqlalchemy.ext.asyncio import create_async_engine

    async with opened(folder):
        pass  # makes the tables
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / StoreSettings().path}")

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    rules = Rules(simple_merge, simple_route, advance)
    one_writer = asyncio.Lock()

    async def store(poll: Poll) -> None:
        async with one_writer, engine.begin() as connection:
            await connection.run_sync(partial(commit, polls=[poll], rules=rules))
        rules.recent.settle()

    costs = {}
    for name, polls in works.items():
        with Meter() as meter:
            await spread([partial(store, poll) for poll in polls])
        costs[name] = meter.cpu / len(polls)
    await engine.dispose()
    return costs


def volume(sources: int, items: int, url: str) -> None:
    """Measure first sight, a round without news, and the question what is new."""
    with TemporaryDirectory() as folder:
        asyncio.run(_volume(Path(folder), sources, items, url))
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.db"))
    if size:
        print(f"  {size / 1e6:.0f} MB on disk")


async def _volume(folder: Path, sources: int, items: int, url: str) -> None:
    print(f"{sources:,} sources with {items} items each; CPU of the whole process")
    async with opened(folder, url=url) as store:
        firsts = [first_poll(n, items) for n in range(sources)]
        with Meter() as meter:
            await spread([partial(store.commit_poll, poll) for poll in firsts])
        del firsts
        report("first sight", meter, sources)
        again = [polled(n, (), times=2) for n in range(sources)]
        with Meter() as meter:
            await spread([partial(store.commit_poll, poll) for poll in again])
        report("without news", meter, sources)
        few = min(sources, 2_000)
        shown = [entries(n, 50) for n in range(few)]
        with Meter() as meter:
            await spread([partial(store.unseen, items) for items in shown])
        report("what of 50 is new", meter, few)
        with Meter() as meter:
            await store.drops(0)
        report("count of drops", meter, 1)
        print(f"  {await store.totals()}")
    print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB resident at most")


def busy(polls: int) -> None:
    """Measure how long commits take beside a loop that never rests."""
    print("one commit after another beside a loop that works in slices of 2 ms")
    for interval in (0.005, 0.0005):
        sys.setswitchinterval(interval)
        with TemporaryDirectory() as folder:
            times = sorted(asyncio.run(_busy(Path(folder), polls)))
        mean, p95 = sum(times) / len(times), times[int(len(times) * 0.95)]
        print(
            f"  switch interval {interval * 1e3:3.1f} ms: mean {mean * 1e3:6.1f} ms, p95 {p95 * 1e3:6.1f} ms"
        )
    sys.setswitchinterval(0.005)


async def _busy(folder: Path, polls: int) -> list[float]:
    times: list[float] = []
    done = False

    async def work() -> None:
        while not done:
            until = time.perf_counter() + 0.002
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    async with opened(folder) as store, asyncio.TaskGroup() as group:
        group.create_task(work())
        for number in range(polls):
            begun = time.perf_counter()
            await store.commit_poll(polled(number, (), times=1))
            times.append(time.perf_counter() - begun)
        done = True
    return times


def report(what: str, meter: Meter, count: int) -> None:
    each = meter.cpu / count * 1e6
    print(f"  {what:20} {meter.cpu:6.2f} s CPU {meter.wall:6.2f} s wall {each:9.0f} us CPU each")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("drivers", "volume", "busy"))
    parser.add_argument("--sources", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--polls", type=int, default=2_000)
    parser.add_argument("--url", default="", help="a PostgreSQL database; SQLite without")
    given = parser.parse_args()
    if given.what in (None, "drivers"):
        drivers(given.polls)
    if given.what in (None, "volume"):
        volume(given.sources, given.items, given.url)
    if given.what in (None, "busy"):
        busy(min(given.polls, 50))
    return 0


if __name__ == "__main__":
    sys.exit(main())
