"""One `get_or_fetch`: what is asked of the cache, and how the answer is kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.flight import ABSENT, Absent
from tgewatch.fetch.memory import Entry, Memory

FAILURES = (TransientError, MalformedError, OSError)
"""What a stale entry may stand in for; a refusal is an answer, and other errors are bugs."""

Fetch: TypeAlias = Callable[[], Awaitable[Any]]
BlockingFetch: TypeAlias = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch may return instead of a bare value, to say how it is kept."""

    value: object
    ttl: float | None = None
    """Seconds; None takes the caller's or the tier's, 0 keeps it for revalidation only."""
    store: bool = True
    """False for what must not be kept (no-store)."""
    age: float = 0.0
    """Seconds since it was true at its origin."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many seconds one caller wants an answer kept and served."""

    ttl: float
    stale_if_error: float = 0.0
    stale_while_revalidate: float = 0.0
    negative_ttl: float = 0.0

    @property
    def grace(self) -> float:
        return max(self.stale_if_error, self.stale_while_revalidate)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is kept of a RefusedError."""

    message: str
    cause: str


@dataclass(frozen=True, slots=True)
class _Refused:
    """A RefusedError on its way to everybody who waits for it."""

    error: RefusedError


class Inquiry:
    """Joins one caller's terms with one key of one tier. Fail-open: what breaks in memory is counted."""

    def __init__(
        self,
        key: str,
        *,
        memory: Memory,
        terms: Terms,
        monotonic: Callable[[], float],
        fault: Callable[[BaseException], None],
        may_serve_stale: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        self.key = key
        self._memory = memory
        self._terms = terms
        self._monotonic = monotonic
        self._fault = fault
        self._may_serve_stale = may_serve_stale
        self._stale: Entry | None = None

    def find(self) -> Any:
        """Return the fresh value, or ABSENT. Raises a remembered refusal."""
        try:
            entry, fresh = self._memory.look(self.key)
        except Exception as error:  # noqa: BLE001 - a cache may break in any way and must not break its caller
            self._fault(error)
            return ABSENT
        if entry is not None and fresh:
            return self.unwrap(_content(entry))
        if entry is not None and not entry.refusal:
            self._stale = entry
        return ABSENT

    def peek(self) -> Any:
        """Return what came in meanwhile, as a flight would bring it, or ABSENT."""
        try:
            entry = self._memory.peek(self.key)
        except Exception as error:  # noqa: BLE001 - as in `find`
            self._fault(error)
            return ABSENT
        return ABSENT if entry is None else _content(entry)

    def meanwhile(self) -> Any:
        """Return the stale value that may be served while it is fetched again, or ABSENT."""
        return self._within(self._terms.stale_while_revalidate)

    def in_place_of(self, error: Exception) -> Any:
        """Return the stale value that may stand in for an error. Raises the error without one."""
        if (value := self._within(self._terms.stale_if_error)) is ABSENT:
            raise error
        return value

    def _within(self, window: float) -> Any:
        stale = self._stale
        if stale is None or self._monotonic() - stale.fresh_until >= window:
            return ABSENT
        if not self._may_serve_stale(stale.value):
            return ABSENT
        self._memory.count(stale_served=1)
        return stale.value

    def counted(self, fetch: Fetch) -> Fetch:
        """Return the fetch, counted, with a refusal as an answer."""

        async def run() -> Any:
            self._memory.count(fetches=1)
            try:
                return await fetch()
            except RefusedError as error:
                return _Refused(error)

        return run

    def counted_blocking(self, fetch: BlockingFetch) -> BlockingFetch:
        """Return the fetch, counted, with a refusal as an answer."""

        def run() -> Any:
            self._memory.count(fetches=1)
            try:
                return fetch()
            except RefusedError as error:
                return _Refused(error)

        return run

    def land(self, answer: Any) -> Callable[[], None]:
        """Weigh an answer; return what stores it."""
        try:
            entry = self._entry(answer)
        except Exception as error:  # noqa: BLE001 - as in `find`
            self._fault(error)
            entry = ABSENT

        def store() -> None:
            try:
                if entry is ABSENT:
                    self._memory.remove(self.key)
                elif isinstance(entry, Entry):
                    self._memory.put(self.key, entry)
            except Exception as error:  # noqa: BLE001 - as in `find`
                self._fault(error)

        return store

    def _entry(self, answer: Any) -> Entry | Absent | None:
        """Return what is to be kept, ABSENT for nothing at all, None for what was there before."""
        terms = self._terms
        if isinstance(answer, _Refused):
            if not terms.negative_ttl:
                return None
            kept = Refusal(str(answer.error), answer.error.cause)
            return self._memory.make(
                self.key, kept, ttl=terms.negative_ttl, grace=0.0, refusal=True
            )
        fetched = answer if isinstance(answer, Fetched) else Fetched(answer)
        if not fetched.store:
            return ABSENT
        ttl = terms.ttl if fetched.ttl is None else fetched.ttl
        return self._memory.make(
            self.key, fetched.value, ttl=ttl, grace=terms.grace, age=fetched.age
        )

    def unwrap(self, answer: Any) -> Any:
        """Return the value in an answer. Raises the refusal in it."""
        if isinstance(answer, _Refused):
            raise answer.error
        return answer.value if isinstance(answer, Fetched) else answer


def _content(entry: Entry) -> Any:
    if entry.refusal and isinstance(entry.value, Refusal):
        return _Refused(RefusedError(entry.value.message, cause=entry.value.cause))
    return entry.value
