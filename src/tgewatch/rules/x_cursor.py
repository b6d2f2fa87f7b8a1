"""How far a query has been read, so that nothing is missed and nothing is paid twice."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson

from tgewatch.model.post import Post
from tgewatch.rules.snowflake import LAG, id_at


@dataclass(frozen=True, slots=True)
class Gap:
    """What of an answer was too long to be read at once: ids between the two, exclusive."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next search of one query begins."""

    newest: int = 0
    """Largest id on the first page of the last complete answer, or before."""
    complete: float = 0.0
    """The server's time at which that answer was asked for."""
    gap: Gap | None = None

    def read(self, newest: int, at: float, gap: Gap | None) -> Self:
        """Return the cursor after an answer; `gap` is what of it is still to be read."""
        return replace(
            self, newest=max(self.newest, newest), complete=max(self.complete, at), gap=gap
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading of a query brought."""

    posts: tuple[Post, ...]
    cursor: Cursor
    """Where to begin next time."""
    calls: int
    problem: str = ""
    """What kept it from being read to its end; the cursor remembers what is left."""


def joined(gaps: Iterable[Gap | None]) -> Gap | None:
    """Return the gap that covers all of them."""
    real = [gap for gap in gaps if gap is not None]
    if not real:
        return None
    return Gap(min(gap.since for gap in real), max(gap.until for gap in real))


def earliest(cursors: Iterable[Cursor], *, overlap: float) -> Cursor:
    """Return the cursor with which what any of these has not read is read. Raises ValueError for none.

    A quiet query has read further than its newest post: to its last answer, but for the lag of the
    search and `overlap` seconds. Otherwise it would have the busy ones read and pay again.
    """
    known = list(cursors)
    if len(known) == 1:
        return known[0]
    return Cursor(
        newest=min(max(c.newest, id_at(c.complete - LAG - overlap)) for c in known),
        complete=min(c.complete for c in known),
        gap=joined(c.gap for c in known),
    )


def dump(cursors: dict[str, Cursor]) -> str:
    """Return cursors by shard as text."""
    rows = {
        name: [c.newest, c.complete, *((c.gap.since, c.gap.until) if c.gap else ())]
        for name, c in sorted(cursors.items())
    }
    return orjson.dumps(rows).decode()


def load(text: str) -> dict[str, Cursor]:
    """Return what `dump` wrote; what cannot be read is left out."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    rows = document.items() if isinstance(document, dict) else ()
    found = ((name, _cursor(row)) for name, row in rows)
    return {name: cursor for name, cursor in found if cursor is not None}


def _cursor(row: Any) -> Cursor | None:
    match row:
        case [int(newest), int() | float() as complete]:
            return Cursor(newest, float(complete))
        case [int(newest), int() | float() as complete, int(since), int(until)]:
            return Cursor(newest, float(complete), Gap(since, until))
        case _:
            return None
