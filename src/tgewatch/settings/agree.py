"""What no single key shows: entries that repeat or contradict each other."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from tgewatch.settings.lines import KeyPath
from tgewatch.settings.problems import Problem, did_you_mean
from tgewatch.settings.watchlist import same_name, same_source

Raw = Mapping[str, Any]


def contradictions(own: Raw, shipped: Raw) -> list[Problem]:
    """Return what the entries of `own`, added to those of `shipped`, get wrong together.

    Values of a wrong type are passed over: the models report them.
    """
    return [
        *_repeats(own, "company", "name", same_name),
        *_repeats(own, "source", "url", same_source),
        *_repeats(own, "channel", "name", same_name),
        *_repeats(own.get("fetch"), "host", "host", same_name, ("fetch",)),
        *_shared_names(own, shipped),
        *_unknown_companies(own, shipped),
        *_unknown_drops(own, shipped),
        *_without_hub(own),
    ]


def _repeats(
    own: Any, array: str, key: str, same: Callable[[str], str], above: KeyPath = ()
) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for position, entry in _entries(own, array):
        for value in _texts(entry.get(key)):
            at = first.setdefault(same(value), position)
            if at != position:
                text = f"repeats {array}[{at + 1}]: remove one, or give it another {key}"
                yield Problem((*above, array, position, key), text)


def _shared_names(own: Raw, shipped: Raw) -> Iterator[Problem]:
    """Yield aliases that would make a text mean two companies."""
    dropped = _dropped(own)
    mine = {same_name(n) for _, e in _entries(own, "company") for n in _texts(e.get("name"))}
    owners: dict[str, str] = {}
    for _, entry in _entries(shipped, "company"):
        if same_name(entry["name"]) not in mine | dropped:
            for name in chain((entry["name"],), entry.get("aliases", ())):
                owners.setdefault(same_name(name), entry["name"])
    for _, entry in _entries(own, "company"):
        for owner in _texts(entry.get("name")):
            owners.setdefault(same_name(owner), owner)
    for position, entry in _entries(own, "company"):
        for owner in _texts(entry.get("name")):
            for number, alias in enumerate(_texts(entry.get("aliases"))):
                other = owners.setdefault(same_name(alias), owner)
                if same_name(other) != same_name(owner):
                    path = ("company", position, "aliases", number)
                    yield Problem(
                        path, f'"{alias}" is also a name of {other}: keep it at one of them'
                    )


def _unknown_companies(own: Raw, shipped: Raw) -> Iterator[Problem]:
    dropped = _dropped(own)
    known = [
        name
        for _, entry in chain(_entries(shipped, "company"), _entries(own, "company"))
        for name in _texts(entry.get("name"))
        if same_name(name) not in dropped
    ]
    names = {same_name(name) for name in known}
    for position, entry in _entries(own, "source"):
        for name in _texts(entry.get("company")):
            if name and same_name(name) not in names:
                yield Problem(("source", position, "company"), _no_company(name, known))
    for position, entry in _entries(own, "channel"):
        for number, name in enumerate(_texts(entry.get("companies"))):
            if same_name(name) not in names:
                path = ("channel", position, "companies", number)
                yield Problem(path, _no_company(name, known))


def _unknown_drops(own: Raw, shipped: Raw) -> Iterator[Problem]:
    arrays = (
        ("drop_companies", "company", "name", same_name),
        ("drop_sources", "source", "url", same_source),
    )
    for drop, array, key, same in arrays:
        known = [entry[key] for _, entry in _entries(shipped, array)]
        for number, value in enumerate(_texts(own.get(drop))):
            if not shipped:
                yield Problem(
                    (drop, number), "drops from the shipped watchlist: set extends_default = true"
                )
            elif same(value) not in {same(k) for k in known}:
                text = (
                    f'the shipped watchlist has no {array} "{value}".{did_you_mean(value, known)}'
                )
                yield Problem((drop, number), text)


def _without_hub(own: Raw) -> Iterator[Problem]:
    table = own.get("open_sources")
    if isinstance(table, dict) and table.get("farcaster_hub"):
        return
    for position, entry in _entries(own, "source"):
        if entry.get("kind") == "farcaster":
            text = "needs a node to ask: set farcaster_hub in [open_sources]"
            yield Problem(("source", position, "kind"), text)


def _no_company(name: str, known: list[str]) -> str:
    return f'"{name}" is not on the watchlist: add a [[company]] of that name.{did_you_mean(name, known)}'


def _dropped(own: Raw) -> set[str]:
    return {same_name(name) for name in _texts(own.get("drop_companies"))}


def _entries(raw: Any, array: str) -> Iterator[tuple[int, Raw]]:
    entries = raw.get(array) if isinstance(raw, dict) else None
    if isinstance(entries, list):
        yield from ((i, entry) for i, entry in enumerate(entries) if isinstance(entry, dict))


def _texts(value: Any) -> list[str]:
    """Return the strings in a value that should be text or a list of texts."""
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
