"""Killed at every step, the store has a poll whole or not at all, and doing it again is safe."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import msgspec
import pytest

from tgewatch.model import DateClaim, Kind, Precision
from tgewatch.testing import MemoryStore
from tgewatch.testing.polls import (
    NOW,
    claimed,
    dropped,
    item,
    poll,
    simple_merge,
    simple_route,
    source_notice,
)

OTHER = "https://other.example/feed.xml"
DATE = DateClaim(NOW + 1e6, NOW + 1e6, Precision.INSTANT)
BEFORE = poll(claimed("old", "Foo"), dropped("older"))
UNDER_TEST = poll(
    dropped("a"),
    claimed("b", "Foo", kind=Kind.DATE_SET, date=DATE),
    claimed("c", "Bar"),
    dropped("older", title="Older, corrected"),
    at=NOW + 600,
    polls=2,
    etag="v2",
    notices=[source_notice("recovered")],
)
BESIDE = poll(claimed("z", "Baz", source=OTHER), source=OTHER, at=NOW + 600)


@dataclass
class Killer:
    """The process that lets its children die."""

    process: subprocess.Popen

    def __call__(self, home, step, **order):
        """Let a child do something and die at a step; return which one, or nothing if it lived."""
        line = msgspec.json.encode(
            {"root": str(home.root), "url": home.settings.database_url, "step": step, **order}
        )
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode()
        assert answer.startswith(("before", "after", "survived")), answer
        return "" if answer.startswith("survived") else answer.strip()

    def every_step(self, home, **order) -> Iterator[str]:
        """Yield each step after a child has died there; the caller puts the store in order."""
        for step in count(1):
            died = self(home, step, **order)
            if not died:
                return
            yield died


@pytest.fixture(scope="module")
def kill() -> Iterator[Killer]:
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, str(Path(__file__).with_name("killed.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield Killer(process)
        process.stdin.close()


async def contents(store):
    """Return everything there is to see, in an order that does not depend on the database."""
    events = sorted(await store.events(dismissed=True, limit=100), key=lambda event: event.id)
    records = [record async for record in store.records()]
    return (
        await store.all_states(),
        sorted(records, key=lambda r: (r.judged.item.source, r.judged.item.key)),
        events,
        [await store.history(event.id) for event in events],
        sorted(await store.deliveries(0), key=lambda one: one.key),
    )


@cache
def undisturbed(polls):
    """Return what a store holds in which nobody was killed."""

    async def story():
        store = MemoryStore(merge=simple_merge, route=simple_route)
        for one in polls:
            await store.commit_poll(one)
        return await contents(store)

    return asyncio.run(story())


def prepare(home):
    """Put the store back to what it held before."""

    async def story():
        async with home.open() as store:
            await store.commit_poll(BEFORE)

    kept = home.root / "before.db"
    home.clear()
    if kept.exists():
        shutil.copy(kept, home.path)
        return
    asyncio.run(story())
    if home.path.exists():
        shutil.copy(home.path, kept)


def judge(home, *polls):
    """Open what was left, see that no poll is split, and do all of it again; return what was found."""
    allowed = [undisturbed((BEFORE,)), *(undisturbed((BEFORE, one)) for one in polls)]
    whole = undisturbed((BEFORE, *polls))

    async def story():
        async with home.open() as store:
            found = await contents(store)
            assert found in (*allowed, whole)
            assert await store.check() == []
            for _ in range(2):
                for one in polls:
                    await store.commit_poll(one)
                assert await contents(store) == whole
            assert await store.unseen([item("a"), item("b"), item("older")]) == {
                item("older").key: "edited"
            }
            return found == whole

    return asyncio.run(story())


def test_polls_are_whole_or_absent_wherever_the_process_is_killed(sql, kill):
    polls = [UNDER_TEST, BESIDE] if sql.path.exists() else [UNDER_TEST]
    prepare(sql)
    found = {}
    for step in kill.every_step(sql, polls=polls):
        found.setdefault(step, []).append(judge(sql, *polls))
        prepare(sql)

    assert sum(map(len, found.values())) > 25
    assert not any(found["before commit"][:1])
    assert found["after commit"][-1] is True
    assert {step for step, outcomes in found.items() if True in outcomes} <= {
        "after commit",
        *(step for step in found if len(polls) > 1),
    }


def test_a_delivery_is_marked_or_not_wherever_the_process_is_killed(sqlite, kill):
    async def state(key):
        async with sqlite.open() as store:
            return {one.key: one.state for one in await store.deliveries(0)}[key]

    async def first():
        async with sqlite.open() as store:
            return (await store.pending(NOW, limit=1))[0].key

    prepare(sqlite)
    key = asyncio.run(first())
    found = []
    for step in kill.every_step(sqlite, delivered=key):
        found.append((step, asyncio.run(state(key))))
        prepare(sqlite)

    assert [one for one in found if one[1] == "delivered"] == [("after commit", "delivered")]
    assert len(found) > 3


def test_a_store_that_was_killed_while_it_was_made_is_made_again(unmade, kill):
    steps = 0
    for _ in kill.every_step(unmade, opening=True):
        judge_new(unmade)
        unmade.clear()
        steps += 1

    assert steps > 25


def judge_new(home):
    async def story():
        async with home.open() as store:
            assert await contents(store) == ({}, [], [], [], [])
            assert (await store.commit_poll(BEFORE)).new == 2

    asyncio.run(story())
