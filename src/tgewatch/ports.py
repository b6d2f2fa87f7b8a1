"""The seams: what the engine asks of the outside world, whoever provides it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from tgewatch.model import (
    NO_VALIDATORS,
    Claim,
    Delivery,
    Event,
    Item,
    Judged,
    Label,
    Notice,
    Outgoing,
    Poll,
    Record,
    Source,
    SourceState,
    State,
    Stored,
    Trace,
    Transition,
    Validators,
)  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One GET, before any policy is applied to it."""

    url: str
    pool: str = "default"
    """default, rss, twitter or article: decides connections, size cap and deadlines."""
    validators: Validators = NO_VALIDATORS
    headers: tuple[tuple[str, str], ...] = ()
    """Dropped when a redirect leaves the origin."""
    deadline: float | None = None
    """Seconds for the whole of it, retries included; None takes the pool's."""
    stalled: float | None = None
    """Seconds without a byte before giving up; None takes the pool's."""
    revalidate: bool = True
    """Always ask the server, as every scheduled poll does; other readers may take what is fresh."""
    tier: str = ""
    """Cache tier of the answer; empty takes the pool's."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that can be used: 200 with a body, or 304 without one."""

    url: str
    """After redirects."""
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Decoded and bounded; empty for a 304."""
    received: float
    validators: Validators = NO_VALIDATORS
    """To send next time; for a 304, merged with those that were sent."""
    fresh_for: float | None = None
    """Seconds for which a cache would give the same answer (max-age - Age); None unstated."""
    moved_to: str = ""
    """Target of a chain of permanent redirects only."""
    elapsed: float = 0.0
    attempts: int = 1
    reused: bool = False
    """Sent on a connection that was already open."""
    bytes_read: int = 0
    """On the wire, compressed."""
    from_cache: bool = False

    @property
    def not_modified(self) -> bool:
        return self.status == 304  # noqa: PLR2004 - the status code is the name


@dataclass(frozen=True, slots=True)
class PoolMetrics:
    """What one pool of connections has done since it was opened, for whoever records it."""

    requests: int = 0
    """Sent, retries and redirects included."""
    reused: int = 0
    """Of these, on a connection that was already open."""
    opened: int = 0
    retries: int = 0
    joined: int = 0
    """Calls answered by an identical request that was already under way."""
    timeouts: int = 0
    throttled: int = 0
    """Calls held back because a Retry-After was still running."""
    downgrades: int = 0
    """Redirects from https to http."""
    bytes_read: int = 0
    handshake_ms: float = 0.0
    """Sum over `opened`: name, TCP and TLS."""
    active: int = 0
    statuses: Mapping[int, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    """Failed attempts, by cause as in docs/fetching.md."""


class Fetcher(Protocol):
    """Brings bytes, politely."""

    async def fetch(self, request: Request) -> Response:
        """Return a 2xx or 304 answer.

        Raises TransientError (again later; `retry_after` when named), RefusedError (4xx, guard,
        too large) or MalformedError (bad encoding, decompression bomb).
        """


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source answered to one poll, understood."""

    items: Sequence[Item]
    """Newest first where the source says so; empty with `unchanged`."""
    unchanged: bool = False
    """Nothing differs from the last reading: 304, or the same bytes again."""
    validators: Validators = NO_VALIDATORS
    body_hash: str = ""
    moved_to: str = ""
    fresh_for: float | None = None
    elapsed: float = 0.0
    problems: Sequence[str] = ()
    """What had to be overlooked to read it, for `sources`."""
    hints: Mapping[str, float] = field(default_factory=dict)
    """Seconds the publisher suggests: ttl, updatePeriod."""
    title: str = ""
    """What the source calls itself; empty when it does not say, and when unchanged."""


class Offload(Protocol):
    """Runs pure work that is too heavy for the event loop."""

    async def run(self, function: Callable[..., T], *args: object, deadline: float = 10.0) -> T:
        """Return what `function` returns, or raise what it raises.

        `function` is importable by name (or a partial of one that is), and its arguments and
        result can be pickled. `deadline` is in seconds of work. Raises MalformedError (cause
        `parse_timeout`, `parse_memory` or `parse_crash`) when the work had to be given up,
        TransientError when it found no place.
        """


class SourceReader(Protocol):
    """Polls one kind of source."""

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll `url` with what `state` remembers. Raises what a Fetcher raises."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item whose article is still to be read."""

    source: str
    judged: Judged
    """As it was judged without the article."""
    baseline: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """What one claim does to the events that exist."""

    event: Event | None
    """The event after the claim, new or changed; None when the claim makes none."""
    transitions: tuple[Transition, ...] = ()
    reason: str = ""
    """Why it joined that event, or none, for `why`."""
    gone: tuple[str, ...] = ()
    left: "tuple[Merged, ...]" = ()
    """Ids of events that went into `event` whole; events that have lost evidence to it, as they are."""


Merge: TypeAlias = Callable[[Claim, Sequence[Event], float], Merged]
"""Claim, candidate events, now → what changes. Pure."""

Route: TypeAlias = Callable[[Event, Transition, Claim | None, float], Sequence[Outgoing]]
"""Event, one of its transitions, the causing claim, now → what goes to which channel. Pure."""


Advance: TypeAlias = Callable[[Event, float], Merged]
"""Event, now → what the passage of time changes. Pure."""

Correct: TypeAlias = Callable[[Sequence[Event], float], Sequence[Merged]]
"""Events that the user names, now → what becomes of them. Pure.

An event that does not come back was merged into the first that does.
"""


class Store(Protocol):
    """What survives. Each method is one transaction."""

    async def source_states(self, urls: Sequence[str]) -> Mapping[str, SourceState]:
        """Return what is remembered of each known source among `urls`."""

    async def unseen(self, items: Sequence[Item]) -> Mapping[str, str]:
        """Return key → `new` or `edited` for the items of one source that need judgement."""

    async def commit_poll(self, poll: Poll) -> Stored:
        """Store the poll, merge its claims and fill the outbox, all or nothing."""

    async def article_retries(self, now: float, *, limit: int) -> Sequence[Waiting]:
        """Return items whose article is to be read by `now`, oldest first."""

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        """Replace what was judged of known items of one source, and merge their claims."""

    async def advance(self, now: float) -> Stored:
        """Let time do to the events what only time does (dated long ago, live long ago)."""

    async def forget(self, now: float) -> int:
        """Drop what its retention has passed; return how many items."""

    async def pending(self, now: float, *, limit: int, channel: str = "") -> Sequence[Delivery]:
        """Return deliveries that are due, oldest first; those to one channel, where it is named.

        Of one event and channel only the first that is still pending counts, so that no change
        overtakes an earlier one that waits to be tried again.
        """

    async def delivered(self, key: str, at: float) -> None:
        """Mark as delivered."""

    async def postponed(self, key: str, *, attempts: int, next_at: float, error: str) -> None:
        """Keep for another try."""

    async def buried(self, key: str, *, attempts: int, error: str) -> None:
        """Set aside as a dead letter."""


class Archive(Store, Protocol):
    """The same store, as the commands and pages ask it. Each method is one transaction."""

    async def all_states(self) -> Mapping[str, SourceState]:
        """Return what is remembered of every source that was ever polled, by URL."""

    async def events(
        self,
        *,
        states: Sequence[State] = (),
        company: str = "",
        text: str = "",
        since: float | None = None,
        until: float | None = None,
        dismissed: bool = False,
        limit: int = 100,
    ) -> Sequence[Event]:
        """Return events, most recently changed first; what is left empty filters nothing.

        `since` and `until` bound the last change, `text` stands somewhere in project, company,
        ticker or another of its names, `dismissed` includes what the user has dismissed.
        """

    async def upcoming(
        self, since: float, *, until: float | None = None, limit: int = 100
    ) -> Sequence[Event]:
        """Return dated events that are not over by `since`, earliest first."""

    async def event(self, prefix: str) -> Event | None:
        """Return the event with this id, or the only one whose id begins so.

        An event that was merged into another leads there. Raises RefusedError (`ambiguous`).
        """

    async def history(self, event: str) -> Sequence[Transition]:
        """Return the transitions of one event, first to last."""

    async def changes(self, since: float, *, limit: int = 100) -> Sequence[Transition]:
        """Return what happened to any event since a time, newest first."""

    async def correct(self, events: Sequence[str], change: Correct, *, at: float) -> Stored:
        """Let the user's hand change events. Raises RefusedError (`unknown`) for ids that are none."""

    async def why(self, url: str) -> Sequence[Trace]:
        """Return where each item with this URL went, newest first; close spellings count."""

    async def drops(
        self, since: float, *, until: float | None = None
    ) -> Mapping[tuple[str, str], int]:
        """Return (stage, reason) → how many items first seen in the period stopped there."""

    def records(self, since: float = 0.0, *, until: float | None = None) -> AsyncIterator[Record]:
        """Yield items in the order they were seen, read in bounded batches."""

    async def deliveries(self, since: float, *, limit: int = 100) -> Sequence[Delivery]:
        """Return deliveries made out since a time, whatever became of them, newest first."""

    async def dead_letters(self, *, limit: int = 1_000) -> Sequence[Delivery]:
        """Return what could not be delivered, oldest first."""

    async def replay_dead(self, keys: Sequence[str] | None, now: float) -> int:
        """Make dead letters due again, all of them without `keys`; return how many."""

    async def label(self, label: Label) -> None:
        """Keep what the user says of an item; the last word on one URL or text counts."""

    async def unlabel(self, label: Label) -> bool:
        """Forget what the user said of the same URL or text; return whether there was something."""

    async def labels(self) -> Sequence[Label]:
        """Return all labels, oldest first."""

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:
        """Note something small under a name; None removes it."""


class Channel(Protocol):
    """A way to reach the user."""

    name: str

    async def send(self, notice: Notice, *, key: str) -> None:
        """Return once the other side has taken it.

        `key` is the idempotency key; channels with headers send it as `Idempotency-Key`.
        Raises TransientError to be tried again, RefusedError to become a dead letter.
        """


@dataclass(frozen=True, slots=True)
class Tenure:
    """A lease that was taken."""

    name: str
    token: int
    """Fencing token: greater than that of every earlier holder. Whoever writes for the holder
    says it, so that one who was thought dead cannot overwrite what came after."""


class Leases(Protocol):
    """Says which of many instances does what only one may do: run the schedule, hold the stream."""

    async def take(self, name: str, *, seconds: float) -> Tenure | None:
        """Return the lease if nobody holds it, or None. It runs out by itself."""

    async def keep(self, tenure: Tenure, *, seconds: float) -> bool:
        """Hold it for so long from now; False when it was lost meanwhile."""

    async def give(self, tenure: Tenure) -> None:
        """Let others have it; one that was lost already is no error."""


class Reservations(Protocol):
    """Says who does a thing that is to be done once, however many are about to."""

    async def reserve(self, name: str, *, seconds: float) -> bool:
        """Return whether it is ours to do; nobody else gets it within `seconds`."""

    async def release(self, name: str) -> None:
        """Let somebody else do it after all."""


@dataclass(frozen=True, slots=True)
class PostResponse:
    """What the other side said to a POST; its body is of no interest."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""


class Poster(Protocol):
    """Sends a body to a URL through the same guard as every fetch."""

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> PostResponse:
        """POST once: no retry and no redirect followed; `deadline` is in seconds.

        Returns any status that came. Raises TransientError when none did, RefusedError when the
        guard forbids the address. Errors name the host at most: paths and queries hold secrets.
        """


class Progress(Protocol):
    """Watches a cycle as it goes."""

    def started(self, sources: int) -> None:
        """Say how many sources are to be polled."""

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        """Say what one poll brought."""
