"""An event's evidence, laid in order: what is known of it, whichever way the claims came in.

The claims are read in the order in which they were made, never in which they arrived, so that a
late arrival cannot turn back what was said after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from tgewatch.detect.phase import LISTING, SALE, TOKEN, Statement
from tgewatch.detect.track import Said, Track, opened, stepped
from tgewatch.model import DateClaim, Kind, State
from tgewatch.rules.dates import shown
from tgewatch.rules.lifecycle import (
    DAY,
    LIVE_FOR,
    TABLE,
    Relation,
    Signal,
    concrete,
    lapsed,
    relation,
)

LONGEST_WINDOW = 365 * DAY
"""Seconds; a claim window that is said to close later keeps nothing live."""
STEP = 8
"""Claims from one mark in the reading of an event's evidence to the next."""
_OPEN_STATES = (State.LIVE, State.DONE)
_NEAREST = (State.CANCELLED, State.RUMOURED, State.ANNOUNCED, State.POSTPONED, State.DATED)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happens once on an event's timeline."""

    change: str
    """live, claim, claim_open, claim_close, sale, sale_open, sale_close or listing; of a thread
    also postponed and cancelled."""
    detail: str
    """Venue or round."""
    date: DateClaim | None
    at: float


@dataclass(frozen=True, slots=True)
class View:
    """What the evidence adds up to."""

    state: State
    change: str
    since: float
    kind: Kind
    date: DateClaim | None = None
    track: str = TOKEN
    """Where the date comes from."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    conflict: str = ""
    hinted: bool = False
    """The project itself has let it be guessed."""
    ended: float | None = None
    """When time made it done."""


@dataclass(slots=True)
class _Fold:
    """The state of the reading, claim by claim."""

    tracks: dict[str, Track] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    hinted: bool = False

    def copy(self) -> "_Fold":
        """Return a fold that goes its own way from here."""
        return _Fold(dict(self.tracks), dict(self.facts), self.hinted)


class Course:
    """The reading of some claims in order, as far as it does not depend on time.

    It keeps marks on the way, from which the reading of nearly the same claims goes on. Nothing
    changes once it is made.
    """

    __slots__ = ("last", "marks", "outcome", "placed")

    def __init__(self, placed: Sequence[Said], before: "Course | None" = None) -> None:
        """`before` is the course of nearly the same claims: it saves time and changes nothing."""
        self.placed = placed
        self.marks: list[_Fold] = []
        """How far the reading was after each `STEP` claims."""
        if before is not None:
            known = sum(1 for _ in takewhile(_are_one, zip(placed, before.placed, strict=False)))
            self.marks = before.marks[: known // STEP]
        fold = self.marks[-1].copy() if self.marks else _Fold()
        for number, one in enumerate(placed[len(self.marks) * STEP :], 1):
            _read(fold, one)
            if number % STEP == 0:
                self.marks.append(fold.copy())
        self.outcome = _overall(fold) if fold.tracks else None
        """What the claims add up to; None where there are none."""
        self.last = 0.0 if self.outcome is None else _last(self.outcome)
        """When it last had news while it was live."""

    def __repr__(self) -> str:
        state = "nothing" if self.outcome is None else self.outcome.state.value
        return f"<Course of {len(self.placed)} claims to {state}>"


def _are_one(pair: tuple[Said, Said]) -> bool:
    """Return whether two are the same to whoever reads what happens."""
    one, other = pair
    return one is other or (
        one.claim.id == other.claim.id
        and (one.statement, one.voice, one.at) == (other.statement, other.voice, other.at)
        and (one.claim.kind, one.claim.official) == (other.claim.kind, other.claim.official)
    )


def view(course: Course, now: float) -> View | None:
    """Return what the evidence adds up to at `now`; None without evidence."""
    found = course.outcome
    if found is None:
        return None
    over = lapsed(found.state, found.date, course.last, now)
    return found if over is None else replace(found, state=State.DONE, change="done", ended=over)


def _last(found: View) -> float:
    """Return when an event last had news while it was live; a window that is open keeps it so.

    What comes after its end does not bring it back, but for the token itself, when only its claim
    had been open.
    """
    last = found.since
    if found.state is not State.LIVE:
        return last
    for fact in sorted(found.facts.values(), key=lambda one: (one.at, one.change, one.detail)):
        if fact.at > last + LIVE_FOR and fact.change != "live":
            continue
        last = max(last, fact.at)
        if fact.change == "claim_close" and fact.date is not None:
            last = max(last, min(fact.date.end, fact.at + LONGEST_WINDOW))
    return last


def _read(fold: _Fold, one: Said) -> None:
    signal = one.statement.signal
    if signal in (Signal.RUMOUR, Signal.HINT):
        if signal is Signal.HINT:
            fold.hinted = True
        if not fold.tracks:
            fold.tracks[TOKEN] = opened(TABLE[None][signal], one, date=None)
        return
    for key in _targets(fold, one.statement):
        known = fold.tracks.get(key)
        after = stepped(known, one)
        if after is not None:
            fold.tracks[key] = after
    _note(fold, one)


def _targets(fold: _Fold, what: Statement) -> tuple[str, ...]:
    """Return the tracks that a statement is about.

    A delay is about all that has not happened yet, unless it names the sale or a round. A listing
    without a venue is about the token.
    """
    own: tuple[str, ...] = (what.key,)
    if what.track == LISTING:
        own = tuple(f"{LISTING}:{venue}" for venue in what.venues) or (TOKEN,)
    if what.signal not in (Signal.POSTPONE, Signal.CANCEL) or what.part:
        return own
    sales = tuple(key for key in fold.tracks if key.startswith(SALE))
    real = tuple(key for key in fold.tracks if not key.startswith(SALE))
    ahead = tuple(key for key in real if fold.tracks[key].state not in _OPEN_STATES)
    if what.track == SALE:
        return sales or ahead or own
    return ahead or (real if what.track == TOKEN else own if real else sales) or (TOKEN,)


def _note(fold: _Fold, one: Said) -> None:
    """Keep what happens once: the token's start, windows, sale rounds, venues."""
    what = one.statement
    for change, detail, date in _facts(fold, what):
        _keep(fold, f"{change}:{detail}", Fact(change, detail, date, one.at))


def _facts(fold: _Fold, what: Statement) -> Iterator[tuple[str, str, DateClaim | None]]:
    """Yield change, round or venue, and date of every fact that a statement brings."""
    match what.track, what.signal:
        case _, Signal.POSTPONE | Signal.CANCEL:
            name = "postponed" if what.signal is Signal.POSTPONE else "cancelled"
            for which in what.venues or ((what.part,) if what.track != TOKEN else ()):
                yield name, f"{what.track} {which}".strip(), what.date
        case "token", Signal.OPEN:
            yield "live", "", None
        case "claim" | "sale", Signal.OPEN | Signal.CLOSE:
            if what.track == SALE:
                yield SALE, what.part, None
            name = "open" if what.signal is Signal.OPEN else "close"
            yield f"{what.track}_{name}", what.part, what.date
        case "claim" | "sale", Signal.ANNOUNCE | Signal.DATE:
            yield what.track, what.part, _known(fold, what.key, what)
        case "listing", Signal.ANNOUNCE | Signal.DATE | Signal.OPEN:
            if what.signal is Signal.OPEN:
                yield "live", "", None  # it trades
            for venue in what.venues:
                yield LISTING, venue, _known(fold, f"{LISTING}:{venue}", what)
        case _:
            return


def _known(fold: _Fold, key: str, what: Statement) -> DateClaim | None:
    track = fold.tracks.get(key)
    return what.date if track is None else track.date


def _keep(fold: _Fold, key: str, fact: Fact) -> None:
    known = fold.facts.get(key)
    if known is None:
        fold.facts[key] = fact
    elif fact.date is not None and relation(known.date, fact.date) in (
        Relation.NEW,
        Relation.FINER,
        Relation.OTHER,
    ):
        fold.facts[key] = replace(known, date=fact.date)


def _overall(fold: _Fold) -> View:
    """Return what the tracks say together: the token's word first, a sale's last."""
    token = fold.tracks.get(TOKEN)
    real = {k: t for k, t in fold.tracks.items() if not k.startswith(SALE)}
    sales = {k: t for k, t in fold.tracks.items() if k.startswith(SALE)}
    lives = [t for t in real.values() if t.state in _OPEN_STATES]
    withdrawn = token is not None and token.state in (State.POSTPONED, State.CANCELLED)
    if lives and not (
        withdrawn and token is not None and token.since > min(t.since for t in lives)
    ):
        lead = min(lives, key=lambda t: (t.since, t.claim))
        state = State.LIVE
    elif real:
        lead = _foremost(real, token)
        state = lead.state
    else:
        lead = _furthest(sales)
        state = lead.state
        if state in _OPEN_STATES:
            state = State.ANNOUNCED  # a token that is sold is not live
    key, date = _date(fold.tracks, lead)
    if state is State.ANNOUNCED and concrete(date):
        state = State.DATED
    return View(
        state=state,
        change=lead.change,
        since=lead.since,
        kind=lead.kind,
        date=date,
        track=key,
        facts=dict(fold.facts),
        conflict=_conflict(fold, key, state),
        hinted=fold.hinted,
    )


def _foremost(real: Mapping[str, Track], token: Track | None) -> Track:
    if token is not None and token.state not in (State.RUMOURED, State.ANNOUNCED):
        return token
    best = _furthest(real)
    if token is not None and _NEAREST.index(best.state) <= _NEAREST.index(token.state):
        return token
    return best


def _furthest(tracks: Mapping[str, Track]) -> Track:
    """Return the track that is nearest to happening, the earlier said where two are equal."""

    def rank(track: Track) -> tuple[int, float, str]:
        near = _NEAREST.index(track.state) if track.state in _NEAREST else len(_NEAREST)
        return (-near, track.since, track.claim)

    return min(tracks.values(), key=rank)


def _date(tracks: Mapping[str, Track], lead: Track) -> tuple[str, DateClaim | None]:
    """Return the date of the event and the track that it comes from.

    The token's date stands before those of claims and listings, the earliest of which stands
    before a sale's. A track that was postponed without a new date hides the weaker ones.
    """
    token = tracks.get(TOKEN)
    if token is not None and (token.date is not None or token.state is State.POSTPONED):
        return TOKEN, token.date
    if lead.state in (State.POSTPONED, State.CANCELLED):
        return next(key for key, track in tracks.items() if track is lead), lead.date
    for sale in (False, True):
        dated = [
            (track.date.start, key, track.date)
            for key, track in tracks.items()
            if key.startswith(SALE) is sale
            and track.date is not None
            and not (sale and track.state in _OPEN_STATES)
        ]
        if dated:
            _, key, date = min(dated, key=lambda one: one[:2])
            return key, date
    return TOKEN, None


def _conflict(fold: _Fold, key: str, state: State) -> str:
    """Return in words what the sources disagree about; empty when they agree."""
    parts: list[str] = []
    track = fold.tracks.get(key)
    if track is not None and track.date is not None and track.rivals and state is not State.LIVE:
        others: dict[str, int] = {}
        for date, _ in track.rivals.values():
            others[shown(date)] = others.get(shown(date), 0) + 1
        own = "the project" if track.official else _sources(max(1, len(track.support)))
        said_otherwise = ", ".join(f"{day} ({_sources(n)})" for day, n in sorted(others.items()))
        parts.append(f"{shown(track.date)} ({own}) or {said_otherwise}")
    denied: dict[str, str] = {}
    for one in fold.tracks.values():
        denied.update(one.denied)
    if denied and state is State.LIVE:
        words = " and ".join(sorted(set(denied.values())))
        parts.append(f"called {words} after it was live ({_sources(len(denied))})")
    return "; ".join(parts)


def _sources(count: int) -> str:
    return f"{count} source" if count == 1 else f"{count} sources"
