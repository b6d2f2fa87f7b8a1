"""Everything that polls change, written in the transaction that is under way (invariant 1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tgewatch.model import Claim, Judged, Poll, Source, Stored
from tgewatch.model.event import removed
from tgewatch.ports import Advance, Merge, Route
from tgewatch.store import codec, items, sources
from tgewatch.store.events import EventBook
from tgewatch.store.items import Place
from tgewatch.store.recent import Recent


@dataclass(frozen=True, slots=True)
class Rules:
    """What a writer asks of others: pure, and trusted not to wait."""

    merge: Merge
    route: Route
    advance: Advance
    recent: Recent = field(default_factory=Recent, repr=False)
    """Events that need not be read again; whoever ends the transactions has to tell it."""

    def book(self, connection: sa.Connection) -> EventBook:
        """Open the events for one transaction."""
        return EventBook(connection, merge=self.merge, route=self.route, recent=self.recent)


def commit(connection: sa.Connection, polls: Sequence[Poll], rules: Rules) -> list[Stored]:
    """Write polls in the order given and return what came of each; doing it again adds nothing."""
    book = rules.book(connection)
    return [
        stored for together in _distinct(polls) for stored in _commit(connection, together, book)
    ]


def rejudge(
    connection: sa.Connection, source: Source, judged: Sequence[Judged], at: float, rules: Rules
) -> Stored:
    """Replace what was judged of known items of one source, and merge their claims."""
    book = rules.book(connection)
    number = sources.ensure(connection, source)
    for one in judged:
        place = (number, codec.digest(one.item.key))
        if not items.rejudge(connection, place, one, at):
            continue
        if one.claim is not None:
            book.claim(one.claim, place, at)
        elif one.verdict is not None:
            book.withdraw(place, at)
    return book.result()


def _distinct(polls: Sequence[Poll]) -> Iterator[list[Poll]]:
    """Yield runs of polls in which no source stands twice."""
    run: dict[str, Poll] = {}
    for poll in polls:
        if poll.source.url in run:
            yield list(run.values())
            run = {}
        run[poll.source.url] = poll
    yield list(run.values())


def _commit(connection: sa.Connection, polls: Sequence[Poll], book: EventBook) -> list[Stored]:
    fresh = _fresh(connection, polls)
    items.save(
        connection,
        [mark for work in fresh.values() for mark in work.marks],
        [row for work in fresh.values() for row in work.rows],
    )
    book.expect(claim for work in fresh.values() for claim, _ in work.claims)
    stored: list[Stored] = []
    for poll in polls:
        work = fresh.get(poll.source.url)
        if work is None and not poll.notices:
            stored.append(_NOTHING)
            continue
        for claim, place in work.claims if work else ():
            book.claim(claim, place, poll.at)
        for row in _claims_of(connection, work.gone if work else ()):
            claim = removed(codec.claim_of(row.data), poll.at)
            book.claim(claim, (row.source_id, row.digest), poll.at)
        book.tell(poll.notices, poll.at)
        stored.append(book.result(work.new if work else 0))
    return stored


@dataclass(slots=True)
class _Work:
    """What is new in one poll."""

    marks: list[dict[str, object]] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    claims: list[tuple[Claim, Place]] = field(default_factory=list)
    gone: list[Place] = field(default_factory=list)
    """Items that their source has removed."""
    new: int = 0


def _fresh(connection: sa.Connection, polls: Sequence[Poll]) -> dict[str, _Work]:
    """Save the sources, and return by URL what of the polls' items is not stored already."""
    bringing = [poll for poll in polls if poll.judged]
    before = sources.numbers(connection, [poll.source.url for poll in bringing])
    sources.save(connection, polls)
    unknown = [poll.source.url for poll in bringing if poll.source.url not in before]
    numbers = before | sources.numbers(connection, unknown)
    fresh: dict[str, _Work] = {}
    for poll in bringing:
        number = numbers[poll.source.url]
        judged = {codec.digest(one.item.key): one for one in reversed(poll.judged)}
        marks = items.known(connection, number, list(judged)) if poll.source.url in before else {}
        fresh[poll.source.url] = _work(poll, number, judged, marks)
    return fresh


def _work(
    poll: Poll, number: int, judged: dict[str, Judged], marks: Mapping[str, items.Mark]
) -> _Work:
    work = _Work()
    baseline = poll.state.baseline_at == poll.at
    for digest in reversed(judged):
        one = judged[digest]
        mark = marks.get(digest)
        found = codec.fingerprint(one.item)
        if mark is not None and mark.fingerprint == found:
            continue
        edited = mark is not None
        work.new += not edited
        place = (number, digest)
        work.marks.append(items.mark_of(place, found, poll.at))
        work.rows.append(items.row_of(one, place, at=poll.at, baseline=baseline, edited=edited))
        if one.claim is not None:
            work.claims.append((one.claim, place))
        if one.item.gone:
            work.gone.append(place)
    return work


def _claims_of(connection: sa.Connection, places: Sequence[Place]) -> Iterator[sa.Row[Any]]:
    for rows in items.claims_at(connection, places).values():
        yield from rows


_NOTHING = Stored(0)
