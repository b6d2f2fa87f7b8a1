"""Where a redirect leads, what may go along, and whether it is for good (RFC 9110 section 15.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tgewatch.errors import MalformedError, RefusedError
from tgewatch.rules import urls

PERMANENT = frozenset({301, 308})
STATUSES = PERMANENT | {302, 303, 307}


@dataclass(frozen=True, slots=True)
class Trail:
    """A request on its way through redirects."""

    url: str
    """To be asked next; checked."""
    hops: tuple[str, ...] = ()
    """Already asked."""
    moved_to: str = ""
    """End of the unbroken run of permanent redirects at the start, never a step down to http."""
    settled: bool = False
    """A temporary redirect has ended that run."""
    trusted: bool = True
    """Still at the first origin: headers of the source may go along. Never regained."""
    downgraded: bool = False
    """A redirect led from https to http."""


def follow(trail: Trail, status: int, headers: Mapping[str, str], *, limit: int) -> Trail:
    """Return the trail after an answer with a status of STATUSES.

    Raises MalformedError (`bad_redirect`) without a target, RefusedError (`bad_url`,
    `redirect_loop`, `too_many_redirects`).
    """
    location = headers.get("location", "")
    if not location.strip():
        raise MalformedError(
            f"{urls.redacted(trail.url)}: {status} without Location", cause="bad_redirect"
        )
    target = urls.resolved(trail.url, location)
    hops = (*trail.hops, trail.url)
    if target in hops:
        raise RefusedError(f"{urls.redacted(hops[0])}: redirect loop", cause="redirect_loop")
    if len(hops) > limit:
        raise RefusedError(
            f"{urls.redacted(hops[0])}: more than {limit} redirects", cause="too_many_redirects"
        )
    down = trail.url.startswith("https:") and target.startswith("http:")
    settled = trail.settled or down or status not in PERMANENT
    return replace(
        trail,
        url=target,
        hops=hops,
        moved_to=trail.moved_to if settled else target,
        settled=settled,
        trusted=trail.trusted and urls.same_origin(trail.url, target),
        downgraded=trail.downgraded or down,
    )
