"""Feeds: RSS, Atom, RDF, CDF and JSON Feed, polled with conditional requests."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import xxhash

from tgewatch.clock import Clock
from tgewatch.errors import MalformedError
from tgewatch.model import NO_VALIDATORS, SourceState
from tgewatch.parse.entry import DEFAULT_LIMITS, FeedLimits
from tgewatch.parse.feed import PARSE_CAUSES
from tgewatch.parse.items import Issue, read_items, skim_items
from tgewatch.ports import Fetcher, Offload, Reading, Request, Response
from tgewatch.rules import freshness
from tgewatch.rules.patience import patience

INLINE_BYTES = 128_000
"""A body up to this size that is in order is read on the loop.

That takes a few milliseconds at most for real feeds and 40 for hostile ones; docs/parsing.md.
"""


class FeedReader:
    """Reads one feed a call. Keeps nothing between calls."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        clock: Clock,
        offload: Offload,
        limits: FeedLimits = DEFAULT_LIMITS,
        inline_bytes: int = INLINE_BYTES,
        deadline: float = 15.0,
        doubt: float | None = None,
    ) -> None:
        """`doubt` is in seconds, for rules.patience; None bears the silence of all alike."""
        self._fetcher = fetcher
        self._clock = clock
        self._offload = offload
        self._limits = limits
        self._inline_bytes = inline_bytes
        self._deadline = deadline
        self._doubt = doubt

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Poll the feed at `url`, or where `state` says that it has moved.

        Asks conditionally with the validators of `state`, but for the whole body when the last
        one could not be understood. Raises what a Fetcher raises, and MalformedError for a body
        that is no feed: its validators are then lost on purpose.
        """
        response = await fetch_conditionally(
            self._fetcher, "rss", url, state, headers, doubt=self._doubt
        )
        if response.not_modified:
            return reading_of(response, body_hash=state.body_hash, unchanged=True)
        body_hash = xxhash.xxh3_64_hexdigest(response.body)
        if body_hash == state.body_hash:
            return reading_of(response, body_hash=body_hash, unchanged=True)
        issue = await self._understand(response, state.url)
        return reading_of(response, body_hash=body_hash, issue=issue)

    async def _understand(self, response: Response, source: str) -> Issue:
        body = response.body
        read = partial(
            read_items,
            source=source,
            url=response.url,
            content_type=response.headers.get("content-type", ""),
            now=self._clock.now(),
            limits=self._limits,
        )
        if len(body) <= self._inline_bytes:
            issue = skim_items(body, **read.keywords)
            if issue is not None:
                return issue
        return await self._offload.run(read, body, deadline=self._deadline)


async def fetch_conditionally(
    fetcher: Fetcher,
    pool: str,
    url: str,
    state: SourceState,
    headers: Sequence[tuple[str, str]],
    *,
    doubt: float | None = None,
) -> Response:
    """Fetch what a source answers, sending no more than the address may know.

    `doubt` is in seconds without a byte, for sources of which nothing good is known.
    Headers go to the origin they were configured for only. Raises what a Fetcher raises, and
    MalformedError (unasked_304) for a 304 to a request that was not conditional.
    """
    target = state.location if state.location and url == state.url else url
    validators = NO_VALIDATORS if state.error_cause in PARSE_CAUSES else state.validators
    answered = state.answered_at is not None
    stalled = doubt and patience(
        errors=state.errors, cause=state.error_cause, answered=answered, doubt=doubt
    )
    response = await fetcher.fetch(
        Request(
            url=target,
            pool=pool,
            stalled=stalled,
            validators=validators,
            headers=tuple(headers) if headers and _origin(target) == _origin(state.url) else (),
        )
    )
    if response.not_modified and not validators:
        raise MalformedError("not modified, without having been asked", cause="unasked_304")
    return response


def reading_of(
    response: Response,
    *,
    body_hash: str,
    issue: Issue | None = None,
    unchanged: bool = False,
) -> Reading:
    """Return what a response says about its source, with the items that were made of it."""
    return Reading(
        items=issue.items if issue else (),
        unchanged=unchanged,
        validators=response.validators,
        body_hash=body_hash,
        moved_to=response.moved_to,
        fresh_for=response.fresh_for,
        elapsed=response.elapsed,
        problems=issue.problems if issue else (),
        hints={**(issue.hints if issue else {}), **_stated(response)},
        title=issue.title if issue else "",
    )


def _stated(response: Response) -> dict[str, float]:
    """Return the server's max-age in seconds, by which a schedule follows the refreshes of a cache."""
    stated = freshness.directives(response.headers).max_age
    return {} if stated is None else {"max-age": stated}


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or port
