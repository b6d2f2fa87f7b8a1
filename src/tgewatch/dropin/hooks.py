"""Hooks around a cycle: agents that share claude-flow hear of it, where there is one."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tgewatch.clock import SystemClock
from tgewatch.dropin import guest
from tgewatch.dropin.caching import IntelligentCacheManager, get_cache_manager
from tgewatch.dropin.monitor import get_performance_monitor
from tgewatch.dropin.process import process, state_folder
from tgewatch.dropin.sessions import get_session_manager
from tgewatch.errors import ConfigError
from tgewatch.settings import ClaudeFlowSettings
from tgewatch.swarm.claude_flow import Herald, Mirror, mirror_from
from tgewatch.swarm.claude_flow.herald import stamp

log = logging.getLogger(__name__)

CACHE_KEY = "swarm/cache/updated"


class PerformanceHooks:
    """Tells claude-flow of one task, without waiting for it.

    A tool that is absent, hangs or fails changes nothing for the task. Every method returns whether
    the tool may hear of it: there is one, and it did not just fail three times.
    """

    def __init__(
        self, task_description: str = "Performance optimization", *, desk: "HookDesk | None" = None
    ) -> None:
        self.task_description = task_description
        self.task_id: str | None = None
        """Ours; None before `pre_task`, after the task, and when nobody hears of it."""
        self._desk = desk or get_hook_desk()
        self._begun = 0.0

    def __repr__(self) -> str:
        return f"<PerformanceHooks {self.task_description!r}>"

    def pre_task(self) -> bool:
        """Announce the task."""
        self._begun = SystemClock().monotonic()
        self.task_id = self._desk.herald.pre_task(self.task_description)
        return self.task_id is not None

    def post_task(self, metrics: dict[str, Any] | None = None, *, success: bool = True) -> bool:
        """End the task and store its metrics (cycles, cache, sessions and targets, unless given)."""
        herald, task_id, self.task_id = self._desk.herald, self.task_id, None
        if not herald.is_heard:
            return False
        self.cache_updated()
        seconds = SystemClock().monotonic() - self._begun if task_id else 0.0
        told = task_metrics() if metrics is None else metrics
        return herald.post_task(task_id, told, success=success, seconds=seconds)

    def post_edit(self, file_path: str | Path, memory_key: str = CACHE_KEY) -> bool:
        """Say that a file has changed."""
        return self._desk.herald.post_edit(Path(file_path).absolute(), memory_key)

    def cache_updated(self) -> bool:
        """Say that the cache has changed, if it has since this was said last."""
        return self._desk.herald.is_heard and self._desk.tell_of_cache(get_cache_manager())

    def notify(self, message: str, performance_data: dict[str, Any] | None = None) -> bool:
        """Pass a message on, and store data that belongs to it."""
        return self._desk.herald.notify(message, performance_data)

    def session_end(self, export_metrics: bool = True) -> bool:  # noqa: FBT001, FBT002 - the original's
        """End the session, with the full report."""
        herald, self.task_id = self._desk.herald, None
        report = full_report() if export_metrics and herald.is_heard else None
        return herald.session_end(report)


class HookDesk:
    """What all hooks of a process share: the way to the tool, and what it knows of the cache."""

    def __init__(self, mirror: Mirror | None, settings: ClaudeFlowSettings) -> None:
        self.herald = Herald(mirror, keep=settings.keep, clock=SystemClock())
        self._mirror = mirror
        self._drain = settings.drain
        self._cache: object = None

    def __repr__(self) -> str:
        return f"<HookDesk {self.herald!r}>"

    def tell_of_cache(self, manager: IntelligentCacheManager) -> bool:
        """Say that the cache's file has changed, unless what it holds is as it was."""
        state = tuple(
            (one.misses, one.fetches, one.entries, one.bytes, one.evictions, one.expirations)
            for one in manager.cache.stats().values()
        )
        if self._cache is None and not any(map(any, state)):
            self._cache = state
        if state == self._cache:
            return False
        self._cache = state
        return self.herald.post_edit(manager.persistence_file.absolute(), CACHE_KEY)

    def flush(self) -> None:
        """Wait until the tool has heard everything, no longer than `[claude_flow] drain`."""
        self.herald.flush(self._drain)

    def close(self) -> None:
        """Do the same, and tell it nothing more."""
        if self._mirror is not None:
            self._mirror.close(self._drain)


def get_hook_desk() -> HookDesk:
    """Return the one of this process. Settings that are wrong mean that there is no tool."""

    def make() -> HookDesk:
        try:
            settings = process().settings()
        except ConfigError as error:
            log.warning("claude_flow_off", extra={"problems": error.problems})
            return HookDesk(None, ClaudeFlowSettings())
        mirror = mirror_from(
            settings.claude_flow,
            folder=settings.root,
            state=state_folder(),
            environ=os.environ,
            clock=SystemClock(),
        )
        desk = HookDesk(mirror, settings.claude_flow)
        process().closing.append(desk.close)
        return desk

    return process().part("hooks", make)


def task_metrics() -> dict[str, Any]:
    """Return what is stored of a task: cycles, components, cache, sessions and targets."""
    monitor = get_performance_monitor()
    components = ("news_scraper", "twitter_monitor", "deduplication")
    return {
        "timestamp": stamp(SystemClock()),
        **_targets(),
        "cycle_stats": monitor.get_cycle_stats(),
        **{name: monitor.get_component_stats(name) for name in components},
        "cache_stats": get_cache_manager().get_stats(),
        "session_stats": get_session_manager().get_metrics(),
    }


def full_report() -> dict[str, Any]:
    """Return cycles, cache, sessions and targets together, with all that the monitor knows."""
    return {
        "timestamp": stamp(SystemClock()),
        **_targets(),
        "performance_report": get_performance_monitor().get_performance_report(),
        "cache_stats": get_cache_manager().get_stats(),
        "session_stats": get_session_manager().get_metrics(),
    }


def execute_performance_cycle_with_hooks(
    task_description: str,
    work_function: Callable[..., Any],
    *args: Any,
    **kwargs: Any,
) -> dict[str, Any]:
    """Run the function as one cycle between the hooks; return success, result, error and metrics.

    All further arguments are the function's, which may be async. What it raises is raised again, after the hooks have
    been told; of it they hear no more than the kind, as its words may hold secrets.
    """
    hooks = PerformanceHooks(task_description)
    monitor = get_performance_monitor()
    hooks.pre_task()
    try:
        with monitor.cycle(), monitor.timer("work"):
            result = guest.called(work_function, *args, **kwargs)
    except BaseException as error:
        hooks.post_task(success=False)
        hooks.notify(f"Task failed: {task_description} - {type(error).__name__}")
        raise
    hooks.post_task()
    hooks.notify(f"Task completed: {task_description}")
    metrics = monitor.get_performance_report()
    return {"success": True, "result": result, "error": None, "metrics": metrics}


def cleanup_performance_modules() -> None:
    """Write cache and metrics, close what is open, and print the summary.

    Everything stays usable, and opens again when it is used.
    """
    _close()
    get_performance_monitor().print_summary()


def cleanup_with_hooks() -> None:
    """Do the same, end the session of claude-flow with the full report, and let it hear that."""
    cleanup_performance_modules()
    hooks = PerformanceHooks("Performance optimization cleanup")
    hooks.cache_updated()
    hooks.session_end()
    get_hook_desk().flush()


def _close() -> None:
    get_cache_manager().cleanup()
    get_performance_monitor().save_metrics()
    get_session_manager().close_all()
    process().shut()


def _targets() -> dict[str, Any]:
    checks = get_performance_monitor().checks()
    return {
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
    }
