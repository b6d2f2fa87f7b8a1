"""Keywords across all of X: counted before they are paid for."""

import logging
import math

from tgewatch.clock import Clock
from tgewatch.engine.x_ports import Api
from tgewatch.errors import TgewatchError
from tgewatch.rules import x_plan
from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings

log = logging.getLogger(__name__)

COUNTED = 86_400.0
"""Seconds for which a count holds."""


class KeywordQuota:
    """Knows how many posts a day the keywords would bring, and whether that is few enough."""

    def __init__(self, settings: XSettings, api: Api, *, clock: Clock) -> None:
        self._settings = settings
        self._api = api
        self._clock = clock
        self._at = -math.inf
        self._a_day = math.inf
        self._why = "they are counted first"

    def __repr__(self) -> str:
        return f"<KeywordQuota {self._a_day:.0f} a day>"

    def allowed(self, level: Level) -> bool:
        """Return whether they are looked for: wanted, affordable, and counted to be few."""
        if not self._settings.keywords or level >= Level.NO_KEYWORDS:
            return False
        return self._a_day <= self._settings.keyword_posts

    async def count(self, level: Level) -> None:
        """Ask how many posts they would bring, once a day; what cannot be counted is not bought."""
        now = self._clock.monotonic()
        if not self._settings.keywords or level >= Level.NO_KEYWORDS or now - self._at < COUNTED:
            return
        self._at = now
        try:
            days = await self._api.counts(x_plan.keyword_query(self._settings))
        except TgewatchError as error:
            self._a_day, self._why = math.inf, f"they cannot be counted: {error}"
            log.warning("x_keywords_not_counted", extra={"why": str(error)})
            return
        whole = days[1:-1] or days  # the first and the last are parts of days
        self._a_day = sum(whole) / max(1, len(whole))
        self._why = f"{self._a_day:.0f} posts a day, {self._settings.keyword_posts} are allowed"
        if not self.allowed(level):
            log.warning("x_keywords_too_many", extra={"a_day": self._a_day})

    def described(self) -> str:
        """Return how they stand, for a person."""
        return self._why if self._settings.keywords else "none"
