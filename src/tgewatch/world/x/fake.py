"""X without a network: requests in, answers out, and a record of all of it."""

import gzip
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeAlias

from tgewatch.world.x import search, users
from tgewatch.world.x.asking import Asking, spelling_of
from tgewatch.world.x.faults import Faults
from tgewatch.world.x.meter import DAY, PRICING, Meter
from tgewatch.world.x.posts import Archive
from tgewatch.world.x.problems import (
    ProblemError,
    blank,
    encode,
    forbidden,
    not_found,
    rate_limited,
    unauthorized,
    usage_capped,
)
from tgewatch.world.x.service import Call, Product, Service
from tgewatch.world.x.stream import Connection, Stream
from tgewatch.world.x.stream_rules import ACTIVITY, FILTERED, Streams
from tgewatch.world.x.windows import Windows

APP, USER, UNENROLLED = "app", "user", "unenrolled"
LOGGED = 100_000
"""Last requests that are kept."""
MAX_BODY = 1_000_000
Handler: TypeAlias = Callable[[Call], dict[str, Any] | Connection]

READS: Mapping[str, Callable[[Service, Call], dict[str, Any]]] = {
    "GET /2/users/by": users.by_names,
    "GET /2/users/by/username/:username": users.by_name,
    "GET /2/users": users.by_ids,
    "GET /2/users/:id": users.by_id,
    "GET /2/users/:id/tweets": search.timeline,
    "GET /2/tweets": search.look_up,
    "GET /2/tweets/search/recent": search.recent,
    "GET /2/tweets/search/all": search.everything,
    "GET /2/lists/:id/tweets": search.list_timeline,
    "GET /2/tweets/counts/recent": search.counts,
}
STREAM_DELAYS = (1.0, 6.5)
"""Seconds from a post to the filtered stream; P99 is said to be 6 to 7."""
EVENT_DELAYS = (0.1, 0.9)
CAPPED = frozenset(
    {name for name in READS if "tweets" in name and "counts" not in name} | {FILTERED, ACTIVITY}
)
"""Endpoints that a used-up month closes."""


class AnswerLostError(ConnectionError):
    """The request was done, counted and billed; its answer never came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    delay: float = 0.0
    """Seconds until it is there."""
    lost: bool = False
    connection: Connection | None = None
    """A stream that was opened."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request in the log."""

    at: float
    endpoint: str
    status: int
    token: str
    query: str = ""
    returned: int = 0
    """Posts or accounts, those of `includes` not counted."""
    lost: bool = False


@dataclass(slots=True)
class Log:
    """What was asked: an oracle for tests."""

    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=LOGGED))
    calls: Counter[str] = field(default_factory=Counter)
    """Endpoint → requests, whatever came of them."""
    too_many: Counter[str] = field(default_factory=Counter)
    """Endpoint → requests refused because of their rate."""
    capped: Counter[str] = field(default_factory=Counter)
    """Endpoint → requests refused because the month is used up."""
    connections: Counter[str] = field(default_factory=Counter)
    """Endpoint → streams refused because one is open."""
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, line: Line, *, refusal: str = "") -> None:
        self.lines.append(line)
        self.calls[line.endpoint] += 1
        self.statuses[line.status] += 1
        if refusal == "rate":
            self.too_many[line.endpoint] += 1
        if refusal == "cap":
            self.capped[line.endpoint] += 1
        if refusal == "connection":
            self.connections[line.endpoint] += 1


class FakeX:
    """Answers as X does, at the time that `now` says it is.

    The oracles are `meter` (what would be charged) and `log` (calls, refusals). Works without a
    socket: see `handle`; `server.XServer` puts it on one.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        now: Callable[[], float],
        tokens: Mapping[str, str] | None = None,
        product: Product | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Accept `tokens`: bearer token → app, user or unenrolled; by default `token`, an app's."""
        self.service = Service(archive, product or Product(), faults or Faults())
        self.windows = Windows()
        self.daily = Windows(length=DAY)
        self.log = Log()
        self.streams = Streams(
            self.service,
            Stream(
                self.service, name="filtered_stream", now=self.time, most=1, delays=STREAM_DELAYS
            ),
            Stream(
                self.service, name="activity_stream", now=self.time, most=2, delays=EVENT_DELAYS
            ),
        )
        self._now = now
        self._tokens = dict(tokens or {"token": APP})
        self._handlers = self._all_handlers()
        self._routes = [(name, *_pattern(name)) for name in self._handlers]
        self._last_archive_search: dict[str, float] = {}

    @property
    def archive(self) -> Archive:
        return self.service.archive

    @property
    def meter(self) -> Meter:
        return self.service.meter

    @property
    def faults(self) -> Faults:
        return self.service.faults

    def time(self) -> float:
        """Return what the clock of the service shows."""
        return self._now() + self.faults.skew

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer one request: status, headers, body. Raises AnswerLostError for a lost one."""
        answer = self.answer(method, path, query, headers, body)
        if answer.lost:
            raise AnswerLostError("connection reset")
        return answer.status, answer.headers, answer.body

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Answer:
        """Answer one request, with the time that it takes. A stream is in `connection`, opened."""
        now = self.time()
        if (method, path) == ("GET", "/api/credits/pricing"):
            return Answer(200, self._headers(now), encode(PRICING))
        endpoint, parts = self._route(method, path)
        token = _bearer(headers)
        told = self._headers(now)
        try:
            fault = self._admit(endpoint, path, token, now, told)
            spelling = spelling_of(query, self.service.product.spellings)
            call = Call(endpoint, parts, query, _json(body), now, token, spelling, fault)
            made = self._handlers[endpoint](call)
        except _Unavailable as failure:
            self.log.add(Line(now, endpoint, 503, token))
            return self._unavailable(now, text=failure.text)
        except ProblemError as problem:
            line = Line(now, endpoint, problem.status, token, query.get("query", ""))
            self.log.add(line, refusal=_refusal_of(problem))
            return Answer(problem.status, told, encode(problem.body), self.faults.delay())
        lost = fault == "lost"
        if isinstance(made, Connection):
            if lost:
                made.end("reset", now)
            self.log.add(Line(now, endpoint, 200, token))
            return Answer(200, told, b"", self.faults.delay(), lost, made)
        status = 201 if method == "POST" and "data" in made else 200
        returned = made.get("data", ())
        number = len(returned) if isinstance(returned, list) else 1
        self.log.add(Line(now, endpoint, status, token, query.get("query", ""), number, lost))
        return Answer(status, told, encode(made), self.faults.delay(), lost)

    def _all_handlers(self) -> Mapping[str, Handler]:
        bound = {name: partial(handler, self.service) for name, handler in READS.items()}
        return {**bound, **self.streams.handlers(), "GET /2/usage/tweets": self._usage}

    def _route(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        for name, verb, pattern in self._routes:
            if verb == method and (match := pattern.fullmatch(path)):
                return name, match.groupdict()
        return f"{method} (unknown)", {}

    def _admit(self, endpoint: str, path: str, token: str, now: float, told: dict[str, str]) -> str:
        """Let a request in, or raise; return its fault. Fills in the headers about its rate."""
        kind = self._tokens.get(token)
        if kind is None:
            raise unauthorized()
        if endpoint not in self._handlers:
            raise not_found(path)
        if kind == UNENROLLED:
            raise forbidden("client-not-enrolled")
        fault = self.faults.of(endpoint)
        if fault == "429":
            self.windows.use(token, endpoint, now, 1 << 30)
        count = self.windows.hit(token, endpoint, now, user=kind == USER)
        if self.faults.stranger():
            self.windows.use(token, endpoint, now, 1)
        if fault.startswith("503"):
            raise _Unavailable(text=fault == "503_text")
        told |= count.headers()
        allowed = count.allowed
        if endpoint in self.service.product.daily:
            self.daily.limits[endpoint] = self.service.product.daily[endpoint]
            day = self.daily.hit(token, endpoint, now)
            told |= day.headers("x-app-limit-24hour")
            allowed = allowed and day.allowed
        if not allowed or self._too_soon(endpoint, token, now):
            raise rate_limited(old=self.service.product.old_429)
        if endpoint in CAPPED and (fault == "capped" or self._used_up(now)):
            raise usage_capped()
        return fault

    def _too_soon(self, endpoint: str, token: str, now: float) -> bool:
        """Say whether a search of the archive breaks its rule of one a second."""
        if endpoint != "GET /2/tweets/search/all":
            return False
        last = self._last_archive_search.get(token, now - 1.0)
        if now - last < 1.0:
            return True
        self._last_archive_search[token] = now
        return False

    def _used_up(self, now: float) -> bool:
        return self.meter.posts_since(_month(now)) >= self.service.product.monthly_cap

    def _usage(self, call: Call) -> dict[str, Any]:
        """GET /2/usage/tweets."""
        Asking(call.query, {"days", "usage.fields"})
        return {
            "data": {
                "project_id": "1",
                "project_cap": str(self.service.product.monthly_cap),
                "project_usage": str(self.meter.posts_since(_month(call.now))),
                "cap_reset_day": 1,
            }
        }

    def _unavailable(self, now: float, *, text: bool) -> Answer:
        headers = self._headers(now)
        if text:
            body = b"Service Unavailable"
            headers["content-type"] = "text/plain"
        else:
            body = gzip.compress(encode(blank(503, "Service Unavailable", "Try again.")), mtime=0)
            headers["content-encoding"] = "gzip"
        return Answer(503, headers, body, self.faults.delay())

    def _headers(self, now: float) -> dict[str, str]:
        at = datetime.fromtimestamp(int(now + self.faults.stray()), UTC)
        return {
            "content-type": "application/json; charset=utf-8",
            "date": format_datetime(at, usegmt=True),
        }

    def __repr__(self) -> str:
        return f"<FakeX {self.archive!r} {self.meter!r}>"


class _Unavailable(Exception):  # noqa: N818 - a turn of events, caught ten lines above
    def __init__(self, *, text: bool) -> None:
        super().__init__("503")
        self.text = text


def _month(now: float) -> float:
    """Return when the month of `now` began."""
    day = datetime.fromtimestamp(now, UTC)
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def _refusal_of(problem: ProblemError) -> str:
    if problem.status != 429:  # noqa: PLR2004 - the status code is the name
        return ""
    return {"UsageCapExceeded": "cap", "ConnectionException": "connection"}.get(
        problem.body.get("title", ""), "rate"
    )


def _pattern(name: str) -> tuple[str, re.Pattern[str]]:
    verb, _, path = name.partition(" ")
    return verb, re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path))


def _bearer(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if name.lower() == "authorization":
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return ""


def _json(body: bytes) -> Any:
    if not body or len(body) > MAX_BODY:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
