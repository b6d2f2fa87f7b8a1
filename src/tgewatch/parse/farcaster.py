"""Casts as a Farcaster node has them (Snapchain HTTP interface, /v1/castsByFid)."""

from collections.abc import Mapping
from typing import Any

from tgewatch.errors import MalformedError
from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import (
    listed,
    make_post,
    object_at,
    once,
    read_document,
    text_at,
    with_links,
)

EPOCH = 1_609_459_200
"""2021-01-01: where Farcaster's seconds begin."""
CAST = "MESSAGE_TYPE_CAST_ADD"
SHOWN = 10
"""Characters of a hash that an address has."""


def read_fid(body: bytes) -> str:
    """Return the number of the account whose name was looked up. Raises MalformedError."""
    number = text_at(read_document(body), "fid")
    if not number.isascii() or not number.isdecimal():
        raise MalformedError("a name without an account", cause="malformed")
    return number[:20]


def read_farcaster(body: bytes, *, source: str, name: str) -> Issue:
    """Return the casts that answer nobody. Raises MalformedError."""
    messages = listed(read_document(body), "messages")
    return Issue(once(_item(message, source, name) for message in messages))


def _item(message: Mapping[str, Any], source: str, name: str) -> Item | None:
    data = object_at(message, "data")
    cast = object_at(data, "castAddBody")
    if text_at(data, "type") != CAST or cast.get("parentCastId"):
        return None
    digest, seconds = text_at(message, "hash"), data.get("timestamp")
    at = seconds + EPOCH if isinstance(seconds, int) and 0 <= seconds < 1 << 32 else None
    embeds = cast.get("embeds")
    links = [text_at(one, "url") for one in embeds[:10]] if isinstance(embeds, list) else []
    return make_post(
        source=source,
        identity=f"farcaster {digest}" if digest else "",
        url=f"https://farcaster.xyz/{name}/{digest[:SHOWN]}",
        text=with_links(text_at(cast, "text"), links),
        published=None if at is None else float(at),
        author=f"farcaster.xyz/{name}",
    )
