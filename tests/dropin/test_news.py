"""The news scraper: the real program over a pipeline's lists, or a scraper that exists."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from optimized_scraper_v2 import (
    PerformanceOptimizedNewsScraper,
    cleanup_performance_modules,
)
from performance_monitor import get_performance_monitor
from session_manager import get_session_manager
from tgewatch.dropin import news, newsroom, process
from tgewatch.errors import ConfigError, StoreBusyError

COMPANIES = [
    {
        "name": "Lumara",
        "aliases": ["Lumara Labs"],
        "tokens": ["$LMR"],
        "exclusions": ["lumara lamps"],
        "priority": "HIGH",
        "status": "pre_token",
    },
    "Velkora Network",
]
KEYWORDS = ["TGE", "token generation event", "airdrop"]
NEWS = "Lumara confirms airdrop and token generation event for LMR"
OTHER = "Velkora Network announces token generation event"
NOISE = "Bank opens branch in another town"


@pytest.fixture
def scraper(site):
    site.entries["/feed"] = [(NOISE, "Nothing of interest."), (NEWS, "The LMR token of Lumara.")]
    return PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, [site.url("/feed")])


def test_constructing_asks_and_opens_nothing(scraper, site, fresh):
    assert "1 sources" in repr(scraper)
    assert site.asked == []
    assert not (fresh / "state" / "drop-ins").exists()


def test_an_article_has_what_pipelines_read(scraper, site):
    (article,) = scraper.fetch_all_articles(timeout=20)

    assert article["title"] == NEWS
    assert article["url"] == site.url("/a/feed-1")
    assert article["summary"] == "The LMR token of Lumara."
    assert article["source"] == site.url("/feed")
    assert article["feed_title"] == "Feed of /feed"
    assert article["published"].startswith("2026-09-2")
    assert article["content"]
    assert 0.5 < article["confidence"] <= 1
    info = article["relevance_info"]
    assert info["matched_companies"] == ["Lumara"]
    assert info["matched_keywords"] == ["token generation event", "airdrop"]
    assert info["confidence"] == article["confidence"]
    assert info["signals"]
    assert any("Lumara" in snippet for snippet in info["context_snippets"])
    assert json.loads(json.dumps(article)) == article


def test_only_what_is_new_comes_back(scraper, site):
    assert len(scraper.fetch_all_articles(timeout=20)) == 1
    assert scraper.fetch_all_articles(timeout=20) == []

    site.publish("/feed", OTHER, "The token of Velkora Network.")
    assert [one["title"] for one in scraper.fetch_all_articles(timeout=20)] == [OTHER]
    assert scraper.fetch_all_articles(timeout=20) == []


def test_also_after_a_restart(scraper, site):
    scraper.fetch_all_articles(timeout=20)
    process.end()
    site.publish("/feed", OTHER, "The token of Velkora Network.")

    again = PerformanceOptimizedNewsScraper(
        COMPANIES[::-1], list(reversed(KEYWORDS)), [site.url("/feed")]
    )
    assert [one["title"] for one in again.fetch_all_articles(timeout=20)] == [OTHER]


def test_an_edited_article_does_not_come_back(scraper, site):
    scraper.fetch_all_articles(timeout=20)
    site.entries["/feed"] = [
        (NOISE, "Still nothing."), (f"{NEWS}, updated", "Lumara."), (NOISE, "")
    ]  # fmt: skip

    titles = [one["title"] for one in scraper.fetch_all_articles(timeout=20)]
    assert NEWS not in titles


def test_the_best_comes_first(site):
    site.entries["/feed"] = [
        ("Could Lumara ever launch a token? Rumours, rumours", "Lumara traders speculate on a TGE"),
        ("Lumara sets LMR token launch for 30 September 2026", "Token generation event of Lumara."),
    ]
    scraper = PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, [site.url("/feed")])

    found = [one["confidence"] for one in scraper.fetch_all_articles(timeout=20)]

    assert found == sorted(found, reverse=True)
    assert found


def test_unchanged_feeds_cost_no_body_and_count_as_hits(scraper):
    for _ in range(6):
        scraper.fetch_all_articles(timeout=20)

    stats = scraper.get_performance_stats()
    component = stats["component_stats"]
    assert component["cycles"] == component["feeds_processed"] == 6
    assert component["articles_found"] == 1
    assert component["cache_hits"] == 5
    assert component["api_calls"] == stats["session_stats"]["total_requests"]
    assert stats["cache_stats"]["tier_stats"]["rss"]["hits"] == 5
    assert component["dropped_early"] == 1
    assert stats["session_stats"]["connection_creates"] == 1
    calls = [
        cycle.counts["api_calls"] for cycle in get_performance_monitor().recorder.record().cycles
    ]
    assert sum(calls) == component["api_calls"]
    assert calls[1:] == [1] * 5


def test_two_scrapers_in_one_process_share_connections_and_nothing_else(site):
    site.entries["/feed"] = [(NEWS, "Lumara."), (OTHER, "Velkora Network.")]
    one, other = (
        PerformanceOptimizedNewsScraper([company], KEYWORDS, [site.url("/feed")])
        for company in COMPANIES
    )

    assert [a["title"] for a in one.fetch_all_articles(timeout=20)] == [NEWS]
    assert [a["title"] for a in other.fetch_all_articles(timeout=20)] == [OTHER]


def test_the_same_lists_are_the_same_scraper(scraper, site):
    scraper.fetch_all_articles(timeout=20)
    twin = PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, [site.url("/feed")])

    assert twin.fetch_all_articles(timeout=20) == []


def test_a_name_keeps_the_memory_when_the_lists_change(site):
    site.entries["/feed"] = [(NEWS, "Lumara.")]
    first = PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, [site.url("/feed")], name="main")
    assert len(first.fetch_all_articles(timeout=20)) == 1

    site.entries["/more"] = [(OTHER, "Velkora Network.")]
    process.end()
    changed = PerformanceOptimizedNewsScraper(
        [*COMPANIES, "Nubo"], KEYWORDS, [site.url("/feed"), site.url("/more")], name="main"
    )
    assert [one["title"] for one in changed.fetch_all_articles(timeout=20)] == [OTHER]
    with pytest.raises(ConfigError):
        PerformanceOptimizedNewsScraper([], [], [], name="../escape")


def test_many_threads_get_each_article_once(scraper):
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(scraper.fetch_all_articles(timeout=30)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [one["title"] for one in found] == [NEWS]
    stats = scraper.get_performance_stats()
    assert stats["component_stats"]["api_calls"] == stats["session_stats"]["total_requests"]


def test_a_round_that_waits_too_long_for_another_brings_nothing_and_loses_nothing(scraper, site):
    answer, inside, gate = site.server._script, threading.Event(), threading.Event()

    async def slowly(asked, line):
        inside.set()
        await asyncio.to_thread(gate.wait, 20)
        return await answer(asked, line)

    site.server._script = slowly
    found = []
    first = threading.Thread(target=lambda: found.extend(scraper.fetch_all_articles(timeout=20)))
    first.start()
    inside.wait(20)
    assert scraper.fetch_all_articles(timeout=0.05) == []
    gate.set()
    first.join(30)

    assert [one["title"] for one in found] == [NEWS]


def test_more_than_a_round_can_hand_out_comes_with_the_next(site, monkeypatch):
    monkeypatch.setattr(newsroom, "CANDIDATES", 2)
    site.entries["/feed"] = [
        (f"Lumara confirms airdrop and token generation event number {n}", "") for n in range(5)
    ]
    scraper = PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, [site.url("/feed")])

    sizes = [len(scraper.fetch_all_articles(timeout=20)) for _ in range(4)]

    assert sizes == [2, 2, 1, 0]


def test_it_works_from_inside_a_running_loop(scraper):
    async def main():
        return scraper.fetch_all_articles(timeout=20)

    assert len(asyncio.run(main())) == 1


def test_one_bad_feed_stops_no_other(site):
    site.entries["/feed"] = [(NEWS, "Lumara.")]
    site.pages["/broken"] = (200, b"<html>no feed</html>")
    sources = [
        site.url("/broken"),
        "http://",
        "http://127.0.0.1:1/f",
        "nonsense",
        site.url("/feed"),
    ]
    scraper = PerformanceOptimizedNewsScraper(COMPANIES, KEYWORDS, sources)

    assert [one["title"] for one in scraper.fetch_all_articles(timeout=20)] == [NEWS]
    assert scraper.get_performance_stats()["component_stats"]["feeds_failed"] == 4


def test_a_timeout_brings_what_there_is_and_the_rest_comes_later(site):
    site.entries["/feed"] = [(NEWS, "Lumara.")]
    site.entries["/slow"] = [(OTHER, "Velkora Network.")]
    answer, gate = site.server._script, threading.Event()

    async def slowly(asked, line):
        if asked.path == "/slow":
            await asyncio.to_thread(gate.wait, 20)
        return await answer(asked, line)

    site.server._script = slowly
    scraper = PerformanceOptimizedNewsScraper(
        COMPANIES, KEYWORDS, [site.url("/feed"), site.url("/slow")]
    )

    assert [one["title"] for one in scraper.fetch_all_articles(timeout=1.5)] == [NEWS]
    gate.set()
    assert [one["title"] for one in scraper.fetch_all_articles(timeout=20)] == [OTHER]


def test_no_timeout_or_an_endless_one_is_bounded_and_nonsense_is_refused(scraper):
    assert len(scraper.fetch_all_articles(timeout=float("inf"))) == 1
    assert scraper.fetch_all_articles(timeout=None) == []
    with pytest.raises(ValueError, match="seconds"):
        scraper.fetch_all_articles(timeout="soon")


def test_ttls_are_learned_from_the_polls(scraper):
    for _ in range(4):
        scraper.fetch_all_articles(timeout=20)

    (learned,) = news._desk().metering.learners["rss"].classes()
    assert learned.checks == 3


def test_empty_lists_find_nothing():
    assert PerformanceOptimizedNewsScraper([], [], []).fetch_all_articles(timeout=5) == []


def test_lists_that_make_no_sense_are_told_all_at_once():
    with pytest.raises(ConfigError) as caught:
        PerformanceOptimizedNewsScraper(["", {"name": "x", "aliases": [1]}], [], [])
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "companies[0]", "companies[1]"
    ]  # fmt: skip
    for lists in ([[], "TGE", []], [[], [None], []], [[], [], [7]]):
        with pytest.raises(ConfigError):
            PerformanceOptimizedNewsScraper(*lists)


def test_after_cleaning_up_it_works_on(scraper, site, fresh, capsys):
    scraper.fetch_all_articles(timeout=20)
    cleanup_performance_modules()

    assert "Cycle Time: " in capsys.readouterr().out
    assert json.loads((fresh / "state" / "performance_metrics.json").read_bytes())["cycles"]
    site.publish("/feed", OTHER, "Velkora Network.")
    assert len(scraper.fetch_all_articles(timeout=20)) == 1
    assert get_performance_monitor().get_cycle_stats()["total_cycles"] == 2


def test_closing_the_sessions_in_between_does_not_stop_it(scraper, site):
    scraper.fetch_all_articles(timeout=20)
    get_session_manager().close_all()
    site.publish("/feed", OTHER, "Velkora Network.")

    assert len(scraper.fetch_all_articles(timeout=20)) == 1


def test_a_state_folder_that_cannot_be_written_to_is_replaced(scraper, fresh):
    (fresh / "state").mkdir(exist_ok=True)
    (fresh / "state" / "drop-ins").write_text("a file")

    assert len(scraper.fetch_all_articles(timeout=20)) == 1
    assert scraper.fetch_all_articles(timeout=20) == []


FETCH = """
import os, sys
from optimized_scraper_v2 import PerformanceOptimizedNewsScraper
scraper = PerformanceOptimizedNewsScraper(["Lumara"], ["airdrop"], [sys.argv[1]])
if sys.argv[2] == "die":
    from tgewatch.dropin.returned import Returned
    async def add(*_, **__):
        os.kill(os.getpid(), 9)
    Returned.add = add
found = scraper.fetch_all_articles(timeout=20)
print(len(found), flush=True)
if sys.argv[2] == "stay":
    sys.stdin.read()
"""


def run(site, what, **rest):
    return subprocess.Popen(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-c", FETCH, site.url("/feed"), what],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ.copy(), **rest,
    )  # fmt: skip


def test_what_a_killed_process_had_stored_and_not_returned_comes_with_the_next(site):
    site.entries["/feed"] = [(NEWS, "Lumara.")]
    killed = run(site, "die")
    assert killed.communicate(timeout=60)[0] == ""
    assert killed.returncode == -signal.SIGKILL

    assert run(site, "go").communicate(timeout=60)[0] == "1\n"
    assert run(site, "go").communicate(timeout=60)[0] == "0\n"


def test_a_second_process_is_told_who_has_it_open(site):
    site.entries["/feed"] = [(NEWS, "Lumara.")]
    first = run(site, "stay")
    assert first.stdout.readline() == "1\n"

    scraper = PerformanceOptimizedNewsScraper(["Lumara"], ["airdrop"], [site.url("/feed")])
    with pytest.raises(StoreBusyError, match=str(first.pid)):
        scraper.fetch_all_articles(timeout=20)
    first.communicate("", timeout=60)
    assert scraper.fetch_all_articles(timeout=20) == []


class Scraper:
    """What a pipeline has already."""

    def __init__(self, articles=(), error=None):
        self.articles = list(articles)
        self.error = error

    def fetch_all_articles(self, timeout=None):
        self.timeout = timeout
        if self.error:
            raise self.error
        return self.articles


def test_a_scraper_that_exists_is_called_and_measured():
    base = Scraper([{"url": "a"}, {"url": "b"}])
    scraper = PerformanceOptimizedNewsScraper(base)

    assert scraper.fetch_all_articles(timeout=7) == base.articles
    assert base.timeout == 7
    stats = scraper.get_performance_stats()["component_stats"]
    assert (stats["cycles"], stats["articles_found"]) == (1, 2)
    assert get_performance_monitor().get_operation_stats("fetch_all_articles")["count"] == 1


def test_one_that_takes_no_timeout_is_called_without():
    class Plain:
        def fetch_all_articles(self):
            return None

    assert PerformanceOptimizedNewsScraper(Plain()).fetch_all_articles(timeout=7) == []


def test_what_a_wrapped_scraper_raises_is_raised_and_counted():
    scraper = PerformanceOptimizedNewsScraper(Scraper(error=TypeError("its own")))

    with pytest.raises(TypeError, match="its own"):
        scraper.fetch_all_articles(timeout=7)
    stats = get_performance_monitor().get_operation_stats("fetch_all_articles")
    assert stats["failure_count"] == 1


def test_hooks_hear_of_each_cycle_and_cannot_break_it(caplog):
    class Hooks:
        def __init__(self):
            self.heard = []

        def notify(self, message):
            self.heard.append(message)
            raise OSError("gone")

    base = Scraper([{"url": "a"}])
    base.set_swarm_hooks = lambda hooks: setattr(base, "hooks", hooks)
    scraper = PerformanceOptimizedNewsScraper(base)
    scraper.set_swarm_hooks(hooks := Hooks())

    assert scraper.fetch_all_articles() == base.articles
    assert hooks.heard == ["1 articles found"]
    assert base.hooks is hooks
    assert "swarm_hooks_failed" in caplog.text
