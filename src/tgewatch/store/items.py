"""Items and what became of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from tgewatch.model import Item, Judged
from tgewatch.ports import Waiting
from tgewatch.store import codec
from tgewatch.store.rows import portions, upsert
from tgewatch.store.schema import claims, items, seen, sources

Place = tuple[int, str]
"""Number of a source and digest of an item."""

_FIRST = ("seen_at", "baseline")
"""Columns that stay as they were when an item comes again."""
_PAIRS = 500
JUDGEMENT = (
    "stage", "reason", "verdict", "article", "article_text", "article_tries", "article_retry_at",
)  # fmt: skip
"""Columns that another look at an item replaces."""


_DIGESTS: sa.BindParameter[Any] = sa.bindparam("digests", expanding=True)
_MARKS = sa.select(
    sa.func.aggregate_strings(
        seen.c.digest
        + seen.c.fingerprint
        + sa.cast(sa.cast(seen.c.shown_at, sa.BigInteger), sa.Text),
        ",",
    )
).where(seen.c.digest.in_(_DIGESTS))
"""All marks joined to one row, as each row would cost a hand-over of the interpreter's lock."""
_MARKS_OF = _MARKS.where(seen.c.source_id == sa.bindparam("source"))
_MARKS_AT = _MARKS.where(
    seen.c.source_id
    == sa.select(sources.c.id).where(sources.c.url == sa.bindparam("url")).scalar_subquery()
)


_REJUDGE = (
    items.update()
    .where(
        items.c.source_id == sa.bindparam("its_source"),
        items.c.digest == sa.bindparam("its_digest"),
        items.c.title == sa.bindparam("its_title"),
        items.c.summary == sa.bindparam("its_summary"),
        items.c.content == sa.bindparam("its_content"),
    )
    .values({name: sa.bindparam(name) for name in ("judged_at", *JUDGEMENT)})
)


class Mark(NamedTuple):
    """What is known of an item without looking at it."""

    fingerprint: str
    shown_at: float


def unseen(
    connection: sa.Connection, wanted: Sequence[Item], stale: float
) -> tuple[dict[str, str], list[str]]:
    """Return key → `new` or `edited` of those that are either, in the order given.

    All are of one source. Also returns digests of known ones last marked as shown before `stale`.
    """
    digests = {codec.digest(one.key): one for one in reversed(wanted)}
    before: dict[str, Mark] = {}
    for portion in portions(list(digests)):
        values = {"url": codec.mended(wanted[0].source), "digests": portion}
        before |= _marks(connection.scalar(_MARKS_AT, values))
    result: dict[str, str] = {}
    for digest in reversed(digests):
        one = digests[digest]
        mark = before.get(digest)
        if mark is None:
            result[one.key] = "new"
        elif mark.fingerprint != codec.fingerprint(one):
            result[one.key] = "edited"
    return result, [digest for digest, mark in before.items() if mark.shown_at < stale]


def known(connection: sa.Connection, source: int, digests: Sequence[str]) -> dict[str, Mark]:
    """Return the marks of those items of a source that are known."""
    found: dict[str, Mark] = {}
    for portion in portions(digests):
        values = {"source": source, "digests": portion}
        found |= _marks(connection.scalar(_MARKS_OF, values))
    return found


def _marks(text: str | None) -> dict[str, Mark]:
    end, after = codec.DIGEST, 2 * codec.DIGEST
    return {
        one[:end]: Mark(one[end:after], float(one[after:]))
        for one in (text.split(",") if text else ())
    }


def touch(connection: sa.Connection, source: str, digests: Sequence[str], at: float) -> None:
    """Mark items as still shown by their source."""
    own = sa.select(sources.c.id).where(sources.c.url == codec.mended(source)).scalar_subquery()
    for portion in portions(digests):
        connection.execute(
            seen.update()
            .where(seen.c.source_id == own, seen.c.digest.in_(portion))
            .values(shown_at=at)
        )


def save(
    connection: sa.Connection, marks: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Store items with what became of them; no item may be there twice."""
    upsert(connection, seen, marks)
    upsert(connection, items, rows, keep=_FIRST)


def mark_of(place: Place, fingerprint: str, at: float) -> dict[str, Any]:
    """Return the columns by which an item is known again."""
    return {
        "source_id": place[0],
        "digest": place[1],
        "fingerprint": fingerprint,
        "shown_at": at,
    }


def row_of(
    judged: Judged, place: Place, *, at: float, baseline: bool, edited: bool
) -> dict[str, Any]:
    """Return the columns of one item."""
    item = judged.item
    key, url, title, summary, content, author = codec.all_mended(
        item.key, item.url, item.title, item.summary, item.content, item.author
    )
    return {
        "source_id": place[0],
        "digest": place[1],
        "key": key,
        "url": url,
        "url_hash": codec.url_hash(url),
        "title": title,
        "summary": summary,
        "content": content,
        "published": item.published,
        "author": author,
        "kind": item.kind,
        "seen_at": at,
        "judged_at": at,
        "edited_at": at if edited else None,
        "baseline": baseline,
        **judgement(judged),
    }


def judgement(judged: Judged) -> dict[str, Any]:
    """Return the values of JUDGEMENT."""
    reason, article, text = codec.all_mended(judged.reason, judged.article, judged.article_text)
    return {
        "stage": judged.stage,
        "reason": reason,
        "verdict": None if judged.verdict is None else codec.json(judged.verdict),
        "article": article,
        "article_text": text,
        "article_tries": judged.article_tries,
        "article_retry_at": judged.article_retry_at,
    }


def rejudge(connection: sa.Connection, place: Place, judged: Judged, at: float) -> bool:
    """Replace what was judged of a known item; return whether it is known.

    What was judged of a text that has been edited meanwhile says nothing of the new one.
    """
    item = judged.item
    title, summary, content = codec.all_mended(item.title, item.summary, item.content)
    changed = connection.execute(
        _REJUDGE,
        {
            "its_source": place[0],
            "its_digest": place[1],
            "its_title": title,
            "its_summary": summary,
            "its_content": content,
            "judged_at": at,
            **judgement(judged),
        },
    )
    return changed.rowcount > 0


def waiting(connection: sa.Connection, now: float, limit: int) -> list[Waiting]:
    """Return items whose article is to be read by `now`, longest due first."""
    query = (
        sa.select(items, sources.c.url.label("source_url"))
        .join(sources, sources.c.id == items.c.source_id)
        .where(items.c.article_retry_at.is_not(None), items.c.article_retry_at <= now)
        .order_by(items.c.article_retry_at, items.c.id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    said = claims_at(connection, [(row.source_id, row.digest) for row in rows])
    return [
        Waiting(
            source=row.source_url,
            judged=judged_of(row, said.get((row.source_id, row.digest), ())),
            baseline=row.baseline,
        )
        for row in rows
    ]


def claims_at(connection: sa.Connection, places: Sequence[Place]) -> dict[Place, list[Any]]:
    """Return the rows of the claims that these items make."""
    found: dict[Place, list[Any]] = {}
    pair = sa.tuple_(claims.c.source_id, claims.c.digest)
    for portion in portions(places, _PAIRS):
        for row in connection.execute(
            sa.select(claims).where(pair.in_(portion)).order_by(claims.c.id)
        ):
            found.setdefault((row.source_id, row.digest), []).append(row)
    return found


def judged_of(row: Any, said: Sequence[Any]) -> Judged:
    """Return a row of `items`, joined with its source's URL, as it was judged.

    `said` are the rows of its claims, of which it keeps the first.
    """
    return Judged(
        item=Item(
            source=row.source_url,
            key=row.key,
            url=row.url,
            title=row.title,
            summary=row.summary,
            content=row.content,
            published=row.published,
            author=row.author,
            kind=row.kind,
        ),
        stage=row.stage,
        reason=row.reason,
        verdict=None if row.verdict is None else codec.verdict_of(row.verdict),
        claim=codec.claim_of(said[0].data) if said else None,
        article=row.article,
        article_text=row.article_text,
        article_tries=row.article_tries,
        article_retry_at=row.article_retry_at,
        edited=row.edited_at is not None,
    )
