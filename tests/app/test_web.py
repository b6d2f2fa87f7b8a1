"""The way to the web of several instances, with the shared server in every kind of trouble."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tgewatch.app import open_web
from tgewatch.app.turns import open_turns
from tgewatch.clock import SystemClock
from tgewatch.errors import TransientError
from tgewatch.fetch.cached import CachedFetcher
from tgewatch.ports import Request
from tgewatch.rules.ledger import Urgency
from tgewatch.settings import Settings
from tgewatch.swarm.ledgers import SharedLedgers
from tgewatch.testing.gate import Gate
from tgewatch.testing.loopback import LoopbackServer, reply
from tgewatch.testing.valkey import valkey

RSS = b"<rss version='2.0'><channel><title>t</title></channel></rss>"


@pytest.fixture(scope="module")
def _server():
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


@pytest.fixture
def server(_server):
    _server.say("FLUSHALL")
    return _server


def settings(url, tmp_path, **limits):
    return Settings.model_validate(
        {
            "root": tmp_path,
            "fetch": {"allow_private": True, "spacing": 0.001, "burst": 1_000},
            "cache": {"path": None},
            "limits": {"path": None, **limits},
            "swarm": {
                "redis_url": url,
                "operation": 0.3,
                "connect": 0.3,
                "probe": 0.01,
                "heartbeat": 0.1,
            },
        }
    )


@asynccontextmanager
async def opened(url, tmp_path, **limits):
    """Open a way to the web, and wait until it hears the others."""
    async with open_web(settings(url, tmp_path, **limits), clock=SystemClock()) as web:
        if web.shared is not None and web.shared.link.up:
            await until(lambda: web.shared.bulletin.listening)
        yield web


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await SystemClock().sleep(0.005)


async def answer(_asked, _line, *, status=200, **headers):
    return reply(status, RSS, Content_Type="application/rss+xml", **headers)


def test_without_a_url_nothing_is_shared(tmp_path):
    async def scenario():
        async with opened("", tmp_path) as web:
            assert web.shared is None
            assert web.cache.second is None

    asyncio.run(scenario())


def test_a_host_is_asked_no_more_often_by_two_instances_than_by_one(server, tmp_path):
    async def scenario():
        async with (
            LoopbackServer(answer) as site,
            opened(server.url, tmp_path, host_calls=6) as one,
            opened(server.url, tmp_path, host_calls=6) as two,
        ):
            asking = [
                web.client.fetch(Request(site.url(f"/{n}/{web is one}"), deadline=2))
                for n in range(6)
                for web in (one, two)
            ]
            got = await asyncio.gather(*asking, return_exceptions=True)
            return len(site.asked), [each.cause for each in got if isinstance(each, TransientError)]

    asked, refused = asyncio.run(scenario())

    assert asked == 6
    assert refused == ["busy"] * 6


def test_a_retry_after_that_one_was_told_is_obeyed_by_the_other(server, tmp_path):
    async def scenario():
        busy = partial(answer, status=429, Retry_After="600")
        async with (
            LoopbackServer(busy) as site,
            opened(server.url, tmp_path) as one,
            opened(server.url, tmp_path) as two,
        ):
            with pytest.raises(TransientError, match="429"):
                await one.client.fetch(Request(site.url("/feed")))
            await until(lambda: two.client.waiting(site.url("/feed")) > 500)
            with pytest.raises(TransientError) as caught:
                await two.client.fetch(Request(site.url("/feed")))
            return len(site.asked), caught.value.cause

    assert asyncio.run(scenario()) == (1, "throttled")


def test_what_one_polled_the_other_reads_without_asking(server, tmp_path):
    async def scenario():
        async with (
            LoopbackServer(answer) as site,
            opened(server.url, tmp_path) as one,
            opened(server.url, tmp_path) as two,
        ):
            polls, reads = (CachedFetcher(web.client, cache=web.cache) for web in (one, two))
            polled = await polls.fetch(Request(site.url("/feed"), pool="rss"))
            second = two.cache.second
            assert second is not None
            await until(lambda: one.shared.levels()["swarm_answers_written"] == 1)
            read = await reads.fetch(Request(site.url("/feed"), pool="rss", revalidate=False))
            return len(site.asked), polled, read

    asked, polled, read = asyncio.run(scenario())

    assert asked == 1
    assert (read.body, read.validators, read.from_cache) == (RSS, polled.validators, True)


TROUBLE = ["gone", "silent", "loading", "a replica", "out of memory", "forgetful", "cut off"]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_polls_and_reads_go_on_whatever_happens_to_the_server(server, tmp_path, trouble, caplog):
    async def scenario():
        async with (
            LoopbackServer(answer) as site,
            Gate(server.socket) as gate,
            opened(gate.url, tmp_path) as web,
        ):
            fetcher = CachedFetcher(web.client, cache=web.cache)
            assert (await fetcher.fetch(Request(site.url("/0"), pool="rss"))).body == RSS
            await _begin(trouble, gate, server)
            for n in range(1, 6):
                poll = Request(site.url(f"/{n}"), pool="rss")
                read = Request(site.url(f"/read/{n}"), revalidate=False)
                assert (await fetcher.fetch(poll)).body == RSS
                assert (await fetcher.fetch(read)).body == RSS
            await _end(gate, server)
            await until(lambda: web.shared.link.up and web.shared.bulletin.listening)
            assert (await fetcher.fetch(Request(site.url("/6"), pool="rss"))).body == RSS
            return len(site.asked)

    assert asyncio.run(scenario()) == 12
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned in (["swarm_down", "swarm_up"], [])


async def _begin(trouble, gate, server):
    if trouble == "gone":
        await gate.close()
    elif trouble == "silent":
        gate.hold()
    elif trouble == "loading":
        gate.refuse("LOADING Redis is loading the dataset in memory")
    elif trouble == "a replica":
        server.say("REPLICAOF", "127.0.0.1", 1)
    elif trouble == "out of memory":
        server.say("CONFIG", "SET", "maxmemory", 1)
    elif trouble == "forgetful":
        server.say("FLUSHALL")
        server.say("SCRIPT", "FLUSH")
    else:
        gate.break_off()


async def _end(gate, server):
    server.say("REPLICAOF", "NO", "ONE")
    server.say("CONFIG", "SET", "maxmemory", 0)
    await gate.open()
    gate.break_off()


@pytest.mark.parametrize("trouble", TROUBLE)
def test_calls_are_still_counted_whatever_happens_to_the_server(server, tmp_path, trouble):
    async def scenario():
        clock = SystemClock()
        async with Gate(server.socket) as gate, opened(gate.url, tmp_path) as web:
            made = settings(gate.url, tmp_path)
            async with open_turns(made, shared=web.shared, clock=clock) as turns:
                assert isinstance(turns, SharedLedgers)
                left = 49

                async def call(deadline=20.0):
                    nonlocal left
                    ticket = await turns.acquire("x", urgency=Urgency.NORMAL, deadline=deadline)
                    left -= 1
                    headers = {
                        "x-rate-limit-limit": "50",
                        "x-rate-limit-remaining": str(left),
                        "x-rate-limit-reset": str(int(clock.now() + 900)),
                    }
                    turns.settle(ticket, status=200, headers=headers)

                for _ in range(3):
                    await call()
                await _begin(trouble, gate, server)
                for _ in range(5):
                    await call()
                await _end(gate, server)
                await until(lambda: web.shared.link.up)
                given = 0
                while left > -10:
                    try:
                        await call(deadline=5.0)
                    except TransientError:
                        break
                    given += 1
                return left, given

    left, given = asyncio.run(scenario())

    assert given > 20
    assert left >= 0
