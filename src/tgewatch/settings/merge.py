"""The shipped watchlist and the user's own, as one."""

from collections.abc import Callable, Mapping
from typing import Any

from tgewatch.settings.watchlist import same_name, same_source

_IDENTITIES: Mapping[tuple[str, ...], tuple[str, Callable[[str], str]]] = {
    ("company",): ("name", same_name),
    ("source",): ("url", same_source),
    ("fetch", "host"): ("host", same_name),
}
"""Arrays of tables that are merged entry by entry, and by what. Others are replaced."""


def merged(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return raw settings in which `own` changes, adds to and drops from `shipped`."""
    companies = {same_name(name) for name in own.get("drop_companies", ())}
    sources = {same_source(url) for url in own.get("drop_sources", ())}
    kept = {
        **shipped,
        "company": [c for c in shipped.get("company", ()) if same_name(c["name"]) not in companies],
        "source": [
            s
            for s in shipped.get("source", ())
            if same_source(s["url"]) not in sources
            and same_name(s.get("company", "")) not in companies
        ],
    }
    return _merged(kept, own, ())


def _merged(
    base: Mapping[str, Any], own: Mapping[str, Any], path: tuple[str, ...]
) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        identity = _IDENTITIES.get((*path, key))
        if identity is not None:
            result[key] = _entries(base.get(key, ()), value, *identity)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = _merged(base[key], value, (*path, key))
        else:
            result[key] = value
    return result


def _entries(base: Any, own: Any, key: str, same: Callable[[str], str]) -> list[dict[str, Any]]:
    entries = {same(entry[key]): entry for entry in base}
    for entry in own:
        name = same(entry[key])
        entries[name] = {**entries.get(name, {}), **entry}
    return list(entries.values())
