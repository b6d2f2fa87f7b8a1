"""What reading X asks of the rest of the program."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from tgewatch.rules.ledger import Urgency


class Called(Protocol):
    """What came back, whatever its status."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    @property
    def body(self) -> bytes:
        """Decoded and bounded."""


class Held(Called, Protocol):
    """An answer that goes on; its body is empty when the status is 200."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield bytes as they come. Raises TransientError when they end, break off or stall."""


class Caller(Protocol):
    """Sends one request, once, and follows no redirect."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        seconds: float,
    ) -> Called:
        """Return any status that came. Raises TransientError when none did."""

    def hold(
        self, url: str, *, headers: Sequence[tuple[str, str]], seconds: float, silence: float
    ) -> AbstractAsyncContextManager[Held]:
        """Open an answer without end: `seconds` for its beginning, `silence` between two bytes."""


class Turns(Protocol):
    """The rate ledger: `fetch.ledger.Ledgers`."""

    async def acquire(self, endpoint: str, *, urgency: Urgency, deadline: float) -> Any:
        """Return a ticket. Raises TransientError (`rate_limited`) or RefusedError (`usage_capped`)."""

    def settle(
        self,
        ticket: Any,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Tell what came of the call; nothing for no answer."""

    def release(self, ticket: Any) -> None:
        """Give a ticket back whose call was never sent."""


class Notes(Protocol):
    """Small things that outlive the process: a part of the store."""

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        """Note something under a name."""


class Purse(Protocol):
    """Is told of everything that costs."""

    def posts(self, posts: Iterable[tuple[int, str]], at: float) -> None:
        """Charge posts that were returned: id and id of the author."""

    def users(self, users: Iterable[tuple[int, str]], at: float) -> None:
        """Charge users that were returned: id and handle."""

    def counts(self, at: float) -> None:
        """Charge a request for counts."""
