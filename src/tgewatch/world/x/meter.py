"""What X would charge: each resource that was returned, once in a UTC day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

DAY = 86_400.0
POST = 0.005
USER = 0.010
COUNTS = 0.005
"""For a request."""
EVENT = 0.005
PRICING = {
    "eventTypePricing": {"Post": POST, "User": USER, "ActivityPostCreate": EVENT},
    "requestTypePricing": {"CountsRecent": COUNTS},
}
"""The public price list."""


@dataclass(slots=True)
class Day:
    """One UTC day's bill."""

    posts: set[int] = field(default_factory=set)
    users: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    counts: int = 0
    """Requests."""
    again: int = 0
    """Posts billed although they had been billed: the promise of one charge a day is a soft one."""

    @property
    def dollars(self) -> float:
        posts = len(self.posts) + self.again
        return round(
            posts * POST + len(self.users) * USER + len(self.events) * EVENT + self.counts * COUNTS,
            6,
        )


@dataclass(slots=True)
class Meter:
    """The bill, day by day; days are counted from the Unix epoch."""

    days: dict[int, Day] = field(default_factory=dict)
    returned: Counter[str] = field(default_factory=Counter)
    """posts and users, whether billed or not."""

    def day(self, at: float) -> Day:
        """Return the bill of the day in which `at` lies."""
        return self.days.setdefault(int(at // DAY), Day())

    def posts(self, ids: Iterable[int], at: float, *, again: bool = False) -> None:
        """Charge for posts that were returned; `again` charges also for those of today."""
        day = self.day(at)
        for post in ids:
            self.returned["posts"] += 1
            if post in day.posts:
                day.again += again
            day.posts.add(post)

    def users(self, ids: Iterable[int], at: float) -> None:
        day = self.day(at)
        for user in ids:
            self.returned["users"] += 1
            day.users.add(user)

    def events(self, ids: Iterable[int], at: float) -> None:
        self.day(at).events.update(ids)

    def counts(self, at: float) -> None:
        self.day(at).counts += 1

    def posts_since(self, at: float) -> int:
        """Return how many posts were billed since the beginning of the day of `at`."""
        first = int(at // DAY)
        return sum(len(day.posts) + day.again for n, day in self.days.items() if n >= first)

    @property
    def dollars(self) -> float:
        return round(sum(day.dollars for day in self.days.values()), 6)

    @property
    def billed_posts(self) -> int:
        return sum(len(day.posts) + day.again for day in self.days.values())

    @property
    def billed_users(self) -> int:
        return sum(len(day.users) for day in self.days.values())

    def __repr__(self) -> str:
        return f"<Meter {self.billed_posts} posts, {self.billed_users} users, ${self.dollars:.3f}>"
