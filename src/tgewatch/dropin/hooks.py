"""Hooks around a cycle: a tool that agents share is told of it, where there is one."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from tgewatch.clock import SystemClock
from tgewatch.dropin.caching import get_cache_manager
from tgewatch.dropin.monitor import get_performance_monitor
from tgewatch.dropin.process import process
from tgewatch.dropin.sessions import get_session_manager

log = logging.getLogger(__name__)

DAY = 86_400
"""Seconds for which metrics are kept in the shared memory."""


class Runner(Protocol):
    """Speaks to the tool."""

    def __call__(self, arguments: Sequence[str]) -> str | None:
        """Return what the tool says to these arguments; None without a tool, or when it fails."""


def no_tool(arguments: Sequence[str]) -> str | None:
    """Do nothing: there is no tool."""
    del arguments
    return None


class PerformanceHooks:
    """Tells the tool of one task. A tool that is absent or fails changes nothing for the task."""

    def __init__(
        self, task_description: str = "Performance optimization", *, runner: Runner = no_tool
    ) -> None:
        self.task_description = task_description
        self.task_id: str | None = None
        """As the tool names the task."""
        self._runner = runner

    def __repr__(self) -> str:
        return f"<PerformanceHooks {self.task_description!r}>"

    def pre_task(self) -> bool:
        """Announce the task; return whether the tool heard it."""
        said = self._run("hooks", "pre-task", "--description", self.task_description)
        for line in (said or "").splitlines():
            if "Task ID:" in line:
                self.task_id = line.split("Task ID:", 1)[1].strip()
        return said is not None

    def post_task(self, metrics: dict[str, Any] | None = None, *, success: bool = True) -> bool:
        """End the task and store its metrics (those of the monitor, unless given)."""
        named = ("--task-id", self.task_id) if self.task_id else ()
        said = self._run("hooks", "post-task", *named, "--success", str(success).lower())
        if said is None:
            return False
        report = get_performance_monitor().get_performance_report() if metrics is None else metrics
        return self._store("performance/optimization", report)

    def notify(self, message: str, performance_data: dict[str, Any] | None = None) -> bool:
        """Pass a message on, and perhaps data."""
        if self._run("hooks", "notify", "--message", message) is None:
            return False
        return performance_data is None or self._store("notifications", performance_data)

    def session_end(self, export_metrics: bool = True) -> bool:  # noqa: FBT001, FBT002 - the original's
        """End the session, with the full report."""
        wanted = str(export_metrics).lower()
        if self._run("hooks", "session-end", "--export-metrics", wanted) is None:
            return False
        return not export_metrics or self._store("performance/final_report", full_report())

    def _store(self, place: str, value: dict[str, Any]) -> bool:
        key = f"{place}/{_now()}"
        text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return self._run("memory", "store", key, text, "--ttl", str(DAY)) is not None

    def _run(self, *arguments: str) -> str | None:
        try:
            return self._runner(arguments)
        except Exception:  # whatever a strange tool does, the task goes on
            log.warning("hook_failed", extra={"hook": " ".join(arguments[:2])}, exc_info=True)
            return None


def full_report() -> dict[str, Any]:
    """Return cycles, cache, sessions and targets together."""
    monitor = get_performance_monitor()
    checks = monitor.checks()
    return {
        "timestamp": _now(),
        "targets": {
            one.target.measure: {
                "target": one.target.limit,
                "actual": one.measured,
                "met": one.passed,
                "unit": one.target.unit,
            }
            for one in checks
        },
        "all_targets_met": all(one.passed for one in checks if one.passed is not None),
        "performance_report": monitor.get_performance_report(),
        "cache_stats": get_cache_manager().get_stats(),
        "session_stats": get_session_manager().get_metrics(),
    }


def execute_performance_cycle_with_hooks(
    task_description: str,
    work_function: Callable[..., Any],
    *args: Any,
    runner: Runner = no_tool,
    **kwargs: Any,
) -> dict[str, Any]:
    """Run the function as one cycle between the hooks; return success, result, error and metrics.

    All further arguments are the function's. What it raises is raised again, after the hooks have
    been told.
    """
    hooks = PerformanceHooks(task_description, runner=runner)
    monitor = get_performance_monitor()
    hooks.pre_task()
    try:
        with monitor.cycle(), monitor.timer("work"):
            result = work_function(*args, **kwargs)
    except BaseException as error:
        metrics = monitor.get_performance_report()
        hooks.post_task(metrics, success=False)
        hooks.notify(f"Task failed: {task_description} - {error}", metrics)
        raise
    metrics = monitor.get_performance_report()
    hooks.post_task(metrics)
    hooks.notify(f"Task completed: {task_description}", metrics)
    return {"success": True, "result": result, "error": None, "metrics": metrics}


def cleanup_performance_modules() -> None:
    """Write cache and metrics, close what is open, and print the summary.

    Everything stays usable, and opens again when it is used.
    """
    _close()
    get_performance_monitor().print_summary()


def cleanup_with_hooks(*, runner: Runner = no_tool) -> None:
    """Do the same, and end the session of the tool with the full report."""
    cleanup_performance_modules()
    PerformanceHooks("Performance optimization cleanup", runner=runner).session_end()


def _close() -> None:
    get_cache_manager().cleanup()
    get_performance_monitor().save_metrics()
    get_session_manager().close_all()
    process().shut()


def _now() -> str:
    return datetime.fromtimestamp(SystemClock().now(), UTC).isoformat()
