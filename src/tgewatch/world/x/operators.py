"""What each operator of the query language says of a post."""

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from tgewatch.world.x.posts import LINK, Archive, Post


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when a query is asked."""

    archive: Archive
    now: float
    stream: bool = False


Match: TypeAlias = Callable[[Scene, Post], bool]

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"[#$@][\w]+")
_LANG = re.compile(r"[a-z]{2,3}")


def plain(text: str) -> str:
    """Return the text without case and accents, as search compares it."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in spread if not unicodedata.combining(c))


@lru_cache(maxsize=65_536)
def _words(text: str, *, exact: bool) -> str:
    text = LINK.sub(" ", text)
    return f" {' '.join(_WORD.findall(text.lower() if exact else plain(text)))} "


@lru_cache(maxsize=65_536)
def _tags(text: str) -> frozenset[str]:
    return frozenset(tag.lower() for tag in _TAG.findall(LINK.sub(" ", text)))


def _text(scene: Scene, post: Post) -> str:
    """Return what is searched: the stream also looks into the post that is quoted."""
    if scene.stream and post.kind == "quote":
        quoted = scene.archive.get(post.target, scene.now)
        if quoted is not None:
            return f"{post.text}\n{quoted.text}"
    return post.text


def keyword(term: str) -> Match:
    """Return whether a word, phrase or tag stands in the text."""
    wanted = term.strip('"')
    if _TAG.fullmatch(term):
        tag = term.lower()
        return lambda scene, post: tag in _tags(_text(scene, post))
    exact = _words(wanted, exact=True)
    folded = _words(wanted, exact=False)

    def found(scene: Scene, post: Post) -> bool:
        if scene.stream:
            return exact in _words(_text(scene, post), exact=True)
        return folded in _words(_text(scene, post), exact=False)

    return found


def sender(names: frozenset[str]) -> Match:
    """Return whether a post comes from an account with one of these names or ids."""

    def found(scene: Scene, post: Post) -> bool:
        account = scene.archive.accounts[post.author]
        return account.username.lower() in names or str(account.id) in names

    return found


def _to(value: str) -> Match:
    wanted = value.removeprefix("@").lower()

    def found(scene: Scene, post: Post) -> bool:
        target = scene.archive.get(post.target, scene.now) if post.kind == "reply" else None
        if target is None:
            return False
        account = scene.archive.accounts[target.author]
        return wanted in {account.username.lower(), str(account.id)}

    return found


def _list(value: str) -> Match:
    number = int(value)
    return lambda scene, post: post.author in scene.archive.lists.get(number, frozenset())


def _is(value: str) -> Match:
    kinds = {"retweet": "repost", "reply": "reply", "quote": "quote"}
    if value == "verified":
        return lambda scene, post: scene.archive.accounts[post.author].verified
    if value not in kinds:
        raise ValueError("not one of retweet, reply, quote, verified")
    kind = kinds[value]
    return lambda _, post: post.kind == kind


def _has(value: str) -> Match:
    marks = {"hashtags": "#", "cashtags": "$", "mentions": "@"}
    if value == "links":
        return lambda _, post: bool(post.links)
    if value in marks:
        mark = marks[value]
        return lambda _, post: any(tag.startswith(mark) for tag in _tags(post.text))
    if value in {"media", "images", "videos", "geo"}:
        return lambda _scene, _post: False
    raise ValueError("not one of links, hashtags, cashtags, mentions, media, images, videos, geo")


def _lang(value: str) -> Match:
    if not _LANG.fullmatch(value):
        raise ValueError("not a BCP 47 language")
    return lambda _, post: post.lang == value


def _url(value: str) -> Match:
    wanted = _words_of_link(value)
    return lambda _, post: any(wanted in _words_of_link(link) for link in post.links)


def _words_of_link(link: str) -> str:
    return f" {' '.join(_WORD.findall(link.lower()))} "


def _url_contains(value: str) -> Match:
    wanted = value.lower()
    return lambda _, post: any(wanted in link.lower() for link in post.links)


def _conversation(value: str) -> Match:
    number = int(value)
    return lambda _, post: number in {post.target, post.versions[0]}


def _at_least(of: Callable[[Post], int]) -> Callable[[str], Match]:
    def operator(value: str) -> Match:
        least = int(value)
        return lambda scene, post: post.grown(of(post), scene.now) >= least

    return operator


def _followers(value: str) -> Match:
    least = int(value)
    return lambda scene, post: scene.archive.accounts[post.author].followers >= least


def _followers_count(value: str) -> Match:
    low, _, high = value.partition("..")
    least, most = int(low), int(high) if high else None
    return lambda scene, post: (
        least <= scene.archive.accounts[post.author].followers
        and (most is None or scene.archive.accounts[post.author].followers <= most)
    )


def _bio(value: str) -> Match:
    wanted = _words(value, exact=True)
    return lambda scene, post: wanted in _words(scene.archive.accounts[post.author].bio, exact=True)


def _sample(value: str) -> Match:
    share = int(value)
    if not 1 <= share <= 100:  # noqa: PLR2004 - per cent
        raise ValueError("not between 1 and 100")
    return lambda _, post: zlib.crc32(str(post.id).encode()) % 100 < share


OPERATORS: Mapping[str, Callable[[str], Match]] = {
    "to": _to,
    "list": _list,
    "is": _is,
    "has": _has,
    "lang": _lang,
    "url": _url,
    "conversation_id": _conversation,
    "min_likes": _at_least(lambda post: post.likes),
    "min_reposts": _at_least(lambda post: post.reposts),
    "min_replies": _at_least(lambda post: post.replies),
    "min_followers": _followers,
    "followers_count": _followers_count,
    "url_contains": _url_contains,
    "bio": _bio,
    "sample": _sample,
}
"""Name → what makes a predicate of its value, or raises ValueError. `from` is the parser's own."""
SEARCH_ONLY = frozenset({"min_likes", "min_reposts", "min_replies"})
STREAM_ONLY = frozenset({"min_followers", "followers_count", "url_contains", "bio", "sample"})
ALONE = frozenset({"from", "to", "list", "url", "conversation_id", "url_contains", "bio"})
"""Operators that are enough by themselves."""
