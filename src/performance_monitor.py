"""The monitor under the name of the specification; see docs/PERFORMANCE_OPTIMIZATION.md."""

from tgewatch.dropin.monitor import PerformanceMonitor, get_performance_monitor

__all__ = ["PerformanceMonitor", "get_performance_monitor"]
