"""What other rules would have told: alerts gained and lost, and how much earlier or later."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tgewatch.detect.marking import Marked
from tgewatch.model import Contribution, DateClaim, Event, Judged, Transition, Verdict

REASONS = 3
"""Contributions that a reason names."""
NOTABLE = 0.05
"""Log-odds; a contribution that moved by less is no reason."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is told, or would have been."""

    event: str
    project: str
    ticker: str
    change: str
    detail: str
    date: DateClaim | None
    at: float
    """When its item was read."""
    url: str
    title: str
    source: str
    score_before: float | None
    """Confidence of its item as stored; None where the early filter dropped it."""
    score_after: float | None
    """The same by the rules that are tried."""
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """An alert on both sides."""

    before: Alert
    after: Alert

    @property
    def lead(self) -> float:
        """Seconds by which it comes earlier with the rules that are tried."""
        return self.before.at - self.after.at

    @property
    def moved(self) -> bool:
        """Whether it says another thing, or another day."""
        return self.before.change != self.after.change or not _same_day(
            self.before.date, self.after.date
        )


@dataclass(frozen=True, slots=True)
class Reread:
    """An item of which something else is made."""

    url: str
    title: str
    what: str
    """What differs, in words."""
    score_before: float | None
    score_after: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class LabelDelay:
    """How soon a project that the user labelled is told of."""

    project: str
    published: float
    before: float | None
    """When it was first told of, as stored; None for never."""
    after: float | None


@dataclass(slots=True)
class Outcome:
    """Everything that a replay found."""

    items: int = 0
    edited: int = 0
    """Of them, items of which only the last text is known."""
    articles_missing: int = 0
    """Items whose article the rules would have had read, and that is not in the store."""
    pairs: list[Pair] = field(default_factory=list)
    gained: list[Alert] = field(default_factory=list)
    lost: list[Alert] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    """relevant, irrelevant, kind, date, project → items."""
    reread: list[Reread] = field(default_factory=list)
    """Those that moved most."""
    labels_before: list[Marked] = field(default_factory=list)
    labels_after: list[Marked] = field(default_factory=list)
    delays: list[LabelDelay] = field(default_factory=list)

    @property
    def leads(self) -> list[float]:
        """Seconds, of the alerts that come at another time."""
        return sorted(pair.lead for pair in self.pairs if pair.lead)

    @property
    def median_lead(self) -> float:
        """Seconds; over the alerts that come at another time, 0 without any."""
        return median(self.leads) if self.leads else 0.0


def alert_of(
    event: Event,
    step: Transition,
    *,
    source: str,
    before: Judged,
    after: Judged,
) -> Alert:
    """Return what is told by `step`, which the item caused that was judged so and so."""
    item = after.item
    return Alert(
        event=event.id,
        project=event.company or event.project,
        ticker=event.ticker,
        change=step.change,
        detail=step.detail,
        date=step.date,
        at=step.at,
        url=item.url,
        title=item.title,
        source=source,
        score_before=_confidence(before),
        score_after=_confidence(after),
        reason=reason(before, after),
    )


def _confidence(judged: Judged) -> float | None:
    return None if judged.verdict is None else judged.verdict.confidence


def difference(before: Judged, after: Judged) -> tuple[str, str] | None:
    """Return a word for how the two differ, for counting, and the same for people; or None."""
    one, other = _relevant(before), _relevant(after)
    if one is None or other is None:
        if one is other:
            return None
        return ("relevant", "relevant now") if other else ("irrelevant", "no longer relevant")
    if one.kind is not other.kind:
        return "kind", f"{one.kind} → {other.kind}"
    if not _same_day(one.date, other.date):
        return "date", f"{_text(one.date)} → {_text(other.date)}"
    if (one.project, one.ticker) != (other.project, other.ticker):
        return "project", f"{one.project} {one.ticker} → {other.project} {other.ticker}"
    return None


def reason(before: Judged, after: Judged) -> str:
    """Return in words why the two judgements differ."""
    if after.verdict is None:
        return "no term or company of these rules stands in it" if before.verdict else ""
    if before.verdict is None:
        return "the rules before had no term or company for it"
    moved = _moved(before.verdict.why, after.verdict.why)
    words = ", ".join(f"{name} {value:+.2f}" for name, value in moved[:REASONS])
    differs = difference(before, after)
    if differs is None:
        return words or "judged the same; its event stands differently"
    if words:
        return f"{differs[1]}: {words}"
    return f"{differs[1]}: the same score, against another threshold or mode"


def _moved(
    before: Sequence[Contribution], after: Sequence[Contribution]
) -> list[tuple[str, float]]:
    values: Counter[str] = Counter()
    for contribution in after:
        values[contribution.name] += contribution.value  # type: ignore[assignment]
    for contribution in before:
        values[contribution.name] -= contribution.value  # type: ignore[assignment]
    found = [(name, float(value)) for name, value in values.items() if abs(value) >= NOTABLE]
    return sorted(found, key=lambda one: (-abs(one[1]), one[0]))


def _relevant(judged: Judged) -> Verdict | None:
    return judged.verdict if judged.claim is not None else None


def _same_day(one: DateClaim | None, other: DateClaim | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.start, one.end) == (other.start, other.end)


def _text(date: DateClaim | None) -> str:
    return "no date" if date is None else date.text or str(date.precision)


def compared(
    before: Sequence[Alert], after: Sequence[Alert], group: Mapping[tuple[int, str], str]
) -> tuple[list[Pair], list[Alert], list[Alert]]:
    """Return the alerts that have a partner, those gained, and those lost.

    `group` says which event of the one side (0) and the other (1) are the same. Of one group, the
    same change with the same date comes first, then the same change, then what one item caused.
    """
    left: dict[str, list[Alert]] = {}
    for alert in before:
        left.setdefault(group[0, alert.event], []).append(alert)
    pairs: list[Pair] = []
    rest = [(group[1, alert.event], alert) for alert in after]
    for same in (_same_alert, _same_change, _same_item):
        waiting, rest = rest, []
        for name, alert in waiting:
            partners = left.get(name, [])
            partner = next((one for one in partners if same(one, alert)), None)
            if partner is None:
                rest.append((name, alert))
            else:
                partners.remove(partner)
                pairs.append(Pair(partner, alert))
    lost = [alert for alerts in left.values() for alert in alerts]
    return (
        sorted(pairs, key=lambda pair: pair.after.at),
        [alert for _, alert in rest],
        sorted(lost, key=lambda alert: alert.at),
    )


def _same_alert(one: Alert, other: Alert) -> bool:
    return _same_change(one, other) and _same_day(one.date, other.date)


def _same_change(one: Alert, other: Alert) -> bool:
    return (one.change, one.detail) == (other.change, other.detail)


def _same_item(one: Alert, other: Alert) -> bool:
    return (one.url, one.title, one.at) == (other.url, other.title, other.at)


def first_told(alerts: Iterable[Alert]) -> float | None:
    """Return when the first of them came."""
    return min((alert.at for alert in alerts), default=None)
