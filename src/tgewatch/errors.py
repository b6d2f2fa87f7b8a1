"""Every error this program raises on purpose, split by what the caller does next."""

from collections.abc import Sequence


class TgewatchError(Exception):
    """Base of all of them; nothing raises it directly."""


class TransientError(TgewatchError):
    """Worth another try. `retry_after` is in seconds, when the other side named a time."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, cause: str = "error"
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.cause = cause
        """A short class of failure for counting: timeout, dns, refused, reset, tls, http_503 …"""


class RefusedError(TgewatchError):
    """The other side, or our own guard, said no, and will say no again."""

    def __init__(self, message: str, *, cause: str = "refused") -> None:
        super().__init__(message)
        self.cause = cause
        """A short class of refusal for counting: blocked_address, http_404, gone, too_large …"""


class MalformedError(TgewatchError):
    """An answer came, and made no sense."""

    def __init__(self, message: str, *, cause: str = "malformed") -> None:
        super().__init__(message)
        self.cause = cause
        """A short class for counting: not_a_feed, bad_encoding, entity_bomb …"""


class ConfigError(TgewatchError):
    """The operator has to change something. `problems` lists all of it, not the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class StoreBusyError(TgewatchError):
    """Another instance holds the store."""
