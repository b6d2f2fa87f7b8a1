"""The SourceReader port with readings that a test has written down, and items to fill them."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from tgewatch.model import Item, SourceState, Validators
from tgewatch.ports import Reading

Given = Reading | Exception | Callable[[], Awaitable[Reading]]


def item(
    title: str, *, source: str, url: str = "", summary: str = "", at: float | None = None
) -> Item:
    """Return an item of `source` as its feed would show it."""
    link = url or f"https://news.example/{sha256(title.encode()).hexdigest()[:8]}"
    key = sha256(link.encode()).hexdigest()
    return Item(source=source, key=key, url=link, title=title, summary=summary, published=at)


def reading(*items: Item, etag: str = "") -> Reading:
    """Return a reading that brings `items`."""
    return Reading(items=items, validators=Validators(etag=etag))


UNCHANGED = Reading(items=(), unchanged=True)


class ScriptedReader:
    """Gives each source its readings in order, the last one again and again."""

    def __init__(self) -> None:
        self._given: dict[str, list[Given]] = {}
        self.asked: list[tuple[str, SourceState]] = []
        """URL and remembered state of every poll."""

    def says(self, url: str, *given: Given) -> None:
        """Write down what the next polls of `url` bring: readings, errors, or something slow."""
        self._given[url] = list(given)

    async def read(
        self, url: str, state: SourceState, headers: Sequence[tuple[str, str]]
    ) -> Reading:
        """Give what was written down. Raises what was written down."""
        del headers
        self.asked.append((url, state))
        waiting = self._given[url]
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, Reading) else await given()
