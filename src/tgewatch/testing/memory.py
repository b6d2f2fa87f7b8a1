"""What the store in memory is made of: dictionaries that change together or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tgewatch.detect.correct import withdraw
from tgewatch.model import (
    Claim,
    Delivery,
    Event,
    Label,
    Outgoing,
    Poll,
    Record,
    SourceState,
    Stored,
    Trace,
    Transition,
)
from tgewatch.model.event import removed
from tgewatch.ports import Merge, Merged, Route

Place = tuple[str, str]
"""URL of a source and key of an item."""


@dataclass(slots=True)
class Data:
    """Everything that is stored; copied before each change and put back when it fails."""

    states: dict[str, SourceState] = field(default_factory=dict)
    records: dict[Place, Record] = field(default_factory=dict)
    prints: dict[Place, str] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    joined: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Claim → why it joined, and which event."""
    events: dict[str, Event] = field(default_factory=dict)
    signposts: dict[str, str | None] = field(default_factory=dict)
    history: dict[str, list[Transition]] = field(default_factory=dict)
    outbox: dict[str, Delivery] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> "Data":
        """Return a copy that later changes do not reach."""
        return Data(
            **{name: dict(getattr(self, name)) for name in self.__slots__ if name != "history"},
            history={event: list(steps) for event, steps in self.history.items()},
        )


@dataclass(slots=True)
class Book:
    """What one commit has changed."""

    changed: list[str] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)


class Memory:
    """The data and the ways in which it changes."""

    def __init__(self, *, merge: Merge, route: Route) -> None:
        self.data = Data()
        self.failures: list[Exception] = []
        self._merge = merge
        self._route = route

    def uses(self, merge: Merge | None, route: Route | None) -> None:
        """Merge or route in another way from now on."""
        self._merge = merge or self._merge
        self._route = route or self._route

    def atomic(self, work: "Callable[[Book], int]") -> Stored:
        """Do all of `work` or nothing."""
        before = self.data.copy()
        book = Book()
        try:
            self._fail()
            new = work(book)
        except BaseException:
            self.data = before
            raise
        return Stored(
            new,
            tuple(self.data.events[one] for one in dict.fromkeys(book.changed)),
            tuple(book.transitions),
            tuple(book.outgoing),
        )

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def store_poll(self, poll: Poll, book: "Book") -> int:
        """Store one poll and return how many items are new."""
        url = poll.source.url
        self.data.states[url] = poll.state
        new = 0
        fresh: list[Claim] = []
        for one in poll.judged:
            place = (url, one.item.key)
            known = self.data.prints.get(place)
            if known == one.item.fingerprint:
                continue
            new += known is None
            self.data.prints[place] = one.item.fingerprint
            record = self.data.records.get(place)
            self.data.records[place] = Record(
                source=poll.source.name,
                judged=replace(
                    one,
                    edited=known is not None,
                    claim=record.judged.claim if one.item.gone and record else one.claim,
                ),
                seen_at=poll.at if record is None else record.seen_at,
                judged_at=poll.at,
                edited_at=None if known is None else poll.at,
                baseline=poll.state.baseline_at == poll.at if record is None else record.baseline,
            )
            if one.claim is not None:
                fresh.append(one.claim)
            if one.item.gone:
                said = (c for c in self.data.claims.values() if (c.source, c.item) == place)
                fresh += [removed(claim, poll.at) for claim in said]
        for claim in fresh:
            self.take_claim(claim, poll.at, book)
        self.put(poll.notices, poll.at, book)
        return new

    def take_claim(self, claim: Claim, now: float, book: "Book") -> None:
        """Merge a claim, unless it is known word for word."""
        if self.data.claims.get(claim.id) == claim:
            return
        merged = self._merge(claim, self.open_events(), now)
        self.data.claims[claim.id] = claim
        event = merged.event.id if merged.event is not None else None
        self.data.joined[claim.id] = (merged.reason, event)
        for gone in merged.gone:
            self.data.signposts[gone] = event
            left = self.data.events[gone]
            self.data.events[gone] = replace(left, claims=(), dismissed=True)
        for one in merged.left:
            self.take(one, None, now, book)
        self.take(merged, claim, now, book)

    def withdraw(self, claim: Claim, now: float, book: "Book") -> bool:
        """Take back what an item claimed; return whether it is nobody's evidence any more."""
        held = [e for e in self.open_events() if any(c.id == claim.id for c in e.claims)]
        for event in held:
            merged = withdraw(event, claim.id, now)
            for gone in merged.gone:
                self.data.signposts[gone] = None
                self.data.events[gone] = replace(event, claims=(), dismissed=True)
            if not merged.gone and not merged.transitions:
                return False
            self.take(merged, None, now, book)
        self.data.claims.pop(claim.id, None)
        self.data.joined.pop(claim.id, None)
        return True

    def open_events(self) -> list[Event]:
        """Return the events that no other has swallowed."""
        return [e for e in self.data.events.values() if e.id not in self.data.signposts]

    def take(self, merged: Merged, claim: Claim | None, now: float, book: "Book") -> None:
        """Save what became of one event, and put what is worth telling into the outbox."""
        event = merged.event
        if event is None:
            return
        before = self.data.events.get(event.id)
        steps = [
            replace(step, number=number)
            for number, step in enumerate(merged.transitions, (before.changes if before else 0) + 1)
        ]
        if steps:
            event = replace(event, changes=steps[-1].number)
        if event != before:
            book.changed.append(event.id)
        self.data.events[event.id] = event
        self.data.history.setdefault(event.id, []).extend(steps)
        for other in self.data.events.values():
            left = tuple(c for c in other.claims if c.id not in {one.id for one in event.claims})
            if other.id != event.id and left != other.claims:
                self.data.events[other.id] = replace(other, claims=left)
        for one in event.claims:
            self.data.claims[one.id] = one
            self.data.joined[one.id] = (self.data.joined.get(one.id, ("",))[0], event.id)
        book.transitions += steps
        for step in steps:
            if step.tell:
                self.put(self._route(event, step, claim, now), now, book)

    def put(self, outgoing: Sequence[Outgoing], now: float, book: "Book") -> None:
        """Add what is not there yet."""
        for one in outgoing:
            if one.key not in self.data.outbox:
                self.data.outbox[one.key] = Delivery(
                    one.key, one.channel, one.notice, "pending", 0, one.not_before, now
                )
                book.outgoing.append(one)

    def set(self, key: str, **values: object) -> None:
        """Change a delivery that has not been delivered."""
        one = self.data.outbox.get(key)
        if one is not None and one.state != "delivered":
            self.data.outbox[key] = replace(one, **values)  # type: ignore[arg-type]

    def trace(self, record: Record) -> Trace:
        """Return where an item went."""
        claim = record.judged.claim
        if claim is None:
            return Trace(record)
        reason, about = self.data.joined.get(claim.id, ("", None))
        if about is None:
            return Trace(record, claim, reason)
        return Trace(
            record,
            claim,
            reason,
            self.data.events[about],
            tuple(step for step in self.data.history[about] if step.claim == claim.id),
            tuple(o for o in sorted(self.data.outbox.values(), key=age) if o.notice.event == about),
        )


def age(one: Delivery) -> tuple[float, int, str]:
    """Return what deliveries are put in order by, oldest first."""
    return (one.created, one.notice.number, one.key)
