"""What an answer says about the calls that are left."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tgewatch.rules.freshness import http_date
from tgewatch.rules.retry_after import retry_after

TOO_MANY = 429
_FIELD = re.compile(r"x-([a-z0-9-]{1,60})-(limit|remaining|reset)")
_MOST_FAMILIES = 8
_EPOCH = 1_000_000_000
_CAP_SIGNS = (b"usage-capped", b"UsageCapExceeded")


@dataclass(frozen=True, slots=True)
class Quota:
    """One family of headers: `x-<family>-limit`, `-remaining`, `-reset`."""

    family: str
    limit: int
    remaining: int
    reset: float
    """Unix time of the server, floored to the second."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger needs of an answer."""

    status: int
    quotas: tuple[Quota, ...] = ()
    date: float | None = None
    """The server's time; None when it is unstated or was told by a cache."""
    retry_after: float | None = None
    """Seconds."""
    capped: bool = False
    """Refused for the month's volume, not for the window's."""


def read_answer(
    status: int, headers: Mapping[str, str], *, now: float, body: bytes = b""
) -> Answer:
    """Return what the answer says; headers that make no sense say nothing.

    `body` is looked at only for a refusal. `now` (Unix seconds) is for a Retry-After that is a date.
    """
    refused = status in {TOO_MANY, 403}
    return Answer(
        status=status,
        quotas=_quotas(headers),
        date=None if "age" in headers else http_date(headers.get("date", "")),
        retry_after=retry_after(headers, now=now),
        capped=refused and any(sign in body[:10_000] for sign in _CAP_SIGNS),
    )


def _quotas(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    families: dict[str, dict[str, int]] = {}
    for name, value in headers.items():
        field = _FIELD.fullmatch(name)
        if field and value.isascii() and value.isdigit() and len(value) <= 12:  # noqa: PLR2004 - far beyond any time
            families.setdefault(field[1], {})[field[2]] = int(value)
    found = []
    for family, values in sorted(families.items())[:_MOST_FAMILIES]:
        limit, left, reset = (values.get(each, -1) for each in ("limit", "remaining", "reset"))
        if limit >= 1 and left >= 0 and reset >= _EPOCH:
            found.append(Quota(family, limit, min(left, limit), float(reset)))
    return tuple(found)
