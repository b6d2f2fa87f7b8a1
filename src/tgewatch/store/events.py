"""Events with their evidence and history, inside one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from tgewatch.detect.choice import candidate_keys, event_keys
from tgewatch.detect.correct import withdraw
from tgewatch.model import Claim, Event, Outgoing, Stored, Transition
from tgewatch.ports import Merge, Merged, Route
from tgewatch.store import codec, outbox
from tgewatch.store.rows import add, portions, upsert
from tgewatch.store.schema import claims, event_terms, events, transitions

CANDIDATES = 100
"""Events at most among which one claim may find its own, most recently changed first."""

_KNOWN_CLAIM = sa.select(claims.c.data, claims.c.event_id).where(
    claims.c.id == sa.bindparam("claim")
)
_CLAIMS_AT = (
    sa.select(claims.c.id, claims.c.event_id)
    .where(claims.c.source_id == sa.bindparam("source"), claims.c.digest == sa.bindparam("digest"))
    .order_by(claims.c.id)
)
_CANDIDATES = (
    sa.select(events.c.id)
    .where(
        events.c.id.in_(
            sa.select(event_terms.c.event_id).where(
                event_terms.c.term.in_(sa.bindparam("terms", expanding=True))
            )
        )
    )
    .order_by(events.c.updated.desc(), events.c.id)
    .limit(CANDIDATES)
)
_ATTACH = (
    claims.update()
    .where(claims.c.id == sa.bindparam("claim"))
    .values(
        event_id=sa.bindparam("event"),
        position=sa.bindparam("place"),
        data=sa.bindparam("said"),
    )
)
_BARE = sa.select(events.c.id, events.c.data).where(
    events.c.id.in_(sa.bindparam("ids", expanding=True))
)
_EVIDENCE = (
    sa.select(claims.c.event_id, claims.c.data)
    .where(claims.c.event_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(claims.c.event_id, claims.c.position, claims.c.id)
)

Place = tuple[int, str]
"""Number of a source and digest of an item."""


class EventBook:
    """The events that a transaction has to do with, each loaded once.

    It sees what it has saved. It is thrown away with its transaction.
    """

    def __init__(self, connection: sa.Connection, *, merge: Merge, route: Route) -> None:
        self._connection = connection
        self._merge = merge
        self._route = route
        self._known: dict[str, Event] = {}
        self._changed: dict[str, Event] = {}
        self._transitions: list[Transition] = []
        self._outgoing: list[Outgoing] = []

    def result(self, new: int = 0) -> Stored:
        """Return what was changed since the last call, for one poll with so many new items."""
        stored = Stored(
            new=new,
            events=tuple(self._changed.values()),
            transitions=tuple(self._transitions),
            outgoing=tuple(self._outgoing),
        )
        self._changed, self._transitions, self._outgoing = {}, [], []
        return stored

    def tell(self, outgoing: Sequence[Outgoing], now: float) -> None:
        """Put what is new into the outbox."""
        self._outgoing += outbox.put(self._connection, outgoing, now)

    def claim(self, claim: Claim, place: Place, now: float) -> None:
        """Take in what an item says: merge, save, tell. A claim that is known says nothing."""
        claim = codec.plain(claim)
        data = codec.json(claim)
        row = self._connection.execute(_KNOWN_CLAIM, {"claim": claim.id}).one_or_none()
        if row is not None and row.data == data:
            return
        held = () if row is None or row.event_id is None else (row.event_id,)
        merged = self._merge(claim, self._candidates(claim, held), now)
        said = {*merged.gone, *(one.event.id for one in merged.left if one.event is not None)}
        if merged.event is not None and merged.event.id not in held:
            for left in set(held) - said:  # it has lost the claim
                self._known.pop(left, None)
        self._keep_claim(claim, place, data, merged.reason)
        for gone in merged.gone:
            self.remove(gone, merged.event.id if merged.event is not None else None)
        for one in merged.left:
            self.take(one, None, now)
        self.take(merged, claim, now)

    def withdraw(self, place: Place, now: float) -> None:
        """Take back what an item claimed that turned out to report nothing."""
        rows = self._connection.execute(_CLAIMS_AT, {"source": place[0], "digest": place[1]}).all()
        for row in rows:
            for event in self.load([row.event_id] if row.event_id is not None else []):
                merged = withdraw(event, row.id, now)
                for gone in merged.gone:
                    self.remove(gone, None)
                if merged.transitions:
                    self.take(merged, None, now)
            self._connection.execute(
                claims.delete().where(claims.c.id == row.id, claims.c.event_id.is_(None))
            )

    def take(self, merged: Merged, claim: Claim | None, now: float) -> Event | None:
        """Save what became of one event, and fill the outbox with what is worth telling."""
        if merged.event is None:
            return None
        before = next(iter(self.load([merged.event.id])), None)
        event, steps = _numbered(merged, before)
        self.save(event)
        add(
            self._connection,
            transitions,
            [
                {"event_id": t.event, "number": t.number, "at": t.at, "data": codec.json(t)}
                for t in steps
            ],
        )
        self._transitions += steps
        for step in steps:
            if step.tell:
                self.tell(self._route(event, step, claim, now), now)
        return event

    def save(self, event: Event) -> None:
        """Store an event and which claims are its evidence; those that it has lost are nobody's."""
        before = self._known.get(event.id)
        if before is not None and before == event:
            return
        upsert(self._connection, events, [_row(event)])
        if before is None or event_keys(before) != event_keys(event):
            self._index(event)
        old = {} if before is None else {c.id: (n, c) for n, c in enumerate(before.claims)}
        for number, claim in enumerate(event.claims):
            if old.pop(claim.id, None) != (number, claim):
                self._attach(event.id, number, claim)
        for portion in portions(list(old)):
            self._connection.execute(
                claims.update()
                .where(claims.c.id.in_(portion), claims.c.event_id == event.id)
                .values(event_id=None)
            )
        self._known[event.id] = event
        self._changed[event.id] = event

    def remove(self, gone: str, into: str | None) -> None:
        """Leave a signpost in the place of an event; its history stays under its own id."""
        self._connection.execute(event_terms.delete().where(event_terms.c.event_id == gone))
        self._connection.execute(
            claims.update().where(claims.c.event_id == gone).values(event_id=None)
        )
        self._connection.execute(
            events.update().where(events.c.id == gone).values(merged_into=into, dismissed=True)
        )
        self._known.pop(gone, None)

    def load(self, ids: Iterable[str]) -> list[Event]:
        """Return events with their evidence, in the order of `ids`; unknown ones are left out."""
        wanted = list(dict.fromkeys(ids))
        missing = [one for one in wanted if one not in self._known]
        self._known.update((event.id, event) for event in load(self._connection, missing))
        return [self._known[one] for one in wanted if one in self._known]

    def _candidates(self, claim: Claim, held: Sequence[str]) -> list[Event]:
        keys = sorted(map(codec.mended, candidate_keys(claim)))
        if not keys:
            return self.load(held)
        found = self._connection.scalars(_CANDIDATES, {"terms": keys}).all()
        return self.load([*held, *found])

    def _keep_claim(self, claim: Claim, place: Place, data: str, reason: str) -> None:
        row = {
            "id": claim.id,
            "source_id": place[0],
            "digest": place[1],
            "event_id": None,
            "position": 0,
            "reason": codec.mended(reason),
            "data": data,
        }
        upsert(self._connection, claims, [row], keep=("event_id", "position"))

    def _attach(self, event: str, position: int, claim: Claim) -> None:
        self._connection.execute(
            _ATTACH,
            {"claim": claim.id, "event": event, "place": position, "said": codec.json(claim)},
        )

    def _index(self, event: Event) -> None:
        terms = set(map(codec.mended, event_keys(event)))
        known = set(
            self._connection.scalars(
                sa.select(event_terms.c.term).where(event_terms.c.event_id == event.id)
            )
        )
        add(
            self._connection,
            event_terms,
            [{"term": term, "event_id": event.id} for term in sorted(terms - known)],
        )
        for portion in portions(sorted(known - terms)):
            self._connection.execute(
                event_terms.delete().where(
                    event_terms.c.event_id == event.id, event_terms.c.term.in_(portion)
                )
            )


def load(connection: sa.Connection, ids: Sequence[str]) -> list[Event]:
    """Return the events with these ids and all their evidence."""
    found: dict[str, Event] = {}
    evidence: dict[str, list[Claim]] = {}
    for portion in portions(ids):
        for event, data in connection.execute(_BARE, {"ids": portion}):
            found[event] = codec.event_of(data)
        for event, data in connection.execute(_EVIDENCE, {"ids": portion}):
            evidence.setdefault(event, []).append(codec.claim_of(data))
    return [replace(found[one], claims=tuple(evidence.get(one, ()))) for one in ids if one in found]


def _row(event: Event) -> dict[str, object]:
    words = " ".join((event.project, event.company, event.ticker, *event.names))
    return {
        "id": event.id,
        "project": codec.mended(event.project),
        "company": codec.mended(event.company),
        "ticker": codec.mended(event.ticker),
        "state": str(event.state),
        "kind": str(event.kind),
        "created": event.created,
        "updated": event.updated,
        "starts": event.date.start if event.date else None,
        "ends": event.date.end if event.date else None,
        "dismissed": event.dismissed,
        "merged_into": None,
        "search": codec.mended(words).casefold(),
        "data": codec.json(codec.bare(event)),
    }


def _numbered(merged: Merged, before: Event | None) -> tuple[Event, tuple[Transition, ...]]:
    """Return the event and its transitions, numbered on from what is stored."""
    event = merged.event
    if event is None:
        raise ValueError("no event to number")
    last = before.changes if before is not None else 0
    steps = tuple(
        step if step.number == number else replace(step, number=number)
        for number, step in enumerate(merged.transitions, last + 1)
    )
    last += len(steps)
    return (event if event.changes == last else replace(event, changes=last)), steps
