"""The text of an article, without what surrounds it on its page."""

import re
from dataclasses import dataclass

from lxml import etree, html

from tgewatch.errors import MalformedError
from tgewatch.parse.charset import is_binary, to_utf8
from tgewatch.parse.text import clean, plain_text, visible
from tgewatch.parse.timestamps import parse_timestamp

_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,1000})", re.IGNORECASE)
_META = re.compile(r"<meta\s[^<>]{1,2000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:_-]{1,40})\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""")
_ANCHOR = re.compile(r"</?[aA](?:\s[^<>]*)?>")
_HEAD = 200_000
_PUBLISHED = ("article:published_time", "datepublished", "date", "dc.date", "pubdate")


@dataclass(frozen=True, slots=True)
class ArticleLimits:
    """Bounds that hold before and during extraction."""

    max_bytes: int = 5_000_000
    tags: int = 12_000
    """Pages with more are read without extraction: its cost grows with their square."""
    anchors: int = 1_500
    """Pages with more links are extracted without them, for the same reason."""
    markup: int = 1_500_000
    """Characters of mark-up, without scripts and styles, that are looked at."""
    title: int = 500
    """Characters."""
    text: int = 50_000
    """Characters."""


DEFAULT_LIMITS = ArticleLimits()


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says."""

    title: str
    text: str
    """Plain, a line a paragraph."""
    published: float | None = None
    """As the page itself states it."""
    extractor: str = "trafilatura"
    """trafilatura, or plain: all visible text, where nothing better was found."""


def parse_article(
    body: bytes, *, url: str = "", content_type: str = "", limits: ArticleLimits = DEFAULT_LIMITS
) -> Article:
    """Return the article on the page in `body`, sanitised.

    Takes about 10 ms for an ordinary page: call it off the event loop. Raises MalformedError:
    not_html for what is no text or another format, too_complex for more than `limits.max_bytes`.
    """
    if len(body) > limits.max_bytes:
        raise MalformedError(f"longer than {limits.max_bytes:,} bytes", cause="too_complex")
    if is_binary(body):
        raise MalformedError("not a page: the body is binary", cause="not_html")
    text = to_utf8(body, content_type)[0].decode("utf-8", "replace")
    start = text[:200].lstrip()
    if not start:
        raise MalformedError("not a page: the body is empty", cause="not_html")
    if start[0] in "{[" or "json" in content_type.lower():
        raise MalformedError("not a page: JSON", cause="not_html")
    if "<" not in text:
        return Article("", _paragraphs(text, limits.text), extractor="plain")
    head = text[:_HEAD]
    metas = _metas(head)
    title = _TITLE.search(head)
    extracted = _extract(text, url, limits)
    return Article(
        title=plain_text(metas.get("og:title") or (title.group(1) if title else ""), limits.title),
        text=extracted or _plain(text, limits),
        published=next((time for name in _PUBLISHED if (time := _time(metas, name))), None),
        extractor="trafilatura" if extracted else "plain",
    )


def _extract(text: str, url: str, limits: ArticleLimits) -> str:
    if text.count("<") > limits.tags or len(text) > limits.markup:
        text = visible(text)[: limits.markup]
    if text.count("<a ") + text.count("<A ") > limits.anchors:
        text = _ANCHOR.sub(" ", text)
    if text.count("<") > limits.tags:
        return ""
    import trafilatura  # noqa: PLC0415 - a fifth of a second, which most runs never need

    parser = html.HTMLParser(encoding="utf-8", huge_tree=False, remove_pis=True, collect_ids=False)
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser)
        found = trafilatura.extract(
            tree, url=url or None, fast=True, include_comments=False, include_tables=True
        )
    except (etree.LxmlError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return ""  # it meets pages that its authors did not; the plain text remains
    return _paragraphs(found or "", limits.text)


def _plain(text: str, limits: ArticleLimits) -> str:
    body = re.search(r"<(?:main|article|body)[\s>]", text, re.IGNORECASE)
    return plain_text(visible(text[body.start() :] if body else text), limits.text)


def _paragraphs(text: str, limit: int) -> str:
    lines = (clean(line, limit) for line in text[: limit * 2].splitlines())
    return "\n".join(line for line in lines if line)[:limit]


def _metas(head: str) -> dict[str, str]:
    metas: dict[str, str] = {}
    for number, tag in enumerate(_META.finditer(head)):
        if number == _MOST_METAS:
            break
        found = {m[1].lower(): m[2] or m[3] or "" for m in _ATTRIBUTE.finditer(tag.group())}
        name = found.get("property") or found.get("name") or found.get("itemprop") or ""
        metas.setdefault(name.lower(), found.get("content", ""))
    return metas


_MOST_METAS = 300


def _time(metas: dict[str, str], name: str) -> float | None:
    return parse_timestamp(metas.get(name, ""))
