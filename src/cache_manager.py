"""The cache under the name of the specification; see docs/PERFORMANCE_OPTIMIZATION.md."""

from tgewatch.dropin.caching import IntelligentCacheManager, get_cache_manager

__all__ = ["IntelligentCacheManager", "get_cache_manager"]
