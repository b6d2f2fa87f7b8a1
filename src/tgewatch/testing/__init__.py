"""One shipped fake per port, for tests only."""

from tgewatch.testing.clock import ManualClock

__all__ = ["ManualClock"]
