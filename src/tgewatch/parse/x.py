"""Answers of the X API v2: bytes in, values out.

Two spellings live at once: `tweet` in the documentation and on the stream, `post` in the OpenAPI
description since 2.167. Both are read. What makes no sense is left out, never guessed.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tgewatch.errors import MalformedError
from tgewatch.model.post import SHIFT, Post, time_of
from tgewatch.parse.text import clean, shorten

TEXT = 25_000
"""Characters of a post; the longest that X takes."""
MOST = 1_000
"""Posts or users of one answer."""
METRICS = 12
_LINKS = 50
_SHORT = re.compile(r"https://t\.co/\w+")
_COUNT = 2**53


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that was asked for and is not there: an entry of `errors` beside `data`."""

    value: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of posts, newest first."""

    posts: tuple[Post, ...] = ()
    newest: int = 0
    """Largest id of the page; 0 for an empty one."""
    oldest: int = 0
    next_token: str = ""
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A user."""

    id: str
    handle: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a look-up of users found."""

    found: tuple[Account, ...] = ()
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the filtered stream, as the server holds it."""

    id: str
    value: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the stream: a post, or why it ends."""

    post: Post | None = None
    disconnect: str = ""
    """`title: detail` of an error that came in the stream."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused, as far as the answer says."""

    title: str = ""
    detail: str = ""
    type: str = ""
    """Last part of the problem's URI: usage-capped, invalid-request, client-forbidden …"""
    reason: str = ""
    parameters: tuple[str, ...] = ()
    """Names of the parameters that were refused."""

    @property
    def capped(self) -> bool:
        """Whether the month's volume is used up, not the window's calls."""
        return self.type == "usage-capped" or self.title == "UsageCapExceeded"

    @property
    def crowded(self) -> bool:
        """Whether another connection holds the stream."""
        return "TooManyConnections" in (self.title + self.detail + self.reason)

    def __str__(self) -> str:
        said = ": ".join(filter(None, (self.title, self.detail, self.reason)))
        return shorten(clean(said, 300), 300)


def read_page(body: bytes) -> Page:
    """Return a page of posts. Raises MalformedError (bad_json) for what is no answer of X."""
    document = _object(body)
    posts = tuple(filter(None, map(_post, _list(document, "data"))))
    meta = _mapping(document.get("meta"))
    ids = [post.id for post in posts]
    token = meta.get("next_token")
    return Page(
        posts=posts,
        newest=max([_id(meta.get("newest_id")), *ids]),
        oldest=min([i for i in (_id(meta.get("oldest_id")), *ids) if i], default=0),
        next_token=token if isinstance(token, str) and len(token) <= 200 else "",  # noqa: PLR2004 - theirs have 40
        absent=_absent(document),
    )


def read_accounts(body: bytes) -> Accounts:
    """Return users. Raises MalformedError (bad_json)."""
    document = _object(body)
    found = []
    for entry in _list(document, "data"):
        identity, handle = _text(entry, "id", 20), _text(entry, "username", 50)
        if is_id(identity) and handle:
            found.append(Account(identity, handle, clean(_text(entry, "name", 200), 200)))
    return Accounts(tuple(found), _absent(document))


def read_rules(body: bytes) -> tuple[Rule, ...]:
    """Return the rules of the stream. Raises MalformedError (bad_json)."""
    document = _object(body)
    return tuple(
        Rule(_text(e, "id", 40), _text(e, "value", 5_000), _text(e, "tag", 500))
        for e in _list(document, "data")
    )


def read_counts(body: bytes) -> list[int]:
    """Return the posts of each period, oldest first. Raises MalformedError (bad_json)."""
    document = _object(body)
    return [_count(e.get("tweet_count", e.get("post_count"))) for e in _list(document, "data")]


def read_line(line: bytes) -> Line:
    """Return what a line of the stream says. Raises MalformedError (bad_json)."""
    document = _object(line)
    data = document.get("data")
    rules = _list(document, "matching_rules")
    if isinstance(data, Mapping):
        tags = tuple(_text(rule, "tag", 500) for rule in rules)
        return Line(post=_post(data, tags))
    errors = _list(document, "errors") or ([document] if "title" in document else [])
    if errors:
        said = _problem(errors[0])
        kind = _text(errors[0], "disconnect_type", 100)
        return Line(disconnect=f"{said}{f' ({kind})' if kind else ''}" or "unknown")
    return Line()


def read_problem(body: bytes) -> Problem:
    """Return why a request was refused; whatever the body is, as much as it says."""
    try:
        document = _object(body)
    except MalformedError:
        return Problem(detail=clean(body[:300].decode("utf-8", "replace"), 200))
    return _problem(document)


def _problem(document: Mapping[str, Any]) -> Problem:
    errors = _list(document, "errors")
    first = errors[0] if errors else {}
    parameters = tuple(
        dict.fromkeys(
            str(name)[:40]
            for error in errors[:20]
            for name in list(_mapping(error.get("parameters")))[:5]
        )
    )
    kind = _text(document, "type", 300) or _text(first, "type", 300)
    detail = _text(document, "detail", 500)
    said = _text(first, "message", 500) or _text(first, "detail", 500)
    return Problem(
        title=_text(document, "title", 200) or _text(first, "title", 200),
        detail=said if said and said not in detail else detail,
        type=kind.rstrip("/").rpartition("/")[2],
        reason=_text(document, "reason", 100)
        or _text(document, "connection_issue", 100)
        or _text(first, "connection_issue", 100),
        parameters=parameters,
    )


def _post(entry: Mapping[str, Any], tags: tuple[str, ...] = ()) -> Post | None:
    identity = _id(entry.get("id"))
    if not identity:
        return None
    versions = _either(entry, "edit_history_tweet_ids", "edit_history_post_ids")
    roots = [i for i in map(_id, versions) if i] if isinstance(versions, list) else []
    referenced = _list(entry, "referenced_tweets") or _list(entry, "referenced_posts")
    kinds = {str(r.get("type")): _id(r.get("id")) for r in referenced}
    return Post(
        id=identity,
        author=_text(entry, "author_id", 20) if is_id(entry.get("author_id")) else "",
        text=_whole_text(entry),
        at=_time(entry, identity),
        root=min([identity, *roots[:1]]),
        repost_of=kinds.get("retweeted", 0) or kinds.get("reposted", 0),
        reply="replied_to" in kinds,
        lang=_text(entry, "lang", 10),
        metrics=_metrics(entry),
        tags=tags,
    )


def _whole_text(entry: Mapping[str, Any]) -> str:
    note = _mapping(_either(entry, "note_tweet", "note_post"))
    holder = note if isinstance(note.get("text"), str) else entry
    text = html.unescape(_text(holder, "text", 2 * TEXT))
    longer = {
        _text(url, "url", 100): _text(url, "unwound_url", 2_000)
        or _text(url, "expanded_url", 2_000)
        for url in _list(_mapping(holder.get("entities")), "urls")[:_LINKS]
    }
    text = _SHORT.sub(lambda found: longer.get(found[0]) or found[0], text)
    lines = (clean(line, TEXT) for line in text.splitlines())
    return "\n".join(filter(None, lines))[:TEXT]


def _time(entry: Mapping[str, Any], identity: int) -> float:
    if identity >> SHIFT > 0:
        return time_of(identity)
    try:
        return datetime.fromisoformat(_text(entry, "created_at", 40)).timestamp()
    except ValueError:
        return time_of(identity)


def _metrics(entry: Mapping[str, Any]) -> dict[str, int]:
    found = _mapping(_either(entry, "public_metrics", "metrics"))
    return {str(name)[:40]: _count(value) for name, value in list(found.items())[:METRICS]}


def _absent(document: Mapping[str, Any]) -> tuple[Absent, ...]:
    return tuple(
        Absent(
            value=_text(e, "value", 100) or _text(e, "resource_id", 100),
            title=clean(_text(e, "title", 100), 100),
            detail=clean(_text(e, "detail", 300), 300),
        )
        for e in _list(document, "errors")
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError("the answer is not JSON", cause="bad_json") from error
    if not isinstance(document, Mapping):
        raise MalformedError("the answer is no JSON object", cause="bad_json")
    return document


def _list(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    return tuple(_mappings(document.get(key)))[:MOST]


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, Mapping))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _either(entry: Mapping[str, Any], one: str, other: str) -> Any:
    return entry.get(one) if entry.get(one) is not None else entry.get(other)


def _text(entry: Mapping[str, Any], key: str, limit: int) -> str:
    value = entry.get(key)
    return value[:limit] if isinstance(value, str) else ""


def is_id(text: object) -> bool:
    """Return whether `text` can be the id of a post or user: 1 to 19 digits."""
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 19  # noqa: PLR2004 - X's own pattern


def _id(value: Any) -> int:
    return int(value) if is_id(value) else 0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= _COUNT else 0
