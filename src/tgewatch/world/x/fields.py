"""How posts and accounts are written, in either of the two spellings that are in use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tgewatch.world.x.posts import LINK, Account, Archive, Post, short_link

LONG = 280
"""Characters after which a text is cut, and stands in full in the note only."""
REPEATED = 140
"""Characters of a reposted text."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """Names of parameters and members."""

    name: str
    fields: str
    expansion: str
    history: str
    note: str
    references: str
    includes: str
    count: str
    total: str

    @property
    def post_fields(self) -> frozenset[str]:
        return frozenset(
            {
                "id", "text", "author_id", "created_at", "lang", "public_metrics", "entities",
                "conversation_id", "in_reply_to_user_id", "edit_controls", "source",
                "possibly_sensitive", "attachments", "context_annotations", "reply_settings",
                self.history, self.note, self.references,
            }
        )  # fmt: skip

    @property
    def expansions(self) -> frozenset[str]:
        return frozenset({"author_id", "in_reply_to_user_id", f"{self.references}.id"})


TWEET = Spelling(
    "tweet", "tweet.fields", "referenced_tweets.id", "edit_history_tweet_ids", "note_tweet",
    "referenced_tweets", "tweets", "tweet_count", "total_tweet_count",
)  # fmt: skip
POST = Spelling(
    "post", "post.fields", "referenced_posts.id", "edit_history_post_ids", "note_post",
    "referenced_posts", "posts", "post_count", "total_post_count",
)  # fmt: skip
SPELLINGS = {"tweet": TWEET, "post": POST}
USER_FIELDS = frozenset(
    {
        "id", "name", "username", "created_at", "description", "public_metrics", "verified",
        "location", "url", "protected", "pinned_tweet_id", "profile_image_url", "entities",
        "verified_type",
    }
)  # fmt: skip
_REFERENCE = {"repost": "retweeted", "reply": "replied_to", "quote": "quoted"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants to know of each post and account."""

    spelling: Spelling = TWEET
    post: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()
    expansions: frozenset[str] = frozenset()


def stamp(at: float) -> str:
    """Return a time as the service writes it, to the millisecond."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def write_post(post: Post, archive: Archive, wanted: Wanted, now: float) -> dict[str, Any]:
    """Return a post with the members that were asked for, and those that always come."""
    spelling, fields = wanted.spelling, wanted.post
    text, long = _text(post, archive, now)
    shown, urls = shorten_links(text)
    data: dict[str, Any] = {
        "id": str(post.id),
        "text": shown,
        spelling.history: [str(version) for version in post.versions],
    }
    target = archive.get(post.target, now) if post.target else None
    optional: dict[str, Any] = {
        "author_id": str(post.author),
        "created_at": stamp(post.at),
        "lang": post.lang,
        "conversation_id": str(post.target if post.kind == "reply" else post.versions[0]),
        "public_metrics": _metrics(post, now),
        "possibly_sensitive": False,
        "edit_controls": {"edits_remaining": 6 - len(post.versions), "is_edit_eligible": True},
    }
    if post.kind == "reply" and target is not None:
        optional["in_reply_to_user_id"] = str(target.author)
    if post.target:
        optional[spelling.references] = [
            {"type": _REFERENCE.get(post.kind, "quoted"), "id": str(post.target)}
        ]
    if long:
        note, note_urls = shorten_links(post.text)
        optional[spelling.note] = {"text": note, "entities": {"urls": note_urls}}
    if urls:
        optional["entities"] = {"urls": urls}
    return data | {name: value for name, value in optional.items() if name in fields}


def write_account(account: Account, fields: Collection[str]) -> dict[str, Any]:
    """Return an account with the members that were asked for, and those that always come."""
    data: dict[str, Any] = {
        "id": str(account.id),
        "name": account.name or account.username,
        "username": account.username,
    }
    optional: dict[str, Any] = {
        "description": account.bio,
        "verified": account.verified,
        "protected": False,
        "public_metrics": {"followers_count": account.followers},
    }
    return data | {name: value for name, value in optional.items() if name in fields}


def shorten_links(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text with its links replaced by short ones, and what these stand for."""
    parts: list[str] = []
    urls: list[dict[str, Any]] = []
    at = written = 0
    for match in LINK.finditer(text):
        before, short = text[at : match.start()], short_link(match.group())
        parts += [before, short]
        start = written + len(before)
        written = start + len(short)
        at = match.end()
        urls.append(
            {
                "start": start,
                "end": written,
                "url": short,
                "expanded_url": match.group(),
                "display_url": match.group().partition("//")[2],
            }
        )
    return "".join([*parts, text[at:]]), urls


def _text(post: Post, archive: Archive, now: float) -> tuple[str, bool]:
    """Return the text as it is cut, and whether there is more of it."""
    if post.kind == "repost":
        target = archive.get(post.target, now)
        text = post.text
        if target is not None:
            text = f"RT @{archive.accounts[target.author].username}: {target.text}"
        return (text if len(text) <= REPEATED else text[: REPEATED - 1] + "…"), False
    if len(post.text) <= LONG:
        return post.text, False
    cut = post.text[: LONG - 1].rsplit(" ", 1)[0]
    return f"{cut}… https://x.example/i/status/{post.id}", True


def _metrics(post: Post, now: float) -> dict[str, int]:
    return {
        "retweet_count": post.grown(post.reposts, now),
        "reply_count": post.grown(post.replies, now),
        "like_count": post.grown(post.likes, now),
        "quote_count": 0,
        "bookmark_count": 0,
        "impression_count": post.grown(post.likes * 40, now),
    }
