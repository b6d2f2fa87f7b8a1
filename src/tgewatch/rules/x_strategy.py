"""Which way X is read, and why that one."""

from collections.abc import Mapping
from dataclasses import dataclass

from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings


@dataclass(frozen=True, slots=True)
class Strategy:
    """What is done, for a machine and for a person."""

    search: str
    """list, packed or timelines: what is asked, alone or behind the stream."""
    stream: bool
    """Whether the filtered stream is kept open."""
    reason: str


def choose(
    settings: XSettings, refused: Mapping[str, str], *, level: Level, live: bool = True
) -> Strategy:
    """Return the cheapest way that X has not refused.

    `refused` says why, by stream, list, recent and all. Money that runs short leaves companies out,
    which a list cannot. Only what runs on, `live`, can keep a stream.
    """
    search, why = _search(settings, refused, level)
    if not live:
        return Strategy(search, stream=False, reason=f"{why}; the stream is for `tgewatch run`")
    if settings.strategy == "stream" or (settings.strategy == "auto" and "stream" not in refused):
        return Strategy(search, stream=True, reason=f"the filtered stream, and behind it {why}")
    if settings.strategy == "auto":
        return Strategy(search, stream=False, reason=f"{why}; no stream: {refused['stream']}")
    return Strategy(search, stream=False, reason=why)


def _search(settings: XSettings, refused: Mapping[str, str], level: Level) -> tuple[str, str]:
    if settings.strategy == "timelines":
        return "timelines", "timelines, as [x] strategy says"
    if "recent" in refused and ("all" in refused or settings.search_all == "never"):
        return "timelines", f"timelines: X refuses searches ({refused['recent']})"
    return _packing(settings, refused, level) or ("list", "one search over the list")


def _packing(
    settings: XSettings, refused: Mapping[str, str], level: Level
) -> tuple[str, str] | None:
    """Return that accounts are packed, with the reason; None when a list does it."""
    why = ""
    if settings.strategy == "packed":
        why = "as [x] strategy says"
    elif not settings.list_id:
        why = "there is no [x] list_id"
    elif "list" in refused:
        why = f"X refuses the list ({refused['list']})"
    elif level >= Level.NO_LOW:
        why = "a list could leave nobody out"
    return ("packed", f"accounts packed into searches: {why}") if why else None
