"""Endpoints that return posts: search, timelines, lists, look-up, counts."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tgewatch.world.x.asking import SHAPE, Asking, path_id, wanted_of
from tgewatch.world.x.fields import Wanted, stamp
from tgewatch.world.x.posts import Post, first_id, time_of
from tgewatch.world.x.problems import bad, missing
from tgewatch.world.x.query import Query
from tgewatch.world.x.service import Call, Service

WEEK = 7 * 86_400.0
MONTH = 30 * 86_400.0
CLOSE = 10.0
"""Seconds before the request that an end_time must lie at least."""
TIMELINE = 3_200
"""Posts of one account that its timeline goes back."""
LATEST = (1 << 63) - 1
_BOUNDS = frozenset({"since_id", "until_id", "start_time", "end_time", "max_results"})
_SEARCH = _BOUNDS | SHAPE | {"query", "next_token", "pagination_token", "sort_order"}
_TIMELINE = _BOUNDS | SHAPE | {"pagination_token", "exclude"}
_LIST = SHAPE | {"max_results", "pagination_token"}
_COUNTS = (_BOUNDS | {"query", "granularity", "next_token"}) - {"max_results"}
_TOKEN = re.compile(r"([0-9a-f]{8})([0-9a-f]{1,16})")
GRAIN = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}


@dataclass(frozen=True, slots=True)
class _Range:
    """Ids strictly between which posts are wanted."""

    after: int
    before: int


def recent(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/tweets/search/recent."""
    return _search(service, call, longest=service.product.query_length, most=100, week=True)


def everything(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/tweets/search/all."""
    longest = service.product.archive_query_length
    return _search(service, call, longest=longest, most=500, week=False)


def _search(service: Service, call: Call, *, longest: int, most: int, week: bool) -> dict[str, Any]:
    asking = Asking(call.query, _SEARCH | {call.spelling.fields})
    text = asking.text("query")
    size = asking.number("max_results", 10, most, default=10)
    order = asking.choice("sort_order", {"recency", "relevancy"}, default="recency")
    wanted = wanted_of(asking, call.spelling)
    query = service.query(text, longest)
    token = call.query.get("next_token") or call.query.get("pagination_token") or ""
    span = _continued(_range(asking, call, week=week), token, text)
    found = _matching(service, query, span, call.now)
    answer = _page(service, call, found, size=size, wanted=wanted, about=text)
    if order == "relevancy" and "data" in answer:
        likes = service.archive
        answer["data"].sort(key=lambda one: -_likes(likes.get(int(one["id"]), call.now), call.now))
    return answer


def timeline(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/users/:id/tweets."""
    author = path_id(call.path["id"])
    asking = Asking(call.query, _TIMELINE | {call.spelling.fields})
    size = asking.number("max_results", 5, 100, default=10)
    excluded = {
        {"replies": "reply", "retweets": "repost"}[word]
        for word in asking.words("exclude", {"replies", "retweets"})
    }
    wanted = wanted_of(asking, call.spelling)
    account = service.archive.accounts.get(author)
    if account is None or account.suspended:
        return {"errors": [missing("user", "id", str(author), suspended=account is not None)]}
    span = _range(asking, call, week=False, lag=0.0)
    if "since_id" not in call.query and "start_time" not in call.query:
        span = _Range(0, span.before)
    span = _continued(span, call.query.get("pagination_token", ""), f"user {author}")

    def found() -> Iterator[Post]:
        posts = service.archive.between(0, LATEST, authors=(author,))
        seen = (post for post in posts if post.at <= call.now)
        for post in islice(seen, TIMELINE):
            if span.after < post.id < span.before and post.kind not in excluded:
                if service.archive.is_current(post.id, call.now):
                    yield post
            elif post.id <= span.after:
                return

    return _page(service, call, found(), size=size, wanted=wanted, about=f"user {author}")


def list_timeline(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/lists/:id/tweets: neither since_id nor exclude."""
    number = path_id(call.path["id"])
    asking = Asking(call.query, _LIST | {call.spelling.fields})
    size = asking.number("max_results", 1, 100, default=100)
    wanted = wanted_of(asking, call.spelling)
    members = service.archive.lists.get(number)
    if members is None:
        return {"errors": [missing("list", "id", str(number))]}
    about = f"list {number}"
    span = _Range(0, first_id(call.now) + (1 << 22))
    span = _continued(span, call.query.get("pagination_token", ""), about)
    posts = service.archive.between(span.after, span.before, authors=sorted(members))
    shown = (
        post
        for post in posts
        if post.at <= call.now and service.archive.is_current(post.id, call.now)
    )
    return _page(service, call, shown, size=size, wanted=wanted, about=about)


def look_up(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/tweets."""
    asking = Asking(call.query, SHAPE | {"ids", call.spelling.fields})
    asking.text("ids")
    ids = [path_id(one) for one in dict.fromkeys(asking.words("ids"))]
    wanted = wanted_of(asking, call.spelling)
    found = {one: service.archive.get(one, call.now) for one in ids}
    posts = [post for post in found.values() if post is not None]
    answer = service.page(call, posts, wanted, {})
    absent = [missing("tweet", "ids", str(one)) for one, post in found.items() if post is None]
    if absent:
        answer.setdefault("errors", []).extend(absent)
    return answer


def counts(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/tweets/counts/recent: billed by request."""
    asking = Asking(call.query, _COUNTS)
    text = asking.text("query")
    grain = GRAIN[asking.choice("granularity", GRAIN, default="hour")]
    query = service.query(text, service.product.query_length)
    span = _range(asking, call, week=True)
    end = min(asking.time("end_time") or call.now, call.now)
    first = max(time_of(span.after) if span.after else 0.0, call.now - WEEK)
    buckets: dict[int, int] = dict.fromkeys(range(int(first // grain), int(end // grain) + 1), 0)
    for post in _matching(service, query, span, call.now):
        buckets[int(post.at // grain)] = buckets.get(int(post.at // grain), 0) + 1
    service.meter.counts(call.now)
    data = [
        {
            "start": stamp(max(first, number * grain)),
            "end": stamp(min(end, (number + 1) * grain)),
            call.spelling.count: amount,
        }
        for number, amount in sorted(buckets.items())
    ]
    return {"data": data, "meta": {call.spelling.total: sum(buckets.values())}}


def matching(service: Service, query: Query, after: float, before: float) -> list[Post]:
    """Return what a query matches of a period, oldest first, whatever search has learnt of it.

    Earlier versions of edited posts and posts deleted by then are left out.
    """
    span = _Range(first_id(after) - 1, first_id(before))
    lag = service.product.search_lag
    return list(_matching(service, query, span, before + lag + MONTH, settled=before))[::-1]


def _likes(post: Post | None, now: float) -> int:
    return 0 if post is None else post.grown(post.likes, now)


def _range(asking: Asking, call: Call, *, week: bool, lag: float = CLOSE) -> _Range:
    """Return the range that the bounds of a request describe. An id goes before a time."""
    oldest = call.now - (WEEK if week else MONTH)
    since, until = asking.id("since_id"), asking.id("until_id")
    start, end = asking.time("start_time"), asking.time("end_time")
    if week:
        _within(call, since, start, oldest)
        if until is not None and time_of(until) < oldest:
            raise bad("until_id", str(until), _too_old("until_id", oldest))
    if end is not None and until is None and end > call.now - lag:
        raise bad(
            "end_time",
            call.query["end_time"],
            f"Invalid 'end_time':'{call.query['end_time']}'. 'end_time' must be a minimum of"
            f" {lag:.0f} seconds prior to the request time.",
        )
    after = first_id(oldest) - 1
    if since is not None:
        after = since
    elif start is not None:
        after = first_id(start) - 1
    before = first_id(call.now) + (1 << 22)
    if until is not None:
        before = until
    elif end is not None:
        before = first_id(end)
    return _Range(after, before)


def _within(call: Call, since: int | None, start: float | None, oldest: float) -> None:
    if since is not None and time_of(since) < oldest:
        raise bad("since_id", str(since), _too_old("since_id", oldest))
    if since is None and start is not None and start < oldest:
        given = call.query["start_time"]
        raise bad(
            "start_time",
            given,
            f"Invalid 'start_time':'{given}'. 'start_time' must be on or after {stamp(oldest)}",
        )


def _too_old(name: str, oldest: float) -> str:
    return (
        f"'{name}' must be a tweet id created after [{stamp(oldest)}]. Please use a '{name}' that"
        f" is larger than {first_id(oldest)}"
    )


def _matching(
    service: Service, query: Query, span: _Range, now: float, *, settled: float | None = None
) -> Iterator[Post]:
    """Yield what search knows at `now`, newest first."""
    known = now - service.product.search_lag
    scene = service.scene(now)
    archive = service.archive
    authors = query.senders(scene)
    before = min(span.before, first_id(known) + (1 << 22))
    posts = archive.between(
        span.after, before, authors=None if authors is None else sorted(authors)
    )
    for post in posts:
        late = post.visible_after + service.faults.index_delay(post.id)
        if post.at + late > known or archive.is_deleted(
            post.id, now if settled is None else settled
        ):
            continue
        if not archive.is_current(post.id, known if settled is None else settled):
            continue
        if query.keywords and post.kind == "repost":
            continue
        if query.matches(scene, post):
            yield post


def _token(about: str, last: int) -> str:
    return f"{zlib.crc32(about.encode()):08x}{last:x}"


def _continued(span: _Range, token: str, about: str) -> _Range:
    """Return what is left of a range after the pages before. Raises ProblemError."""
    if not token:
        return span
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] != _token(about, 0)[:8]:
        raise bad("next_token", token, f"The `next_token` value [{token}] is invalid")
    return _Range(span.after, min(span.before, int(match[2], 16)))


def _page(
    service: Service,
    call: Call,
    found: Iterator[Post],
    *,
    size: int,
    wanted: Wanted,
    about: str,
) -> dict[str, Any]:
    size = max(1, size // 3) if call.fault == "short" else size
    posts = list(islice(found, size + 1))
    more, posts = len(posts) > size, posts[:size]
    meta: dict[str, Any] = {"result_count": len(posts)}
    if posts:
        meta |= {"newest_id": str(posts[0].id), "oldest_id": str(posts[-1].id)}
    if more:
        meta["next_token"] = _token(about, posts[-1].id)
    return service.page(call, posts, wanted, meta)
