"""Posts as items."""

from hashlib import sha256

from tgewatch.model import Item
from tgewatch.model.post import Post
from tgewatch.parse.text import clean, shorten

TITLE = 1_000
"""Characters of a post that stand as its title: of a post, detection reads nothing else closely."""
SUMMARY = 4_000
HOST = "https://x.com"


def item_of(post: Post, *, source: str, handle: str = "") -> Item:
    """Return a post as an item; its key is the same for all its edits and for its reposts.

    `handle` is the author's where it is known.
    """
    whole = "" if post.gone else clean(post.text, SUMMARY)
    title = shorten(whole, TITLE) or f"post {post.id}"
    if post.gone:
        title = f"{title}, which X has no longer"
    return Item(
        source=source,
        key=key_of(post.repost_of or post.root),
        url=f"{HOST}/{handle or 'i'}/status/{post.id}",
        title=title,
        summary="" if whole in {"", title} else whole,
        published=post.at,
        author=f"@{handle}" if handle else "",
        kind="post",
        gone=post.gone,
    )


def key_of(root: int) -> str:
    """Return the key of the item that the post with this first id is."""
    return sha256(f"x {root}".encode()).hexdigest()
