"""Hooks around a cycle: told where there is a tool, silent where there is none."""

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cache_manager import get_cache_manager
from optimized_scraper_v2 import (
    PerformanceOptimizedNewsScraper,
    PerformanceOptimizedTwitterMonitor,
)
from performance_hooks import (
    PerformanceHooks,
    cleanup_with_hooks,
    execute_performance_cycle_with_hooks,
)
from performance_monitor import get_performance_monitor
from tgewatch.dropin.hooks import get_hook_desk
from tgewatch.testing.executable import executable

STAND_IN = Path(__file__).parents[1] / "swarm" / "claude_flow" / "stand_in.py"
LONG = 60.0


class Flow:
    """A stand-in for claude-flow in the project's node_modules, and what it was told."""

    def __init__(self, folder):
        self.log = folder / "claude-flow.log"
        self.memory = folder / "state" / "claude-flow" / ".swarm" / "memory.db"
        self.command = folder / "node_modules" / ".bin" / "claude-flow"

    def install(self, patch, person="v3"):
        patch.delenv("TGEWATCH_CLAUDE_FLOW__ENABLED")
        executable(self.command, STAND_IN, person, self.log)

    @property
    def calls(self):
        """Return what it was told, once it was told all."""
        assert get_hook_desk().herald.flush(LONG)
        calls = map(json.loads, self.log.read_text().splitlines())
        return [call["arguments"] for call in calls]

    @property
    def names(self):
        """Return rooms and commands after the probe: version, init, store, retrieve."""
        return [" ".join(call[:2]) for call in self.calls[4:]]

    def told(self, name):
        return [call for call in self.calls[4:] if call[1] == name]

    @property
    def stored(self):
        """Return what its memory holds, by key."""
        assert get_hook_desk().herald.flush(LONG)
        rows = json.loads(self.memory.read_text())
        return {key.partition("/")[2]: json.loads(value) for key, value in rows.items()}


@pytest.fixture
def flow(fresh, monkeypatch):
    flow = Flow(fresh)
    flow.install(monkeypatch)
    return flow


def double(number, *, timeout):
    assert timeout == 120
    return 2 * number


def test_the_function_runs_as_one_cycle_and_its_timeout_is_its_own():
    found = execute_performance_cycle_with_hooks("doubling", double, 21, timeout=120)

    assert (found["success"], found["result"], found["error"]) == (True, 42, None)
    assert found["metrics"]["cycle_stats"]["total_cycles"] == 1


def test_the_tool_hears_of_the_task_from_its_beginning_to_its_end(flow):
    execute_performance_cycle_with_hooks("doubling", double, 21, timeout=120)

    assert flow.names == [
        "hooks pre-task", "hooks post-task", "memory store", "memory store", "hooks notify"
    ]  # fmt: skip
    before, after = flow.told("pre-task")[0], flow.told("post-task")[0]
    assert before[2:6] == ["--task-id", after[3], "--description", "tgewatch: doubling"]
    assert after[4:6] == ["--success", "true"]
    assert "tgewatch: Task completed: doubling" in flow.told("notify")[0]


def test_metrics_are_stored_for_a_day_under_their_time_and_as_the_latest(flow):
    execute_performance_cycle_with_hooks("doubling", double, 21, timeout=120)

    keys = [key for key in flow.stored if key.startswith("performance/optimization/20")]
    kept, latest = flow.stored[keys[0]], flow.stored["performance/optimization/latest"]
    assert kept["v"] == latest["v"]
    assert kept["exp"] - kept["at"] == pytest.approx(86_400)
    assert kept["v"]["cycle_stats"]["total_cycles"] == 1
    assert set(kept["v"]) >= {"cycle_stats", "cache_stats", "session_stats", "targets"}


def test_what_the_function_raises_is_raised_after_the_hooks_were_told_without_its_words(flow):
    def fail():
        raise ValueError("token=secret")

    with pytest.raises(ValueError, match="secret"):
        execute_performance_cycle_with_hooks("failing", fail)

    assert flow.told("post-task")[0][4:6] == ["--success", "false"]
    assert "tgewatch: Task failed: failing - ValueError" in flow.told("notify")[0]
    assert "secret" not in flow.log.read_text()
    assert get_performance_monitor().get_cycle_stats()["total_cycles"] == 1


def test_an_update_of_the_cache_is_told_once_however_many_there_were(flow):
    hooks = PerformanceHooks("caching")
    get_cache_manager().set("rss", "a", "b")
    for _ in range(3):
        hooks.cache_updated()
    hooks.post_task({})

    [edit] = flow.told("post-edit")
    assert edit[3] == str(get_cache_manager().persistence_file)
    get_cache_manager().set("rss", "c", "d")
    assert hooks.cache_updated()
    assert len(flow.told("post-edit")) == 2


def test_a_cache_that_was_not_touched_is_not_told(flow):
    PerformanceHooks("caching").cache_updated()
    PerformanceHooks("caching").notify("x")

    assert flow.names == ["hooks notify"]


@pytest.mark.parametrize("person", ["hanging", "crashing", "flooding", "forgetful", "future"])
def test_a_tool_that_breaks_neither_breaks_the_task_nor_holds_it_up(fresh, monkeypatch, person):
    monkeypatch.setenv("TGEWATCH_CLAUDE_FLOW__DRAIN", "0")
    Flow(fresh).install(monkeypatch, person)

    found = execute_performance_cycle_with_hooks("doubling", double, 1, timeout=120)

    assert found["result"] == 2


def test_without_a_tool_every_hook_says_that_nobody_heard_it_and_nothing_happens(
    fresh, monkeypatch, caplog
):
    monkeypatch.delenv("TGEWATCH_CLAUDE_FLOW__ENABLED")
    monkeypatch.setenv("PATH", str(fresh))
    hooks = PerformanceHooks("quiet")
    threads = threading.active_count()

    assert not any((hooks.pre_task(), hooks.post_task(), hooks.notify("x"), hooks.session_end()))
    assert not any((hooks.cache_updated(), hooks.post_edit("x")))
    assert (hooks.task_id, caplog.text, threading.active_count()) == (None, "", threads)
    assert not (fresh / "state").exists()


def test_with_a_tool_every_hook_says_that_it_was_heard(flow):
    hooks = PerformanceHooks("loud")

    assert hooks.pre_task()
    assert hooks.task_id
    assert all((hooks.post_task({"a": 1}), hooks.notify("x", {"b": 2}), hooks.post_edit("f")))
    assert hooks.session_end(export_metrics=False)
    assert hooks.task_id is None
    assert {"a": 1} in [value["v"] for value in flow.stored.values()]
    assert not any(key.startswith("performance/final") for key in flow.stored)


def test_switched_off_the_tool_is_left_alone(flow, monkeypatch):
    monkeypatch.setenv("TGEWATCH_CLAUDE_FLOW__ENABLED", "false")

    assert not PerformanceHooks("quiet").pre_task()
    assert not flow.log.exists()


def test_settings_that_are_wrong_are_said_and_mean_no_tool(flow, monkeypatch, caplog):
    monkeypatch.setenv("TGEWATCH_CLAUDE_FLOW__QUEUE", "none")

    found = execute_performance_cycle_with_hooks("doubling", double, 1, timeout=120)

    assert found["result"] == 2
    assert [r.msg for r in caplog.records] == ["claude_flow_off"]
    assert not flow.log.exists()


def test_cleaning_up_ends_the_session_with_the_full_report(fresh, flow, capsys):
    cleanup_with_hooks()

    assert flow.names == ["memory store", "memory store", "hooks session-end"]
    report = flow.stored["performance/final_report/latest"]["v"]
    assert set(report) >= {"targets", "performance_report", "cache_stats", "session_stats"}
    assert "PERFORMANCE TARGETS VALIDATION" in capsys.readouterr().out
    assert (fresh / "state" / "performance_metrics.json").exists()
    assert (fresh / "state" / "cache_persistence.json").exists()


def test_at_the_end_of_a_process_the_tool_still_hears_the_rest(flow, monkeypatch):
    monkeypatch.setenv("TGEWATCH_CLAUDE_FLOW__DRAIN", "60")
    code = (
        "from performance_hooks import execute_performance_cycle_with_hooks\n"
        "execute_performance_cycle_with_hooks('short', int)\n"
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert flow.names[-1] == "hooks notify"


# --- the wrappers -------------------------------------------------------------------------


class Scraper:
    """A scraper and monitor that a pipeline has already."""

    hooks = None

    def fetch_all_articles(self, timeout=0):
        return [{"url": "a"}] if timeout else []

    def fetch_all_tweets(self, timeout=0):
        return [{"id": "a"}] if timeout else []

    def set_swarm_hooks(self, hooks):
        self.hooks = hooks


def wrapped():
    news, tweets = Scraper(), Scraper()
    monitor = PerformanceOptimizedTwitterMonitor(tweets)
    return [
        (news, PerformanceOptimizedNewsScraper(news), "fetch_all_articles", "1 articles found"),
        (tweets, monitor, "fetch_all_tweets", "1 tweets found"),
    ]


def test_both_wrappers_tell_their_hooks_of_every_cycle_and_pass_them_on(flow):
    for base, wrapper, fetch, _ in wrapped():
        hooks = PerformanceHooks("wrapped")
        wrapper.set_swarm_hooks(hooks)
        assert base.hooks is hooks
        assert len(getattr(wrapper, fetch)()) == 1

    assert [call[3] for call in flow.told("notify")] == [
        "tgewatch: 1 articles found", "tgewatch: 1 tweets found"
    ]  # fmt: skip


def test_hooks_that_break_or_know_no_method_cost_no_result(caplog):
    class Strange:
        cache_updated = "no method"

        def notify(self, message):
            raise OSError(message)

    for _, wrapper, fetch, said in wrapped():
        wrapper.set_swarm_hooks(Strange())
        with caplog.at_level(logging.WARNING):
            assert len(getattr(wrapper, fetch)()) == 1
        assert said in caplog.text
        wrapper.set_swarm_hooks(None)
        assert len(getattr(wrapper, fetch)()) == 1
