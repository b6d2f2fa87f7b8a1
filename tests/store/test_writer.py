"""Many at once, and none in another's way."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tgewatch.errors import TransientError
from tgewatch.settings import StoreSettings
from tgewatch.store import Access
from tgewatch.store.writer import WAITING
from tgewatch.testing.polls import FEED, NOW, claimed, dropped, item, poll, source_notice


def run(home, story, **ways):
    async def whole():
        async with home.open(**ways) as store:
            return await story(store)

    return asyncio.run(whole())


def feed(number):
    return f"https://feed{number}.example/rss.xml"


def test_polls_that_wait_together_share_transactions(sqlite):
    async def story(store):
        polls = [poll(dropped("a", source=feed(n)), source=feed(n)) for n in range(500)]
        before = store.transactions

        await asyncio.gather(*(store.commit_poll(one) for one in polls))

        assert 2 <= store.transactions - before <= 100
        assert (await store.totals())["items"] == 500

    run(sqlite, story)


def test_polls_that_come_within_a_moment_share_a_transaction_too(sqlite):
    async def story(store):
        before = store.transactions
        async with asyncio.TaskGroup() as group:
            for n in range(20):
                group.create_task(store.commit_poll(poll(source=feed(n))))
                await asyncio.wait([group.create_task(turn())])  # each in a turn of its own
        assert store.transactions - before <= 10

    async def turn():
        """Let the loop go round once."""

    run(sqlite, story)


def test_other_work_does_not_linger_and_overtakes_no_poll(sqlite):
    async def story(store):
        poll_stored = asyncio.ensure_future(store.commit_poll(poll(source=feed(1))))
        await asyncio.wait([poll_stored], timeout=0)
        await store.write_note("a", b"x", at=NOW)
        assert poll_stored.done()

    run(sqlite, story)


def test_big_polls_do_not_pile_up_in_one_transaction(sqlite):
    async def story(store):
        before = store.transactions
        await asyncio.gather(
            *(
                store.commit_poll(
                    poll(*(dropped(f"{n}", source=feed(f)) for n in range(2_000)), source=feed(f))
                )
                for f in range(6)
            )
        )
        assert 2 <= store.transactions - before <= 6

    run(sqlite, story)


def test_one_poll_a_transaction_when_the_settings_say_so(sqlite):
    sqlite.settings = StoreSettings(group=1)

    async def story(store):
        before = store.transactions
        await asyncio.gather(*(store.commit_poll(poll(source=feed(n))) for n in range(20)))
        assert store.transactions - before == 20

    run(sqlite, story)


def test_a_hundred_tasks_that_read_and_write_are_never_locked_out(sql):
    async def task(store, number):
        source = feed(number)
        for turn in range(2):
            one = claimed(f"{number}-{turn}", f"P{number % 7}", source=source)
            assert await store.unseen([one.item]) == {one.item.key: "new"}
            stored = await store.commit_poll(poll(one, source=source, at=NOW + turn))
            for letter in stored.outgoing:
                await store.delivered(letter.key, NOW)
            assert await store.unseen([one.item]) == {}
            await store.events(limit=3)

    async def story(store):
        await asyncio.gather(*(task(store, number) for number in range(100)))

        assert await store.totals() == {
            "sources": 100,
            "items": 200,
            "claims": 200,
            "events": 7,
            "transitions": 7,
        }
        assert {one.state for one in await store.deliveries(0)} == {"delivered"}

    run(sql, story)


def test_many_programs_at_one_file_wait_for_each_other(sqlite):
    """A hundred threads, each with connections and a loop of its own, as other commands have."""

    def program(number):
        async def amend(store):
            await store.write_note(f"n{number}", b"x", at=NOW)
            await store.commit_poll(poll(dropped("a", source=feed(number)), source=feed(number)))
            assert await store.note(f"n{number}") == b"x"

        run(sqlite, amend, access=Access.AMEND)

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(program, range(100)))

    async def count(store):
        return (await store.totals())["items"]

    assert run(sqlite, count) == 100


def test_more_work_than_there_is_room_for_waits_and_is_done(sqlite):
    async def story(store):
        many = WAITING + 300
        await asyncio.gather(*(store.commit_poll(poll(source=feed(n))) for n in range(many)))
        assert (await store.totals())["sources"] == many

    run(sqlite, story)


def test_a_caller_who_goes_away_loses_nothing_and_blocks_nobody(sqlite):
    async def story(store):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(store.commit_poll(poll(source=feed(n)))) for n in range(50)]
            await asyncio.wait(tasks, timeout=0)
            for task in tasks[::2]:
                task.cancel()
        done = [task for task in tasks if not task.cancelled()]
        assert len(done) == 25
        found = await store.source_states([feed(n) for n in range(50)])
        assert {feed(n) for n in range(1, 50, 2)} <= set(found)

    run(sqlite, story)


def test_leaving_the_store_waits_for_what_was_given(sqlite):
    async def story():
        async with sqlite.open() as store:
            futures = [
                asyncio.ensure_future(store.commit_poll(poll(source=feed(n)))) for n in range(9)
            ]
            await asyncio.wait(futures, timeout=0)
        assert all(future.done() and future.exception() is None for future in futures)

    asyncio.run(story())
    assert not [one for one in threading.enumerate() if one.name.startswith("tgewatch-")]


def test_leaving_in_a_hurry_still_waits_for_the_last_transaction(sqlite):
    async def hurried():
        async with sqlite.open() as store:
            for n in range(300):
                asyncio.ensure_future(store.commit_poll(poll(source=feed(n))))  # noqa: RUF006
            await store.note("anything")

    async def story():
        task = asyncio.ensure_future(hurried())
        for _ in range(4):
            await asyncio.wait([task], timeout=0.002)
            task.cancel()
        await asyncio.wait([task])
        assert not [one for one in threading.enumerate() if one.name == "tgewatch-writer"]

    asyncio.run(story())
    run(sqlite, lambda store: store.commit_poll(poll()))


def test_a_story_that_fails_closes_the_store_all_the_same(sqlite):
    async def story(store):
        await store.commit_poll(poll())
        raise LookupError("the test's own")

    with pytest.raises(LookupError):
        run(sqlite, story)
    gc.collect()
    run(sqlite, lambda store: store.commit_poll(poll()))


def test_a_lost_connection_costs_one_try(pg):
    async def story(store):
        await store.commit_poll(poll())
        with store.database.reader.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(TransientError):
            await store.commit_poll(poll(dropped("a"), polls=2))
        assert (await store.commit_poll(poll(dropped("a"), polls=2))).new == 1
        assert (await store.source_states([FEED]))[FEED].polls == 2

    run(pg, story)


def test_a_poll_of_thousands_of_items_is_one_poll(sql):
    async def story(store):
        many = [dropped(f"a{n}") for n in range(3_000)]

        stored = await store.commit_poll(poll(*many, notices=[source_notice("large")]))

        assert stored.new == 3_000
        assert await store.unseen([*(one.item for one in many), item("new")]) == {
            item("new").key: "new"
        }
        assert len([record async for record in store.records()]) == 3_000

    run(sql, story)
