"""A week of the simulated world, judged and merged by the program, held against what is true.

No network: every entry is handed to pipeline and store as its feed would have shown it, and the
articles that are wanted are read afterwards, from the plan. Detection, merging and store are the
real ones.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from tgewatch.detect.detector import Detector
from tgewatch.engine.articles import Articles
from tgewatch.engine.pipeline import Pipeline
from tgewatch.errors import RefusedError
from tgewatch.model import (
    Company,
    Event,
    Item,
    Judged,
    Poll,
    Source,
    SourceState,
    Transition,
)
from tgewatch.ports import Archive, Request, Response
from tgewatch.settings import DetectionSettings
from tgewatch.world import Entry, Plan
from tgewatch.world.plan import DAY, Beat

STEP = 3 * 3_600.0
"""Seconds between two rounds."""
SILENT = frozenset({"rumoured"})
"""Beats that are evidence without alert."""
MISSED_OF = frozenset({"listed"})
"""Beats that may go untold: the venues of the world are on no list of exchanges."""
_PAGE = re.compile(r"/a/(\d+)-(\d+)$")


@dataclass(frozen=True, slots=True)
class Switches:
    """What is turned on."""

    articles: bool = True
    """Wanted articles are read."""
    early_filter: bool = True
    """Articles are asked for only after a match; without it, every entry's is."""
    summaries: bool = True
    """Feeds carry summaries; without them a title is all there is before the article."""


@dataclass(slots=True)
class Week:
    """What came of it."""

    projects: int = 0
    entries: int = 0
    about: int = 0
    """Entries about a planted project."""
    copies: int = 0
    """Of them, syndicated ones."""
    articles: int = 0
    """Read."""
    claims: int = 0
    found: int = 0
    """Entries about a project's beat that made a claim; rumours included."""
    false: int = 0
    """Entries about nothing that made one."""
    events: Counter[str] = field(default_factory=Counter)
    """one, none, several → projects with so many events; strangers → events of no project."""
    false_merges: list[str] = field(default_factory=list)
    """Events with evidence of two projects, or of a project and of nothing."""
    told: Counter[str] = field(default_factory=Counter)
    """once, again, missed → beats; unplanned → changes told that no beat is."""
    wrong: list[str] = field(default_factory=list)
    """Beats that were told again or never, and changes that are no beat, in words."""
    dates: Counter[str] = field(default_factory=Counter)
    """right, wrong → beats that set, move or drop a date, looked at a round after their last entry."""
    late: list[str] = field(default_factory=list)
    """Dates that were wrong, in words."""
    states: Counter[str] = field(default_factory=Counter)
    """right, wrong → projects, in the end."""


class _Offline:
    async def fetch(self, request: Request) -> Response:
        raise RefusedError(f"{request.url}: nothing is fetched here", cause="offline")


async def _unread(_body: bytes, _url: str, _type: str) -> str:
    return ""


class Player:
    """Plays one plan against one store."""

    def __init__(self, plan: Plan, store: Archive, *, switches: Switches = Switches()) -> None:
        self._plan = plan
        self._store = store
        self._switches = switches
        companies = tuple(
            Company(p.name, tickers=(p.ticker,), domains=(p.host,))
            for p in plan.projects
            if p.watched
        )
        self._pipeline = Pipeline(
            Detector(companies, DetectionSettings(mode="discover")), Articles(_Offline(), _unread)
        )
        self._sources = tuple(
            Source(
                url=f"http://{outlet.host}{outlet.path}",
                name=outlet.name,
                company=self._company(outlet.project),
            )
            for outlet in plan.outlets
        )
        self._polls: Counter[str] = Counter()
        self._steps: list[Transition] = []
        self.week = Week(projects=len(plan.projects))

    def _company(self, project: int) -> str:
        known = 0 <= project < len(self._plan.projects) and self._plan.projects[project].watched
        return self._plan.projects[project].name if known else ""

    async def play(self) -> Week:
        """Let the week go by and return what came of it."""
        now, before = self._plan.start, float("-inf")
        due = list(self._looks())
        while now <= self._plan.start + self._plan.days * DAY + STEP:
            await self._round(before, now)
            while due and due[0][0] <= now:
                await self._look(due.pop(0)[1], now)
            before, now = now, now + STEP
        await self._judge(now)
        return self.week

    async def _round(self, before: float, now: float) -> None:
        waiting: list[tuple[Source, Judged, bool, Entry]] = []
        for outlet, source in zip(self._plan.outlets, self._sources, strict=True):
            shown = [
                entry
                for entry in self._plan.entries[outlet.number]
                if before < self._plan.start + entry.at <= now
            ]
            baseline = not self._polls[source.url]
            self._polls[source.url] += 1
            if not shown and not baseline:
                continue
            judged = [self._judged(source, entry, now, baseline=baseline) for entry in shown]
            state = SourceState(url=source.url, baseline_at=now if baseline else self._plan.start)
            stored = await self._store.commit_poll(
                Poll(source, now, state, "changed", tuple(judged))
            )
            self._steps += stored.transitions
            waiting += [
                (source, one, baseline, entry)
                for one, entry in zip(judged, shown, strict=True)
                if one.article == "wanted" or not self._switches.early_filter
            ]
        for source, one, baseline, entry in waiting if self._switches.articles else ():
            self.week.articles += 1
            again = self._pipeline.with_article(source, one, entry.body, now=now, baseline=baseline)
            stored = await self._store.commit_rejudged(source, (again,), at=now)
            self._steps += stored.transitions
        await self._store.advance(now)

    def _judged(self, source: Source, entry: Entry, now: float, *, baseline: bool) -> Judged:
        url = f"{source.url.rsplit('/', 1)[0]}/a/{entry.outlet}-{entry.number}"
        item = Item(
            source=source.url,
            key=sha256(url.encode()).hexdigest(),
            url=url,
            title=entry.title,
            summary=entry.summary if self._switches.summaries else "",
            published=self._plan.start + entry.at,
        )
        self.week.entries += 1
        self.week.about += entry.project >= 0
        self.week.copies += entry.syndicated
        judged = self._pipeline.judge(source, item, now=now, baseline=baseline)
        return judged if self._switches.articles else _without_article(judged)

    # What is true.

    def _entry(self, url: str) -> Entry:
        found = _PAGE.search(url)
        if found is None:
            raise ValueError(f"no page of the world: {url}")
        return self._plan.entries[int(found[1])][int(found[2])]

    def _looks(self) -> Iterator[tuple[float, Beat]]:
        """Return when to look at the date of which beat: a round after its last entry."""
        last: dict[tuple[int, int], float] = {}
        for page in self._plan.entries:
            for entry in page:
                if entry.project >= 0:
                    key = (entry.project, entry.beat)
                    last[key] = max(last.get(key, 0.0), entry.at)
        looks = [
            (self._plan.start + last[project, beat.number] + STEP, project, beat)
            for project, one in enumerate(self._plan.projects)
            for beat in one.beats
            if beat.what in {"dated", "slipped", "postponed", "redated"}
        ]
        return ((at, beat) for at, _, beat in sorted(looks, key=lambda look: look[:2]))

    async def _look(self, beat: Beat, now: float) -> None:
        """Hold the date that the program has against the true one."""
        project = self._plan.projects[beat.project]
        truth = self._plan.truth(now)[beat.project].date
        events = [e for e in await self._all() if beat.project in self._about(e)]
        dates = {_day(e.date.start) if e.date else "" for e in events}
        if dates == {_day(truth)}:
            self.week.dates["right"] += 1
            return
        self.week.dates["wrong"] += 1
        shown = ", ".join(sorted(one or "none" for one in dates)) or "no event"
        self.week.late.append(f"{project.name} {beat.what}: {_day(truth) or 'none'}, not {shown}")

    async def _all(self) -> Sequence[Event]:
        return await self._store.events(limit=1_000_000)

    def _about(self, event: Event) -> set[int]:
        """Return which projects the evidence is about; -1 for what is about none."""
        return {self._entry(claim.url).project for claim in event.claims}

    async def _judge(self, now: float) -> None:
        week, events = self.week, await self._all()
        held: dict[int, list[Event]] = {}
        for event in events:
            about = self._about(event)
            week.claims += len(event.claims)
            for claim in event.claims:
                real = self._entry(claim.url).project >= 0
                week.found += real
                week.false += not real
            if about == {-1}:
                week.events["strangers"] += 1
                continue
            if len(about) > 1:
                names = [self._plan.projects[n].name if n >= 0 else "nothing" for n in about]
                week.false_merges.append(f"{event.id}: {', '.join(sorted(names))}")
            for number in about - {-1}:
                held.setdefault(number, []).append(event)
        for number in range(len(self._plan.projects)):
            count = len(held.get(number, ()))
            week.events["none" if not count else "one" if count == 1 else "several"] += 1
        self._judge_told(now)
        for number, truth in enumerate(self._plan.truth(now)):
            mine = held.get(number, [])
            said = {str(event.state) for event in mine}
            true = {truth.state, "postponed"} if truth.state == "dated" else {truth.state}
            week.states["right" if said and said <= true else "wrong"] += 1

    def _judge_told(self, now: float) -> None:
        """Count how often each beat was told: by the entries about it."""
        claims = self._claims_told()
        told: Counter[tuple[int, int]] = Counter()
        for step, entry in claims:
            if entry.project < 0:
                self.week.told["unplanned"] += 1
                self.week.wrong.append(f"nothing, told as {step.change}: {entry.title}")
                continue
            told[entry.project, entry.beat] += 1
            if told[entry.project, entry.beat] > 1:
                self.week.told["again"] += 1
                self.week.wrong.append(f"{entry.what} again, as {step.change}: {entry.title}")
        for number, project in enumerate(self._plan.projects):
            for beat in project.beats:
                if self._plan.start + beat.at > now or beat.what in SILENT:
                    continue
                if told[number, beat.number]:
                    self.week.told["once"] += told[number, beat.number] == 1
                elif beat.what in MISSED_OF:
                    self.week.told["unlisted"] += 1
                else:
                    self.week.told["missed"] += 1
                    self.week.wrong.append(f"{beat.what} of {project.name} was never told")

    def _claims_told(self) -> Iterator[tuple[Transition, Entry]]:
        urls = {
            sha256(f"{source.url}\n{sha256(url.encode()).hexdigest()}".encode()).hexdigest(): url
            for source, page in zip(self._sources, self._plan.entries, strict=True)
            for entry in page
            for url in [f"{source.url.rsplit('/', 1)[0]}/a/{entry.outlet}-{entry.number}"]
        }
        for step in self._steps:
            if step.tell:
                yield step, self._entry(urls[step.claim])


def _without_article(judged: Judged) -> Judged:
    return (
        Judged(
            item=judged.item,
            stage=judged.stage,
            reason=judged.reason,
            verdict=judged.verdict,
            claim=judged.claim,
            article="not_needed",
        )
        if judged.article == "wanted"
        else judged
    )


def _day(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
