"""One request of the session manager's, with its redirects and retries, over the fetch room."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tgewatch.clock import Clock
from tgewatch.dropin.answer import Reply
from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.transport import Answer, Send, Transport
from tgewatch.rules import redirects, urls
from tgewatch.rules.redirects import Trail
from tgewatch.rules.retry import RetryPolicy
from tgewatch.rules.retry_after import retry_after

AGAIN = frozenset({429, 500, 502, 503, 504})
"""Statuses after which a request without side effects is sent again."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
TURNS_TO_GET = frozenset({301, 302, 303})
LONGEST_TRAIL = 10
FORBIDDEN = frozenset("\r\n\0")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for."""

    method: str
    url: str
    pool: str
    headers: Mapping[str, str]
    body: bytes | None = None
    seconds: float = 30.0
    """For all of it."""
    follow: bool = True


async def exchange(
    transport: Transport, order: Order, *, retries: RetryPolicy, clock: Clock, chance: Random
) -> Reply:
    """Return the last answer, whatever its status.

    A request with side effects is sent once. Raises TransientError when none came, RefusedError
    when the guard or a rule forbids it, MalformedError when it made no sense.
    """
    if order.method not in METHODS:
        raise RefusedError(f"method {order.method[:20]!r} is not sent", cause="bad_method")
    begun = clock.monotonic()
    until = begun + order.seconds
    attempt = 1
    while True:
        answer, failure = None, None
        trail = Trail(urls.checked(order.url))
        try:
            answer, trail = await _followed(transport, order, trail, until=until, clock=clock)
            failure = _passing(answer)
        except TransientError as error:
            if error.cause == "closed":  # on these connections it would fail again
                raise
            failure = error
        wait = None
        if failure is not None and order.method in SAFE:
            left = until - clock.monotonic()
            wait = retries.delay(failure, attempt, jitter=chance.random(), left=left)
        if wait is None:
            if answer is None and failure is not None:
                raise failure
            if answer is not None:
                return Reply(answer, hops=trail.hops, seconds=clock.monotonic() - begun)
        attempt += 1
        transport.pools[order.pool].meter.retries += 1
        await clock.sleep(wait or 0.0)


async def _followed(
    transport: Transport, order: Order, trail: Trail, *, until: float, clock: Clock
) -> tuple[Answer, Trail]:
    while True:
        answer = await transport.send(
            Send(
                url=trail.url,
                pool=order.pool,
                headers=tuple(order.headers.items()) if trail.trusted else (),
                method=order.method,
                body=order.body,
            ),
            seconds=until - clock.monotonic(),
        )
        if not (order.follow and answer.status in redirects.STATUSES):
            return answer, trail
        if "location" not in answer.headers:
            return answer, trail
        step = redirects.follow(trail, answer.status, answer.headers, limit=LONGEST_TRAIL)
        if answer.status in TURNS_TO_GET and order.method not in SAFE:
            order = replace(order, method="GET", body=None)
        if order.body is not None and not step.trusted:
            return answer, trail  # what was meant for one server is not told to another
        trail = step


def _passing(answer: Answer) -> TransientError | None:
    """Return what a status that may pass stands for."""
    if answer.status not in AGAIN:
        return None
    asked = retry_after(answer.headers, now=answer.received)
    cause = f"http_{answer.status}"
    return TransientError(f"{answer.status}", retry_after=asked, cause=cause)


def checked_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    """Return headers that can be sent. Raises RefusedError for those that would say more."""
    for name, value in headers.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise RefusedError(f"header {name!r:.60} is not a text", cause="bad_header")
        if FORBIDDEN & set(f"{name}{value}") or not name:
            raise RefusedError(f"header {name[:60]!r} cannot be sent", cause="bad_header")
    return dict(headers)
