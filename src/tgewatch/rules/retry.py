"""Whether to try again, and after how long."""

from dataclasses import dataclass

from tgewatch.errors import TransientError

HOPELESS = frozenset(
    {
        "timeout",
        "connect_timeout",
        "stalled",
        "unknown_host",
        "tls",
        "throttled",
        "busy",
        "http_429",
    }
)
"""Causes that a second try a moment later does not cure: the schedule comes back to them.

After a timeout the time is gone (the kernel has repeated its SYN four times by then), the resolver has
asked twice itself, and a certificate that does not verify stays so.
"""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Decides; never sleeps, never sends."""

    attempts: int = 3
    base: float = 0.5
    """Seconds before the first retry, doubled for each later one."""
    ceiling: float = 10.0
    """Seconds; no wait of our own choosing is longer."""
    patience: float = 5.0
    """Seconds; a server that asks for more is left to the schedule."""

    def delay(
        self, error: Exception, attempt: int, *, jitter: float, left: float = float("inf")
    ) -> float | None:
        """Return the seconds to wait after failed attempt number `attempt`, or None to give up.

        `jitter` is in [0, 1) and comes from the caller, so that a test can choose it. `left` is the
        time until the deadline in seconds: a wait that would not end before it is not begun.
        """
        if not isinstance(error, TransientError) or attempt >= self.attempts:
            return None
        asked = error.retry_after
        if asked is None and (error.cause in HOPELESS or error.cause.startswith("http_4")):
            return None  # who says "slow down" without naming a time means longer than our curve
        if asked is not None and asked > self.patience:
            return None
        # Past 2**64 the ceiling has long won, and 2.0**1024 overflows.
        backoff = min(self.ceiling, self.base * 2.0 ** min(attempt - 1, 64))
        # A server that names a time knows more than our curve does, so it may exceed the ceiling.
        wait = max(backoff * (0.5 + jitter / 2), asked or 0.0)
        return wait if wait < left else None
