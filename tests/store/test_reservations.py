"""What is to be done once is given to one, on either database, however many ask."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.store import Access, reservations


def run(home, story, access=Access.AMEND):
    async def whole():
        async with home.open(access) as store:
            return await story(store)

    return asyncio.run(whole())


def test_it_is_given_once_and_again_when_it_was_released(sql):
    async def story(store):
        assert await store.reserve("a", seconds=60.0) is True
        assert await store.reserve("a", seconds=60.0) is False
        assert await store.reserve("b", seconds=60.0) is True
        await store.release("a")
        await store.release("never taken")
        assert await store.reserve("a", seconds=60.0) is True

    run(sql, story, Access.OWN)


def test_it_runs_out_by_itself_and_not_before(sql):
    async def story(store):
        await store.reserve("a", seconds=60.0)
        sql.clock.advance(59.0)
        assert await store.reserve("a", seconds=60.0) is False
        sql.clock.advance(1.0)
        assert await store.reserve("a", seconds=60.0) is True

    run(sql, story, Access.OWN)


def test_it_outlives_the_process_and_leaves_notes_alone(sql):
    async def first(store):
        await store.reserve("a", seconds=60.0)
        await store.write_note("x.spend", b"1", at=0.0)

    async def second(store):
        assert await store.reserve("a", seconds=60.0) is False
        sql.clock.advance(100.0)
        assert await store.reserve("c", seconds=60.0) is True
        return await store.note("x.spend")

    run(sql, first, Access.OWN)
    assert run(sql, second) == b"1"


def test_of_many_who_ask_at_once_one_gets_it(sql):
    run(sql, lambda _store: asyncio.sleep(0), Access.OWN)  # noqa: TID251 - makes the tables

    async def ask(store):
        return await asyncio.gather(*(store.reserve(f"n{n}", seconds=60.0) for n in range(20)))

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: run(sql, ask), range(4)))

    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 20


def test_names_may_be_anything(sql):
    async def story(store):
        for name in ("", "x" * 100_000, "\x00\ud800'; DROP TABLE notes; --"):
            assert await store.reserve(name, seconds=60.0) is True
            assert await store.reserve(name, seconds=60.0) is False

    run(sql, story, Access.OWN)


def test_too_many_are_refused_and_old_ones_make_room(sqlite, monkeypatch):
    monkeypatch.setattr(reservations, "MOST", 3)

    async def story(store):
        for name in "abc":
            assert await store.reserve(name, seconds=60.0)
        with pytest.raises(RefusedError, match="3 reservations run already"):
            await store.reserve("d", seconds=60.0)
        sqlite.clock.advance(60.0)
        assert await store.reserve("d", seconds=60.0) is True

    run(sqlite, story, Access.OWN)


def test_who_only_reads_reserves_nothing(sqlite):
    async def story(store):
        with pytest.raises((RefusedError, TransientError)):
            await store.reserve("a", seconds=60.0)

    run(sqlite, story, Access.READ)
