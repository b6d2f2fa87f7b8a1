"""Several instances on one PostgreSQL database: side by side, and never twice."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from tgewatch.errors import ConfigError, RefusedError, StoreBusyError
from tgewatch.settings import StoreSettings
from tgewatch.store import Access
from tgewatch.testing.polls import FEED, NOW, claimed, dropped, poll, source_notice
from tgewatch.testing.postgres import database


def run(home, story):
    async def whole():
        async with home.open(Access.SHARE) as one, home.open(Access.SHARE) as other:
            return await story(one, other)

    return asyncio.run(whole())


def nth(number, *judged, source=FEED, **more):
    """Return the poll of a source that is its so manyeth."""
    one = poll(*judged, source=source, **more)
    return replace(one, state=replace(one.state, polls=number))


def feed(number):
    return f"https://feed{number}.example/rss.xml"


def test_several_poll_one_store(pg):
    async def story(one, other):
        assert (await one.commit_poll(nth(1, dropped("a")))).new == 1
        assert (await other.commit_poll(nth(2, dropped("b")))).new == 1
        assert (await one.source_states([FEED]))[FEED].polls == 2

    run(pg, story)


def test_a_file_has_one_owner_and_says_so(sqlite):
    async def story():
        async with sqlite.open(Access.SHARE):
            pass

    with pytest.raises(ConfigError, match="several instances share a PostgreSQL database"):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("first", "second"), [(Access.OWN, Access.SHARE), (Access.SHARE, Access.OWN)]
)
def test_who_owns_and_who_shares_keep_each_other_out(pg, first, second):
    async def story():
        async with pg.open(first):
            with pytest.raises(StoreBusyError, match="in use by tgewatch pid"):
                async with pg.open(second):
                    pass
        async with pg.open(second):
            pass

    asyncio.run(story())


@pytest.mark.parametrize("number", [1, 2])
def test_of_two_polls_of_one_source_the_later_is_refused_whole(pg, number):
    async def story(one, other):
        for earlier in range(1, number):
            await one.commit_poll(nth(earlier))
        polls = (
            nth(number, claimed("a", "Foo")),
            nth(number, claimed("b", "Bar"), notices=(source_notice("broken"),)),
        )

        results = await asyncio.gather(
            one.commit_poll(polls[0]), other.commit_poll(polls[1]), return_exceptions=True
        )

        refused = [result for result in results if isinstance(result, RefusedError)]
        assert [error.cause for error in refused] == ["stale"]
        assert (await one.totals())["items"] == 1
        assert len(await one.events()) == 1
        told = {delivery.notice.project for delivery in await one.pending(NOW + 9, limit=9)}
        assert told in ({"Foo"}, {"Bar", ""})

    run(pg, story)


def test_one_that_comes_too_late_takes_none_of_its_transaction_with_it(pg):
    async def story(one, other):
        await other.commit_poll(nth(1, source=feed(3)))
        polls = [nth(1, dropped(f"{n}", source=feed(n)), source=feed(n)) for n in range(8)]

        results = await asyncio.gather(*map(one.commit_poll, polls), return_exceptions=True)

        assert [isinstance(result, RefusedError) for result in results] == [
            n == 3 for n in range(8)
        ]
        assert (await one.totals())["items"] == 7

    run(pg, story)


def test_polls_of_one_source_that_wait_together_are_taken_in_their_order(pg):
    async def story(one, _):
        numbers = (1, 2, 2, 3)
        results = await asyncio.gather(
            *(one.commit_poll(nth(n, dropped(f"{k}"))) for k, n in enumerate(numbers)),
            return_exceptions=True,
        )
        assert [isinstance(result, RefusedError) for result in results] == [
            False, False, True, False,
        ]  # fmt: skip

    run(pg, story)


def test_claims_of_one_project_merge_whoever_brings_them(pg):
    async def story(one, other):
        polls = [nth(1, claimed(f"{n}", "Foo", source=feed(n)), source=feed(n)) for n in range(40)]

        await asyncio.gather(
            *((one, other)[n % 2].commit_poll(each) for n, each in enumerate(polls))
        )

        (event,) = await one.events()
        assert len(event.claims) == 40
        channels = sorted(delivery.channel for delivery in await one.deliveries(0))
        assert channels == ["console", "mail"]

    run(pg, story)


def test_plain_polls_do_not_wait_for_a_long_merge(pg):
    """Nobody but those who write events waits for the lock of those who write events."""

    async def story(one, other):
        held, let_go = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(_connection):
            loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result(30)

        holding = asyncio.ensure_future(one._writer.do(hold))
        await held.wait()
        assert (await other.commit_poll(nth(1, dropped("a")))).new == 1
        merging = asyncio.ensure_future(
            other.commit_poll(nth(1, claimed("b", "Foo", source=feed(1)), source=feed(1)))
        )
        done, _ = await asyncio.wait([merging], timeout=0.2)
        assert not done
        let_go.set()
        await holding
        assert (await merging).new == 1

    run(pg, story)


def test_a_new_database_is_made_by_whoever_of_them_comes_first(pg, server):
    url = database(server, f"unmade_{uuid4().hex}")
    home = replace(pg, settings=StoreSettings(database_url=url))

    async def count():
        async with home.open(Access.SHARE) as store:
            return (await store.totals())["items"]

    async def story():
        return await asyncio.gather(*(count() for _ in range(4)))

    assert asyncio.run(story()) == [0] * 4
