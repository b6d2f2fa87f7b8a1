"""Brings bytes, politely: the way of a request from the call to the answer.

    join an identical one under way → leave alone who asked for it → take a turn at the host
    → room in the pool, send, read → follow redirects → judge → retry within the deadline

It keeps no bodies. A cache is another Fetcher that stands in front of this one.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from types import MappingProxyType
from typing import Self, cast

from tgewatch.clock import Clock
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.fetch.flight import ABSENT, Flights
from tgewatch.fetch.host_budget import HostBudget
from tgewatch.fetch.politeness import Hosts, Policies, Turn, Waits
from tgewatch.fetch.pools import PoolState
from tgewatch.fetch.transport import Answer, Send, Transport
from tgewatch.model import Validators
from tgewatch.ports import PoolMetrics, Request, Response
from tgewatch.rules import freshness, redirects, urls
from tgewatch.rules.redirects import Trail
from tgewatch.rules.retry import RetryPolicy
from tgewatch.rules.retry_after import retry_after
from tgewatch.settings import FetchSettings, HostPolicy

log = logging.getLogger(__name__)

LATER = frozenset({408, 421, 423, 425, 429})
"""4xx that say "not now" rather than "no"."""
LONGEST = 3_600.0
"""Seconds that anybody waits for somebody else's identical request."""
GRACE = 1.0
"""Seconds after the deadline in which the request itself may still say why it failed."""
TOO_MANY = 429
GONE = 410
NOT_MODIFIED = 304

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff\t]*")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Request headers that a source may not set: they change what an answer means."""


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    url: str
    pool: PoolState
    until: float
    """On the monotonic clock."""


class Client:
    """A Fetcher over HTTP. An async context manager, inside that of its transport."""

    def __init__(
        self,
        transport: Transport,
        settings: FetchSettings,
        *,
        clock: Clock,
        random: Random,
        budget: HostBudget | None = None,
        paused: Callable[[Mapping[str, float]], None] = lambda _: None,
    ) -> None:
        """Join what is given.

        `budget` is asked before each request to a host that is spaced. `paused` is told of every
        Retry-After: what is left alone, and for how many seconds.
        """
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._random = random
        self._budget = budget
        self._paused = paused
        self._policies = Policies(settings)
        self._hosts = Hosts(clock=clock)
        self._waits = Waits(clock=clock)
        self._flights = Flights(deadline=LONGEST)

    def __repr__(self) -> str:
        return f"<Client {len(self._flights)} under way, {self._hosts!r}, {self._waits!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._flights.cancel()

    def metrics(self) -> Mapping[str, PoolMetrics]:
        """Return what each pool has done so far."""
        return MappingProxyType(self._transport.metrics())

    def waiting(self, url: str, *, pool: str = "default") -> float:
        """Return the seconds for which a call for `url` would be held back by a Retry-After."""
        return self._waits.left(urls.checked(url), minor=pool == "article")

    def pauses(self) -> Mapping[str, float]:
        """Return every Retry-After that still runs, for the next program; values are Unix times."""
        return self._waits.dump()

    def resume(self, pauses: Mapping[str, float]) -> None:
        """Take over what the `pauses` of an earlier program were."""
        self._waits.load(pauses)

    def obey(self, pauses: Mapping[str, float]) -> None:
        """Leave alone what another instance was told to, as `paused` says it."""
        self._waits.obey(pauses)

    async def fetch(self, request: Request) -> Response:
        """Return a 2xx with a body, or a 304 to validators that were sent.

        Identical requests at one time are one; it ends at the deadline of the first. Raises
        TransientError, RefusedError or MalformedError with the causes of docs/fetching.md.
        """
        pool = self._transport.pools.get(request.pool)
        if pool is None:
            raise ValueError(f"no pool {request.pool!r}")
        try:
            url = urls.checked(request.url)
            _check_headers(request.headers)
        except RefusedError as error:
            pool.meter.failed(error)
            raise
        seconds = pool.settings.total if request.deadline is None else request.deadline
        job = _Job(request, url, pool, self._clock.monotonic() + seconds)
        if request.deadline is None:
            return await self._share(job)
        try:
            async with asyncio.timeout(seconds + GRACE):  # the one joined may have longer
                return await self._share(job)
        except TimeoutError:
            raise TransientError(
                f"{urls.redacted(url)}: no answer in time", cause="timeout"
            ) from None

    async def _share(self, job: _Job) -> Response:
        response, shared = await self._flights.join(
            _identity(job), lambda: self._bring(job), peek=_nothing, land=_keep_nothing
        )
        job.pool.meter.joined += shared
        return cast("Response", response)

    async def _bring(self, job: _Job) -> Response:
        """Try until there is an answer, or no sense or time in another try."""
        settings = job.pool.settings
        policy = RetryPolicy(attempts=settings.attempts, patience=settings.patience)
        attempt = 1
        while True:
            try:
                return await self._attempt(job, attempt)
            except TransientError as error:
                left = job.until - self._clock.monotonic()
                wait = policy.delay(error, attempt, jitter=self._random.random(), left=left)
                if wait is None:
                    raise
                log.debug(
                    "retry",
                    extra={"url": urls.redacted(job.url), "cause": error.cause, "wait": wait},
                )
            attempt += 1
            job.pool.meter.retries += 1
            await self._clock.sleep(wait)

    async def _attempt(self, job: _Job, attempt: int) -> Response:
        trail = Trail(job.url)
        while True:
            host = urls.host(trail.url)
            policy = self._policies.of(host)
            self._obey_waits(job, trail)
            with await self._turn(job, host, policy) as turn:
                # Redirects within a host are one visit: they wait for no further turn.
                while urls.host(trail.url) == host:
                    await self._afford(job, host, policy)
                    answer = await self._send(job, trail, turn)
                    step = self._judged(job, trail, answer, policy)
                    if not isinstance(step, Trail):
                        return _response(trail, answer, step, attempt)
                    trail = step

    async def _turn(self, job: _Job, host: str, policy: HostPolicy) -> Turn:
        try:
            return await self._hosts.turn(
                host,
                spacing=self._policies.spacing(policy),
                burst=self._policies.burst(policy),
                at_once=job.pool.settings.per_host,
                share=job.pool.settings.share,
                until=job.until,
            )
        except TransientError as error:
            job.pool.meter.failed(error)
            raise

    async def _afford(self, job: _Job, host: str, policy: HostPolicy) -> None:
        """Wait until the host's budget has a call; who asks for no spacing asks for no budget."""
        if self._budget is None or not self._policies.spacing(policy):
            return
        try:
            await self._budget.acquire(host, deadline=job.until - self._clock.monotonic())
        except TransientError as error:
            busy = TransientError(
                f"{host}: its calls are used up", retry_after=error.retry_after, cause="busy"
            )
            job.pool.meter.failed(busy)
            raise busy from error

    async def _send(self, job: _Job, trail: Trail, turn: Turn) -> Answer:
        conditional = freshness.conditional(job.request.validators)

        def starting() -> None:
            if error := self._told_to_wait(job, trail):  # while we stood in the queue
                raise error
            turn.started()

        return await self._transport.send(
            Send(
                url=trail.url,
                pool=job.request.pool,
                headers=(*job.request.headers, *conditional) if trail.trusted else conditional,
                stalled=job.request.stalled,
            ),
            seconds=job.until - self._clock.monotonic(),
            starting=starting,
        )

    def _obey_waits(self, job: _Job, trail: Trail) -> None:
        if error := self._told_to_wait(job, trail):
            job.pool.meter.failed(error)
            raise error

    def _told_to_wait(self, job: _Job, trail: Trail) -> TransientError | None:
        left = self._waits.left(trail.url, minor=job.request.pool == "article")
        if not left:
            return None
        shown = urls.redacted(trail.url)
        return TransientError(
            f"{shown}: asked to be left alone", retry_after=left, cause="throttled"
        )

    def _judged(
        self, job: _Job, trail: Trail, answer: Answer, policy: HostPolicy
    ) -> Trail | Validators:
        """Return where a redirect leads, or the validators of an answer that can be used."""
        try:
            if answer.status in redirects.STATUSES:
                return self._followed(job, trail, answer)
            if error := self._refusal(job, answer, policy):
                raise error
            return _validators(job, answer)
        except TgewatchError as error:
            job.pool.meter.failed(error)
            raise

    def _followed(self, job: _Job, trail: Trail, answer: Answer) -> Trail:
        limit = self._settings.max_redirects
        step = redirects.follow(trail, answer.status, answer.headers, limit=limit)
        if step.downgraded and not trail.downgraded:
            job.pool.meter.downgrades += 1
            log.warning(
                "redirect from https to http",
                extra={"url": urls.redacted(trail.url), "target": urls.redacted(step.url)},
            )
        return step

    def _refusal(self, job: _Job, answer: Answer, policy: HostPolicy) -> TgewatchError | None:
        """Return the error that a status stands for; remember for how long it wants to be left.

        A host that has had too many requests for articles is left alone as a whole: they are what
        made us too many, and its feed can wait.
        """
        status = answer.status
        if 200 <= status < 300 or status == NOT_MODIFIED:  # noqa: PLR2004 - the class of success
            return None
        shown = f"{urls.redacted(answer.url)}: {status}"
        throttled = status in policy.throttle_statuses
        if throttled or status in LATER or 500 <= status < 600:  # noqa: PLR2004 - server errors
            wait = retry_after(answer.headers, now=answer.received)
            if wait:
                minor = status == TOO_MANY and job.request.pool == "article"
                whole_host = minor or policy.retry_after_scope == "host"
                self._paused(self._waits.remember(answer.url, wait, whole_host=whole_host))
            return TransientError(shown, retry_after=wait, cause=f"http_{status}")
        if status == GONE:
            return RefusedError(shown, cause="gone")
        if 300 <= status < 500:  # noqa: PLR2004 - redirects that are none, client errors
            return RefusedError(shown, cause=f"http_{status}")
        return MalformedError(shown, cause="bad_status")


def _identity(job: _Job) -> str:
    """Return what two requests have in common when one answer serves both."""
    asked = job.request
    said = repr((job.url, asked.pool, asked.validators, asked.headers))
    return sha256(said.encode()).hexdigest()  # it may show up in messages, and headers hold secrets


def _nothing() -> object:
    return ABSENT


def _keep_nothing(_: object) -> Callable[[], None]:
    return lambda: None


def _validators(job: _Job, answer: Answer) -> Validators:
    if answer.status == NOT_MODIFIED:
        if not job.request.validators:
            raise _senseless(answer, "nobody sent it validators", "unexpected_304")
        return freshness.renewed(job.request.validators, answer.headers)
    if answer.status == 206:  # noqa: PLR2004 - partial content
        raise _senseless(answer, "nobody asked for a part", "bad_status")
    if not answer.body:
        raise _senseless(answer, "without a body", "empty_body")
    return freshness.validators(answer.headers)


def _senseless(answer: Answer, why: str, cause: str) -> MalformedError:
    return MalformedError(f"{urls.redacted(answer.url)}: {answer.status}: {why}", cause=cause)


def _response(trail: Trail, answer: Answer, known: Validators, attempt: int) -> Response:
    return Response(
        url=answer.url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        received=answer.received,
        validators=known,
        fresh_for=freshness.fresh_for(
            answer.headers, requested=answer.requested, received=answer.received
        ),
        moved_to=trail.moved_to,
        elapsed=answer.elapsed,
        attempts=attempt,
        reused=answer.reused,
        bytes_read=answer.wire,
    )


def _check_headers(headers: tuple[tuple[str, str], ...]) -> None:
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise RefusedError(f"header {name[:60]!r} cannot be sent", cause="bad_header")
        if name.lower() in _OURS:
            raise RefusedError(f"header {name!r} is not a source's to set", cause="bad_header")
