"""One poll of a network's interface: what all of them have in common."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import xxhash

from tgewatch.errors import MalformedError
from tgewatch.model import NO_VALIDATORS, Item, SourceState
from tgewatch.parse.feed import PARSE_CAUSES
from tgewatch.parse.items import Issue
from tgewatch.ports import Fetcher, Offload, Reading, Request, Response
from tgewatch.sources.feed import INLINE_BYTES, reading_of

TIER = "rss"
"""Where the cache keeps an answer for other readers."""
Headers = Sequence[tuple[str, str]]


async def ask(
    fetcher: Fetcher, target: str, *, state: SourceState, headers: Headers, conditional: bool = True
) -> Response:
    """Ask an interface for what a source has; `headers` are its operator's, and go there.

    Raises what a Fetcher raises, and MalformedError (unasked_304).
    """
    known = conditional and state.error_cause not in PARSE_CAUSES
    validators = state.validators if known else NO_VALIDATORS
    response = await fetcher.fetch(
        Request(target, pool="default", validators=validators, headers=tuple(headers), tier=TIER)
    )
    if response.not_modified and not validators:
        raise MalformedError("not modified, without having been asked", cause="unasked_304")
    return response


async def understood(
    offload: Offload, parse: Callable[..., Issue], body: bytes, *, deadline: float = 15.0
) -> Issue:
    """Return what `parse` makes of a body; a large one is read off the loop."""
    if len(body) <= INLINE_BYTES:
        return parse(body)
    return await offload.run(parse, body, deadline=deadline)


def read(
    response: Response, issue: Issue | None, *, state: SourceState, least: float = 0.0
) -> Reading:
    """Return what an answer says; None for an issue that is the last one still.

    What is counted beside the posts (likes, answers) changes all the time and is no news, so
    `Reading.body_hash` is of the items. An interface that has moved is the operator's to follow:
    its address is not the source's. Nobody is to ask again for `least` seconds.
    """
    if issue is None:
        reading = reading_of(response, body_hash=state.body_hash, unchanged=True)
    else:
        body_hash = _fingerprint(issue)
        same = bool(issue.items) and body_hash == state.body_hash
        kept = replace(issue, items=()) if same else issue
        reading = reading_of(response, body_hash=body_hash, issue=kept, unchanged=same)
    fresh_for = max(least, reading.fresh_for or 0.0) if least else reading.fresh_for
    return replace(reading, moved_to="", fresh_for=fresh_for)


async def poll(
    fetcher: Fetcher,
    offload: Offload,
    target: str,
    parse: "partial[Issue]",
    *,
    state: SourceState,
    headers: Headers,
    least: float = 0.0,
) -> Reading:
    """Ask once, conditionally, and understand the answer."""
    response = await ask(fetcher, target, state=state, headers=headers)
    issue = None if response.not_modified else await understood(offload, parse, response.body)
    return read(response, issue, state=state, least=least)


def origin(url: str) -> str:
    """Return scheme and host of an address, with the port where it names one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def merged(issues: Sequence[Issue]) -> Issue:
    """Return several pages as one; what stands on two of them counts as on the first."""
    items: dict[str, Item] = {}
    for issue in issues:
        for item in issue.items:
            items.setdefault(item.key, item)
    return replace(issues[0], items=tuple(items.values()))


def _fingerprint(issue: Issue) -> str:
    lines = "\n".join(f"{item.key} {item.fingerprint}" for item in issue.items)
    return xxhash.xxh3_64_hexdigest(lines.encode("utf-8", "replace"))
