"""The Twitter monitor wraps what can ask Twitter."""

from dataclasses import dataclass, field

import pytest

from cache_manager import get_cache_manager
from optimized_scraper_v2 import PerformanceOptimizedTwitterMonitor
from tgewatch.errors import ConfigError, TransientError


@dataclass
class User:
    username: str
    id: int


@dataclass
class Answer:
    data: list


@dataclass
class Client:
    """As tweepy's, for whom everybody exists whose name has no x in it."""

    asked: list = field(default_factory=list)

    def get_users(self, *, usernames):
        self.asked.append(usernames)
        return Answer([User(name.title(), hash(name)) for name in usernames if "x" not in name])


class Base:
    """A monitor that a pipeline has already."""

    def __init__(self, tweets=(), error=None):
        self.tweets = list(tweets)
        self.error = error
        self.client = Client()
        self.state = {"user_id_cache": {"a": 1, "b": 2}}

    def fetch_all_tweets(self, timeout):
        assert timeout == 5
        if self.error:
            raise self.error
        return self.tweets

    def set_swarm_hooks(self, hooks):
        self.hooks = hooks


def test_alone_it_says_once_that_it_cannot_ask_and_returns_nothing(caplog):
    monitor = PerformanceOptimizedTwitterMonitor("secret token", ["Lumara"], ["airdrop"])

    assert monitor.fetch_all_tweets(timeout=5) == monitor.fetch_all_tweets() == []
    assert caplog.text.count("twitter_not_available") == 1
    assert "secret token" not in caplog.text + repr(vars(monitor)) + repr(monitor)


@pytest.mark.parametrize("first", [True, False], ids=["first argument", "by name"])
def test_a_monitor_that_exists_is_asked_and_measured(first):
    base = Base([{"id": 1, "text": "a"}, {"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
    if first:
        monitor = PerformanceOptimizedTwitterMonitor(base)
    else:
        monitor = PerformanceOptimizedTwitterMonitor("token", [], [], base_monitor=base)

    assert [tweet["id"] for tweet in monitor.fetch_all_tweets(timeout=5)] == [1, 2]
    stats = monitor.get_performance_stats()["component_stats"]
    assert (stats["cycles"], stats["tweets_found"], stats["users_fetched"]) == (1, 2, 2)
    duplicates = monitor.perf_monitor.get_component_stats("deduplication")
    assert duplicates["duplicates_removed"] == 1


def test_what_it_raises_is_raised_and_a_limit_is_counted():
    monitor = PerformanceOptimizedTwitterMonitor(Base(error=TransientError("x", cause="http_429")))

    with pytest.raises(TransientError):
        monitor.fetch_all_tweets(timeout=5)
    assert monitor.get_performance_stats()["component_stats"]["rate_limit_hits"] == 1


def test_each_name_is_looked_up_once_and_a_hundred_at_a_time():
    client = Client()
    monitor = PerformanceOptimizedTwitterMonitor("", [], [], client=client)
    handles = [f"@user{n}" for n in range(250)] + ["USER1", "@User2"]

    found = monitor.batch_lookup_users_cached(handles)

    assert [len(batch) for batch in client.asked] == [100, 100, 50]
    assert set(found) == set(handles)
    assert found["USER1"] == found["@user1"]
    assert monitor.batch_lookup_users_cached(handles) == found
    assert len(client.asked) == 3
    stats = monitor.get_performance_stats()["component_stats"]
    assert (stats["api_calls"], stats["cache_hits"], stats["cache_misses"]) == (3, 250, 250)


def test_that_nobody_has_a_name_is_remembered_too():
    client = Client()
    monitor = PerformanceOptimizedTwitterMonitor("", [], [], client=client)

    assert monitor.batch_lookup_users_cached(["@xavier", "@anna"]).keys() == {"@anna"}
    assert monitor.batch_lookup_users_cached(["@xavier", ""]) == {}
    assert len(client.asked) == 1


def test_what_was_found_before_a_failure_is_kept():
    class Failing(Client):
        def get_users(self, *, usernames):
            if self.asked:
                raise ConnectionError("limit")
            return super().get_users(usernames=usernames)

    monitor = PerformanceOptimizedTwitterMonitor("", [], [], client=Failing())
    with pytest.raises(ConnectionError):
        monitor.batch_lookup_users_cached([f"user{n}" for n in range(150)])

    assert get_cache_manager().get("twitter_user", "user0")
    assert get_cache_manager().get("twitter_user", "user149") is None


def test_without_a_client_only_what_is_known_is_found(caplog):
    get_cache_manager().set("twitter_user", "anna", "7")
    monitor = PerformanceOptimizedTwitterMonitor("", [], [])

    assert monitor.batch_lookup_users_cached(["@Anna", "@bob"]) == {"@Anna": "7"}
    assert "twitter_not_available" in caplog.text


def test_hooks_go_on_to_a_base_that_takes_them():
    base = Base()
    PerformanceOptimizedTwitterMonitor(base).set_swarm_hooks("hooks")
    PerformanceOptimizedTwitterMonitor("").set_swarm_hooks("hooks")

    assert base.hooks == "hooks"


def test_lists_that_make_no_sense_are_told_all_at_once():
    with pytest.raises(ConfigError) as caught:
        PerformanceOptimizedTwitterMonitor("", [{}, 7, {"name": "a", "priority": "urgent"}], [])
    assert len(caught.value.problems) == 3
