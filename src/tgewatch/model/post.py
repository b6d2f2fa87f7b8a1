"""What is said on X, before it becomes an item."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EPOCH_MS = 1_288_834_974_657
"""Unix milliseconds at which ids of posts began to count (2010-11-04)."""
SHIFT = 22
"""Bits of an id below its milliseconds."""


def time_of(post: int) -> float:
    """Return the Unix time of a post; only ids since the epoch tell it."""
    return ((post >> SHIFT) + EPOCH_MS) / 1000.0


@dataclass(frozen=True, slots=True)
class Post:
    """One post, in the words of neither spelling."""

    id: int
    author: str
    """Id of the account; empty when the answer does not say."""
    text: str
    """All of it, the part past 280 characters too, with the links that were shortened; in lines."""
    at: float
    root: int
    """Id of its first version; an edit has a new id and the same root."""
    repost_of: int = 0
    reply: bool = False
    lang: str = ""
    metrics: Mapping[str, int] = field(default_factory=dict)
    """like_count, retweet_count … as they came, free of charge."""
    tags: tuple[str, ...] = ()
    """Of the stream's rules that matched."""
    gone: bool = False
    """X says that it is there no longer; the text is empty."""
