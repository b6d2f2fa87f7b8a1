"""What happens in the world, to whom, and who writes about it when. Follows from the seed."""

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tgewatch.world.lives import LIVES, Life
from tgewatch.world.names import VENUES, paper_name, project_names
from tgewatch.world.words import BEATS, CLOSING, NEGATIVES, NOISE

DAY = 86_400.0
SHOWN = 30
"""Entries that a feed shows."""
WIRED = 0.3
"""Share of beats that are reported as one syndicated text."""
NEGATIVE = 0.15
"""Share of ordinary entries that use the words of the trade and announce nothing."""
UNWATCHED = 5
"""Every so many projects, one is on nobody's list."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One true change in the life of a project's token."""

    project: int
    number: int
    what: str
    """A key of words.BEATS."""
    at: float
    """Seconds since the world began."""
    date: float | None = None
    """Day on which the token is to come, in seconds since the world began."""


@dataclass(frozen=True, slots=True)
class Project:
    """Somebody with a token to come."""

    name: str
    ticker: str
    watched: bool
    host: str
    beats: tuple[Beat, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One article, in one feed."""

    outlet: int
    number: int
    at: float
    title: str
    summary: str
    body: str
    what: str
    """The beat's word, or negative or noise."""
    project: int = -1
    beat: int = -1
    syndicated: bool = False


@dataclass(frozen=True, slots=True)
class Outlet:
    """A feed and the manners of its server."""

    number: int
    name: str
    host: str
    project: int = -1
    """Its own voice, or -1."""
    format: str = "rss"
    """rss, atom, rdf or json."""
    validators: str = "both"
    """both, etag, modified, none or ignored."""
    fault: str = "none"
    """none, slow, hang, refused, flap, limited, gone, moved, html, truncated or charset."""
    latency: float = 0.05
    """Seconds."""
    dated: bool = True
    max_age: int | None = None

    @property
    def round_trip(self) -> float:
        """Seconds to its server and back: half of what it takes to answer, at most 0.3."""
        return min(0.3, 0.5 * self.latency)

    @property
    def path(self) -> str:
        return {"json": "/feed.json", "atom": "/atom.xml"}.get(self.format, "/feed.xml")


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a project really stands at some time."""

    name: str
    ticker: str
    state: str
    """unknown, rumoured, announced, dated, postponed, live or cancelled."""
    date: float | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will happen."""

    start: float
    """Unix time at which the world begins, midnight UTC."""
    days: float
    outlets: tuple[Outlet, ...]
    projects: tuple[Project, ...]
    entries: tuple[tuple[Entry, ...], ...] = field(repr=False)
    """Of each outlet, oldest first."""

    def visible(self, outlet: int, now: float) -> tuple[Entry, ...]:
        """Return what the outlet's feed shows at `now`, newest first."""
        page = self.entries[outlet]
        end = bisect_right(page, now - self.start, key=lambda entry: entry.at)
        return page[max(0, end - SHOWN) : end][::-1]

    def truth(self, now: float) -> tuple[Truth, ...]:
        """Return where every project stands at `now`."""
        until = now - self.start
        found = []
        for project in self.projects:
            state, date, changes = "unknown", None, []
            for beat in project.beats:
                if beat.at > until:
                    break
                changes.append(beat.what)
                date = beat.date if beat.date is not None else date
                if beat.what == "postponed":
                    date = None
                state = STATES.get(beat.what, state if beat.what == "sale" else beat.what)
            found.append(
                Truth(
                    project.name,
                    project.ticker,
                    state,
                    None if date is None else self.start + date,
                    tuple(changes),
                )
            )
        return tuple(found)


STATES = {
    "slipped": "dated", "redated": "dated", "claim": "live", "listed": "live",
    "on_binance": "live", "on_kucoin": "live", "on_bybit": "live",
}  # fmt: skip
"""What a beat leaves a token in, where it is not what the beat is called."""


def make_plan(
    *,
    seed: int = 1,
    start: float,
    outlets: int = 12,
    projects: int = 5,
    days: float = 7.0,
    per_day: float = 6.0,
    faults: bool = True,
    latency: float = 0.02,
    lives: tuple[Life, ...] = LIVES,
    writers: tuple[int, int] = (2, 5),
    twins: bool = False,
) -> Plan:
    """Plan a world of `outlets` feeds (those of the projects included) for `days` days.

    `per_day` is the mean number of ordinary entries a feed and day; a feed begins with a day of
    history. Shares of faults hold rounded, for any number of feeds. Between `writers` outlets write
    about each beat. With `twins` some projects share the ticker of another, and some its first word.
    """
    chance = random.Random(f"tgewatch world {seed}")  # noqa: S311 - a world, no secret
    cast = _cast(chance, projects, lives, twins=twins)
    houses = _houses(chance, outlets, cast, faults=faults, latency=latency)
    others = random.Random(f"bystanders {seed}")  # noqa: S311 - as above
    bystanders = [name for name, _ in project_names(others, 300)]
    taken = {project.name for project in cast}
    bystanders = [name for name in bystanders if name not in taken]
    pages: list[list[Entry]] = [[] for _ in houses]
    for project in range(len(cast)):
        _write_story(
            chance, cast[project], project, houses=houses, pages=pages, start=start, writers=writers
        )
    for house in houses:
        _write_noise(chance, house, pages[house.number], bystanders, days=days, per_day=per_day)
    finished = tuple(
        tuple(
            Entry(
                e.outlet, number, e.at, e.title, e.summary, e.body,
                e.what, e.project, e.beat, e.syndicated,
            )
            for number, e in enumerate(sorted(page, key=lambda e: (e.at, e.title)))
        )
        for page in pages
    )  # fmt: skip
    return Plan(start, days, tuple(houses), tuple(cast), finished)


def _cast(
    chance: random.Random, amount: int, lives: tuple[Life, ...], *, twins: bool
) -> list[Project]:
    cast: list[Project] = []
    for number, (given, own) in enumerate(project_names(chance, amount)):
        name, ticker = given, own
        if twins and number % 10 == 7:  # noqa: PLR2004 - one in ten
            ticker = cast[-1].ticker
        elif twins and number % 10 == 4:  # noqa: PLR2004 - another
            name = f"{cast[-1].name.split()[0]} {given.split()[0]}"
        life = lives[number % len(lives)]
        shift = (number // len(lives)) % 7 * 0.02
        beats = tuple(
            Beat(number, k, what, (day + shift) * DAY, None if due is None else due * DAY)
            for k, (what, day, due) in enumerate(life)
        )
        host = f"{given.split()[0].lower()}.example"
        cast.append(Project(name, ticker, number % UNWATCHED != UNWATCHED - 1, host, beats))
    return cast


def _houses(
    chance: random.Random, amount: int, cast: list[Project], *, faults: bool, latency: float
) -> list[Outlet]:
    voices = min(len(cast), max(0, amount // 3))
    formats = _shares(chance, amount, {"atom": 0.3, "rdf": 0.05, "json": 0.05}, "rss")
    validators = _shares(
        chance, amount, {"etag": 0.12, "modified": 0.13, "none": 0.12, "ignored": 0.05}, "both"
    )
    faulty = _shares(
        chance,
        amount - voices,
        {
            "slow": 0.04, "hang": 0.02, "refused": 0.02, "flap": 0.05, "limited": 0.05,
            "gone": 0.02, "moved": 0.035, "html": 0.02, "truncated": 0.02, "charset": 0.02,
        }
        if faults
        else {},
        "none",
    )  # fmt: skip
    ages = _shares(chance, amount, {"300": 0.25, "1800": 0.05}, "")
    undated = _shares(chance, amount, {"undated": 0.03}, "dated")
    houses = []
    for number in range(amount):
        own = number < voices
        name = f"{cast[number].name} blog" if own else paper_name(number - voices)
        host = cast[number].host if own else f"{name.lower().replace(' ', '-')}.example"
        houses.append(
            Outlet(
                number,
                name,
                host,
                project=number if own else -1,
                format=formats[number],
                validators=validators[number],
                fault="none" if own else faulty[number - voices],
                latency=latency * chance.lognormvariate(0.0, 0.8) if latency else 0.0,
                dated=own or undated[number] == "dated",
                max_age=int(ages[number]) if ages[number] else None,
            )
        )
    return houses


def _shares(chance: random.Random, amount: int, shares: dict[str, float], rest: str) -> list[str]:
    """Deal out properties so that each share holds, rounded."""
    dealt: list[str] = []
    for name, share in shares.items():
        dealt += [name] * round(share * amount)
    dealt = dealt[:amount] + [rest] * (amount - len(dealt))
    chance.shuffle(dealt)
    return dealt


def _write_story(
    chance: random.Random,
    project: Project,
    number: int,
    *,
    houses: list[Outlet],
    pages: list[list[Entry]],
    start: float,
    writers: tuple[int, int],
) -> None:
    """Let the project's own blog and some outlets report each beat, at first hand or syndicated."""
    outlets = [house.number for house in houses if house.project == -1]
    own = next((house.number for house in houses if house.project == number), None)
    before: float | None = None
    for beat in project.beats:
        others = chance.sample(outlets, min(len(outlets), chance.randint(*writers)))
        words = chance.sample(BEATS[beat.what], len(BEATS[beat.what]))
        wire = chance.random() < WIRED
        hands = ([own] if own is not None and beat.what != "rumoured" else []) + others
        for turn, outlet in enumerate(hands):
            title, body = words[0 if wire and turn else turn % len(words)]
            gaps = {
                "p": project.name,
                "t": project.ticker,
                "d": _day(start, beat.date),
                "o": _day(start, before),
                "v": VENUES[(number + beat.number) % len(VENUES)],
                "n": str(5 + (number * 7 + beat.number * 3) % 25),
            }
            body = body.format(**gaps)
            pages[outlet].append(
                Entry(
                    outlet, 0, beat.at + turn * chance.uniform(120.0, 2_400.0),
                    title.format(**gaps), body, f"{body} {chance.choice(CLOSING)}",
                    beat.what, number, beat.number, syndicated=wire and turn > 1,
                )
            )  # fmt: skip
        before = beat.date if beat.date is not None else before


def _write_noise(
    chance: random.Random,
    house: Outlet,
    page: list[Entry],
    bystanders: list[str],
    *,
    days: float,
    per_day: float,
) -> None:
    """Fill the feed with a day of history and the ordinary news of the days to come."""
    at = -DAY
    while True:
        at += chance.expovariate(per_day / DAY)
        if at > days * DAY:
            return
        negative = chance.random() < NEGATIVE
        title, body = chance.choice(NEGATIVES if negative else NOISE)
        gaps = {
            "q": chance.choice(bystanders),
            "v": chance.choice(VENUES),
            "n": str(chance.randint(3, 60)),
        }
        body = body.format(**gaps)
        page.append(
            Entry(
                house.number, 0, at, title.format(**gaps), body,
                f"{body} {chance.choice(CLOSING)}", "negative" if negative else "noise",
            )
        )  # fmt: skip


def _day(start: float, date: float | None) -> str:
    if date is None:
        return "a later date"
    day = datetime.fromtimestamp(start + date, UTC)
    return f"{day.day} {day:%B %Y}"
