"""Leases that the database holds for whoever is connected."""

import asyncio

import psycopg
import pytest

from tgewatch.store import Access
from tgewatch.store.leases import open_leases


def run(home, story):
    async def whole():
        async with home.open(Access.SHARE):  # makes the tables
            pass
        async with open_leases(home.settings) as one, open_leases(home.settings) as other:
            await story(one, other)

    asyncio.run(whole())


def test_one_of_many_holds_a_lease_and_keeps_it(pg):
    async def story(one, other):
        tenure = await one.take("schedule", seconds=1)
        assert tenure is not None
        assert await other.take("schedule", seconds=1) is None
        assert await one.take("schedule", seconds=1) is None
        assert await one.keep(tenure, seconds=1)
        assert not await other.keep(tenure, seconds=1)
        assert await other.take("desk", seconds=1) is not None

    run(pg, story)


def test_one_that_was_given_back_is_anybodys_and_its_token_grows(pg):
    async def story(one, other):
        first = await one.take("schedule", seconds=1)
        await one.give(first)
        second = await other.take("schedule", seconds=1)
        assert second.token > first.token
        await one.give(first)  # it is no longer ours
        assert await other.keep(second, seconds=1)

    run(pg, story)


def test_a_lease_ends_with_the_connection_that_took_it(pg):
    async def story(one, other):
        first = await one.take("schedule", seconds=1)
        with psycopg.connect(pg.settings.database_url, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND granted AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())"
            )
        assert not await one.keep(first, seconds=1)
        second = await other.take("schedule", seconds=1)
        assert second is not None
        assert second.token > first.token
        assert await one.take("schedule", seconds=1) is None

    run(pg, story)


def test_without_a_server_nobody_is_given_a_lease(pg):
    url = pg.settings.database_url.replace("/store_", "/nowhere_")
    home = pg.settings.model_copy(update={"database_url": url})

    async def story():
        async with open_leases(home) as leases:
            assert await leases.take("schedule", seconds=1) is None

    asyncio.run(story())


def test_the_time_is_the_databases(pg):
    async def story(one, other):
        assert await other.time() == pytest.approx(await one.time(), abs=10)

    run(pg, story)
