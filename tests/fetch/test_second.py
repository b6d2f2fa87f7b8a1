"""The second tier as the cache sees it; with a real server in tests/swarm/test_answers.py."""

import asyncio
from dataclasses import dataclass

import pytest

from tgewatch.errors import RefusedError
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.inquiry import Fetched
from tgewatch.fetch.second import FLIGHT, SecondTier
from tgewatch.settings.caching import Tier
from tgewatch.testing import ManualClock


@dataclass(frozen=True)
class Kept:
    kind: str
    data: bytes
    ttl: float
    age: float


class Shelf:
    """Answers in memory."""

    def __init__(self):
        self.kept = {}
        self.dropped = []
        self.expected = {}

    async def get(self, tier, key):
        return self.kept.get((tier, key))

    def put(self, tier, key, *, kind, data, same, ttl, age=0.0):
        assert same
        self.kept[tier, key] = Kept(kind, data, ttl, age)

    async def put_now(self, tier, key, **how):
        self.put(tier, key, **how)

    def drop(self, tier, key, *, prefix=False):
        self.dropped.append((tier, key, prefix))

    def expect(self, tier, key):
        return self.expected.setdefault((tier, key), asyncio.Event())

    def expect_no_more(self, tier, key):
        self.expected.pop((tier, key), None)


class Turns:
    """Reservations that are given, or not."""

    def __init__(self, *, given=True):
        self.given = given
        self.held = []

    async def reserve(self, name, *, seconds):
        assert seconds == FLIGHT
        if self.given:
            self.held.append(name)
        return self.given

    async def release(self, name):
        self.held.remove(name)


def tiered(shelf, *, turns=None):
    """Return a cache with a second tier, on the running loop."""
    clock = ManualClock()
    cache = Cache({"rss": Tier(ttl=600), "own": Tier(ttl=600)}, clock=clock)
    cache.second = SecondTier(shelf, tiers=("rss",), reservations=turns or Turns(), clock=clock)
    return cache


def test_a_hit_there_costs_no_fetch_and_keeps_its_age():
    async def scenario():
        shelf = Shelf()
        await tiered(shelf).get_or_fetch("k", brings({"a": [1, b"x"]}), tier="rss")
        shelf.kept["rss", "k"] = Kept("", shelf.kept["rss", "k"].data, 600, 100.0)
        cache = tiered(shelf)
        value = await cache.get_or_fetch("k", never, tier="rss")
        return value, cache.kept("k", tier="rss").fresh_for, cache.stats()["rss"].fetches

    value, fresh_for, fetches = asyncio.run(scenario())

    assert value == {"a": [1, b"x"]}
    assert fresh_for == pytest.approx(500)
    assert fetches == 0


def test_what_is_not_to_be_stored_is_not_shared():
    async def scenario():
        shelf, turns = Shelf(), Turns()
        cache = tiered(shelf, turns=turns)
        await cache.get_or_fetch("k", brings(Fetched("secret", store=False)), tier="rss")
        await cache.get_or_fetch("l", brings("mine"), tier="own")
        with pytest.raises(RefusedError):
            await cache.get_or_fetch("m", refuses, tier="rss")
        return shelf.kept, turns.held

    assert asyncio.run(scenario()) == ({}, [])


def test_a_kind_from_another_version_is_fetched_anew():
    async def scenario():
        shelf = Shelf()
        shelf.kept["rss", "k"] = Kept("hologram", b"x", 600, 0)
        shelf.kept["rss", "l"] = Kept("response", b"no response", 600, 0)
        cache = tiered(shelf)
        return [await cache.get_or_fetch(k, brings("new"), tier="rss") for k in "kl"]

    assert asyncio.run(scenario()) == ["new", "new"]


def test_a_fetch_elsewhere_is_waited_for_no_longer_than_patience_allows():
    async def scenario():
        clock_turns = Turns(given=False)
        cache = tiered(Shelf(), turns=clock_turns)
        return await cache.get_or_fetch("k", brings("own"), tier="rss")

    assert asyncio.run(scenario()) == "own"


def test_a_fetch_that_breaks_gives_its_reservation_back():
    async def scenario():
        turns = Turns()
        cache = tiered(Shelf(), turns=turns)

        async def breaks():
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            await cache.get_or_fetch("k", breaks, tier="rss")
        return turns.held

    assert asyncio.run(scenario()) == []


def test_forgetting_is_told_for_keys_and_beginnings_and_not_for_what_is_not_shared():
    async def scenario():
        shelf = Shelf()
        cache = tiered(shelf)
        cache.invalidate("k", tier="rss")
        cache.invalidate_prefix("https://a", tier="rss")
        cache.invalidate("k", tier="own")
        cache.set("strange", object(), tier="rss")
        return shelf.dropped

    assert asyncio.run(scenario()) == [
        ("rss", "k", False),
        ("rss", "https://a", True),
        ("rss", "strange", False),
    ]


def test_what_another_instance_replaced_is_forgotten_here_and_told_to_nobody():
    async def scenario():
        shelf = Shelf()
        cache = tiered(shelf)
        for key in ("https://a/1", "https://a/2", "https://b/1"):
            cache.set(key, 1, tier="rss")
        found = [
            cache.overtaken("https://a/1", tier="rss"),
            cache.overtaken("https://a/1", tier="rss"),
            cache.overtaken("https://a", tier="rss", prefix=True),
            cache.overtaken("x", tier="of another version"),
            cache.overtaken("", tier="of another version", prefix=True),
        ]
        left = cache.keys(tier="rss")
        found.append(cache.overtaken("", tier="", prefix=True))
        return found, left, cache.keys(tier="rss"), shelf.dropped

    found, left, none, dropped = asyncio.run(scenario())

    assert found == [True, False, True, False, False, True]
    assert (left, none, dropped) == (["https://b/1"], [], [])


def test_other_loops_and_threads_go_past_it():
    async def scenario():
        shelf = Shelf()
        cache = tiered(shelf)

        def elsewhere():
            return asyncio.run(cache.get_or_fetch("k", brings("there"), tier="rss"))

        value = await asyncio.to_thread(elsewhere)
        return value, cache, shelf

    value, cache, shelf = asyncio.run(scenario())

    assert value == "there"
    assert shelf.kept == {}
    cache.set("late", 1, tier="rss")  # its loop is closed
    assert cache.get("late", tier="rss") == 1


def brings(value):
    async def fetch():
        return value

    return fetch


async def never():
    raise AssertionError("nobody was to be asked")


async def refuses():
    raise RefusedError("no")
