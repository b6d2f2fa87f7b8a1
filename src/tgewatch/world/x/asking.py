"""The parameters of a request, checked as the service checks them."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from tgewatch.world.x.fields import POST, SPELLINGS, TWEET, USER_FIELDS, Spelling, Wanted
from tgewatch.world.x.problems import ProblemError, bad

ID = re.compile(r"[0-9]{1,19}")
NAME = re.compile(r"[A-Za-z0-9_]{1,15}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z")
SHAPE = frozenset({"expansions", "user.fields", "media.fields", "place.fields", "poll.fields"})
"""Parameters that every endpoint with posts takes, beside the spelling's own."""


class Asking:
    """Reads the parameters of one request. Raises what `problems.bad` returns."""

    def __init__(self, query: Mapping[str, str], allowed: Collection[str]) -> None:
        self._query = query
        for name, value in query.items():
            if name not in allowed:
                known = ", ".join(sorted(allowed))
                raise bad(name, value, f"The query parameter [{name}] is not one of [{known}]")

    def text(self, name: str) -> str:
        """Return a parameter that has to be there."""
        value = self._query.get(name, "")
        if not value:
            raise bad(name, "", f"The `{name}` query parameter can not be empty")
        return value

    def number(self, name: str, low: int, high: int, *, default: int) -> int:
        value = self._query.get(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdecimal() or not low <= int(value[:9]) <= high:
            raise bad(
                name,
                value,
                f"The `{name}` query parameter value [{value}] is not between {low} and {high}",
            )
        return int(value)

    def id(self, name: str) -> int | None:
        value = self._query.get(name)
        if value is None:
            return None
        if not ID.fullmatch(value):
            raise bad(
                name,
                value,
                f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$",
            )
        return int(value)

    def time(self, name: str) -> float | None:
        value = self._query.get(name)
        if value is None:
            return None
        problem = bad(
            name,
            value,
            f"The `{name}` query parameter value [{value}] is not a valid RFC3339 date-time",
        )
        if not _TIME.fullmatch(value):
            raise problem
        try:
            return datetime.fromisoformat(value).astimezone(UTC).timestamp()
        except ValueError as error:
            raise problem from error

    def words(
        self, name: str, allowed: Collection[str] | None = None, *, most: int = 100
    ) -> list[str]:
        """Return the comma-separated values of a parameter."""
        value = self._query.get(name, "")
        found = value.split(",") if value else []
        if len(found) > most:
            raise bad(
                name,
                value,
                f"The number of values in the `{name}` query parameter list [{len(found)}]"
                f" is not between 1 and {most}",
            )
        for word in found:
            if allowed is not None and word not in allowed:
                known = ",".join(sorted(allowed))
                raise bad(
                    name,
                    value,
                    f"The `{name}` query parameter value [{word}] is not one of [{known}]",
                )
        return found

    def choice(self, name: str, allowed: Collection[str], *, default: str) -> str:
        value = self._query.get(name, default)
        if value not in allowed:
            known = ",".join(sorted(allowed))
            raise bad(
                name, value, f"The `{name}` query parameter value [{value}] is not one of [{known}]"
            )
        return value

    def flag(self, name: str) -> bool:
        return self.choice(name, {"true", "false"}, default="false") == "true"

    def has(self, name: str) -> bool:
        return name in self._query


def spelling_of(query: Mapping[str, str], accepted: Collection[str]) -> Spelling:
    """Return the spelling that a request uses, or that the service prefers.

    Raises ProblemError for one that the service does not know (any more).
    """
    used = [one for one in (TWEET, POST) if one.fields in query]
    for one in used:
        if one.name not in accepted:
            raise bad(
                one.fields,
                query[one.fields],
                f"The query parameter [{one.fields}] is not one of [expansions,user.fields]",
            )
    return used[0] if used else SPELLINGS[next(iter(accepted))]


def wanted_of(asking: Asking, spelling: Spelling) -> Wanted:
    """Return what the request wants to know of each post and account."""
    return Wanted(
        spelling,
        frozenset(asking.words(spelling.fields, spelling.post_fields)),
        frozenset(asking.words("user.fields", USER_FIELDS)),
        frozenset(asking.words("expansions", spelling.expansions)),
    )


def path_id(value: str) -> int:
    """Return an id that stands in a path. Raises ProblemError."""
    if not ID.fullmatch(value):
        raise bad("id", value, f"The `id` query parameter value [{value}] is not valid")
    return int(value)


__all__ = ["NAME", "SHAPE", "Asking", "ProblemError", "path_id", "spelling_of", "wanted_of"]
