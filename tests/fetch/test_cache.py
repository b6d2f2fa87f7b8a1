import asyncio
import logging
import threading

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.cache import Cache, cache_from
from tgewatch.fetch.inquiry import Fetched
from tgewatch.fetch.memory import Memory
from tgewatch.settings.caching import CacheSettings, Tier
from tgewatch.testing import ManualClock
from tgewatch.testing.hammer import Hammer

TIERS = {"rss": Tier(ttl=600), "search_results": Tier(ttl=300)}


def make(clock=None, **tier):
    tiers = {"rss": Tier(**({"ttl": 600} | tier)), "search_results": Tier(ttl=300)}
    return Cache(tiers, clock=clock or ManualClock())


class Origin:
    """What is asked when the cache does not know: answers or raises what it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def blocking(self):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def __call__(self):
        return self.blocking()


async def turn():
    """Let other tasks run."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(done.set_result, None)
    await done


@pytest.fixture(params=["async", "blocking"])
def ask(request):
    """Return `get_or_fetch` as a plain call, in both of its forms."""

    def call(cache, key, origin, **how):
        if request.param == "async":
            return asyncio.run(cache.get_or_fetch(key, origin, **({"tier": "rss"} | how)))
        return cache.get_or_fetch_blocking(key, origin.blocking, **({"tier": "rss"} | how))

    return call


def test_keeps_a_value_for_its_tiers_ttl_or_its_own():
    clock = ManualClock()
    cache = make(clock)
    cache.set("a", 1, tier="rss")
    cache.set("b", 2, tier="rss", ttl=30)
    cache.set("a", 3, tier="search_results")

    assert cache.get("a", tier="rss") == 1
    clock.advance(30)
    assert cache.get("b", tier="rss") is None
    clock.advance(270)
    assert cache.get("a", tier="search_results") is None
    assert cache.get("a", tier="rss") == 1
    clock.advance(300)
    assert cache.get("a", tier="rss", default="nothing") == "nothing"


def test_an_unknown_tier_is_a_bug_of_the_callers():
    with pytest.raises(KeyError):
        make().get("a", tier="no such tier")


def test_forgets_by_key_prefix_tier_and_altogether():
    cache = make()
    for tier in ("rss", "search_results"):
        for key in ("user:1", "user:2", "post:1"):
            cache.set(key, 1, tier=tier)

    assert cache.invalidate("user:1", tier="rss")
    assert not cache.invalidate("user:1", tier="rss")
    assert cache.invalidate_prefix("user:", tier="rss") == 1
    assert cache.keys(tier="rss") == ["post:1"]
    assert cache.clear("rss") == 1
    assert len(cache.keys(tier="search_results", prefix="user:")) == 2
    assert cache.clear() == 3


def test_fetches_once_and_then_knows(ask):
    cache, origin = make(), Origin("answer")

    assert [ask(cache, "a", origin) for _ in range(3)] == ["answer"] * 3
    assert origin.asked == 1
    stats = cache.stats()["rss"]
    assert (stats.hits, stats.misses, stats.fetches) == (2, 1, 1)


def test_none_is_an_answer_like_any_other(ask):
    cache, origin = make(), Origin(None)

    assert ask(cache, "a", origin) is None
    assert ask(cache, "a", origin) is None
    assert origin.asked == 1


def test_the_fetch_may_say_how_its_answer_is_kept(ask):
    clock = ManualClock()
    cache = make(clock)

    assert ask(cache, "short", Origin(Fetched("v", ttl=5))) == "v"
    assert ask(cache, "aged", Origin(Fetched("v", age=590))) == "v"
    assert ask(cache, "secret", Origin(Fetched("v", store=False))) == "v"
    assert set(cache.keys(tier="rss")) == {"short", "aged"}
    clock.advance(5)
    assert cache.get("short", tier="rss") is None
    clock.advance(5)
    assert cache.get("aged", tier="rss") is None


def test_what_must_not_be_kept_displaces_what_was(ask):
    clock = ManualClock()
    cache = make(clock, stale_if_error=100)
    cache.set("a", "old", tier="rss", ttl=1)
    clock.advance(2)

    ask(cache, "a", Origin(Fetched("new", store=False)))

    assert cache.kept("a", tier="rss") is None


def test_a_refusal_is_remembered_for_a_while(ask):
    clock = ManualClock()
    cache, origin = make(clock, negative_ttl=60), Origin(RefusedError("gone", cause="http_404"))

    for _ in range(3):
        with pytest.raises(RefusedError, match="gone") as caught:
            ask(cache, "a", origin)
        assert caught.value.cause == "http_404"
    assert origin.asked == 1
    assert cache.stats()["rss"].negative_hits == 2
    assert cache.get("a", tier="rss") is None
    clock.advance(60)
    with pytest.raises(RefusedError):
        ask(cache, "a", origin)
    assert origin.asked == 2


def test_a_refusal_is_not_remembered_when_the_window_is_nothing(ask):
    cache, origin = make(), Origin(RefusedError("gone"))

    for _ in range(2):
        with pytest.raises(RefusedError):
            ask(cache, "a", origin, negative_ttl=0)

    assert origin.asked == 2


def test_other_errors_are_never_remembered(ask):
    cache, origin = make(), Origin(TransientError("down"), "up")

    with pytest.raises(TransientError):
        ask(cache, "a", origin)
    assert ask(cache, "a", origin) == "up"


@pytest.mark.parametrize("error", [TransientError("down"), MalformedError("?"), OSError("reset")])
def test_a_stale_answer_stands_in_for_an_error_within_its_window(ask, error):
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_if_error=50)
    ask(cache, "a", Origin("old"))

    clock.advance(59)
    assert ask(cache, "a", Origin(error)) == "old"
    assert cache.stats()["rss"].stale_served == 1
    clock.advance(1)
    with pytest.raises(type(error)):
        ask(cache, "a", Origin(error))


def test_a_stale_answer_hides_neither_refusals_nor_bugs(ask):
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_if_error=50)
    ask(cache, "a", Origin("old"))
    clock.advance(20)

    with pytest.raises(ZeroDivisionError):
        ask(cache, "a", Origin(ZeroDivisionError()))
    with pytest.raises(RefusedError):
        ask(cache, "a", Origin(RefusedError("gone")))


def test_a_window_may_be_the_callers(ask):
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_if_error=1_000)
    ask(cache, "a", Origin("old"))
    clock.advance(20)

    with pytest.raises(TransientError):
        ask(cache, "a", Origin(TransientError("down")), stale_if_error=0)


def test_a_stale_answer_is_given_at_once_while_it_is_fetched_again():
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_while_revalidate=50)
    origin = Origin("old", "new")

    async def scenario():
        async with cache:
            await cache.get_or_fetch("a", origin, tier="rss")
            clock.advance(20)
            given = [await cache.get_or_fetch("a", origin, tier="rss") for _ in range(2)]
            while cache.get("a", tier="rss") is None:
                await turn()
            return given, cache.get("a", tier="rss")

    assert asyncio.run(scenario()) == (["old", "old"], "new")
    assert origin.asked == 2


def test_threads_too_get_the_stale_answer_at_once():
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_while_revalidate=50)
    fetched = threading.Event()

    def renew():
        fetched.set()
        return "new"

    with cache:
        cache.get_or_fetch_blocking("a", lambda: "old", tier="rss")
        clock.advance(20)
        assert cache.get_or_fetch_blocking("a", renew, tier="rss") == "old"
        assert fetched.wait(10)
    assert cache.get("a", tier="rss") == "new"


def test_a_refresh_that_fails_disturbs_nobody():
    clock = ManualClock()
    cache = make(clock, ttl=10, stale_while_revalidate=50)
    with cache:
        cache.get_or_fetch_blocking("a", lambda: "old", tier="rss")
        clock.advance(20)
        cache.get_or_fetch_blocking("a", Origin(TransientError("down")).blocking, tier="rss")
        cache.get_or_fetch_blocking("a", Origin(ValueError("bug")).blocking, tier="rss")

    assert cache.kept("a", tier="rss").value == "old"


def test_a_value_set_during_a_fetch_wins_over_it():
    cache = make()

    async def slow():
        cache.set("a", "set meanwhile", tier="rss")
        return "fetched"

    assert asyncio.run(cache.get_or_fetch("a", slow, tier="rss")) == "fetched"
    assert cache.get("a", tier="rss") == "set meanwhile"


@pytest.mark.parametrize("forget", ["invalidate", "prefix", "clear"])
def test_what_is_declared_void_during_a_fetch_stays_void(forget):
    cache = make()

    async def slow():
        if forget == "invalidate":
            cache.invalidate("a", tier="rss")
        elif forget == "prefix":
            cache.invalidate_prefix("", tier="rss")
        else:
            cache.clear()
        return "void"

    asyncio.run(cache.get_or_fetch("a", slow, tier="rss"))

    assert cache.get("a", tier="rss") is None


class Broken(Memory):
    """A memory that fails at everything."""

    def __init__(self):
        self.counted = 0

    def get(self, *_):
        raise RuntimeError("broken")

    look = peek = put = make = remove = get

    def count(self, **_):
        self.counted += 1


def test_a_broken_cache_means_a_direct_fetch_and_is_counted(ask, caplog):
    cache = Cache(TIERS, clock=ManualClock(), memories={"rss": Broken()})
    origin = Origin("answer")

    with caplog.at_level(logging.WARNING):
        assert ask(cache, "a", origin) == "answer"
        assert ask(cache, "a", origin) == "answer"
    assert cache.get("a", tier="rss", default="nothing") == "nothing"
    assert not cache.set("a", 1, tier="rss")
    assert cache.kept("a", tier="rss") is None
    assert not cache.invalidate("a", tier="rss")
    assert origin.asked == 2
    assert cache._faults["rss"] >= 6
    assert [record.message for record in caplog.records].count("cache_fault") == 1


class Unweighable:
    def __sizeof__(self):
        raise RuntimeError("none of your business")


@pytest.mark.parametrize("key", [None, 5, ("a", 1), ["a"], b"a"])
def test_what_is_no_key_is_fetched_each_time_and_counted(ask, key):
    cache, origin = make(), Origin("answer")

    assert not cache.set(key, "kept", tier="rss")
    assert ask(cache, key, origin) == ask(cache, key, origin) == "answer"
    assert origin.asked == 2
    assert cache.keys(tier="rss") == []
    assert cache.stats()["rss"].errors == 3


def test_a_value_that_cannot_be_weighed_is_given_but_not_kept(ask, caplog):
    cache, value = make(), Unweighable()

    with caplog.at_level(logging.CRITICAL):
        assert ask(cache, "a", Origin(value)) is value
        assert not cache.set("b", value, tier="rss")
    assert cache.keys(tier="rss") == []
    assert cache.stats()["rss"].errors == 2


def test_a_failed_set_does_not_leave_the_old_value():
    cache = make()
    cache.set("a", "old", tier="rss")

    cache.set("a", Unweighable(), tier="rss")

    assert cache.get("a", tier="rss") is None


@pytest.mark.parametrize("policy", ["tinylfu", "lru"])
def test_bytes_stay_within_budget_under_either_policy(policy):
    cache = Cache({"rss": Tier(ttl=60, max_bytes=50_000)}, clock=ManualClock(), policy=policy)

    for n in range(500):
        cache.set(f"key {n}", b"x" * (n % 7_000), tier="rss")
        assert cache.stats()["rss"].bytes <= 50_000

    assert cache.stats()["rss"].evictions > 400
    assert cache.stats()["rss"].entries > 5


def test_cleanup_returns_what_nobody_asks_for_any_more():
    clock = ManualClock()
    cache = make(clock)
    cache.set("a", 1, tier="rss")
    cache.set("b", 1, tier="search_results")
    clock.advance(400)

    assert cache.cleanup() == 1
    assert cache.stats()["search_results"].expirations == 1


def test_settings_make_the_five_tiers_with_their_ttls(tmp_path):
    cache = cache_from(CacheSettings(), root=tmp_path, clock=ManualClock())

    assert {name: tier.ttl for name, tier in cache.tiers.items()} == {
        "rss": 600,
        "twitter_user": 3_600,
        "article_content": 259_200,
        "search_results": 300,
        "conditional_headers": 86_400,
    }
    assert sum(tier.max_bytes for tier in cache.tiers.values()) < 100_000_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("policy", ["tinylfu", "lru"])
def test_threads_and_tasks_at_once_lose_nothing(policy):
    tier = Tier(ttl=0.2, max_bytes=300_000, negative_ttl=0.05)
    cache = Cache({"rss": tier}, clock=SystemClock(), policy=policy)
    hammer = Hammer(cache, tier="rss", used=lambda: cache.stats()["rss"].bytes, budget=300_000)

    verdict = hammer.run(threads=16, tasks=200, seconds=1.0)

    assert verdict.passed, verdict
    assert verdict.operations > 500
    memory = cache._memories["rss"]
    assert memory.used == sum(entry.cost for _, entry in memory.items())
