"""Whether X still has the posts of today. Costs nothing: each has been paid for until midnight."""

import logging
from collections.abc import Iterable
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.engine.x_ports import Api
from tgewatch.errors import TgewatchError
from tgewatch.model.post import Post
from tgewatch.rules.spending import DAY, date_of

log = logging.getLogger(__name__)

NOTE = "x.today"
MOST = 5_000
"""Posts that are looked after; the latest."""
SURE = 60.0
"""Seconds after which a post that was not found is looked for once more, before it counts as gone."""
NEAR = 120.0
"""Seconds before midnight UTC in which nobody looks: X's clock may be ahead, and its bill anew."""


class Vigil:
    """Knows the posts of this UTC day, and asks for them now and then."""

    def __init__(self, api: Api, *, clock: Clock, every: float) -> None:
        """`every` is the seconds between two looks; 0 looks never."""
        self._api = api
        self._clock = clock
        self._every = every
        self._day = ""
        self._posts: dict[int, Post] = {}
        """First version → latest one."""
        self._suspects: frozenset[int] = frozenset()
        self._told: set[int] = set()
        self._next = 0.0
        self.gone = 0
        """Posts that were found to be there no longer."""

    def __repr__(self) -> str:
        return f"<Vigil {len(self._posts)} posts, {self.gone} gone>"

    def watch(self, posts: Iterable[Post]) -> None:
        """Look after these from now on, as far as X has returned them today."""
        self._turn_page()
        for post in posts:
            if not post.repost_of:
                self._posts.pop(post.root, None)
                self._posts[post.root] = post
        while len(self._posts) > MOST:
            del self._posts[next(iter(self._posts))]

    async def look(self) -> list[Post]:
        """Return, once each, the posts that X has no longer; asks nothing before it is time."""
        now = self._clock.now()
        self._turn_page()
        if not self._every or now < self._next or now % DAY > DAY - NEAR:
            return []
        wanted = {p.id: p for p in self._posts.values() if p.root not in self._told}
        if self._suspects:
            wanted = {number: p for number, p in wanted.items() if number in self._suspects}
        self._next = now + self._every
        before, self._suspects = self._suspects, frozenset()
        if not wanted:
            return []
        try:
            absent = await self._api.absent(sorted(wanted))
        except TgewatchError as error:
            log.info("x_posts_not_looked_for", extra={"why": str(error)})
            return []
        missing = absent & wanted.keys()
        self._suspects = frozenset(missing - before)
        if self._suspects:
            self._next = now + SURE
        gone = [wanted[number] for number in sorted(missing & before)]
        self._told.update(post.root for post in gone)
        self.gone += len(gone)
        return gone

    def dump(self) -> bytes:
        """Return what another process needs to go on; of a post no more than its ids."""
        rows = [[p.id, p.root, p.author, p.at] for p in self._posts.values()]
        return orjson.dumps({"day": self._day, "next": self._next, "posts": rows})

    def load(self, data: bytes | None) -> None:
        """Take over what `dump` returned today; what cannot be read is nothing."""
        try:
            document: Any = orjson.loads(data or b"{}")
        except orjson.JSONDecodeError:
            return
        match document:
            case {"day": str(day), "next": int() | float() as following, "posts": list(rows)}:
                if day != date_of(self._clock.now()):
                    return
                self._next = float(following)
                self.watch(post for row in rows for post in _posts(row))
            case _:
                return

    def _turn_page(self) -> None:
        today = date_of(self._clock.now())
        if today != self._day:
            self._day = today
            self._posts.clear()
            self._told.clear()
            self._suspects = frozenset()
            self._next = self._clock.now() + self._every


def _posts(row: Any) -> Iterable[Post]:
    match row:
        case [int(number), int(root), str(author), int() | float() as at]:
            yield Post(id=number, author=author, text="", at=float(at), root=root)
        case _:
            pass
