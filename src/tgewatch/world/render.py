"""Feeds and pages as bytes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from tgewatch.world.plan import Entry, Outlet

TYPES = {
    "rss": "application/rss+xml",
    "rdf": "application/rdf+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}


def feed_body(outlet: Outlet, base: str, start: float, entries: Sequence[Entry]) -> bytes:
    """Return the feed document, before any fault is applied to it."""
    write = {"rss": _rss, "rdf": _rdf, "atom": _atom, "json": _json}[outlet.format]
    return write(outlet, base, start, entries).encode()


def link(base: str, entry: Entry) -> str:
    """Return the URL of an entry's page."""
    return f"{base}/a/{entry.outlet}-{entry.number}"


def page_body(entry: Entry) -> bytes:
    """Return the article's page."""
    title, body = escape(entry.title), escape(entry.body)
    filler = "".join(
        f"<p>{escape(entry.summary)} Paragraph {number} of the article adds background.</p>"
        for number in range(1, 4)
    )
    return (
        f"<!doctype html><html><head><title>{title}</title></head><body>"
        f"<nav><a href='/'>Home</a> <a href='/about'>About</a></nav>"
        f"<article><h1>{title}</h1><p>{body}</p>{filler}</article>"
        f"<footer>All rights reserved.</footer></body></html>"
    ).encode()


def _rss(outlet: Outlet, base: str, start: float, entries: Sequence[Entry]) -> str:
    items = "".join(
        f"<item><title>{escape(e.title)}</title><link>{link(base, e)}</link>"
        f"<guid>{link(base, e)}</guid><description>{escape(e.summary)}</description>"
        + (f"<pubDate>{format_datetime(_time(start, e))}</pubDate>" if outlet.dated else "")
        + "</item>"
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(outlet.name)}</title><link>{base}/</link>"
        f"<description>{escape(outlet.name)}</description>{items}</channel></rss>"
    )


def _rdf(outlet: Outlet, base: str, start: float, entries: Sequence[Entry]) -> str:
    items = "".join(
        f'<item rdf:about="{link(base, e)}"><title>{escape(e.title)}</title>'
        f"<link>{link(base, e)}</link><description>{escape(e.summary)}</description>"
        + (f"<dc:date>{_time(start, e).isoformat()}</dc:date>" if outlet.dated else "")
        + "</item>"
        for e in entries
    )
    return (
        '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="{base}/"><title>{escape(outlet.name)}</title><link>{base}/</link>'
        f"<description>{escape(outlet.name)}</description></channel>{items}</rdf:RDF>"
    )


def _atom(outlet: Outlet, base: str, start: float, entries: Sequence[Entry]) -> str:
    items = "".join(
        f"<entry><title>{escape(e.title)}</title><id>{link(base, e)}</id>"
        f'<link rel="alternate" href="{link(base, e)}"/><summary>{escape(e.summary)}</summary>'
        + (
            f"<published>{_time(start, e).isoformat()}</published>"
            f"<updated>{_time(start, e).isoformat()}</updated>"
            if outlet.dated
            else ""
        )
        + "</entry>"
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(outlet.name)}</title><id>{base}/</id>{items}</feed>"
    )


def _json(outlet: Outlet, base: str, start: float, entries: Sequence[Entry]) -> str:
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": outlet.name,
            "items": [
                {
                    "id": link(base, e),
                    "url": link(base, e),
                    "title": e.title,
                    "summary": e.summary,
                    "content_text": e.summary,
                    **({"date_published": _time(start, e).isoformat()} if outlet.dated else {}),
                }
                for e in entries
            ],
        }
    )


def _time(start: float, entry: Entry) -> datetime:
    return datetime.fromtimestamp(int(start + entry.at), UTC)
