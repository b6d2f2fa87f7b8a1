"""The X API v2 by direct calls: each within the ledger, none with the token to another host."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import orjson

from tgewatch.clock import Clock
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.model.post import Post
from tgewatch.parse import x as parse
from tgewatch.rules.freshness import http_date
from tgewatch.rules.ledger import Urgency
from tgewatch.rules.rate_headers import TOO_MANY, read_answer
from tgewatch.rules.retry_after import retry_after
from tgewatch.rules.server_clock import ServerClock
from tgewatch.sources.x_ports import Called, Caller, Held, Purse, Turns

log = logging.getLogger(__name__)

T = TypeVar("T")

FIELDS = (
    "author_id,created_at,edit_history_{0}_ids,entities,lang,note_{0},public_metrics,"
    "referenced_{0}s"
)
"""Free of charge; expansions are never asked for: they bill."""
SPELLINGS = ("tweet", "post")
"""Of field names: as documented, and as described since OpenAPI 2.167. What is refused gives way."""
SPACING: Mapping[str, float] = {"all": 1.05}
"""Seconds between two calls to an endpoint with a rule of its own: search/all takes one a second."""
PAGE = 100
"""Posts of a page; the size costs nothing, only what is returned."""
BATCH = 100
"""Names of one look-up."""
SECONDS = 20.0
"""For one call, once it has its turn."""
TRIES = 3
PAUSE = 0.5
"""Seconds before the second try, doubled for the third."""
LATCH = 900.0
"""Seconds for which a refusal of the token counts without asking again."""
FORBIDDEN = 3_600.0
"""Seconds for which an endpoint that this app may not use is not asked again."""
CAP = 86_400.0
"""Seconds between two tries once the month's posts are used up."""

CONFLICT = 409
PATHS: Mapping[str, str] = {
    "recent": "/2/tweets/search/recent",
    "all": "/2/tweets/search/all",
    "timeline": "/2/users/{}/tweets",
    "users": "/2/users/by",
    "counts": "/2/tweets/counts/recent",
    "posts": "/2/tweets",
    "rules": "/2/tweets/search/stream/rules",
    "stream": "/2/tweets/search/stream",
    "connections": "/2/connections/filtered_stream",
}
BILLED = frozenset({"recent", "all", "timeline", "stream", "posts"})
"""Endpoints that the month's cap on posts closes."""


class XClient:
    """Asks, reads, charges. Keeps what was refused for good, so that nobody asks in vain."""

    def __init__(
        self,
        caller: Caller,
        turns: Turns,
        *,
        purse: Purse,
        clock: Clock,
        token: str,
        base_url: str,
    ) -> None:
        self._caller = caller
        self._turns = turns
        self._purse = purse
        self._clock = clock
        self._token = token
        self._base = base_url
        self._owner = sha256(token.encode()).hexdigest()[:8]
        self._times = ServerClock()
        self._spelling = SPELLINGS[0]
        self._opened = clock.monotonic()
        """A process before this one may have called just then."""
        self._spaced: dict[str, tuple[asyncio.Lock, float]] = {}
        self._refused: dict[str, tuple[float, RefusedError]] = {}
        self.limits: dict[str, int] = {}
        """Calls of a window, as the headers last said, by endpoint."""
        self.calls: dict[str, int] = {}
        """Sent, by endpoint."""
        self.throttled = 0
        """429s for too many calls; the ledger is there so that this stays 0."""

    def __repr__(self) -> str:
        return f"<XClient {self._base}, {sum(self.calls.values())} calls>"

    @property
    def endpoints(self) -> frozenset[str]:
        """Names under which the ledger counts the calls of this token."""
        return frozenset(map(self._name, (*PATHS, "rules+")))

    def server_time(self) -> float:
        """Return the server's time, at the earliest that it can be."""
        now = self._clock.now()
        return self._times.earliest(now) if self._times.synced else now

    def latest_time(self) -> float:
        """Return the server's time, at the latest that it can be."""
        now = self._clock.now()
        return self._times.latest(now) if self._times.synced else now

    def refusal(self, endpoint: str) -> RefusedError | None:
        """Return why an endpoint is not asked for now."""
        now = self._clock.monotonic()
        names = ("", "billed", endpoint) if endpoint in BILLED else ("", endpoint)
        for name in names:
            until, error = self._refused.get(name, (0.0, None))
            if error is not None and now < until:
                return error
        return None

    async def search(
        self,
        place: str,
        query: str,
        *,
        since: int = 0,
        until: int = 0,
        start: float | None = None,
        token: str = "",
        urgency: Urgency = Urgency.NORMAL,
        patience: float = 60.0,
    ) -> parse.Page:
        """Return one page of a search (`recent` or `all`), or of a timeline (`query` is the id).

        `since` and `until` are ids, `start` a time; `patience` bounds the wait for a turn, in
        seconds. Raises TransientError or RefusedError.
        """
        parameters: dict[str, Any] = {"max_results": PAGE}
        parameters |= {"exclude": "retweets"} if place == "timeline" else {"query": query}
        if since:
            parameters["since_id"] = since
        if until:
            parameters["until_id"] = until
        if start is not None:
            moment = datetime.fromtimestamp(int(start), UTC)
            parameters["start_time"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        if token:
            parameters["pagination_token" if place == "timeline" else "next_token"] = token
        path = PATHS[place].format(quote(query, safe="")) if place == "timeline" else PATHS[place]
        answer = await self._posts(place, path, parameters, urgency, patience)
        page = self._read(parse.read_page, answer)
        self._purse.posts(((post.id, post.author) for post in page.posts), self.server_time())
        return page

    async def users(
        self, handles: Sequence[str], *, urgency: Urgency = Urgency.NORMAL, patience: float = 60.0
    ) -> parse.Accounts:
        """Look up at most 100 accounts. Raises TransientError or RefusedError."""
        parameters = {"usernames": ",".join(handles[:BATCH])}
        answer = await self._get("users", PATHS["users"], parameters, urgency, patience)
        accounts = self._read(parse.read_accounts, answer)
        found = ((int(account.id), account.handle) for account in accounts.found)
        self._purse.users(found, self.server_time())
        return accounts

    async def absent(self, posts: Sequence[int]) -> frozenset[int]:
        """Return which of these X does not find. Others are charged, but for those of today."""
        gone: set[int] = set()
        for start in range(0, len(posts), BATCH):
            asked = {"ids": ",".join(map(str, posts[start : start + BATCH]))}
            answer = await self._get("posts", PATHS["posts"], asked, Urgency.BACKGROUND, 60.0)
            page = self._read(parse.read_page, answer)
            self._purse.posts(((post.id, post.author) for post in page.posts), self.server_time())
            said = (a for a in page.absent if a.title.lower().startswith("not found"))
            gone |= {int(a.value) for a in said if parse.is_id(a.value)}
        return frozenset(gone.intersection(posts))

    async def counts(self, query: str) -> list[int]:
        """Return how many posts matched on each of the last days. Costs, whatever the answer."""
        parameters = {"query": query, "granularity": "day"}
        answer = await self._get("counts", PATHS["counts"], parameters, Urgency.BACKGROUND, 60.0)
        self._purse.counts(self.server_time())
        return self._read(parse.read_counts, answer)

    async def rules(self) -> tuple[parse.Rule, ...]:
        """Return the rules of the stream."""
        answer = await self._get("rules", PATHS["rules"], {}, Urgency.HIGH, 60.0)
        return self._read(parse.read_rules, answer)

    async def change_rules(self, body: Mapping[str, Any]) -> None:
        """Add or delete rules of the stream. Raises RefusedError (x_invalid) where one is refused."""
        answer = await self._answer(
            "rules+", "POST", PATHS["rules"], Urgency.HIGH, 60.0, body=orjson.dumps(body)
        )
        problem = parse.read_problem(answer.body)
        if problem.title and "duplicate" not in problem.title.lower():
            raise RefusedError(f"X refuses a rule: {self._shown(problem)}", cause="x_invalid")

    async def clear_connections(self) -> None:
        """End connections of the stream that X believes to stand, as dead ones may."""
        await self._answer("connections", "DELETE", PATHS["connections"], Urgency.HIGH, 10.0)

    @asynccontextmanager
    async def stream(self, *, silence: float) -> AsyncIterator[Held]:
        """Open the filtered stream. Raises what a call raises; TransientError (x_crowded) besides."""
        if (error := self.refusal("stream")) is not None:
            raise error
        parameters = urlencode(self._fields())
        ticket = await self._turns.acquire(
            self._name("stream"), urgency=Urgency.HIGH, deadline=1_800.0
        )
        sent = self._clock.now()
        self._count("stream")
        settled = False
        try:
            async with self._caller.hold(
                f"{self._base}{PATHS['stream']}?{parameters}",
                headers=self._headers(),
                seconds=SECONDS,
                silence=silence,
            ) as held:
                settled = True
                self._settled("stream", ticket, held, sent)
                if held.status != 200:  # noqa: PLR2004 - the status is the name
                    raise self._refusal_of("stream", held)
                yield held
        finally:
            if not settled:
                self._turns.settle(ticket)

    def charge(self, post: Post) -> None:
        """Charge a post that came over the stream."""
        self._purse.posts(((post.id, post.author),), self.server_time())

    async def _posts(
        self,
        endpoint: str,
        path: str,
        parameters: Mapping[str, Any],
        urgency: Urgency,
        patience: float,
    ) -> Called:
        """Ask for posts with their fields, spelt the other way when X does not know this one."""
        refused: RefusedError | None = None
        for spelling in (self._spelling, *(s for s in SPELLINGS if s != self._spelling)):
            self._spelling = spelling
            asked = {**parameters, **self._fields()}
            try:
                return await self._get(endpoint, path, asked, urgency, patience)
            except RefusedError as error:
                if error.cause != "x_invalid" or f"{spelling}.fields" not in str(error):
                    raise
                refused = error
        raise refused or AssertionError  # the last turn returns or raises

    def _fields(self) -> dict[str, str]:
        return {f"{self._spelling}.fields": FIELDS.format(self._spelling)}

    async def _get(
        self,
        endpoint: str,
        path: str,
        parameters: Mapping[str, Any],
        urgency: Urgency,
        patience: float,
    ) -> Called:
        """Ask, again when that helps. Raises TransientError or RefusedError."""
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        for attempt in range(1, TRIES + 1):
            try:
                return await self._answer(endpoint, "GET", target, urgency, patience)
            except TransientError as error:
                again = error.cause not in {"rate_limited", "x_rate_limited"}
                if attempt == TRIES or not again or (error.retry_after or 0.0) > PAUSE * 4:
                    raise
            await self._clock.sleep(PAUSE * 2.0 ** (attempt - 1))
        raise AssertionError  # the last turn returns or raises

    async def _answer(
        self,
        endpoint: str,
        method: str,
        target: str,
        urgency: Urgency,
        patience: float,
        *,
        body: bytes | None = None,
    ) -> Called:
        if (error := self.refusal(endpoint)) is not None:
            raise error
        headers = self._headers()
        if body is not None:
            headers = (*headers, ("Content-Type", "application/json"))
        ticket = await self._turns.acquire(self._name(endpoint), urgency=urgency, deadline=patience)
        sent = self._clock.now()
        try:
            if endpoint in SPACING:
                await self._space(endpoint)
                sent = self._clock.now()
            self._count(endpoint)
            answer = await self._caller.call(
                method, self._base + target, headers=headers, body=body, seconds=SECONDS
            )
        except (TgewatchError, asyncio.CancelledError):
            self._turns.settle(ticket)
            raise
        self._settled(endpoint, ticket, answer, sent)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of success
            raise self._refusal_of(endpoint, answer)
        return answer

    async def _space(self, endpoint: str) -> None:
        """Return once the endpoint has been left alone for long enough."""
        lock, _ = self._spaced.setdefault(endpoint, (asyncio.Lock(), self._opened))
        async with lock:
            now = self._clock.monotonic()
            wait = self._spaced[endpoint][1] + SPACING[endpoint] - now
            if wait > 0:
                await self._clock.sleep(wait)
            self._spaced[endpoint] = (lock, self._clock.monotonic())

    def _settled(self, endpoint: str, ticket: Any, answer: Called, sent: float) -> None:
        """Tell the ledger, and learn the server's time and limits."""
        status, body = answer.status, b""
        if status in {403, TOO_MANY}:
            body = answer.body
            if parse.read_problem(body).crowded:  # the window has calls left
                status = CONFLICT
        self._turns.settle(ticket, status=status, headers=answer.headers, body=body)
        now = self._clock.now()
        date = None if "age" in answer.headers else http_date(answer.headers.get("date", ""))
        if date is not None:
            self._times = self._times.seen(date, sent=sent, received=now)
        quotas = read_answer(answer.status, answer.headers, now=now).quotas
        if quotas:
            self.limits[endpoint] = min(quota.limit for quota in quotas)

    def _refusal_of(self, endpoint: str, answer: Called) -> TgewatchError:
        """Return what a status other than 2xx stands for; remember what will not change soon."""
        status = answer.status
        problem = parse.read_problem(answer.body)
        said = f"X says {status}: {self._shown(problem)}" if str(problem) else f"X says {status}"
        wait = retry_after(answer.headers, now=self._clock.now())
        if problem.capped and status in {403, 429}:
            said = f"the month's posts are used up at X: {self._shown(problem)}"
            return self._latched("billed", CAP, RefusedError(said, cause="usage_capped"))
        if problem.crowded and status in {200, 429}:
            return TransientError(said, cause="x_crowded")
        if status == TOO_MANY:
            self.throttled += 1
            return TransientError(said, retry_after=wait, cause="x_rate_limited")
        if status == CONFLICT:  # a stream without rules
            return TransientError(said, cause="x_no_rules")
        if 300 <= status < 500 and status not in {408, 425}:  # noqa: PLR2004 - the classes that say no
            return self._no(endpoint, status, said)
        return TransientError(said, retry_after=wait, cause=f"http_{status}")

    def _no(self, endpoint: str, status: int, said: str) -> RefusedError:
        if status == 401:  # noqa: PLR2004 - the code is the name
            error = RefusedError(f"{said}. Is [x] token right?", cause="x_unauthorized")
            return self._latched("", LATCH, error)
        if status == 403:  # noqa: PLR2004 - as above
            return self._latched(endpoint, FORBIDDEN, RefusedError(said, cause="x_forbidden"))
        if status in {404, 410} and endpoint not in {"timeline", "connections"}:
            return self._latched(endpoint, FORBIDDEN, RefusedError(said, cause="x_not_there"))
        return RefusedError(said, cause="x_invalid" if status == 400 else f"http_{status}")  # noqa: PLR2004 - as above

    def _latched(self, name: str, seconds: float, error: RefusedError) -> RefusedError:
        self._refused[name] = (self._clock.monotonic() + seconds, error)
        log.warning("x_refused", extra={"endpoint": name or "all", "cause": error.cause})
        return error

    @staticmethod
    def _read(reading: Callable[[bytes], T], answer: Called) -> T:
        try:
            return reading(answer.body)
        except MalformedError as error:  # a gateway's page with 200: as good as no answer
            raise TransientError(str(error), cause=error.cause) from error

    def _shown(self, problem: parse.Problem) -> str:
        return str(problem).replace(self._token, "***")

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return (("Authorization", f"Bearer {self._token}"), ("Accept", "application/json"))

    def _name(self, endpoint: str) -> str:
        return f"x.{endpoint}.{self._owner}"

    def _count(self, endpoint: str) -> None:
        self.calls[endpoint] = self.calls.get(endpoint, 0) + 1
