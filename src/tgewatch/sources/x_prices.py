"""X's price list: loaded once a day where there is one, kept across restarts."""

import logging
import math
from dataclasses import replace
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.errors import TgewatchError
from tgewatch.rules.prices import Prices, listed
from tgewatch.sources.x_ports import Caller, Notes

log = logging.getLogger(__name__)

NOTE = "x.prices"
FRESH = 86_400.0
"""Seconds for which a list counts; X's own bill goes by the day, too."""
AGAIN = 3_600.0
"""Seconds until a list that could not be loaded is asked for again."""
SECONDS = 10.0


class PriceList:
    """Prices of the settings, changed to what the list says. The token is not sent there."""

    def __init__(
        self, caller: Caller, *, url: str, stated: Prices, notes: Notes, clock: Clock
    ) -> None:
        """`stated` stands for what the list does not name, and for a list that nobody can load."""
        self._caller = caller
        self._url = url
        self._notes = notes
        self._clock = clock
        self._next = -math.inf
        self._opened = False
        self._warned = False
        self._stated = stated
        self.prices = stated

    def __repr__(self) -> str:
        return f"<PriceList {self._url or 'of the settings'}>"

    async def refresh(self) -> Prices:
        """Return the prices, after a look at the list when it is time. What fails is said once."""
        if not self._url:
            return self.prices
        if not self._opened:
            await self._recall()
        if self._clock.now() >= self._next:
            await self._load()
        return self.prices

    async def _load(self) -> None:
        now = self._clock.now()
        self._next = now + AGAIN
        why = ""
        found: dict[str, float] = {}
        try:
            answer = await self._caller.call(
                "GET",
                self._url,
                headers=(("Accept", "application/json"),),
                body=None,
                seconds=SECONDS,
            )
            if answer.status != 200:  # noqa: PLR2004 - the status is the name
                why = f"it answers {answer.status}"
            else:
                found = dict(listed(orjson.loads(answer.body)))
                why = "" if found else "it names no price that is known"
        except TgewatchError as error:
            why = str(error)
        except orjson.JSONDecodeError:
            why = "it is not JSON"
        if found:
            self._next, self._warned = now + FRESH, False
            self.prices = replace(self._stated, **found)
            note = orjson.dumps({"url": self._url, "at": now, "prices": found})
            await self._notes.write_note(NOTE, note, at=now)
        elif not self._warned:
            self._warned = True
            log.warning(
                "x_prices_not_loaded",
                extra={"why": why, "meanwhile": f"{self.prices.post:g} dollars a post"},
            )

    async def _recall(self) -> None:
        """Take over what an earlier process has loaded from the same address."""
        self._opened = True
        try:
            known: Any = orjson.loads(await self._notes.note(NOTE) or b"{}")
        except orjson.JSONDecodeError:
            return
        match known:
            case {"url": self._url, "at": int() | float() as at, "prices": dict(prices)}:
                found = listed({"eventTypePricing": prices})
                if found:
                    self._next = float(at) + FRESH
                    self.prices = replace(self._stated, **found)
            case _:
                return
