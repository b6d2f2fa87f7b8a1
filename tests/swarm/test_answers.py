"""The second tier, behind caches of several instances."""

import asyncio
from contextlib import asynccontextmanager
from random import Random

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.second import SecondTier
from tgewatch.model import Validators
from tgewatch.ports import Response
from tgewatch.settings.caching import Tier

TIERS = {"rss": Tier(ttl=600), "article_content": Tier(ttl=3_600), "private": Tier(ttl=60)}
RESPONSE = Response(
    url="https://a.example/feed",
    status=200,
    headers={"etag": 'W/"\u00ff1"', "content-type": "text/xml"},
    body=bytes(range(256)) * 40,
    received=1_700_000_000.25,
    validators=Validators(etag='W/"\u00ff1"', last_modified="Sat, 01 Jan 2022 00:00:00 GMT"),
    fresh_for=30.0,
    elapsed=0.125,
)


class Desk:
    """An instance's cache, and what stands behind it."""

    def __init__(self, cache, answers, swarm):
        self.cache, self.answers, self.swarm = cache, answers, swarm

    async def get(self, key="k", *, tier="rss", brings=None, calls=None):
        async def fetch():
            if calls is not None:
                calls.append(key)
            if isinstance(brings, Exception):
                raise brings
            return await brings if asyncio.iscoroutine(brings) else brings

        return await self.cache.get_or_fetch(key, fetch, tier=tier)

    def has(self, key="k", *, tier="rss"):
        return self.cache.kept(key, tier=tier) is not None


@pytest.fixture
def desk():
    """Return what opens a cache with a second tier."""

    @asynccontextmanager
    async def opened(swarm):
        cache = Cache(TIERS, clock=SystemClock())

        def forget(tier, key, prefix):
            return cache.overtaken(key, tier=tier, prefix=prefix)

        async with swarm.shared.answers(forget) as answers, swarm.shared.listening():
            cache.second = SecondTier(
                answers,
                tiers=("rss", "article_content"),
                reservations=swarm.reservations,
                clock=SystemClock(),
                patience=0.5,
            )
            async with asyncio.timeout(20):
                while swarm.up and not swarm.shared.bulletin.listening:
                    await SystemClock().sleep(0.005)
            yield Desk(cache, answers, swarm)

    return opened


async def test_what_one_fetched_the_others_need_not(join_shared, desk):
    calls = []
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        assert await a.get(brings=RESPONSE, calls=calls) == RESPONSE
        assert await b.get(brings=None, calls=calls) == RESPONSE
        assert await b.get(brings=None, calls=calls) == RESPONSE

        assert calls == ["k"]
        assert (b.answers.counts.hits, a.answers.counts.written) == (1, 1)


async def test_an_answer_comes_back_byte_for_byte_with_what_is_left_of_its_time(join_shared, desk):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        a.cache.set("k", RESPONSE, tier="rss", ttl=500, age=100)
        async with asyncio.timeout(20):
            while await b.answers.get("rss", "k") is None:
                await SystemClock().sleep(0.005)
        got = await b.get(brings=None)
        kept = b.cache.kept("k", tier="rss")

        assert got == RESPONSE
        assert got.validators == RESPONSE.validators
        assert 100 <= kept.age < 160
        assert 340 < kept.fresh_for <= 400


async def test_a_newer_answer_replaces_the_older_in_the_memory_of_all(join_shared, desk, until):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await a.get(brings="old")
        assert await b.get(brings=None) == "old"
        a.cache.set("k", "new", tier="rss")
        await until(lambda: not b.has())

        assert await b.get(brings=None) == "new"
        assert await a.get(brings=None) == "new"


async def test_the_same_again_is_told_to_nobody_and_not_sent(join_shared, desk, until):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await a.get(brings=RESPONSE)
        await b.get(brings=None)
        later = Response(
            **{**{f: getattr(RESPONSE, f) for f in RESPONSE.__slots__}, "received": 1_700_000_600.0}
        )
        a.cache.set("k", later, tier="rss")
        await until(lambda: a.answers.counts.renewed == 1)

        assert b.has()
        assert a.answers.counts.written == 1


async def test_what_one_forgets_all_forget(join_shared, desk, until):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        for key in ("k", "l"):
            await a.get(key, brings=1)
            await b.get(key, brings=2)
        a.cache.invalidate("k", tier="rss")
        await until(lambda: not b.has("k"))
        assert b.has("l")
        assert await b.get("k", brings=3) == 3

        a.cache.clear("rss")
        await until(lambda: not b.has("l"))
        assert await b.get("l", brings=4) == 4


async def test_tiers_that_are_not_shared_stay_at_home(server, join_shared, desk):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await a.get(tier="private", brings=1)

        assert await b.get(tier="private", brings=2) == 2
        assert not [k for k in server.say("KEYS", "*") if b"private" in k]


async def test_one_fetch_runs_among_all_instances(join_shared, desk, until):
    calls, go = [], asyncio.Event()

    async def slow():
        calls.append(1)
        await go.wait()
        return "brought"

    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        first = asyncio.ensure_future(a.cache.get_or_fetch("k", slow, tier="rss"))
        await until(lambda: calls)
        second = asyncio.ensure_future(b.cache.get_or_fetch("k", slow, tier="rss"))
        await until(lambda: b.answers.counts.misses == 2)
        go.set()

        assert await asyncio.gather(first, second) == ["brought", "brought"]
        assert calls == [1]


async def test_a_fetch_elsewhere_that_fails_or_hangs_is_not_waited_for_long(join_shared, desk):
    async with join_shared() as one, join_shared() as two, desk(two) as b:
        assert await one.reservations.reserve("rss k", seconds=60)

        assert await b.get(brings="own") == "own"


async def test_errors_are_nobody_elses(join_shared, desk):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        with pytest.raises(TransientError):
            await a.get(brings=TransientError("later"))
        with pytest.raises(RefusedError):
            await a.get("l", brings=RefusedError("no"))

        assert await b.get(brings="fine") == "fine"
        assert await b.get("l", brings="fine") == "fine"


@pytest.mark.parametrize(
    "spoilt",
    [
        ("value", "nonsense"),
        ("value", ""),
        ("about", "nonsense"),
        ("about", "\x96\x02"),
        ("digest", "x"),
        ("when", "?"),
    ],
)
async def test_damaged_values_are_misses_and_counted(server, join_shared, desk, spoilt):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await a.get(brings="right")
        server.say("HSET", "tgewatch:answer:rss:k", *spoilt)

        assert await b.get(brings="fetched") == "fetched"
        assert b.answers.counts.corrupt >= 1


async def test_foreign_values_are_misses(server, join_shared, desk):
    server.say("SET", "tgewatch:answer:rss:k", "somebody else's")
    server.say("HSET", "tgewatch:answer:rss:l", "about", "x")

    async with join_shared() as one, desk(one) as a:
        assert await a.get("k", brings=1) == 1
        assert await a.get("l", brings=2) == 2


async def test_a_value_too_large_stays_at_home_and_ends_the_old_one(join_shared, desk, until):
    noise = Random(1).randbytes(5_000)  # noqa: S311 - it only has to be incompressible
    async with (
        join_shared(max_value=1_000) as one,
        join_shared() as two,
        desk(one) as a,
        desk(two) as b,
    ):
        await a.get(brings=b"small")
        await b.get(brings=None)
        a.cache.set("k", noise, tier="rss")
        await until(lambda: not b.has())

        assert a.answers.counts.too_large == 1
        assert await b.get(brings="own") == "own"


async def test_values_without_a_byte_form_stay_at_home(join_shared, desk):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        thing = object()
        assert await a.get(brings=thing) is thing
        assert await b.get(brings=1) == 1


async def test_without_the_server_each_fetches_for_itself_and_nothing_is_raised(
    server, gated, desk, until
):
    async with gated(server) as (swarm, gate), desk(swarm) as a:
        await gate.close()
        assert await a.get(brings=1) == 1
        a.cache.set("l", 2, tier="rss")
        assert await a.get("m", brings=3) == 3
        await until(lambda: a.answers.counts.lost >= 1)


async def test_what_was_forgotten_without_the_server_is_forgotten_when_it_is_back(
    server, gated, join_shared, desk, until
):
    async with join_shared() as two, desk(two) as b, gated(server) as (swarm, gate):
        async with desk(swarm) as a:
            await a.get(brings="old")
            await b.get(brings=None)
            await gate.close()
            await until(lambda: not swarm.up)
            a.cache.invalidate("k", tier="rss")
            assert b.has()
            await gate.open()
            await until(lambda: not b.has())

        assert await b.get(brings="new") == "new"


async def test_what_was_replaced_while_nobody_listened_is_dropped_on_return(
    server, gated, join_shared, desk, until
):
    async with (
        join_shared() as two,
        desk(two) as b,
        gated(server) as (swarm, gate),
        desk(swarm) as a,
    ):
        await b.get(brings="old")
        assert await a.get(brings=None) == "old"
        assert await a.get("other", brings=1) == 1
        await gate.close()
        await until(lambda: not swarm.shared.bulletin.listening)
        b.cache.set("k", "new", tier="rss")
        await until(lambda: b.answers.counts.written == 2)
        assert a.has()
        await gate.open()
        await until(lambda: not a.has())

        assert a.has("other")
        assert await a.get(brings=None) == "new"


async def test_when_the_server_has_forgotten_what_was_told_all_is_dropped(
    server, gated, desk, until
):
    async with gated(server) as (swarm, gate), desk(swarm) as a:
        await a.get(brings="old")
        await a.get(tier="private", brings="old")
        await gate.close()
        await until(lambda: not swarm.shared.bulletin.listening)
        server.say("FLUSHALL")
        await gate.open()
        await until(lambda: not a.has())

        assert not a.has(tier="private")


async def test_callers_without_the_loop_store_and_forget_for_all(join_shared, desk, until):
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await asyncio.to_thread(lambda: a.cache.set("k", "from a thread", tier="rss"))
        await until(lambda: a.answers.counts.written == 1)
        assert await b.get(brings=None) == "from a thread"

        def fetch():
            return "blocking"

        got = await asyncio.to_thread(lambda: b.cache.get_or_fetch_blocking("l", fetch, tier="rss"))
        assert got == "blocking"
        await asyncio.to_thread(lambda: a.cache.invalidate("k", tier="rss"))
        await until(lambda: not b.has())


async def test_large_answers_come_back_as_they_were(join_shared, desk):
    large = Random(1).randbytes(300_000) + bytes(3_000_000)  # noqa: S311 - bytes of any kind
    async with join_shared() as one, join_shared() as two, desk(one) as a, desk(two) as b:
        await a.get(brings=large)

        assert await b.get(brings=None) == large
        assert b.answers.counts.hits == 1
