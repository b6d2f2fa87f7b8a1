"""One query, read from where it was left to now, page by page."""

from tgewatch.errors import TransientError
from tgewatch.model.post import Post
from tgewatch.parse.x import Page
from tgewatch.rules import snowflake
from tgewatch.rules.ledger import Urgency
from tgewatch.rules.x_cursor import Cursor, Found, Gap, joined
from tgewatch.rules.x_plan import Shard
from tgewatch.settings import XSettings
from tgewatch.sources.x_client import XClient

TRAIL = 6 * 3_600.0
"""Seconds that a query looks back each time whose matches may come late; free within a UTC day."""


class QueryReader:
    """Reads queries. Keeps nothing between two readings."""

    def __init__(self, client: XClient, settings: XSettings) -> None:
        self._client = client
        self._settings = settings

    async def read(
        self,
        shard: Shard,
        cursor: Cursor | None,
        *,
        subject: str = "",
        urgency: Urgency = Urgency.NORMAL,
        history: float = 0.0,
        patience: float = 60.0,
    ) -> Found:
        """Read what is new; `history` is the seconds of the past to read without a cursor.

        `subject` is the id of the account for a timeline. Raises TransientError or RefusedError
        when not even one page came.
        """
        reading = _Reading(
            self._client,
            shard,
            subject=subject,
            urgency=urgency,
            patience=patience,
            pages=self._settings.pages,
        )
        asked = self._client.server_time()
        if shard.trailing:
            return await reading.trailing(cursor or Cursor(), asked)
        if cursor is None:
            reach = min(history or self._settings.overlap, snowflake.WINDOW)
            cursor = Cursor(snowflake.id_at(asked - reach - snowflake.LAG), asked - reach)
        latest = self._client.latest_time()
        since = snowflake.since(
            cursor.newest, cursor.complete, now=latest, overlap=self._settings.overlap
        )
        return await reading.since(cursor, since, asked=asked, latest=latest)


class _Reading:
    """One reading under way."""

    def __init__(
        self,
        client: XClient,
        shard: Shard,
        *,
        subject: str,
        urgency: Urgency,
        patience: float,
        pages: int,
    ) -> None:
        self._client = client
        self._shard = shard
        self._query = subject or shard.query
        self._urgency = urgency
        self._patience = patience
        self._left = pages
        self._posts: list[Post] = []
        self._calls = 0

    async def since(self, cursor: Cursor, since: int, *, asked: float, latest: float) -> Found:
        ceiling = snowflake.id_at(latest + 60.0)
        newest, left, problem = await self._pages(since=since, until=0, ceiling=ceiling)
        gap = Gap(since, left) if left else None
        if cursor.gap is not None and not problem and not gap:
            reach = max(cursor.gap.since, snowflake.since(0, 0.0, now=latest, overlap=0.0))
            until = cursor.gap.until
            _, left, problem = await self._pages(since=reach, until=until, ceiling=until)
            gap = Gap(reach, left) if left else None
        elif gap is not None:
            gap = joined((gap, cursor.gap))
        return Found(tuple(self._posts), cursor.read(newest, asked, gap), self._calls, problem)

    async def trailing(self, cursor: Cursor, asked: float) -> Found:
        newest, _, problem = await self._pages(start=asked - TRAIL, ceiling=1)
        return Found(tuple(self._posts), cursor.read(newest, asked, None), self._calls, problem)

    async def _pages(
        self, *, ceiling: int, since: int = 0, until: int = 0, start: float | None = None
    ) -> tuple[int, int, str]:
        """Read pages to the end, or as far as it goes.

        Returns the newest id, of the first page; the id before which nothing was read, or 0 when
        all was; and why. `ceiling` stands for that id where not one post came.
        """
        token, newest, oldest = "", 0, ceiling
        while True:
            if self._left <= 0:
                return newest, oldest, "more pages than are read at once"
            try:
                page = await self._page(since=since, until=until, start=start, token=token)
            except TransientError as error:
                if self._calls <= 1:
                    raise
                return newest, oldest, str(error)
            newest = newest or page.newest
            oldest = page.oldest or oldest
            token = page.next_token
            if not token:
                return newest, 0, ""

    async def _page(self, *, since: int, until: int, start: float | None, token: str) -> Page:
        self._left -= 1
        self._calls += 1
        page = await self._client.search(
            self._shard.place,
            self._query,
            since=since,
            until=until,
            start=start,
            token=token,
            urgency=self._urgency,
            patience=self._patience,
        )
        self._posts.extend(page.posts)
        return page
