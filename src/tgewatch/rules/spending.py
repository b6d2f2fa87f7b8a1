"""What is spent at X: each post once in a UTC day, by company, with a forecast and caps.

A model of the bill, not the bill: X calls its own counting of repeats a soft guarantee.
"""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from tgewatch.rules.prices import Prices

DAY = 86_400.0
KEPT = 400
"""Days of the past that are kept."""
RECENT = 7
"""Days that the forecast goes by."""
GRAIN = 1e-9
"""What sums of cents in binary may be short by."""
OTHERS = "others"
"""Whom posts of accounts off the watchlist are charged to."""


class Level(IntEnum):
    """How much is left out to save money; each level leaves out what the ones before do."""

    ALL = 0
    NO_KEYWORDS = 1
    NO_LOW = 2
    ONLY_HIGH = 3


@dataclass(frozen=True, slots=True)
class Caps:
    """Dollars, and the shares of them at which something is left out."""

    month: float
    day: float
    soft: float = 0.80
    """Keyword rules end here."""
    late: float = 0.95
    """Companies of low priority end here; at the whole of it, all but those of high priority."""

    def level(self, *, month: float, day: float) -> Level:
        """Return what to leave out when so much was spent in the month and on the day."""
        share = max(_share(month, self.month), _share(day, self.day))
        if share >= 1.0:
            return Level.ONLY_HIGH
        if share >= self.late:
            return Level.NO_LOW
        return Level.NO_KEYWORDS if share >= self.soft else Level.ALL


@dataclass(slots=True)
class Day:
    """One UTC day's bill."""

    posts: int = 0
    users: int = 0
    counts: int = 0
    dollars: float = 0.0
    by: dict[str, float] = field(default_factory=dict)
    """Company → dollars."""


@dataclass(slots=True)
class Bill:
    """Everything that was charged. Grows with each answer; nothing else changes it."""

    prices: Prices = field(default_factory=Prices)
    days: dict[str, Day] = field(default_factory=dict)
    """ISO date → what it cost."""
    today: str = ""
    posts: set[int] = field(default_factory=set)
    """Ids charged today."""
    users: set[int] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"<Bill {self.today or 'empty'}, {len(self.posts)} posts today>"

    def charge_posts(self, posts: Iterable[tuple[int, str]], at: float) -> int:
        """Charge posts, each with its company; return how many were not charged today before."""
        day = self._day(at)
        new = 0
        for post, company in posts:
            if post not in self.posts:
                self.posts.add(post)
                new += 1
                day.posts += 1
                _add(day, company or OTHERS, self.prices.post)
        return new

    def charge_users(self, users: Iterable[tuple[int, str]], at: float) -> int:
        """Charge users that were looked up, each with its company."""
        day = self._day(at)
        new = 0
        for user, company in users:
            if user not in self.users:
                self.users.add(user)
                new += 1
                day.users += 1
                _add(day, company or OTHERS, self.prices.user)
        return new

    def charge_counts(self, at: float) -> None:
        """Charge a request for counts."""
        day = self._day(at)
        day.counts += 1
        _add(day, OTHERS, self.prices.counts)

    def _day(self, at: float) -> Day:
        name = date_of(at)
        if name > self.today:  # a clock set back stays in the day that it left
            self.today = name
            self.posts.clear()
            self.users.clear()
            for old in sorted(self.days)[: -KEPT + 1]:
                del self.days[old]
        return self.days.setdefault(self.today, Day())

    def on(self, at: float) -> float:
        """Return the dollars of that UTC day."""
        day = self.days.get(date_of(at))
        return day.dollars if day else 0.0

    def month(self, at: float) -> float:
        """Return the dollars of the UTC month so far."""
        return sum(day.dollars for _, day in self.month_days(at))

    def month_days(self, at: float) -> list[tuple[str, Day]]:
        """Return the days of that month, by date, in order."""
        prefix = date_of(at)[:7]
        return sorted((n, d) for n, d in self.days.items() if n.startswith(prefix))

    def companies(self, at: float) -> Mapping[str, float]:
        """Return company → dollars of that month, dearest first."""
        total: dict[str, float] = {}
        for _, day in self.month_days(at):
            for company, dollars in day.by.items():
                total[company] = total.get(company, 0.0) + dollars
        return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))

    def forecast(self, at: float) -> float:
        """Return the dollars of the month when it goes on as in the last days.

        The days before the first one with a charge say nothing, and nor does a day without an hour.
        """
        rate = self._rate(at)
        moment = datetime.fromtimestamp(at, UTC)
        length = calendar.monthrange(moment.year, moment.month)[1]
        passed = moment.day - 1 + (at % DAY) / DAY
        return self.month(at) + rate * max(0.0, length - passed)

    def _rate(self, at: float) -> float:
        """Return dollars a day."""
        names = [date_of(at - DAY * back) for back in range(RECENT + 1)]
        first = min(self.days, default="")
        counted = [name for name in names if first and name >= first]
        if not counted:
            return 0.0
        dollars = sum(self.days[name].dollars for name in counted if name in self.days)
        return dollars / max(1 / 24, len(counted) - 1 + (at % DAY) / DAY)


def date_of(at: float) -> str:
    """Return the UTC date of a Unix time."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _add(day: Day, company: str, dollars: float) -> None:
    day.dollars += dollars
    day.by[company] = day.by.get(company, 0.0) + dollars


def _share(spent: float, cap: float) -> float:
    return spent / cap + GRAIN if cap > 0 else 0.0
