"""Accounts, what they post, and where all of it is kept."""

import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import exp

from tgewatch.world.x.snowflake import first_id, time_of

LINK = re.compile(r"https?://[^\s\"'<>()]+")
GROWTH = 3_600.0
"""Seconds in which a post collects two thirds of its likes."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who posts."""

    id: int
    username: str
    name: str = ""
    followers: int = 1_000
    bio: str = ""
    verified: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One version of a post. A later version has another id, and names the earlier ones."""

    id: int
    author: int
    text: str
    """In full, with links as they were typed."""
    at: float
    lang: str = "en"
    kind: str = "original"
    """original, reply, repost or quote."""
    target: int = 0
    """Id of the post that is answered, repeated or quoted; 0 for none."""
    history: tuple[int, ...] = ()
    """Ids of all versions up to this one, first to last."""
    likes: int = 0
    """In the end; see `liked`."""
    reposts: int = 0
    replies: int = 0
    visible_after: float = 0.0
    """Further seconds until search knows it."""

    @property
    def versions(self) -> tuple[int, ...]:
        return self.history or (self.id,)

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(LINK.findall(self.text))

    def grown(self, final: int, now: float) -> int:
        """Return how many of `final` likes, say, there are at `now`."""
        return int(final * (1.0 - exp(-max(0.0, now - self.at) / GROWTH)))


@dataclass(slots=True)
class Archive:
    """All posts there are and will be; who asks says what time it is."""

    accounts: dict[int, Account] = field(default_factory=dict)
    lists: dict[int, frozenset[int]] = field(default_factory=dict)
    """List → its members."""
    _posts: dict[int, Post] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    """Ids of posts, ascending."""
    _by_author: dict[int, list[int]] = field(default_factory=dict)
    _deleted: dict[int, float] = field(default_factory=dict)
    _superseded: dict[int, float] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def add_account(self, account: Account) -> None:
        """Add an account, or change one; the name it had before is nobody's then."""
        known = self.accounts.get(account.id)
        if known is not None:
            self._names.pop(known.username.lower(), None)
        self.accounts[account.id] = account
        self._names[account.username.lower()] = account.id

    def named(self, username: str) -> Account | None:
        """Return the account of that name; case does not matter."""
        number = self._names.get(username.lower())
        return None if number is None else self.accounts[number]

    def next_id(self, at: float) -> int:
        """Return an id of that time that no post has."""
        number = first_id(at)
        while number in self._posts:
            number += 1
        return number

    def add(self, post: Post) -> None:
        """Keep a post; a version of an earlier one takes its place from then on."""
        if post.id in self._posts:
            raise ValueError(f"two posts with the id {post.id}")
        self._posts[post.id] = post
        for order in (self._order, self._by_author.setdefault(post.author, [])):
            if order and order[-1] > post.id:
                order.insert(bisect_left(order, post.id), post.id)
            else:
                order.append(post.id)
        for earlier in post.versions[:-1]:
            self._superseded[earlier] = min(post.at, self._superseded.get(earlier, post.at))

    def edit(self, post: int, text: str, *, at: float) -> Post:
        """Replace the text of a post, under another id."""
        known = self._posts[post]
        number = self.next_id(at)
        changed = replace(known, id=number, text=text, at=at, history=(*known.versions, number))
        self.add(changed)
        return changed

    def delete(self, post: int, *, at: float) -> None:
        """Remove a post, in all its versions."""
        for version in self._posts[post].versions:
            self._deleted[version] = at

    def get(self, post: int, now: float) -> Post | None:
        """Return a post that can be looked up at `now`: any version, unless it was deleted."""
        found = self._posts.get(post)
        if found is None or found.at > now or self.is_deleted(post, now):
            return None
        return found

    def is_deleted(self, post: int, now: float) -> bool:
        return self._deleted.get(post, now + 1.0) <= now

    def is_current(self, post: int, now: float) -> bool:
        """Say whether a list of posts shows this version at `now`."""
        return self._superseded.get(post, now + 1.0) > now and not self.is_deleted(post, now)

    def between(
        self, after: int, before: int, *, authors: Sequence[int] | None = None
    ) -> Iterator[Post]:
        """Yield posts with ids strictly between, newest first; those of `authors` if given."""
        if authors is None:
            low, high = bisect_right(self._order, after), bisect_left(self._order, before)
            for place in range(high - 1, low - 1, -1):
                yield self._posts[self._order[place]]
            return
        found: list[int] = []
        for author in authors:
            order = self._by_author.get(author, [])
            found += order[bisect_right(order, after) : bisect_left(order, before)]
        for post in sorted(found, reverse=True):
            yield self._posts[post]

    def __len__(self) -> int:
        return len(self._posts)

    def __repr__(self) -> str:
        return f"<Archive {len(self.accounts)} accounts, {len(self._posts)} posts>"


def short_link(link: str) -> str:
    """Return what stands in a text in place of a link."""
    return f"https://t.co/{zlib.crc32(link.encode()):08x}aZ"


__all__ = ["LINK", "Account", "Archive", "Post", "first_id", "short_link", "time_of"]
