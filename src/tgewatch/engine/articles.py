"""Bring the text of an article."""

from collections.abc import Awaitable, Callable

from tgewatch.errors import RefusedError, TgewatchError, TransientError
from tgewatch.ports import Fetcher, Request

ARTICLE_TYPES = ("text/html", "application/xhtml+xml", "text/plain")

Extract = Callable[[bytes, str, str], Awaitable[str]]
"""Body, URL and content type → plain text; heavy, so it leaves the event loop."""


class Articles:
    """Fetches a page and extracts its text; remembers nothing (the fetcher's cache does)."""

    def __init__(self, fetcher: Fetcher, extract: Extract) -> None:
        self._fetcher = fetcher
        self._extract = extract

    async def text(self, url: str, *, deadline: float) -> str:
        """Return the text of the page at `url`, possibly empty.

        Raises what a Fetcher raises, and RefusedError where the answer is no page.
        """
        response = await self._fetcher.fetch(
            Request(url=url, pool="article", deadline=deadline, revalidate=False)
        )
        kind = response.headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if kind not in ARTICLE_TYPES:
            raise RefusedError(f"the page is {kind}", cause="not_a_page")
        return await self._extract(
            response.body, response.url, response.headers.get("content-type", "")
        )


def article_retry_delay(error: TgewatchError, attempt: int) -> float | None:
    """Return the seconds until an article is worth another try, or None to leave it.

    A page that is refused (404, blocked, too large) stays so; five tries over about three hours
    cover an outage.
    """
    if not isinstance(error, TransientError) or attempt >= 5:  # noqa: PLR2004 - stated above
        return None
    return max(60.0 * 3.0 ** (attempt - 1), error.retry_after or 0.0)
