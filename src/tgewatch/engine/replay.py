"""History judged again: what is stored, as it was told and as other rules would tell it.

Both sides are rebuilt in memory in the order in which the items were read, with the merging and
the routing of the program itself; nothing is written.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from tgewatch.detect.advice import opinion_in
from tgewatch.detect.choice import alike, candidate_keys, event_keys
from tgewatch.detect.identity import name_of
from tgewatch.detect.marking import Marked
from tgewatch.detect.merge import merge
from tgewatch.detect.truth import truth_of_label
from tgewatch.engine.pipeline import Pipeline
from tgewatch.engine.replay_outcome import (
    Alert,
    LabelDelay,
    Outcome,
    Reread,
    alert_of,
    compared,
    difference,
    first_told,
    reason,
)
from tgewatch.model import Claim, Event, Item, Judged, Label, Record, Source, Transition
from tgewatch.ports import Route
from tgewatch.rules.lifecycle import DAY
from tgewatch.rules.urls import canonical

CANDIDATES = 100
"""As the store has it."""
QUIET = 400 * DAY
"""Seconds without news after which an event is let go of, so that memory has a bound."""
_Node: TypeAlias = tuple[int, str]
"""Side and event."""
SWEEP = 10_000
"""Items between two looks at what can be let go of."""
LISTED = 1_000
"""Items of which something else is made that are kept, those that moved most."""


class Side:
    """The events that follow from claims, and what is told of them."""

    def __init__(self, route: Route | None) -> None:
        """`route` says which changes reach somebody; without it all that is worth telling does."""
        self._route = route
        self.events: dict[str, Event] = {}
        self._found: dict[str, set[str]] = {}
        self._keys: dict[str, frozenset[str]] = {}
        self._holds: dict[str, str] = {}
        self.alerts: list[Alert] = []

    def hears(
        self, claim: Claim, now: float
    ) -> tuple[Event | None, list[Transition], tuple[str, ...]]:
        """Take in a claim as the store does.

        Return its event, what is told of it, and the events that have gone into it.
        """
        plain = replace(claim, why=())
        merged = merge(plain, self._candidates(plain), now)
        for gone in merged.gone:
            self._drop(gone)
        for one in (*merged.left, merged):
            if one.event is not None:
                self._keep(one.event)
        event = merged.event
        if event is None:
            return None, [], ()
        told = [step for step in merged.transitions if step.tell]
        if self._route is not None:
            told = [step for step in told if self._route(event, step, claim, now)]
        return event, told, merged.gone

    def let_go(self, now: float) -> None:
        """Forget events without news for so long that no claim joins them."""
        for old in [e.id for e in self.events.values() if e.updated < now - QUIET]:
            self._drop(old)

    def _candidates(self, claim: Claim) -> list[Event]:
        ids = {one for key in candidate_keys(claim) for one in self._found.get(key, ())}
        held = self._holds.get(claim.id)
        found = sorted(
            (self.events[one] for one in ids if one != held), key=lambda e: (-e.updated, e.id)
        )
        return [*([self.events[held]] if held in self.events else []), *found[:CANDIDATES]]

    def _keep(self, event: Event) -> None:
        keys = event_keys(event)
        before = self._keys.get(event.id, frozenset())
        for key in keys - before:
            self._found.setdefault(key, set()).add(event.id)
        for key in before - keys:
            self._found[key].discard(event.id)
        self._keys[event.id] = keys
        self.events[event.id] = event
        for claim in event.claims:
            self._holds[claim.id] = event.id

    def _drop(self, event: str) -> None:
        for key in self._keys.pop(event, frozenset()):
            self._found[key].discard(event)
        for claim in self.events.pop(event).claims:
            self._holds.pop(claim.id, None)


class Replay:
    """Takes stored items one by one and says in the end what other rules would have changed."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        sources: Mapping[str, Source],
        before: Route | None = None,
        after: Route | None = None,
        labels: Sequence[Label] = (),
        present: Pipeline | None = None,
    ) -> None:
        """Judge with `pipeline`; `sources` by URL say whose voice an item is.

        `before` and `after` say what reaches somebody, as it is set and as it is tried. `present`
        judges labelled texts that are not stored, as it is set.
        """
        self._pipeline = pipeline
        self._present = present or pipeline
        self._sources = sources
        self._sides = (Side(before), Side(after))
        self._labels = {canonical(label.url): label for label in labels if label.url}
        self._texts = [label for label in labels if not label.url]
        self._same: dict[_Node, _Node] = {}
        self._moved: list[tuple[float, int, Reread]] = []
        self._outcome = Outcome()

    def __repr__(self) -> str:
        return f"<Replay {self._outcome.items} items>"

    async def run(
        self, records: AsyncIterator[Record], *, done: Callable[[Record], None] = lambda _: None
    ) -> Outcome:
        """Take all of them in and return what differs; `done` hears of each."""
        async for record in records:
            self.take(record)
            done(record)
        return self.outcome()

    def take(self, record: Record) -> None:
        """Judge one item again, and let both sides hear what is made of it."""
        stored = record.judged
        again = self._again(record)
        self._outcome.items += 1
        self._outcome.edited += record.edited_at is not None
        same: list[_Node] = []
        for number, judged in enumerate((stored, again)):
            if judged.claim is None:
                continue
            side = self._sides[number]
            event, steps, gone = side.hears(judged.claim, record.seen_at)
            if event is None:
                continue
            same.append((number, event.id))
            for one in gone:
                self._unite((number, one), (number, event.id))
            side.alerts += [
                alert_of(event, step, source=record.source, before=stored, after=again)
                for step in steps
            ]
        if len(same) > 1:
            self._unite(*same)
        self._note(stored, again)
        self._mark(stored, again)
        if self._outcome.items % SWEEP == 0:
            for side in self._sides:
                side.let_go(record.seen_at)

    def _again(self, record: Record) -> Judged:
        stored = record.judged
        item = stored.item
        source = self._sources.get(item.source) or Source(url=item.source, name=record.source)
        again = self._pipeline.judge(
            source, item, now=record.seen_at, baseline=record.baseline, edited=stored.edited
        )
        if again.article == "wanted" and stored.article_text:
            again = self._pipeline.with_article(
                source, again, stored.article_text, now=record.seen_at, baseline=record.baseline
            )
        elif again.article == "wanted":
            self._outcome.articles_missing += stored.article in {"", "not_needed"}
        return self._with_opinion(source, record, again)

    def _with_opinion(self, source: Source, record: Record, again: Judged) -> Judged:
        """Let a second opinion that was given count as it did; nobody is asked again."""
        given = opinion_in(record.judged.verdict)
        if given is None or again.verdict is None:
            return again
        kind = record.judged.verdict.kind if record.judged.verdict is not None else None
        return self._pipeline.advised(
            source, again, given, kind, now=record.seen_at, baseline=record.baseline
        )

    def _note(self, stored: Judged, again: Judged) -> None:
        differs = difference(stored, again)
        if differs is None:
            return
        self._outcome.changes[differs[0]] += 1
        scores = [j.verdict.confidence if j.verdict else None for j in (stored, again)]
        reread = Reread(
            stored.item.url, stored.item.title, differs[1], scores[0], scores[1],
            reason(stored, again),
        )  # fmt: skip
        weight = abs((scores[1] or 0.0) - (scores[0] or 0.0))
        entry = (weight, -self._outcome.items, reread)
        if len(self._moved) < LISTED:
            heapq.heappush(self._moved, entry)
        else:
            heapq.heappushpop(self._moved, entry)

    def _mark(self, stored: Judged, again: Judged) -> None:
        """Hold both judgements against what the user said of the item."""
        label = self._labels.pop(canonical(stored.item.url), None) if self._labels else None
        if label is None:
            return
        truth = truth_of_label(label, item=stored.item)
        self._outcome.labels_before.append(Marked(truth, stored.verdict))
        self._outcome.labels_after.append(Marked(truth, again.verdict))

    def outcome(self) -> Outcome:
        """Return what differs."""
        found = self._outcome
        self._mark_texts()
        self._unite_alike()
        group = {
            (number, event): "{}:{}".format(*self._root((number, event)))
            for number, side in enumerate(self._sides)
            for event in {*side.events, *(alert.event for alert in side.alerts)}
        }
        found.pairs, found.gained, found.lost = compared(
            self._sides[0].alerts, self._sides[1].alerts, group
        )
        found.reread = [one for _, _, one in sorted(self._moved, key=lambda m: m[:2], reverse=True)]
        found.delays = list(self._delays())
        return found

    def _mark_texts(self) -> None:
        """Judge the labelled texts that are no items of the store, or no longer."""
        for label in (*self._labels.values(), *self._texts):
            if not label.text:
                continue
            truth = truth_of_label(label)
            at = label.at if label.published is None else label.published
            item: Item = replace(truth.item, published=at)
            nobody = Source(url="", name="")
            one, other = (p.judge(nobody, item, now=at) for p in (self._present, self._pipeline))
            self._outcome.labels_before.append(Marked(truth, one.verdict))
            self._outcome.labels_after.append(Marked(truth, other.verdict))

    def _delays(self) -> "list[LabelDelay]":
        """Return for each labelled project how soon it was and would be told of."""
        first: dict[str, Marked] = {}
        for row in self._outcome.labels_after:
            name = name_of(row.truth.project).core
            at = row.truth.item.published
            if not row.truth.relevant or not name or at is None:
                continue
            known = first.get(name)
            if known is None or at < (known.truth.item.published or at):
                first[name] = row
        return [
            LabelDelay(
                row.truth.project,
                row.truth.item.published or 0.0,
                first_told(a for a in self._sides[0].alerts if _is(a, row)),
                first_told(a for a in self._sides[1].alerts if _is(a, row)),
            )
            for row in first.values()
        ]

    # Which event of the one side is which of the other.

    def _root(self, node: _Node) -> _Node:
        while self._same.get(node, node) != node:
            node = self._same[node]
        return node

    def _unite(self, one: _Node, other: _Node) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._same[second] = first

    def _unite_alike(self) -> None:
        """Hold for the same what no item in common has shown to be so: by their names."""
        before, after = self._sides
        for event in after.events.values():
            if self._root((1, event.id))[0] == 0:
                continue
            probe = replace(event.claims[0], project=event.project, ticker=event.ticker)
            for other in before._candidates(probe):  # noqa: SLF001 - its own kind
                if alike(event, other):
                    self._unite((0, other.id), (1, event.id))
                    break


def _is(alert: Alert, row: Marked) -> bool:
    """Return whether an alert is about the project of a label."""
    truth = row.truth
    if truth.ticker and truth.ticker.upper() == alert.ticker:
        return True
    name, said = name_of(truth.project), name_of(alert.project)
    return bool(name.core) and name.core == said.core
