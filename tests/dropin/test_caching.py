"""The cache under the names of the specification."""

import json
import math
import re
import threading
from pathlib import Path

import pytest

from cache_manager import IntelligentCacheManager, get_cache_manager
from tgewatch.dropin import process
from tgewatch.settings import CacheSettings, Tier

TIERS = ("rss", "twitter_user", "article_content", "search_results")
URL = "https://feed.example/rss"
DAY = "Mon, 01 Jan 2024 00:00:00 GMT"


@pytest.fixture
def cache():
    return IntelligentCacheManager()


@pytest.mark.parametrize("tier", TIERS)
def test_a_value_is_found_until_it_is_taken_away(cache, tier):
    assert cache.get(tier, "key") is None
    assert cache.set(tier, "key", {"a": [1]})
    assert cache.get(tier, "key") == {"a": [1]}
    assert cache.invalidate(tier, "key")
    assert not cache.invalidate(tier, "key")
    assert cache.get(tier, "key") is None


def test_tiers_and_managers_share_nothing(cache):
    other = IntelligentCacheManager()
    cache.set("rss", "key", 1)

    assert cache.get("article_content", "key") is None
    assert other.get("rss", "key") is None


def test_clearing_one_tier_leaves_the_others(cache):
    for tier in TIERS:
        cache.set(tier, "key", tier)

    cache.clear("rss")
    assert [cache.get(tier, "key") for tier in TIERS] == [None, *TIERS[1:]]
    cache.clear()
    assert [cache.get(tier, "key") for tier in TIERS] == [None] * 4


def test_an_unknown_tier_holds_nothing_and_breaks_nothing(cache, caplog):
    assert cache.set("nope", "key", 1) is False
    assert cache.get("nope", "key") is None
    assert cache.invalidate("nope", "key") is False
    assert cache.get_or_fetch("nope", "key", lambda: 7) == (7, False)
    cache.clear("nope")
    assert "unknown_cache_tier" in caplog.text


def test_times_to_live_can_be_changed_at_any_time(cache):
    cache.ttls["rss"] = -1
    cache.set("rss", "gone", 1)
    cache.ttls["rss"] = 60
    cache.set("rss", "kept", 1)

    assert cache.get("rss", "gone") is None
    assert cache.get("rss", "kept") == 1


def test_get_or_fetch_says_whether_it_cost_a_fetch(cache):
    assert cache.get_or_fetch("rss", "key", lambda: "value") == ("value", False)
    assert cache.get_or_fetch("rss", "key", lambda: 1 / 0) == ("value", True)


def test_nothing_is_not_kept(cache):
    assert cache.get_or_fetch("rss", "key", lambda: None) == (None, False)
    assert cache.get_or_fetch("rss", "key", lambda: 1) == (1, False)


def test_one_fetch_runs_however_many_threads_ask(cache):
    calls, results = [], []
    inside, gate = threading.Event(), threading.Event()

    def fetch():
        calls.append(1)
        inside.set()
        gate.wait(10)
        return "value"

    def ask():
        results.append(cache.get_or_fetch("article_content", "key", fetch))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    gate.set()
    for thread in threads:
        thread.join(10)

    assert len(calls) == 1
    assert [value for value, _ in results] == ["value"] * 16
    assert sum(not cached for _, cached in results) == 1


def test_what_a_fetch_raises_reaches_the_caller_and_is_not_kept(cache):
    def fail():
        raise ConnectionError("down")

    with pytest.raises(ConnectionError, match="down"):
        cache.get_or_fetch("rss", "key", fail)
    assert cache.get_or_fetch("rss", "key", lambda: 1) == (1, False)


def test_conditional_headers_come_back_as_the_next_request_sends_them(cache):
    cache.save_conditional_headers(
        URL, {"ETAG": '"v1"', "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    )

    assert cache.get_conditional_headers(URL) == {
        "If-None-Match": '"v1"',
        "If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT",
    }
    assert cache.get_conditional_headers("https://other.example/") == {}
    stats = cache.get_stats()
    assert stats["conditional_headers_cached"] == 1
    assert stats["total_hits"] == stats["total_misses"] == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"ETag": ""}, {"ETag": '"a\r\nX-Evil: 1"'}, {"Last-Modified": "yesterday"}],
    ids=["none", "empty", "injected", "no date"],
)
def test_headers_that_help_nobody_are_not_kept(cache, headers):
    cache.save_conditional_headers(URL, headers)

    assert cache.get_conditional_headers(URL) == {}


def test_statistics_add_up(cache):
    cache.set("rss", "a", "x" * 1_000)
    for key in ("a", "a", "b"):
        cache.get("rss", key)
    cache.get("twitter_user", "c")

    stats = cache.get_stats()
    assert (stats["total_hits"], stats["total_misses"]) == (2, 2)
    assert stats["overall_hit_rate"] == 50.0
    assert stats["tier_stats"]["rss"]["hit_rate"] == 66.67
    assert stats["tier_stats"]["rss"]["size"] == 1
    assert 0 < stats["tier_stats"]["rss"]["bytes"] < 3_000
    assert stats["memory_limit_mb"] == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("policy", ["lru", "tinylfu"])
def test_the_memory_limit_holds_whatever_is_put_in(policy):
    cache = IntelligentCacheManager(max_memory_mb=1, policy=policy)
    for number in range(300):
        for tier in TIERS:
            cache.set(tier, f"{number}", "x" * 20_000)
            stats = cache.get_stats()
            assert stats["memory_used_mb"] <= stats["memory_limit_mb"] <= 1.0
    assert stats["total_evictions"] > 0


def test_a_value_beyond_its_tier_is_refused_and_harms_nothing():
    cache = IntelligentCacheManager(max_memory_mb=1)
    cache.set("rss", "small", "s")

    assert cache.set("rss", "large", "x" * 2_000_000) is False
    assert cache.get("rss", "small") == "s"


def test_cleanup_exports_and_a_later_manager_reads_headers_back(cache, fresh):
    cache.save_conditional_headers(URL, {"ETag": '"v1"'})
    cache.set("article_content", "page", "text")
    cache.set("search_results", "query", "volatile")
    cache.cleanup()

    exported = json.loads((fresh / "state" / "cache_persistence.json").read_bytes())
    assert set(exported["tiers"]) == {"twitter_user", "article_content", "conditional_headers"}
    assert IntelligentCacheManager().get_conditional_headers(URL) == {"If-None-Match": '"v1"'}
    assert cache.get("search_results", "query") == "volatile"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"tiers": 7}',
        b'{"tiers": {"conditional_headers": [{"key": 1}]}}',
        b'{"conditional_headers": {"abc": {"etag": "x"}}}',
        b"\xff" * 100,
        b'{"tiers": {"conditional_headers": ' + b"[" * 5_000,
    ],
    ids=range(7),
)
def test_a_broken_export_is_an_empty_cache(fresh, content):
    (fresh / "state").mkdir()
    (fresh / "state" / "cache_persistence.json").write_bytes(content)

    cache = IntelligentCacheManager()

    assert cache.get_stats()["conditional_headers_cached"] == 0


def test_what_an_export_cannot_send_is_not_read_back(fresh):
    rows = [
        {"key": "evil", "fresh_until": 4e9, "value": {"etag": '"x"\r\nX-Evil: 1'}},
        {"key": "half", "fresh_until": 4e9, "value": {"etag": "\n", "last_modified": DAY}},
        {"key": "good", "fresh_until": 4e9, "value": {"etag": '"1"'}},
    ]
    (fresh / "state").mkdir()
    (fresh / "state" / "cache_persistence.json").write_text(
        json.dumps({"tiers": {"conditional_headers": rows}})
    )
    cache = IntelligentCacheManager()

    assert cache.get_conditional_headers("evil") == {}
    assert cache.get_conditional_headers("half") == {"If-Modified-Since": DAY}
    assert cache.get_conditional_headers("good") == {"If-None-Match": '"1"'}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"max_memory_mb": -1}, "max_memory_mb -1"),
        ({"max_memory_mb": "100"}, "max_memory_mb '100'"),
        ({"max_memory_mb": math.nan}, "max_memory_mb nan"),
        ({"policy": "fifo"}, "policy 'fifo': choose from lru, tinylfu"),
    ],
)
def test_limits_that_make_no_sense_are_said_in_a_sentence(how, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        IntelligentCacheManager(**how)


def test_a_stale_value_costs_no_fetch_of_the_callers_own_however_soon_it_is_renewed(monkeypatch):
    rss = Tier(ttl=1e-9, stale_while_revalidate=60)
    cache = IntelligentCacheManager(settings=CacheSettings(path=None, rss=rss))

    def at_once(task):
        thread = threading.Thread(target=task)
        thread.start()
        thread.join(10)
        return True

    monkeypatch.setattr(cache.cache._refresher, "submit", at_once)
    assert cache.get_or_fetch("rss", "k", lambda: 1) == (1, False)
    assert cache.get_or_fetch("rss", "k", lambda: 2) == (1, True)


def test_a_place_that_cannot_be_written_to_is_no_error(fresh, caplog):
    (fresh / "state").write_text("a file")
    cache = IntelligentCacheManager()
    cache.cleanup()

    assert "cache_not_exported" in caplog.text


def test_the_one_of_the_process_survives_a_restart():
    cache = get_cache_manager()
    cache.set("twitter_user", "name", "17")
    cache.set("rss", "feed", "volatile")
    process.end()

    again = get_cache_manager()
    assert again is not cache
    assert again.get("twitter_user", "name") == "17"
    assert again.get("rss", "feed") is None
    assert Path("state/cache.db").exists()


def test_closed_it_opens_again_when_it_is_used():
    cache = get_cache_manager()
    cache.set("twitter_user", "name", "17")
    cache.close()

    assert cache.get("twitter_user", "name") == "17"
