"""A store that lives in memory, for tests; it keeps the promises of `ports.Archive`."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from tgewatch.errors import RefusedError
from tgewatch.model import (
    Delivery,
    Event,
    Item,
    Judged,
    Label,
    Poll,
    Record,
    Source,
    SourceState,
    State,
    Stored,
    Trace,
    Transition,
)
from tgewatch.ports import Advance, Correct, Merge, Merged, Route, Waiting
from tgewatch.rules.urls import canonical
from tgewatch.testing.memory import Book, Memory, age

DAY = 86_400.0


def _as_it_is(event: Event, _now: float) -> Merged:
    return Merged(event)


class MemoryStore:
    """Keeps everything in dictionaries. `merge` and `route` are called as the real store does."""

    def __init__(
        self,
        *,
        merge: Merge,
        route: Route,
        advance: Advance = _as_it_is,
        retention: float = 90 * DAY,
    ) -> None:
        self._advance = advance
        self._retention = retention
        self._memory = Memory(merge=merge, route=route)
        self.polls: list[Poll] = []
        """Every poll that was committed, in order."""

    def __repr__(self) -> str:
        return f"<MemoryStore {len(self.polls)} polls, {len(self._memory.data.events)} events>"

    # What a test says.

    def fails_next(self, *errors: Exception) -> None:
        """Raise these from the next commits, one each; nothing of such a commit is stored."""
        self._memory.failures += errors

    def uses(
        self,
        *,
        merge: Merge | None = None,
        route: Route | None = None,
        advance: Advance | None = None,
    ) -> None:
        """Merge, route or let time pass in another way from now on."""
        self._memory.uses(merge, route)
        self._advance = advance or self._advance

    def told(self) -> list[Delivery]:
        """Return all deliveries, oldest first, whatever became of them."""
        return sorted(self._memory.data.outbox.values(), key=age)

    # What the engine asks.

    async def source_states(self, urls: Sequence[str]) -> Mapping[str, SourceState]:
        """Return what is remembered of each known source among `urls`."""
        return {
            url: self._memory.data.states[url] for url in urls if url in self._memory.data.states
        }

    async def unseen(self, items: Sequence[Item]) -> Mapping[str, str]:
        """Return key → `new` or `edited` for the items of one source that need judgement."""
        found: dict[str, str] = {}
        for item in items:
            known = self._memory.data.prints.get((item.source, item.key))
            if known is None:
                found[item.key] = "new"
            elif known != item.fingerprint:
                found[item.key] = "edited"
        return found

    async def commit_poll(self, poll: Poll) -> Stored:
        """Store the poll, merge its claims and fill the outbox, all or nothing."""
        stored = self._memory.atomic(lambda book: self._memory.store_poll(poll, book))
        self.polls.append(poll)
        return stored

    async def article_retries(self, now: float, *, limit: int) -> Sequence[Waiting]:
        """Return items whose article is to be read by `now`, oldest first."""
        due = [
            (record.judged.article_retry_at, Waiting(place[0], record.judged, record.baseline))
            for place, record in self._memory.data.records.items()
            if record.judged.article_retry_at is not None and record.judged.article_retry_at <= now
        ]
        return [one for _, one in sorted(due, key=lambda pair: pair[0])][:limit]

    async def commit_rejudged(
        self, source: Source, judged: Sequence[Judged], *, at: float
    ) -> Stored:
        """Replace what was judged of known items of one source, and merge their claims."""

        def work(book: Book) -> int:
            for one in judged:
                place = (source.url, one.item.key)
                record = self._memory.data.records.get(place)
                if record is None or record.judged.item.fingerprint != one.item.fingerprint:
                    continue
                kept = replace(one, item=record.judged.item, edited=record.judged.edited)
                said = record.judged.claim
                if kept.claim is None and said is not None:
                    withdrawn = kept.verdict is not None and self._memory.withdraw(said, at, book)
                    kept = kept if withdrawn else replace(kept, claim=said)
                self._memory.data.records[place] = replace(record, judged=kept, judged_at=at)
                if one.claim is not None:
                    self._memory.take_claim(one.claim, at, book)
            return 0

        return self._memory.atomic(work)

    async def advance(self, now: float) -> Stored:
        """Let time do to the events what only time does."""

        def work(book: Book) -> int:
            for event in self._memory.open_events():
                merged = self._advance(event, now)
                if merged.transitions:
                    self._memory.take(merged, None, now, book)
            return 0

        return self._memory.atomic(work)

    async def forget(self, now: float) -> int:
        """Drop what its retention has passed; return how many items."""
        old = [
            place
            for place, record in self._memory.data.records.items()
            if record.seen_at < now - self._retention and record.judged.claim is None
        ]
        for place in old:
            del self._memory.data.records[place]
        return len(old)

    # The outbox.

    async def pending(self, now: float, *, limit: int, channel: str = "") -> Sequence[Delivery]:
        """Return deliveries that are due, oldest first; to one channel, where it is named."""
        first: set[tuple[str, str]] = set()
        due: list[Delivery] = []
        for one in self.told():
            if one.state != "pending" or (channel and one.channel != channel):
                continue
            line = (one.notice.event, one.channel)
            if one.next_at <= now and line not in first:
                due.append(one)
            if one.notice.event:
                first.add(line)
        return due[:limit]

    async def delivered(self, key: str, at: float) -> None:
        """Mark as delivered."""
        self._memory.set(key, state="delivered", delivered_at=at, error="")

    async def postponed(self, key: str, *, attempts: int, next_at: float, error: str) -> None:
        """Keep for another try."""
        self._memory.set(key, state="pending", attempts=attempts, next_at=next_at, error=error)

    async def buried(self, key: str, *, attempts: int, error: str) -> None:
        """Set aside as a dead letter."""
        self._memory.set(key, state="dead", attempts=attempts, error=error)

    async def deliveries(self, since: float, *, limit: int = 100) -> Sequence[Delivery]:
        """Return deliveries made out since a time, whatever became of them, newest first."""
        return [one for one in reversed(self.told()) if one.created >= since][:limit]

    async def dead_letters(self, *, limit: int = 1_000) -> Sequence[Delivery]:
        """Return what could not be delivered, oldest first."""
        return [one for one in self.told() if one.state == "dead"][:limit]

    async def replay_dead(self, keys: Sequence[str] | None, now: float) -> int:
        """Make dead letters due again, all of them without `keys`; return how many."""
        dead = [one for one in self.told() if one.state == "dead"]
        chosen = [one for one in dead if keys is None or one.key in keys]
        for one in chosen:
            self._memory.data.outbox[one.key] = replace(
                one, state="pending", attempts=0, next_at=now
            )
        return len(chosen)

    # What the commands and pages ask.

    async def all_states(self) -> Mapping[str, SourceState]:
        """Return what is remembered of every source that was ever polled, by URL."""
        return dict(sorted(self._memory.data.states.items()))

    async def events(
        self,
        *,
        states: Sequence[State] = (),
        company: str = "",
        text: str = "",
        since: float | None = None,
        until: float | None = None,
        dismissed: bool = False,
        limit: int = 100,
    ) -> Sequence[Event]:
        """Return events, most recently changed first; what is left empty filters nothing."""
        found = [
            event
            for event in self._memory.data.events.values()
            if event.id not in self._memory.data.signposts
            and (dismissed or not event.dismissed)
            and (not states or event.state in states)
            and (not company or event.company.lower() == company.lower())
            and text.casefold() in _words(event)
            and (since is None or event.updated >= since)
            and (until is None or event.updated < until)
        ]
        return sorted(found, key=lambda event: (-event.updated, event.id))[:limit]

    async def upcoming(
        self, since: float, *, until: float | None = None, limit: int = 100
    ) -> Sequence[Event]:
        """Return dated events that are not over by `since`, earliest first."""
        found = [
            (event.date.start, event.id, event)
            for event in await self.events(limit=len(self._memory.data.events))
            if event.date is not None
            and event.date.end >= since
            and (until is None or event.date.start < until)
            and event.state not in (State.DONE, State.CANCELLED)
        ]
        return [event for _, _, event in sorted(found, key=lambda one: one[:2])][:limit]

    async def event(self, prefix: str) -> Event | None:
        """Return the event with this id, or the only one whose id begins so."""
        found = prefix
        if prefix not in self._memory.data.events:
            fits = [one for one in sorted(self._memory.data.events) if one.startswith(prefix)]
            here = [one for one in fits if one not in self._memory.data.signposts]
            fits = here or fits
            if len(fits) > 1:
                raise RefusedError(f"{prefix} fits {', '.join(fits[:5])}", cause="ambiguous")
            if not fits:
                return None
            found = fits[0]
        while found in self._memory.data.signposts:
            found = self._memory.data.signposts[found] or ""
        return self._memory.data.events.get(found)

    async def history(self, event: str) -> Sequence[Transition]:
        """Return the transitions of one event, first to last."""
        return list(self._memory.data.history.get(event, ()))

    async def changes(self, since: float, *, limit: int = 100) -> Sequence[Transition]:
        """Return what happened to any event since a time, newest first."""
        found = [
            step
            for steps in self._memory.data.history.values()
            for step in steps
            if step.at >= since
        ]
        return sorted(found, key=lambda step: (-step.at, step.event, -step.number))[:limit]

    async def correct(self, events: Sequence[str], change: Correct, *, at: float) -> Stored:
        """Let the user's hand change events. Raises RefusedError (`unknown`) for ids that are none."""

        def work(book: Book) -> int:
            for one in events:
                if one in self._memory.data.signposts:
                    into = self._memory.data.signposts[one]
                    raise RefusedError(f"{one} was merged into {into}", cause="unknown")
            unknown = [one for one in events if one not in self._memory.data.events]
            if unknown:
                raise RefusedError(f"no such event: {', '.join(unknown)}", cause="unknown")
            after = change([self._memory.data.events[one] for one in dict.fromkeys(events)], at)
            kept = [merged.event.id for merged in after if merged.event is not None]
            for one in events:
                if one not in kept:
                    self._memory.data.signposts[one] = kept[0] if kept else None
                    gone = self._memory.data.events[one]
                    self._memory.data.events[one] = replace(gone, claims=(), dismissed=True)
            for merged in after:
                self._memory.take(merged, None, at, book)
            return 0

        return self._memory.atomic(work)

    async def why(self, url: str) -> Sequence[Trace]:
        """Return where each item with this URL went, newest first; close spellings count."""
        wanted = _page(url)
        return [
            self._memory.trace(record)
            for record in sorted(self._memory.data.records.values(), key=lambda r: -r.seen_at)
            if _page(record.judged.item.url) == wanted
        ]

    async def drops(
        self, since: float, *, until: float | None = None
    ) -> Mapping[tuple[str, str], int]:
        """Return (stage, reason) → how many items first seen in the period stopped there."""
        counted = Counter(
            (record.judged.stage, record.judged.reason)
            for record in self._memory.data.records.values()
            if record.seen_at >= since and (until is None or record.seen_at < until)
        )
        return dict(sorted(counted.items()))

    async def records(
        self, since: float = 0.0, *, until: float | None = None
    ) -> AsyncIterator[Record]:
        """Yield items in the order they were seen."""
        for record in sorted(self._memory.data.records.values(), key=lambda r: r.seen_at):
            if record.seen_at >= since and (until is None or record.seen_at < until):
                yield record

    async def label(self, label: Label) -> None:
        """Keep what the user says of an item; the last word on one URL or text counts."""
        self._memory.data.labels[_what(label)] = label

    async def unlabel(self, label: Label) -> bool:
        """Forget what the user said of the same URL or text; return whether there was something."""
        return self._memory.data.labels.pop(_what(label), None) is not None

    async def labels(self) -> Sequence[Label]:
        """Return all labels, oldest first."""
        return sorted(self._memory.data.labels.values(), key=lambda label: label.at)

    async def note(self, name: str) -> bytes | None:
        """Return what was noted under a name."""
        return self._memory.data.notes.get(name)

    async def write_note(self, name: str, value: bytes | None, *, at: float) -> None:  # noqa: ARG002 - as the port has it
        """Note something small under a name; None removes it."""
        if value is None:
            self._memory.data.notes.pop(name, None)
        else:
            self._memory.data.notes[name] = value


def _what(label: Label) -> str:
    return canonical(label.url) if label.url else f"text\n{label.text}"


def _words(event: Event) -> str:
    return " ".join((event.project, event.company, event.ticker, *event.names)).casefold()


def _page(url: str) -> str:
    text = url.strip() if "://" in url else f"https://{url.strip()}"
    head, _, query = canonical(text).partition("?")
    return f"{head.rstrip('/').replace('http://', 'https://', 1)}?{query}"
