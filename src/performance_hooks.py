"""Hooks around a cycle under the name of the specification; see docs/PERFORMANCE_OPTIMIZATION.md."""

from tgewatch.dropin.hooks import (
    PerformanceHooks,
    cleanup_with_hooks,
    execute_performance_cycle_with_hooks,
)

__all__ = ["PerformanceHooks", "cleanup_with_hooks", "execute_performance_cycle_with_hooks"]
