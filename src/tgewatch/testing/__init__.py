"""One shipped fake per port, for tests only."""

from tgewatch.testing.clock import ManualClock
from tgewatch.testing.store import MemoryStore

__all__ = ["ManualClock", "MemoryStore"]
