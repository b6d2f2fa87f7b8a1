"""What the desk for X asks of others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tgewatch.errors import RefusedError
from tgewatch.model.post import Post
from tgewatch.rules.ledger import Urgency
from tgewatch.rules.spending import Level
from tgewatch.rules.x_cursor import Cursor, Found
from tgewatch.rules.x_plan import Shard, StreamRule


class Queries(Protocol):
    """Reads one query."""

    async def read(
        self,
        shard: Shard,
        cursor: Cursor | None,
        *,
        subject: str = "",
        urgency: Urgency = Urgency.NORMAL,
        history: float = 0.0,
        patience: float = 60.0,
    ) -> Found:
        """Read what is new. Raises TransientError or RefusedError."""


class Api(Protocol):
    """What is known of the service beside its answers."""

    limits: dict[str, int]
    calls: dict[str, int]
    throttled: int

    def refusal(self, endpoint: str) -> RefusedError | None:
        """Return why an endpoint is not asked for now."""

    async def counts(self, query: str) -> list[int]:
        """Return how many posts matched on each of the last days."""

    async def absent(self, posts: Sequence[int]) -> frozenset[int]:
        """Return which of these posts X does not find."""

    def charge(self, post: Post) -> None:
        """Charge a post that came over the stream."""


class Listener(Protocol):
    """Hears of the stream."""

    def connected(self) -> None:
        """Say that posts come from now on."""

    def heard(self, post: Post) -> None:
        """Take a post."""

    def dropped(self, why: str, seconds: float) -> None:
        """Say that none come for now."""


class Streams(Protocol):
    """Keeps the stream."""

    async def run(self, rules: Callable[[], Sequence[StreamRule]], listener: Listener) -> None:
        """Connect, listen, connect again, until cancelled."""

    async def sync(self, wanted: Sequence[StreamRule]) -> None:
        """Let the server hold these rules."""


class Who(Protocol):
    """Knows accounts."""

    def handle(self, user: str) -> str:
        """Return the handle of an id, in lower case; empty when it is not known."""

    async def lookup(
        self, handles: Iterable[str], *, age: float | None = None, urgency: Urgency = Urgency.NORMAL
    ) -> Mapping[str, str]:
        """Return ids by handle in lower case."""

    async def refresh(self) -> None:
        """Ask again for what is due."""


class Money(Protocol):
    """Knows what is spent."""

    @property
    def level(self) -> Level:
        """What is left out now."""

    async def load(self) -> None:
        """Take over what was saved."""

    async def save(self, *, now: bool = False) -> None:
        """Save when it is time."""

    async def refresh(self) -> None:
        """Look at the price list when it is time."""


class Notes(Protocol):
    """Small things that outlive the process."""

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        """Note something under a name."""


class Collaborators(Protocol):
    """Whom the desk asks: `sources.x_parts.XParts`."""

    @property
    def api(self) -> Api: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def stream(self) -> Streams: ...
    @property
    def who(self) -> Who: ...
    @property
    def money(self) -> Money: ...
    @property
    def notes(self) -> Notes: ...
