"""Hooks around a cycle: told where there is a tool, silent where there is none."""

import json

import pytest

from performance_hooks import (
    PerformanceHooks,
    cleanup_with_hooks,
    execute_performance_cycle_with_hooks,
)
from performance_monitor import get_performance_monitor


class Tool:
    """Hears everything, and says what it is told to."""

    def __init__(self, said=""):
        self.heard = []
        self.said = said

    def __call__(self, arguments):
        self.heard.append(arguments)
        return self.said

    @property
    def names(self):
        return [" ".join(arguments[:2]) for arguments in self.heard]


def broken(_arguments):
    raise OSError("no such tool")


def double(number, *, timeout):
    assert timeout == 120
    return 2 * number


def test_the_function_runs_as_one_cycle_and_its_timeout_is_its_own():
    found = execute_performance_cycle_with_hooks("doubling", double, 21, timeout=120)

    assert (found["success"], found["result"], found["error"]) == (True, 42, None)
    assert found["metrics"]["cycle_stats"]["total_cycles"] == 1


def test_a_tool_hears_of_the_task_from_its_beginning_to_its_end():
    tool = Tool("Task ID: task-7\n")

    execute_performance_cycle_with_hooks("doubling", double, 21, timeout=120, runner=tool)

    assert tool.names == [
        "hooks pre-task", "hooks post-task", "memory store", "hooks notify", "memory store"
    ]  # fmt: skip
    assert tool.heard[1][2:4] == ("--task-id", "task-7")
    stored = tool.heard[2]
    assert stored[2].startswith("performance/optimization/20")
    assert json.loads(stored[3])["cycle_stats"]["total_cycles"] == 1
    assert stored[4:] == ("--ttl", "86400")


def test_what_the_function_raises_is_raised_after_the_hooks_were_told():
    tool = Tool()

    with pytest.raises(ZeroDivisionError):
        execute_performance_cycle_with_hooks("failing", lambda: 1 / 0, runner=tool)

    assert tool.heard[1][-2:] == ("--success", "false")
    assert "Task failed: failing" in tool.heard[3][3]
    assert get_performance_monitor().get_cycle_stats()["total_cycles"] == 1


def test_a_tool_that_breaks_does_not_break_the_task(caplog):
    found = execute_performance_cycle_with_hooks("doubling", double, 1, timeout=120, runner=broken)

    assert found["result"] == 2
    assert "hook_failed" in caplog.text


def test_without_a_tool_every_hook_says_that_nobody_heard_it(caplog):
    hooks = PerformanceHooks("quiet")

    assert not any((hooks.pre_task(), hooks.post_task(), hooks.notify("x"), hooks.session_end()))
    assert caplog.text == ""


def test_with_a_tool_every_hook_says_that_it_was_heard():
    hooks = PerformanceHooks("loud", runner=Tool())

    assert all((hooks.pre_task(), hooks.post_task({"a": 1}), hooks.notify("x", {"b": 2})))
    assert hooks.session_end(export_metrics=False)
    assert hooks.task_id is None


def test_cleaning_up_ends_the_session_with_the_full_report(fresh, capsys):
    tool = Tool()
    cleanup_with_hooks(runner=tool)

    assert tool.names == ["hooks session-end", "memory store"]
    report = json.loads(tool.heard[1][3])
    assert set(report) >= {"targets", "performance_report", "cache_stats", "session_stats"}
    assert "PERFORMANCE TARGETS VALIDATION" in capsys.readouterr().out
    assert (fresh / "state" / "performance_metrics.json").exists()
    assert (fresh / "state" / "cache_persistence.json").exists()
