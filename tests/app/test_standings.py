"""Whoever only looks at the ledgers sees those of this machine, or those of all instances."""

import asyncio

import pytest

from tgewatch.app.standings import read_standings
from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.fetch.ledger import ledgers_from, policy_from
from tgewatch.settings import SwarmSettings
from tgewatch.settings.load import shipped_settings
from tgewatch.swarm.ledgers import open_ledgers
from tgewatch.swarm.link import open_link
from tgewatch.swarm.shelf import SharedShelf
from tgewatch.testing.valkey import valkey

CLOCK = SystemClock()


def headers():
    reset = str(int(CLOCK.now()) + 600)
    return {
        "x-rate-limit-limit": "450",
        "x-rate-limit-remaining": "300",
        "x-rate-limit-reset": reset,
    }


def settings_in(folder, **swarm):
    shipped = shipped_settings()
    limits = shipped.limits.model_copy(update={"path": folder / "ledger.json"})
    return shipped.model_copy(
        update={"limits": limits, "root": folder, "swarm": SwarmSettings(**swarm)}
    )


def read(settings):
    return asyncio.run(read_standings(settings, clock=CLOCK))


def test_before_the_first_call_there_are_none(tmp_path):
    assert list(read(settings_in(tmp_path))) == []


def test_alone_the_file_says_how_they_stand_and_is_left_as_it_is(tmp_path):
    settings = settings_in(tmp_path)

    async def call():
        ledgers = ledgers_from(settings.limits, root=tmp_path, clock=CLOCK)
        ticket = await ledgers.acquire("search")
        ledgers.settle(ticket, status=200, headers=headers())
        ledgers.close()

    asyncio.run(call())
    before = settings.limits.path.read_bytes()
    (one,) = read(settings)

    assert one.endpoint == "search"
    assert "300/450" in one.line
    assert settings.limits.path.read_bytes() == before


@pytest.fixture(scope="module")
def server():
    try:
        with valkey() as started:
            yield started
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


def test_among_instances_the_server_says_how_they_stand(tmp_path, server):
    settings = settings_in(tmp_path, redis_url=server.url, operation=30.0)

    async def calls():
        async with (
            open_link(settings.swarm, clock=CLOCK) as link,
            open_ledgers(
                SharedShelf(link, "ledger"), clock=CLOCK, policy=policy_from(settings.limits)
            ) as ledgers,
        ):
            for name in ("users", "search"):
                async with ledgers.call(name) as ticket:
                    ledgers.settle(ticket, status=200, headers=headers())

    asyncio.run(calls())
    found = read(settings)

    assert [one.endpoint for one in found] == ["search", "users"]
    assert all("300/450" in one.line for one in found)
    assert list(read(settings_in(tmp_path, redis_url=server.url, prefix="other"))) == []


def test_a_server_that_is_gone_is_an_error_that_passes(tmp_path):
    settings = settings_in(tmp_path, redis_url="redis://127.0.0.1:9/0", connect=0.5)

    with pytest.raises(TransientError):
        read(settings)
