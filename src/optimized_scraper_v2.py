"""The scrapers under the name of the specification; see docs/PERFORMANCE_OPTIMIZATION.md."""

from tgewatch.dropin.hooks import cleanup_performance_modules
from tgewatch.dropin.news import PerformanceOptimizedNewsScraper
from tgewatch.dropin.twitter import PerformanceOptimizedTwitterMonitor

__all__ = [
    "PerformanceOptimizedNewsScraper",
    "PerformanceOptimizedTwitterMonitor",
    "cleanup_performance_modules",
]
