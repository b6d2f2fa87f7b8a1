"""The Twitter monitor: the real program against the fake X, or a monitor that exists."""

import asyncio
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest

from cache_manager import get_cache_manager
from optimized_scraper_v2 import PerformanceOptimizedTwitterMonitor
from tgewatch.clock import SystemClock
from tgewatch.dropin import process
from tgewatch.errors import ConfigError, RefusedError, StoreBusyError, TransientError
from tgewatch.testing.background import in_background
from tgewatch.world.x import Account, Archive, FakeX, Faults, Post
from tgewatch.world.x.server import XServer

TOKEN = "AAAAtoken"  # noqa: S105 - of a fake
TGE = "The $LMR token generation event takes place on 12 October. Our TGE is near"


class Stage:
    """An X on loopback with accounts that have posted, and the lists of a pipeline."""

    companies = (
        {"name": "Lumara", "tokens": ["$LMR"], "x_handle": "@LumaraHQ"},
        {"name": "Velkora", "twitter": "velkora"},
    )

    def __init__(self, *, names=("LumaraHQ", "velkora"), **faults):
        self.archive = Archive()
        self.ids = {name: number for number, name in enumerate(names, 101)}
        for name, number in self.ids.items():
            self.archive.add_account(Account(number, name))
        self.now = SystemClock().now
        self.fake = FakeX(
            self.archive, now=self.now, tokens={TOKEN: "app"}, faults=Faults(**faults)
        )
        self.server = XServer(self.fake)

    def post(self, name, text, *, ago=120.0):
        at = round(self.now() - ago, 3)
        made = Post(self.archive.next_id(at), self.ids[name], text, at, likes=3)
        self.archive.add(made)
        return made.id

    def monitor(self, *, companies=companies, keywords=("TGE", "airdrop"), token=TOKEN):
        return PerformanceOptimizedTwitterMonitor(token, list(companies), list(keywords))

    def calls(self, endpoint):
        return self.fake.log.calls.get(f"GET /2/{endpoint}", 0)


@pytest.fixture
def x(monkeypatch):
    stage = Stage()
    with in_background(stage.server):
        monkeypatch.setenv("TGEWATCH_X__BASE_URL", stage.server.base_url)
        yield stage
        process.end()


def test_a_tweet_has_what_pipelines_read(x):
    post = x.post("LumaraHQ", TGE)

    (tweet,) = x.monitor().fetch_all_tweets(timeout=20)

    assert tweet["id"] == post
    assert tweet["text"] == TGE
    assert tweet["author_id"] == 101
    assert tweet["url"].endswith(f"/status/{post}")
    assert tweet["created_at"].endswith("+00:00")
    assert "like_count" in tweet["metrics"]
    assert (tweet["username"], tweet["company"], tweet["search_strategy"]) == (
        "LumaraHQ", "Lumara", "packed",
    )  # fmt: skip
    assert tweet["relevance_info"]["matched_companies"] == ["Lumara"]
    assert tweet["relevance_info"]["matched_keywords"] == ["TGE"]
    assert 0.5 < tweet["confidence"] == tweet["relevance_info"]["confidence"]
    assert json.loads(json.dumps(tweet)) == tweet


def test_each_post_comes_once_however_often_it_is_asked_for(x):
    first = x.post("LumaraHQ", TGE)
    monitor = x.monitor()

    assert [one["id"] for one in monitor.fetch_all_tweets(timeout=20)] == [first]
    assert monitor.fetch_all_tweets(timeout=20) == []


def test_also_after_a_restart_which_looks_nobody_up_again(x):
    x.post("LumaraHQ", TGE)
    x.monitor().fetch_all_tweets(timeout=20)
    process.end()
    second = x.post("velkora", "velkora airdrop, part two", ago=40.0)

    again = x.monitor(companies=x.companies[::-1], keywords=("airdrop", "TGE"))
    assert [one["id"] for one in again.fetch_all_tweets(timeout=20)] == [second]
    assert x.calls("users/by") == 1


def test_what_a_killed_process_was_about_to_return_comes_again(x):
    post = x.post("LumaraHQ", TGE)
    monitor = x.monitor()
    room = monitor._room()
    room.bridge.run(room.value.round(seconds=20))
    room.value._handed._due = False  # as a kill leaves it: nothing of the round was noted
    process.end()

    assert [one["id"] for one in x.monitor().fetch_all_tweets(timeout=20)] == [post]


def test_keywords_narrow_what_is_returned_and_so_what_it_costs(x):
    post = x.post("LumaraHQ", TGE)
    x.post("velkora", "Community call on Friday")

    assert [t["id"] for t in x.monitor().fetch_all_tweets(timeout=20)] == [post]
    assert x.fake.meter.billed_posts == 1


def test_a_later_version_of_a_post_comes_too_and_says_of_what(x):
    post = x.post("LumaraHQ", TGE, ago=300.0)
    monitor = x.monitor()
    monitor.fetch_all_tweets(timeout=20)
    changed = x.archive.edit(post, f"{TGE} and postponed", at=round(x.now() - 40.0, 3))
    process.end()

    (tweet,) = x.monitor().fetch_all_tweets(timeout=20)
    assert (tweet["id"], tweet["edit_of"]) == (changed.id, post)


def test_the_figures_are_those_that_x_counts(x):
    x.post("LumaraHQ", TGE)
    monitor = x.monitor()
    assert monitor.get_performance_stats()["x_stats"] == {}

    monitor.fetch_all_tweets(timeout=20)
    monitor.batch_lookup_users_cached(["LumaraHQ", "velkora"])
    found = monitor.get_performance_stats()

    stats, component = found["x_stats"], found["component_stats"]
    assert stats["calls"] == {"users": 1, "recent": 1}
    assert component["api_calls"] == sum(x.fake.log.calls.values()) == 2
    assert stats["look_ups"] == {"names": 4, "known": 2, "calls": 1, "calls_saved": 3}
    assert stats["spend"]["month"] == x.fake.meter.dollars == 0.025
    assert stats["rate_limited"] == sum(x.fake.log.too_many.values()) == 0
    assert "299/300" in stats["ledger"]["users"]["line"]
    assert (component["cycles"], component["tweets_found"]) == (1, 1)
    assert json.loads(json.dumps(stats)) == stats


def test_names_are_looked_up_at_x_a_hundred_at_a_time_and_once(monkeypatch):
    names = [f"user{n}" for n in range(120)]
    stage = Stage(names=names)
    with in_background(stage.server):
        monkeypatch.setenv("TGEWATCH_X__BASE_URL", stage.server.base_url)
        monitor = stage.monitor(companies=["Lumara"])

        found = monitor.batch_lookup_users_cached([*names, "@User7", "nobody", "not a name!"])
        again = monitor.batch_lookup_users_cached([*names, "nobody"])

        assert found == {**{n: str(stage.ids[n]) for n in names}, "@User7": str(stage.ids["user7"])}
        assert again == {n: str(stage.ids[n]) for n in names}
        assert stage.calls("users/by") == 2
        process.end()


def test_after_the_timeout_it_returns_what_it_has_and_the_rest_comes_next(monkeypatch):
    companies = [{"name": f"Company {n}", "x_handle": f"handle_no_{n}"} for n in range(10, 60)]
    stage = Stage(names=[one["x_handle"] for one in companies])
    posts = {stage.post(one["x_handle"], f"airdrop {n}") for n, one in enumerate(companies)}
    asked = threading.Event()
    answer = stage.fake.answer

    def slow(method, path, *rest):
        told = answer(method, path, *rest)
        if "search" in path and not asked.is_set() and stage.calls("tweets/search/recent") > 1:
            told.delay = 60.0
        return told

    stage.fake.answer = slow
    with in_background(stage.server):
        monkeypatch.setenv("TGEWATCH_X__BASE_URL", stage.server.base_url)
        monitor = stage.monitor(companies=companies)

        first = {one["id"] for one in monitor.fetch_all_tweets(timeout=1.0)}
        asked.set()
        rest = {one["id"] for one in monitor.fetch_all_tweets(timeout=20)}
        process.end()

    assert first
    assert rest
    assert first | rest == posts
    assert not first & rest


def test_a_wrong_token_is_one_clear_error_each_time_and_one_call(x, caplog):
    monitor = x.monitor(token="AAAAwrong")  # noqa: S106 - of a fake

    for _ in range(3):
        with pytest.raises(RefusedError, match=r"401.*token"):
            monitor.fetch_all_tweets(timeout=20)

    assert sum(x.fake.log.statuses.values()) == 1
    assert "AAAAwrong" not in caplog.text + repr(vars(monitor)) + repr(monitor)


def test_x_that_cannot_be_reached_is_an_error_that_passes(x):
    x.post("LumaraHQ", TGE)
    monitor = x.monitor()
    x.fake.faults.plant("GET /2/users/by", "503", "503", "503")

    with pytest.raises(TransientError):
        monitor.fetch_all_tweets(timeout=20)
    assert len(monitor.fetch_all_tweets(timeout=20)) == 1


def test_without_a_token_it_says_once_how_to_turn_it_on_and_returns_nothing(caplog):
    monitor = PerformanceOptimizedTwitterMonitor("", [{"name": "Lumara", "x_handle": "l"}], ["TGE"])

    assert monitor.fetch_all_tweets(timeout=5) == monitor.fetch_all_tweets() == []
    assert caplog.text.count("TGEWATCH_X__TOKEN") == 1


def test_the_token_of_the_settings_counts_where_none_is_given(x, monkeypatch):
    post = x.post("LumaraHQ", TGE)
    monkeypatch.setenv("TGEWATCH_X__TOKEN", TOKEN)

    assert [t["id"] for t in x.monitor(token=None).fetch_all_tweets(timeout=20)] == [post]


def test_without_accounts_it_says_once_that_there_is_nobody_to_read(x, caplog):
    monitor = x.monitor(companies=["Lumara"])

    assert monitor.fetch_all_tweets(timeout=5) == monitor.fetch_all_tweets(timeout=5) == []
    assert caplog.text.count("x_has_nobody_to_read") == 1
    assert sum(x.fake.log.calls.values()) == 0


@pytest.mark.parametrize(
    ("token", "companies", "said"),
    [
        ("two words", [], "bearer token"),
        (7, [], "bearer_token"),
        (TOKEN, [{"name": "Lumara", "x_handle": "not a name"}], "no name on X"),
    ],
)
def test_what_x_would_refuse_is_told_before_it_is_asked(token, companies, said):
    with pytest.raises(ConfigError, match=said) as caught:
        PerformanceOptimizedTwitterMonitor(token, companies, [])
    assert "two words" not in str(caught.value)


def test_a_caller_with_a_loop_of_its_own_is_served_too(x):
    post = x.post("LumaraHQ", TGE)
    monitor = x.monitor()

    async def pipeline():
        at_once = monitor.fetch_all_tweets(timeout=20)
        return at_once, await asyncio.to_thread(monitor.fetch_all_tweets, 20)

    at_once, later = asyncio.run(pipeline())
    assert ([one["id"] for one in at_once], later) == ([post], [])


def test_threads_that_ask_at_once_share_what_there_is(x):
    posts = {x.post("LumaraHQ", f"{TGE}, part {n}", ago=100.0 + n) for n in range(20)}
    monitor = x.monitor()
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(monitor.fetch_all_tweets(timeout=20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(one["id"] for one in found) == sorted(posts)


def test_a_second_process_of_the_same_lists_is_told_who_is_there(x):
    monitor = x.monitor()
    monitor.fetch_all_tweets(timeout=20)
    script = (
        "from optimized_scraper_v2 import PerformanceOptimizedTwitterMonitor as M\n"
        f"M({TOKEN!r}, {list(x.companies)!r}, ['TGE', 'airdrop']).fetch_all_tweets(timeout=5)"
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 1
    assert StoreBusyError.__name__ in ended.stderr
    assert TOKEN not in ended.stdout + ended.stderr


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
    assert "x_is_off" in caplog.text


def test_hooks_go_on_to_a_base_that_takes_them():
    base = Base()
    PerformanceOptimizedTwitterMonitor(base).set_swarm_hooks("hooks")
    PerformanceOptimizedTwitterMonitor("").set_swarm_hooks("hooks")

    assert base.hooks == "hooks"


def test_lists_that_make_no_sense_are_told_all_at_once():
    with pytest.raises(ConfigError) as caught:
        PerformanceOptimizedTwitterMonitor("", [{}, 7, {"name": "a", "priority": "urgent"}], [])
    assert len(caught.value.problems) == 3
