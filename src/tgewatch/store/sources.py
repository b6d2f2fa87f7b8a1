"""What is remembered of the sources."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from tgewatch.model import Poll, Source, SourceState
from tgewatch.store import codec
from tgewatch.store.rows import add, portions, upsert
from tgewatch.store.schema import sources

_NUMBERS = sa.select(sources.c.url, sources.c.id).where(
    sources.c.url.in_(sa.bindparam("urls", expanding=True))
)


def save(connection: sa.Connection, polls: Sequence[Poll]) -> None:
    """Store what each poll leaves behind of its source; no source may be there twice."""
    upsert(
        connection,
        sources,
        [
            {
                "url": codec.mended(poll.source.url),
                "name": codec.mended(poll.source.name),
                "kind": poll.source.kind,
                "company": codec.mended(poll.source.company),
                "changed_at": poll.at if poll.outcome == "changed" else None,
                "state": codec.json(poll.state),
            }
            for poll in polls
        ],
        fill=("changed_at",),
    )


def follow(connection: sa.Connection, polls: Sequence[Poll]) -> list[bool]:
    """Return for each poll whether it follows on what is stored; else somebody came first.

    The sources stay locked until the transaction ends. They are locked in the order of their URLs,
    so that no two writers wait for each other.
    """
    wanted = sorted({codec.mended(poll.source.url) for poll in polls})
    fresh = {codec.mended(poll.source.url): poll for poll in polls if poll.state.polls == 1}
    add(connection, sources, [_row_of_new(fresh[url].source) for url in sorted(fresh)])
    found: dict[str, int] = {}
    for portion in portions(wanted):
        rows = connection.execute(
            sa.select(sources.c.url, sources.c.state)
            .where(sources.c.url.in_(portion))
            .order_by(sources.c.url)
            .with_for_update(key_share=True)
        )
        found.update((url, codec.state_of(state).polls) for url, state in rows)
    follows = []
    for poll in polls:
        url = codec.mended(poll.source.url)
        follows.append(poll.state.polls == found.get(url, 0) + 1)
        if follows[-1]:
            found[url] = poll.state.polls
    return follows


def ensure(connection: sa.Connection, source: Source) -> int:
    """Return the number of a source, which need not have been polled before."""
    found = numbers(connection, [source.url])
    if not found:
        add(connection, sources, [_row_of_new(source)])
        found = numbers(connection, [source.url])
    return found[source.url]


def _row_of_new(source: Source) -> dict[str, object]:
    return {
        "url": codec.mended(source.url),
        "name": codec.mended(source.name),
        "kind": source.kind,
        "company": codec.mended(source.company),
        "changed_at": None,
        "state": codec.json(SourceState(url=source.url)),
    }


def numbers(connection: sa.Connection, urls: Sequence[str]) -> dict[str, int]:
    """Return URL → number of the sources that are known."""
    found: dict[str, int] = {}
    for portion in portions(urls):
        mended = {codec.mended(url): url for url in portion}
        rows = connection.execute(_NUMBERS, {"urls": list(mended)})
        found.update((mended[url], number) for url, number in rows)
    return found


def states(connection: sa.Connection, urls: Sequence[str] | None) -> Mapping[str, SourceState]:
    """Return what is remembered of the sources with these URLs, or of all."""
    query = sa.select(sources.c.state)
    if urls is None:
        found = connection.scalars(query.order_by(sources.c.url)).all()
    else:
        found = [
            text
            for portion in portions([codec.mended(url) for url in urls])
            for text in connection.scalars(query.where(sources.c.url.in_(portion)))
        ]
    return {state.url: state for state in map(codec.state_of, found)}
