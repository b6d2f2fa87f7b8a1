"""Connections under the name of the specification; see docs/PERFORMANCE_OPTIMIZATION.md."""

from tgewatch.dropin.sessions import (
    ConnectionMetrics,
    SharedSessionManager,
    close_session_manager,
    get_session_manager,
)

__all__ = [
    "ConnectionMetrics",
    "SharedSessionManager",
    "close_session_manager",
    "get_session_manager",
]
