"""A notice as JSON, as webhooks send it. The schema is documented in docs/telling.md."""

from datetime import UTC, datetime

import orjson

from tgewatch.model import DateClaim, Link, Notice
from tgewatch.notify.words import defang, safe_url

VERSION = 1


def payload(notice: Notice, *, key: str) -> bytes:
    """Return the body: one JSON object, UTF-8, with all fields always present."""
    return orjson.dumps(
        {
            "version": VERSION,
            "key": key,
            "subject": notice.subject,
            "change": notice.change,
            "headline": notice.headline,
            "at": _time(notice.at),
            "event": notice.event or None,
            "number": notice.number or None,
            "project": notice.project,
            "company": notice.company or None,
            "ticker": notice.ticker or None,
            "kind": notice.kind or None,
            "state": notice.state or None,
            "date": _date(notice.date),
            "date_before": _date(notice.date_before),
            "score": notice.score,
            "sources": notice.sources,
            "why": [{"name": r.name, "value": r.value, "detail": r.detail} for r in notice.why],
            "flags": [{"name": f.name, "detail": f.detail} for f in notice.flags],
            "links": [_link(link) for link in notice.links],
            "conflict": notice.conflict or None,
            "note": notice.note or None,
            "detail": notice.detail or None,
        }
    )


def _time(at: float) -> str | None:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None


def _date(date: DateClaim | None) -> dict[str, str | None] | None:
    if date is None:
        return None
    return {
        "start": _time(date.start),
        "end": _time(date.end),
        "precision": str(date.precision),
        "basis": date.basis,
    }


def _link(link: Link) -> dict[str, str | bool]:
    """Return a link; a suspicious one carries no address that a program could follow."""
    where = "" if link.suspicious else safe_url(link.url)
    return {
        "url": where or defang(link.url),
        "title": link.title,
        "source": link.source,
        "suspicious": link.suspicious or not where,
    }
