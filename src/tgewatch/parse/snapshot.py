"""Proposals of Snapshot (GraphQL schema of its hub)."""

from collections.abc import Mapping
from typing import Any

import orjson

from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import listed, make_entry, once, read_document, text_at, time_at
from tgewatch.parse.text import clean

QUERY = (
    "query ($space: String!, $first: Int!) {"
    " proposals(first: $first, where: {space_in: [$space]},"
    ' orderBy: "created", orderDirection: desc)'
    " { id title body created start end state author link space { id name } } }"
)


def ask_proposals(space: str, *, first: int) -> bytes:
    """Return the body of a request for the newest proposals of a space."""
    return orjson.dumps({"query": QUERY, "variables": {"space": space, "first": first}})


def read_proposals(body: bytes, *, source: str, space: str) -> Issue:
    """Return the proposals in an answer. Raises MalformedError, with what the hub complains of."""
    proposals = listed(read_document(body), "data", "proposals")
    title = next((name for one in proposals if (name := text_at(one, "space", "name"))), "")
    return Issue(once(_item(one, source, space) for one in proposals), title=clean(title, 200))


def _item(proposal: Mapping[str, Any], source: str, space: str) -> Item | None:
    identity = text_at(proposal, "id")
    return make_entry(
        source=source,
        identity=f"snapshot {identity}" if identity else "",
        url=text_at(proposal, "link") or f"https://snapshot.org/#/{space}/proposal/{identity}",
        title=text_at(proposal, "title"),
        text=text_at(proposal, "body"),
        published=time_at(proposal, "created"),
        author=text_at(proposal, "author"),
    )
