"""What X costs, kept across restarts."""

import logging
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.rules.spending import Bill, Caps, Day, Level, date_of
from tgewatch.settings import XSettings
from tgewatch.sources.x_ports import Notes
from tgewatch.sources.x_prices import PriceList

log = logging.getLogger(__name__)

NOTE = "x.spend"
IDS = "x.billed"
SAVE_EVERY = 15.0
"""Seconds between two savings; what a kill forgets of the ids is charged twice in the model."""


class SavedPurse:
    """A bill that is saved now and then. Knows whom each post is charged to."""

    def __init__(
        self,
        settings: XSettings,
        *,
        notes: Notes,
        clock: Clock,
        owners: Mapping[str, str],
        handle: Callable[[str], str],
        prices: PriceList,
    ) -> None:
        """`owners` are companies by handle in lower case, `handle` returns that of an id."""
        self._notes = notes
        self._clock = clock
        self._owners = owners
        self._handle = handle
        self._saved_at = clock.monotonic()
        self._dirty = False
        self.caps = Caps(settings.budget, settings.budget_day, settings.soft, settings.late)
        self._prices = prices
        self.bill = Bill(prices.prices)

    def __repr__(self) -> str:
        return f"<SavedPurse {self.bill!r}>"

    @property
    def level(self) -> Level:
        """What is left out now, to save money."""
        now = self._clock.now()
        return self.caps.level(month=self.bill.month(now), day=self.bill.on(now))

    def posts(self, posts: Iterable[tuple[int, str]], at: float) -> None:
        """Charge posts: id and id of the author."""
        charged = ((post, self._owners.get(self._handle(author), "")) for post, author in posts)
        self._dirty |= bool(self.bill.charge_posts(charged, at))

    def users(self, users: Iterable[tuple[int, str]], at: float) -> None:
        """Charge users: id and handle."""
        charged = ((user, self._owners.get(handle.lower(), "")) for user, handle in users)
        self._dirty |= bool(self.bill.charge_users(charged, at))

    def counts(self, at: float) -> None:
        """Charge a request for counts."""
        self.bill.charge_counts(at)
        self._dirty = True

    async def load(self) -> None:
        """Take over what was saved."""
        load_days(self.bill, await self._notes.note(NOTE))
        load_ids(self.bill, await self._notes.note(IDS), self._clock.now())
        await self.refresh()

    async def refresh(self) -> None:
        """Charge by X's price list from now on, when it is time to look at it."""
        self.bill.prices = await self._prices.refresh()

    async def save(self, *, now: bool = False) -> None:
        """Save when it is time, or `now`."""
        passed = self._clock.monotonic() - self._saved_at
        if not self._dirty or (passed < SAVE_EVERY and not now):
            return
        self._dirty = False
        self._saved_at = self._clock.monotonic()
        at = self._clock.now()
        await self._notes.write_note(NOTE, dump_days(self.bill), at=at)
        await self._notes.write_note(IDS, dump_ids(self.bill), at=at)


def dump_days(bill: Bill) -> bytes:
    """Return all days as JSON."""
    return orjson.dumps(
        {
            "prices": [bill.prices.post, bill.prices.user, bill.prices.counts],
            "days": {
                name: [day.posts, day.users, day.counts, day.dollars, day.by]
                for name, day in bill.days.items()
            },
        }
    )


def load_days(bill: Bill, data: bytes | None) -> None:
    """Take over what `dump_days` wrote; what cannot be read is left out."""
    try:
        document: Any = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        log.warning("x_spend_unreadable")
        return
    days = document.get("days") if isinstance(document, Mapping) else None
    for name, row in days.items() if isinstance(days, Mapping) else ():
        match row:
            case [int(posts), int(users), int(counts), int() | float() as dollars, dict(by)]:
                owners = {str(k): float(v) for k, v in by.items() if isinstance(v, int | float)}
                bill.days[name] = Day(posts, users, counts, float(dollars), owners)
            case _:
                pass


def dump_ids(bill: Bill) -> bytes:
    """Return the ids that were charged today, compressed."""
    posts, users = array("Q", sorted(bill.posts)), array("Q", sorted(bill.users))
    head = f"{bill.today} {len(posts)} ".encode()
    return head + zlib.compress(posts.tobytes() + users.tobytes(), 1)


def load_ids(bill: Bill, data: bytes | None, now: float) -> None:
    """Take over the ids, when they are of today."""
    if not data:
        return
    try:
        day, count, packed = data.split(b" ", 2)
        numbers = array("Q", zlib.decompress(packed))
        posts = int(count)
    except (ValueError, zlib.error):
        log.warning("x_billed_unreadable")
        return
    if day.decode("ascii", "replace") == date_of(now):
        bill.today = date_of(now)
        bill.posts.update(numbers[:posts])
        bill.users.update(numbers[posts:])
