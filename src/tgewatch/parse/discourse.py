"""The latest posts of a Discourse forum (/posts.json)."""

from collections.abc import Mapping
from typing import Any

from tgewatch.model import Item
from tgewatch.parse.items import Issue
from tgewatch.parse.posted import (
    CONTENT,
    listed,
    make_entry,
    object_at,
    once,
    read_document,
    text_at,
    time_at,
)
from tgewatch.parse.text import plain_text

REGULAR = {"", "1", "2"}
"""Types of post that somebody wrote: regular, and moderator's."""


def read_discourse(body: bytes, *, source: str, base: str, category: str = "") -> Issue:
    """Return the posts that open a topic, and those of the forum's staff.

    What others answer says nothing about a token, and would speak with the voice of the source.
    With `category`, the posts of that one only. Raises MalformedError.
    """
    posts = listed(read_document(body), "latest_posts")
    return Issue(once(_item(post, source, base) for post in posts if _wanted(post, category)))


def earliest(body: bytes) -> tuple[int, float | None]:
    """Return id and time of the earliest post in an answer; 0 for none. Raises MalformedError."""
    posts = listed(read_document(body), "latest_posts")
    numbered = {int(n): post for post in posts if (n := text_at(post, "id")).isdecimal()}
    first = min(numbered, default=0)
    return first, time_at(object_at(numbered.get(first)), "created_at")


def _wanted(post: Mapping[str, Any], category: str) -> bool:
    if text_at(post, "post_type") not in REGULAR or post.get("hidden") or post.get("deleted_at"):
        return False
    if category and text_at(post, "category_id") != category:
        return False
    return text_at(post, "post_number") == "1" or post.get("staff") is True


def _item(post: Mapping[str, Any], source: str, base: str) -> Item | None:
    topic, number = text_at(post, "topic_id"), text_at(post, "post_number")
    slug = text_at(post, "topic_slug") or "topic"
    text = text_at(post, "cooked") or text_at(post, "raw")
    return make_entry(
        source=source,
        identity=f"{base} {text_at(post, 'id')}",
        url=f"{base}/t/{slug}/{topic}" + (f"/{number}" if number != "1" else ""),
        title=text_at(post, "topic_title"),
        text=plain_text(text, CONTENT),
        published=time_at(post, "created_at"),
        author=text_at(post, "username"),
    )
