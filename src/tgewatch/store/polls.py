"""Everything that polls change, written in the transaction that is under way (invariant 1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from tgewatch.model import Claim, Judged, Poll, Source, Stored
from tgewatch.ports import Advance, Merge, Route
from tgewatch.store import codec, items, outbox, sources
from tgewatch.store.events import EventBook
from tgewatch.store.items import Place


@dataclass(frozen=True, slots=True)
class Rules:
    """What the store asks of others while it writes: pure, and trusted not to wait."""

    merge: Merge
    route: Route
    advance: Advance

    def book(self, connection: sa.Connection) -> EventBook:
        """Open the events for one transaction."""
        return EventBook(connection, merge=self.merge, route=self.route)


def commit(connection: sa.Connection, polls: Sequence[Poll], rules: Rules) -> list[Stored]:
    """Write polls in the order given and return what came of each; doing it again adds nothing."""
    stored: list[Stored] = []
    for together in _distinct(polls):
        stored += _commit(connection, together, rules)
    return stored


def rejudge(
    connection: sa.Connection, source: Source, judged: Sequence[Judged], at: float, rules: Rules
) -> Stored:
    """Replace what was judged of known items of one source, and merge their claims."""
    book = rules.book(connection)
    number = sources.ensure(connection, source)
    for one in judged:
        place = (number, codec.digest(one.item.key))
        if items.rejudge(connection, place, one, at) and one.claim is not None:
            book.claim(one.claim, place, at)
    return result(book, 0)


def _distinct(polls: Sequence[Poll]) -> Iterator[list[Poll]]:
    """Yield runs of polls in which no source stands twice."""
    run: dict[str, Poll] = {}
    for poll in polls:
        if poll.source.url in run:
            yield list(run.values())
            run = {}
        run[poll.source.url] = poll
    yield list(run.values())


def _commit(connection: sa.Connection, polls: Sequence[Poll], rules: Rules) -> list[Stored]:
    sources.save(connection, polls)
    fresh = _fresh(connection, [poll for poll in polls if poll.judged])
    items.save(connection, [row for work in fresh.values() for row in work.rows])
    stored: list[Stored] = []
    for poll in polls:
        work = fresh.get(poll.source.url)
        if work is None and not poll.notices:
            stored.append(_NOTHING)
            continue
        book = rules.book(connection)
        for claim, place in work.claims if work else ():
            book.claim(claim, place, poll.at)
        book.outgoing += outbox.put(connection, poll.notices, poll.at)
        stored.append(result(book, work.new if work else 0))
    return stored


@dataclass(slots=True)
class _Work:
    """What is new in one poll."""

    rows: list[dict[str, object]]
    claims: list[tuple[Claim, Place]]
    new: int = 0


def _fresh(connection: sa.Connection, polls: Sequence[Poll]) -> dict[str, _Work]:
    """Return, by URL of the source, what of the polls is not stored already."""
    if not polls:
        return {}
    numbers = sources.numbers(connection, [poll.source.url for poll in polls])
    places = {
        poll.source.url: [
            (numbers[poll.source.url], codec.digest(one.item.key)) for one in poll.judged
        ]
        for poll in polls
    }
    known = items.known(connection, [place for some in places.values() for place in some])
    fresh: dict[str, _Work] = {}
    for poll in polls:
        work = fresh[poll.source.url] = _Work([], [])
        taken: set[Place] = set()
        for one, place in zip(poll.judged, places[poll.source.url], strict=True):
            before = known.get(place)
            found = codec.fingerprint(one.item)
            if place in taken or (before is not None and before.fingerprint == found):
                continue
            taken.add(place)
            work.new += before is None
            baseline = poll.state.baseline_at == poll.at
            work.rows.append(
                items.row_of(
                    one,
                    place,
                    found,
                    at=poll.at,
                    baseline=baseline,
                    edited=before is not None,
                )
            )
            if one.claim is not None:
                work.claims.append((one.claim, place))
    return fresh


def result(book: EventBook, new: int) -> Stored:
    """Return what became of the events of one transaction."""
    return Stored(
        new=new,
        events=tuple(book.events.values()),
        transitions=tuple(book.transitions),
        outgoing=tuple(book.outgoing),
    )


_NOTHING = Stored(0)
