"""What all endpoints share: posts, bill, faults, and the rules of the product."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tgewatch.world.x.faults import Faults
from tgewatch.world.x.fields import Spelling, Wanted, write_account, write_post
from tgewatch.world.x.meter import Meter
from tgewatch.world.x.operators import Scene
from tgewatch.world.x.posts import Archive, Post
from tgewatch.world.x.problems import bad, missing
from tgewatch.world.x.query import SEARCH, Query, QueryError, compile_query

COMPILED = 4_096
"""Queries kept in understood form."""


@dataclass(frozen=True, slots=True)
class Product:
    """What this customer has bought."""

    query_length: int = 512
    """Characters of a recent search."""
    archive_query_length: int = 1_024
    rule_length: int = 1_024
    rules: int = 1_000
    stream_buffer: int = 1_000_000
    """Bytes that a client may leave unread before its stream is ended."""
    search_lag: float = 30.0
    """Seconds until search knows a post."""
    monthly_cap: int = 3_000_000
    """Posts billed in a calendar month."""
    lists: bool = True
    """Search knows `list:`."""
    daily: Mapping[str, int] = field(default_factory=dict)
    """Endpoint → requests in 24 hours, on top of the windows."""
    spellings: tuple[str, ...] = ("tweet", "post")
    """Accepted in requests; the first is used where a request names none."""
    old_429: bool = False
    """Which of the two bodies a refused request gets."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that is allowed."""

    endpoint: str
    path: Mapping[str, str]
    """Parameters that stand in the path."""
    query: Mapping[str, str]
    body: Any
    now: float
    """By the clock of the service."""
    token: str
    spelling: Spelling
    fault: str = ""


@dataclass(slots=True)
class Service:
    """Shared by all endpoints."""

    archive: Archive
    product: Product = field(default_factory=Product)
    faults: Faults = field(default_factory=Faults)
    meter: Meter = field(default_factory=Meter)
    _compiled: dict[tuple[str, str], Query] = field(default_factory=dict)

    def query(self, text: str, longest: int, *, where: str = SEARCH) -> Query:
        """Return what a query means. Raises ProblemError."""
        if len(text) > longest:
            raise bad(
                "query",
                text,
                "There were errors processing your request: Rules must be no longer than"
                f" {longest} characters (at position {longest + 1}), yours has {len(text)}",
            )
        found = self._compiled.get((where, text))
        if found is None:
            try:
                found = compile_query(text, where=where, lists=self.product.lists)
            except QueryError as error:
                raise bad(
                    "query", text, f"There were errors processing your request: {error}"
                ) from error
            if len(self._compiled) >= COMPILED:
                self._compiled.clear()
            self._compiled[where, text] = found
        return found

    def page(
        self, call: Call, posts: Collection[Post], wanted: Wanted, meta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the answer that shows these posts, and bill them with all they bring along."""
        answer: dict[str, Any] = {}
        if posts:
            answer["data"] = [write_post(one, self.archive, wanted, call.now) for one in posts]
        includes, errors = self._includes(call, posts, wanted)
        if includes:
            answer["includes"] = includes
        if call.fault == "partial":
            errors.append(missing("tweet", "referenced_tweets.id", str(call.now)[:10]))
        if errors:
            answer["errors"] = errors
        if meta:
            answer["meta"] = dict(meta)
        self.bill((post.id for post in posts), call.now)
        return answer

    def bill(self, posts: Iterable[int], now: float) -> None:
        for post in posts:
            self.meter.posts((post,), now, again=self.faults.bills_again())

    def scene(self, now: float, *, stream: bool = False) -> Scene:
        return Scene(self.archive, now, stream)

    def _includes(
        self, call: Call, posts: Collection[Post], wanted: Wanted
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        users: dict[int, None] = {}
        others: dict[int, Post] = {}
        errors: list[dict[str, Any]] = []
        references = f"{wanted.spelling.references}.id"
        for post in posts:
            if "author_id" in wanted.expansions:
                users[post.author] = None
            target = self.archive.get(post.target, call.now) if post.target else None
            if target is None:
                if post.target and references in wanted.expansions:
                    errors.append(missing("tweet", references, str(post.target)))
                continue
            if references in wanted.expansions:
                others[target.id] = target
            if "in_reply_to_user_id" in wanted.expansions and post.kind == "reply":
                users[target.author] = None
        self.meter.users(users, call.now)
        self.bill(others, call.now)
        includes: dict[str, Any] = {}
        if users:
            accounts = self.archive.accounts
            includes["users"] = [write_account(accounts[one], wanted.user) for one in users]
        if others:
            includes[wanted.spelling.includes] = [
                write_post(one, self.archive, wanted, call.now) for one in others.values()
            ]
        return includes, errors
