"""Events with their evidence and history, inside one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from tgewatch.detect.choice import candidate_keys, event_keys
from tgewatch.detect.correct import withdraw
from tgewatch.detect.dossier import dossier
from tgewatch.model import Claim, Event, Outgoing, Stored, Transition
from tgewatch.ports import Merge, Merged, Route
from tgewatch.store import codec, outbox
from tgewatch.store.recent import Recent, versioned
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
_TOUCH = (
    events.update().where(events.c.id == sa.bindparam("event")).values(updated=events.c.updated)
)
_BARE = sa.select(events.c.id, events.c.data).where(
    events.c.id.in_(sa.bindparam("ids", expanding=True))
)
_STORED = sa.select(claims.c.id).where(claims.c.id.in_(sa.bindparam("ids", expanding=True)))
_EVIDENCE = sa.select(claims.c.event_id, claims.c.data).where(
    claims.c.event_id.in_(sa.bindparam("ids", expanding=True))
)

Place = tuple[int, str]
"""Number of a source and digest of an item."""


class EventBook:
    """The events that a transaction has to do with, each loaded once.

    It sees what it has saved. It is thrown away with its transaction. The claims of its events are
    without their reasons, which stay in the rows.
    """

    def __init__(
        self, connection: sa.Connection, *, merge: Merge, route: Route, recent: Recent
    ) -> None:
        self._connection = connection
        self._merge = merge
        self._route = route
        self._recent = recent
        recent.begin(connection)
        self._known: dict[str, Event] = {}
        self._new: set[str] = set()
        """Claims that were not stored when the transaction came to them."""
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
        row = self._row_of(claim.id)
        if row is not None and row.data == data:
            return
        held = () if row is None or row.event_id is None else (row.event_id,)
        merged = self._merge(claim, self._candidates(claim, held), now)
        known = None if merged.event is None else self._known.get(merged.event.id)
        said = {*merged.gone, *(one.event.id for one in merged.left if one.event is not None)}
        for left in set(held) - said - {known.id if known else ""}:
            self._touch(left)  # the claim has left it, or says something else in it
        for gone in merged.gone:
            self.remove(gone, merged.event.id if merged.event is not None else None)
        for one in merged.left:
            self.take(one, None, now)
        event = self.take(merged, claim, now, but=claim.id)
        evidence = _of(event, claim.id)
        if event is not None and evidence is not None and evidence == _of(known, claim.id) != claim:
            evidence = claim  # nothing of it changes the event, yet these are its words now
            self._reword(event, claim)
        self._keep_claim(claim, evidence, event, place, merged.reason)

    def expect(self, said: Iterable[Claim]) -> None:
        """Look once which of these claims are new, instead of once for each."""
        wanted = [one.id for one in said]
        self._new = set(wanted)
        for portion in portions(wanted):
            self._new -= set(self._connection.scalars(_STORED, {"ids": portion}))

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

    def take(
        self, merged: Merged, claim: Claim | None, now: float, *, but: str = ""
    ) -> Event | None:
        """Save what became of one event, and fill the outbox with what is worth telling.

        The row of the claim `but` is left to the caller.
        """
        if merged.event is None:
            return None
        before = next(iter(self.load([merged.event.id])), None)
        event, steps = _numbered(merged, before)
        self.save(event, but=but)
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

    def save(self, event: Event, *, but: str = "") -> None:
        """Store an event and which claims are its evidence; those that it has lost are nobody's.

        The row of the claim `but` is left to the caller.
        """
        before = self._known.get(event.id)
        if before is not None and before == event:
            return
        upsert(self._connection, events, [_row(event)])
        if before is None or event_keys(before) != event_keys(event):
            self._index(event)
        old = {} if before is None else {claim.id: claim for claim in before.claims}
        fresh = [one for one in event.claims if old.pop(one.id, None) != one and one.id != but]
        if fresh:
            self._attach(event.id, fresh)
        for portion in portions(list(old)):
            self._connection.execute(
                claims.update()
                .where(claims.c.id.in_(portion), claims.c.event_id == event.id)
                .values(event_id=None)
            )
        self._changed[event.id] = self._hold(event)

    def remove(self, gone: str, into: str | None) -> None:
        """Leave a signpost in the place of an event; its history stays under its own id."""
        self._connection.execute(event_terms.delete().where(event_terms.c.event_id == gone))
        self._connection.execute(
            claims.update().where(claims.c.event_id == gone).values(event_id=None)
        )
        self._connection.execute(
            events.update().where(events.c.id == gone).values(merged_into=into, dismissed=True)
        )
        self._let_go(gone)

    def load(self, ids: Iterable[str]) -> list[Event]:
        """Return events with their evidence, in the order of `ids`; unknown ones are left out."""
        wanted = list(dict.fromkeys(ids))
        missing = [one for one in wanted if one not in self._known]
        if missing:
            self._known |= self._recent.find(self._connection, missing)
            missing = [one for one in missing if one not in self._known]
        for version, read in _loaded(self._connection, missing):
            event = _lean(read)
            self._known[event.id] = event
            self._recent.read(version, event)
        return [self._known[one] for one in wanted if one in self._known]

    def _candidates(self, claim: Claim, held: Sequence[str]) -> list[Event]:
        keys = sorted(map(codec.mended, candidate_keys(claim)))
        if not keys:
            return self.load(held)
        found = self._connection.scalars(_CANDIDATES, {"terms": keys}).all()
        return self.load([*held, *found])

    def _row_of(self, claim: str) -> sa.Row[Any, Any] | None:
        if claim in self._new:
            self._new.discard(claim)
            return None
        return self._connection.execute(_KNOWN_CLAIM, {"claim": claim}).one_or_none()

    def _keep_claim(
        self, claim: Claim, evidence: Claim | None, event: Event | None, place: Place, reason: str
    ) -> None:
        """Store a claim, as the evidence that `event` has of it."""
        row = {
            "id": claim.id,
            "source_id": place[0],
            "digest": place[1],
            "event_id": event.id if event is not None and evidence is not None else None,
            "reason": codec.mended(reason),
            "data": codec.json(evidence or claim),
        }
        upsert(self._connection, claims, [row], keep=() if evidence else ("event_id",))

    def _attach(self, event: str, fresh: Sequence[Claim]) -> None:
        """Make claims that are stored already the evidence of `event`, in the words that it has."""
        words = {one.id: one for known in self._known.values() for one in known.claims}
        for one in fresh:
            values: dict[str, object] = {"event_id": event}
            if words.get(one.id) != one:
                row = self._connection.execute(_KNOWN_CLAIM, {"claim": one.id}).one_or_none()
                why = one.why if one.why or row is None else codec.claim_of(row.data).why
                values["data"] = codec.json(replace(one, why=why))
            self._connection.execute(claims.update().where(claims.c.id == one.id).values(values))

    def _reword(self, event: Event, claim: Claim) -> None:
        """Let a claim stand in its event in its new words."""
        spoken = tuple(claim if one.id == claim.id else one for one in event.claims)
        self._touch(event.id)
        self._hold(replace(event, claims=dossier(spoken, known=event.claims)))

    def _hold(self, event: Event) -> Event:
        event = _lean(event)
        self._known[event.id] = event
        self._recent.write(self._connection, event.id, event)
        return event

    def _let_go(self, event: str) -> None:
        """Read an event again when it is next asked for."""
        self._known.pop(event, None)
        self._recent.write(self._connection, event, None)

    def _touch(self, event: str) -> None:
        """Write the row of an event whose evidence alone changes, so that others see that it does."""
        self._connection.execute(_TOUCH, {"event": event})
        self._let_go(event)

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
    return [event for _, event in _loaded(connection, ids)]


def _loaded(connection: sa.Connection, ids: Sequence[str]) -> list[tuple[str, Event]]:
    """Return events, each with the version of its row."""
    found: dict[str, tuple[str, Event]] = {}
    evidence: dict[str, list[Claim]] = {}
    for portion in portions(ids):
        query = versioned(connection, _BARE)
        for one, data, version in connection.execute(query, {"ids": portion}):
            found[one] = version, codec.event_of(data)
        for one, data in connection.execute(_EVIDENCE, {"ids": portion}):
            evidence.setdefault(one, []).append(codec.claim_of(data))
    return [
        (found[one][0], replace(found[one][1], claims=dossier(evidence.get(one, ()))))
        for one in ids
        if one in found
    ]


def _lean(event: Event) -> Event:
    """Return an event without the reasons of its claims: most of their size, and no merge asks."""
    if not any(claim.why for claim in event.claims):
        return event
    bare = [replace(claim, why=()) if claim.why else claim for claim in event.claims]
    return replace(event, claims=dossier(bare, known=event.claims))


def _of(event: Event | None, claim: str) -> Claim | None:
    """Return what an event has of a claim."""
    return None if event is None else next((c for c in event.claims if c.id == claim), None)


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
