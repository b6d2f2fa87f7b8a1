"""Statuses of Mastodon and what speaks its language (docs.joinmastodon.org, Status)."""

from collections.abc import Mapping
from typing import Any

from tgewatch.errors import MalformedError
from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import (
    SUMMARY,
    listed,
    make_post,
    once,
    read_document,
    text_at,
    time_at,
    with_links,
)
from tgewatch.parse.text import clean, plain_text


def read_account(body: bytes) -> str:
    """Return the id of an account that was looked up. Raises MalformedError."""
    identity = text_at(read_document(body), "id")
    if not identity.isascii() or not identity.isalnum():
        raise MalformedError("an account without an id", cause="malformed")
    return identity[:64]


def read_mastodon(body: bytes, *, source: str, host: str) -> Issue:
    """Return the statuses that an account has written for everybody. Raises MalformedError."""
    statuses = listed(read_document(body))
    own = [status for status in statuses if not status.get("reblog") and _public(status)]
    title = next((name for one in own if (name := text_at(one, "account", "display_name"))), "")
    return Issue(once(_item(status, source, host) for status in own), title=clean(title, 200))


def _public(status: Mapping[str, Any]) -> bool:
    return text_at(status, "visibility") in {"public", "unlisted", ""}


def _item(status: Mapping[str, Any], source: str, host: str) -> Item | None:
    warning = text_at(status, "spoiler_text")
    text = plain_text(text_at(status, "content"), SUMMARY)
    uri = text_at(status, "uri") or text_at(status, "id")
    name = text_at(status, "account", "acct")
    return make_post(
        source=source,
        identity=uri,
        url=text_at(status, "url") or uri,
        text=with_links(f"{warning} {text}", [text_at(status, "card", "url")]),
        published=time_at(status, "created_at"),
        author=f"{name}@{host}" if name and "@" not in name else name,
    )
