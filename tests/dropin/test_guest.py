"""What pipelines have already: scrapers, monitors, clients and functions, plain or async."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from cache_manager import get_cache_manager
from optimized_scraper_v2 import (
    PerformanceOptimizedNewsScraper,
    PerformanceOptimizedTwitterMonitor,
)
from performance_hooks import execute_performance_cycle_with_hooks
from session_manager import get_session_manager
from tgewatch.dropin import guest, process
from tgewatch.errors import TransientError

FOUND = [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}]


class Plain:
    def fetch_all_articles(self, timeout):
        return FOUND if timeout == 7 else []


class WithoutTimeout:
    def fetch_all_articles(self):
        yield from FOUND


class AnyKeywords:
    def fetch_all_articles(self, **told):
        return FOUND if told == {"timeout": 7} else []


class Async:
    async def fetch_all_articles(self, timeout=120):  # noqa: ASYNC109 - as pipelines write it
        await asyncio.to_thread(lambda: None)
        return FOUND if timeout == 7 else []


class AsyncOneByOne:
    async def fetch_all_articles(self):
        for one in FOUND:
            yield one


class Nothing:
    async def fetch_all_articles(self):
        return None


SCRAPERS = [Plain, WithoutTimeout, AnyKeywords, Async, AsyncOneByOne]


@pytest.mark.parametrize("kind", SCRAPERS)
def test_a_scraper_of_any_make_is_called_and_measured(kind):
    scraper = PerformanceOptimizedNewsScraper(kind())

    assert scraper.fetch_all_articles(timeout=7) == FOUND
    stats = scraper.get_performance_stats()["component_stats"]
    assert (stats["cycles"], stats["articles_found"]) == (1, 2)


def test_nothing_is_no_articles():
    assert PerformanceOptimizedNewsScraper(Nothing()).fetch_all_articles(timeout=7) == []


def test_also_from_inside_an_event_loop():
    async def inside():
        return PerformanceOptimizedNewsScraper(Async()).fetch_all_articles(timeout=7)

    assert asyncio.run(inside()) == FOUND


def test_a_type_error_of_the_scrapers_own_is_raised_after_one_call():
    calls = []

    class Wrong:
        def fetch_all_articles(self, timeout):
            calls.append(timeout)
            raise TypeError("timeout + None")

    with pytest.raises(TypeError, match="None"):
        PerformanceOptimizedNewsScraper(Wrong()).fetch_all_articles(timeout=7)
    assert calls == [7]


def test_what_it_opens_on_its_loop_stays_open_also_after_cleaning_up():
    class Keeps:
        loop = None

        async def fetch_all_articles(self):
            self.loop = self.loop or asyncio.get_running_loop()
            return FOUND if self.loop is asyncio.get_running_loop() else []

    scraper = PerformanceOptimizedNewsScraper(Keeps())
    assert scraper.fetch_all_articles() == FOUND
    process.process().shut()
    assert scraper.fetch_all_articles() == FOUND


def test_an_async_scraper_may_use_the_sessions_as_plain_code_does(site):
    class Uses:
        async def fetch_all_articles(self):
            return [{"text": get_session_manager().get(site.url("/echo")).text.strip()}]

    assert PerformanceOptimizedNewsScraper(Uses()).fetch_all_articles() == [{"text": "GET /echo"}]


def test_an_async_scraper_that_does_not_end_is_given_up_and_cancelled(monkeypatch):
    monkeypatch.setattr(guest, "GRACE", 0.05)
    left = threading.Event()

    class Hangs:
        async def fetch_all_articles(self):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                left.set()

    with pytest.raises(TransientError) as caught:
        PerformanceOptimizedNewsScraper(Hangs()).fetch_all_articles(timeout=0)
    assert caught.value.cause == "timeout"
    assert left.is_set()


def test_a_timeout_of_the_scrapers_own_stays_its_own():
    class Late:
        async def fetch_all_articles(self):
            raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs"):
        PerformanceOptimizedNewsScraper(Late()).fetch_all_articles()


def test_a_monitor_without_timeout_and_tweets_that_are_objects():
    tweets = [SimpleNamespace(id=1), SimpleNamespace(id=1), SimpleNamespace(id=2), "no tweet"]

    class Monitor:
        def fetch_all_tweets(self):
            return tweets

    found = PerformanceOptimizedTwitterMonitor(Monitor()).fetch_all_tweets()
    assert found == [tweets[0], tweets[2], "no tweet"]


def test_an_async_client_is_asked_for_names():
    class Client:
        async def get_users(self, usernames):
            return SimpleNamespace(data=[SimpleNamespace(username=n, id=7) for n in usernames])

    monitor = PerformanceOptimizedTwitterMonitor("token", ["Lumara"], [], client=Client())
    assert monitor.batch_lookup_users_cached(["@lumara"]) == {"@lumara": "7"}


async def answer(number):
    return number + 1


def test_async_work_is_done_between_the_hooks():
    assert execute_performance_cycle_with_hooks("work", answer, 3)["result"] == 4


def test_what_an_async_fetch_brings_is_kept_rather_than_its_promise():
    cache = get_cache_manager()

    assert cache.get_or_fetch("rss", "k", lambda: answer(3)) == (4, False)
    assert cache.get_or_fetch("rss", "k", lambda: answer(8)) == (4, True)
    assert cache.get_or_fetch("no tier", "k", lambda: answer(8)) == (9, False)
