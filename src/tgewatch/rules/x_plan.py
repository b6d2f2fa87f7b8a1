"""Which queries cover the watchlist: accounts into shards, by priority, within every length."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tgewatch.model import Company, Priority
from tgewatch.rules import x_query
from tgewatch.rules.packing import Bins, pack, repack
from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings

WINDOW = 900.0
"""Seconds of X's rate windows."""
CALLS = {"recent": 450, "all": 300, "timeline": 10_000}
"""Documented calls of an app in a window (docs.x.com, rate limits); headers say what is true."""
SPARE = 0.98
"""Share of the calls that is planned with; the rest is for further pages and second tries."""
ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)
TAG = "tgewatch:"
"""Begins the tag of every rule of ours on the stream."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One query that is asked again and again."""

    name: str
    """Stable: `recent/high/0`. Also its name in the schedule."""
    place: str
    """recent, all or timeline: which endpoint answers it."""
    query: str
    """For a timeline the handle."""
    priority: Priority
    handles: tuple[str, ...] = ()
    keywords: bool = False

    @property
    def trailing(self) -> bool:
        """Whether posts come to match it later, so that it has to look back each time."""
        return x_query.needs_window(self.query)


@dataclass(frozen=True, slots=True)
class StreamRule:
    """One rule of the filtered stream."""

    value: str
    tag: str


@dataclass(frozen=True, slots=True)
class Packed:
    """Shards, and the bins that they were made of, by `place/priority`, for the next time."""

    shards: tuple[Shard, ...] = ()
    bins: Mapping[str, Bins] = field(default_factory=dict)


def accounts(companies: Sequence[Company]) -> dict[str, Company]:
    """Return the companies with an account by handle in lower case, each account once."""
    found: dict[str, Company] = {}
    for company in companies:
        if company.x_handle:
            found.setdefault(company.x_handle.lower(), company)
    return found


def covered(companies: Iterable[Company], level: Level) -> list[Company]:
    """Return whom there is money for."""
    left_out = {
        Level.ALL: (),
        Level.NO_KEYWORDS: (),
        Level.NO_LOW: (Priority.LOW,),
        Level.ONLY_HIGH: (Priority.LOW, Priority.MEDIUM),
    }[level]
    return [company for company in companies if company.priority not in left_out]


def narrowing(settings: XSettings, priority: Priority) -> str:
    """Return what is added to the queries for accounts of a priority."""
    phrases = settings.phrases if priority in settings.clause_for else ()
    return x_query.clause(phrases, settings.exclude)


def keyword_query(settings: XSettings) -> str:
    """Return the search across all of X; empty without keywords."""
    if not settings.keywords:
        return ""
    return x_query.clause(settings.keywords, settings.keyword_filter)


def keyword_rule(settings: XSettings) -> str:
    """Return the same for the stream, which can ask for followers at once and for no likes."""
    if not settings.keywords:
        return ""
    words = [
        word
        for word in settings.keyword_filter.split()
        if not word.lstrip("-").startswith(x_query.TRAILING)
    ]
    if settings.keyword_followers:
        words.append(f"min_followers:{settings.keyword_followers}")
    return x_query.clause(settings.keywords, " ".join(words))


def problems(settings: XSettings) -> list[str]:
    """Return what X would refuse of the queries that the settings lead to."""
    found = []
    room = x_query.RECENT - x_query.cost("from:" + 15 * "x")
    for priority in ORDER:
        rest = narrowing(settings, priority)
        if rest and (said := x_query.problem(rest, limit=room)):
            found.append(f"[x] phrases and exclude: the query {said}")
    if settings.keywords:
        search, stream = keyword_query(settings), keyword_rule(settings)
        said = x_query.problem(search, limit=x_query.RECENT)
        said = said or x_query.problem(stream, limit=x_query.ALL, stream=True)
        if said:
            found.append(f"[x] keywords: the query {said}")
    return list(dict.fromkeys(found))


def by_list(
    companies: Sequence[Company], settings: XSettings, before: Mapping[str, Bins]
) -> Packed:
    """Return one search over the list that holds all accounts.

    Beside it, accounts whose every post is read are packed, unless they are all there are.
    """
    free = [c for c in companies if not (settings.phrases and c.priority in settings.clause_for)]
    rest = x_query.clause(settings.phrases, settings.exclude)
    packed = Packed()
    if len(free) == len(companies):
        rest = settings.exclude.strip()
    elif free:
        packed = by_search(free, settings, before, search_all=False, pace=WINDOW)
    query = " ".join(filter(None, (f"list:{settings.list_id}", rest)))
    everybody = tuple(sorted(accounts(companies)))
    shard = Shard("list", "recent", query, Priority.MEDIUM, everybody)
    return Packed((*packed.shards, shard), packed.bins)


def by_timeline(companies: Sequence[Company]) -> tuple[Shard, ...]:
    """Return a timeline for each account: a call for each, and no narrowing."""
    return tuple(
        Shard(f"timeline/{name}", "timeline", name, company.priority, (name,))
        for name, company in sorted(accounts(companies).items())
    )


def by_search(
    companies: Sequence[Company],
    settings: XSettings,
    before: Mapping[str, Bins],
    *,
    search_all: bool,
    pace: float,
    extra: int = 0,
) -> Packed:
    """Return accounts packed into searches, staying in the shards of `before` where they can.

    Where recent search alone cannot ask all of them every `pace` seconds, beside `extra` other
    queries, and `search_all` may be used, the fullest queries go there: twice as long, fewer calls.
    """
    alone = _packed(companies, settings, before, whole=0)
    room = rate("recent", pace) - extra
    if len(alone.shards) <= room or not search_all:
        return alone
    return _packed(companies, settings, before, whole=rate("all", pace))


def rate(place: str, pace: float) -> int:
    """Return the calls that an endpoint allows every `pace` seconds."""
    return int(CALLS[place] * SPARE * pace / WINDOW)


def pace(shards: Iterable[Shard], limits: Mapping[str, int], *, least: float) -> float:
    """Return the seconds between two looks at each shard that its endpoint's limit allows."""
    number: dict[str, int] = {}
    for shard in shards:
        number[shard.place] = number.get(shard.place, 0) + 1
    needed = [
        count * WINDOW / max(1.0, SPARE * limits.get(place, CALLS[place]))
        for place, count in number.items()
    ]
    return max([least, *needed])


def _packed(
    companies: Sequence[Company], settings: XSettings, before: Mapping[str, Bins], *, whole: int
) -> Packed:
    """Pack each priority by itself: the fullest `whole` queries for search/all, if any."""
    shards: list[Shard] = []
    bins: dict[str, Bins] = {}
    left = whole
    for priority in reversed(ORDER):
        rest = narrowing(settings, priority)
        costs = _costs(companies, priority)
        if not costs:
            continue
        if whole:
            long = repack(
                before.get(f"all/{priority}", ()), costs, x_query.capacity(x_query.ALL, rest)
            )
            chosen = sorted(range(len(long)), key=lambda i: (-len(long[i]), i))[:left]
            taken = tuple(names if i in chosen else () for i, names in enumerate(long))
            left -= sum(1 for names in taken if names)
            bins[f"all/{priority}"] = taken
            shards += _shards("all", priority, taken, rest)
            used = {name for names in taken for name in names}
            costs = {name: cost for name, cost in costs.items() if name not in used}
        short = repack(
            before.get(f"recent/{priority}", ()), costs, x_query.capacity(x_query.RECENT, rest)
        )
        bins[f"recent/{priority}"] = short
        shards += _shards("recent", priority, short, rest)
    shards.sort(key=lambda shard: ORDER.index(shard.priority))
    return Packed(tuple(shards), bins)


def _costs(companies: Sequence[Company], priority: Priority) -> dict[str, int]:
    return {
        name: x_query.cost(x_query.author(name))
        for name, company in accounts(companies).items()
        if company.priority is priority
    }


def _shards(place: str, priority: Priority, bins: Bins, rest: str) -> list[Shard]:
    return [
        Shard(
            name=f"{place}/{priority}/{number}",
            place=place,
            query=x_query.query([x_query.author(name) for name in sorted(names)], rest),
            priority=priority,
            handles=tuple(sorted(names)),
        )
        for number, names in enumerate(bins)
        if names
    ]


def rules(
    companies: Sequence[Company], settings: XSettings, *, keywords: bool
) -> tuple[StreamRule, ...]:
    """Return the rules of the filtered stream: accounts packed for each priority, and keywords."""
    found = []
    for priority in ORDER:
        rest = narrowing(settings, priority)
        packed = pack(_costs(companies, priority), x_query.capacity(x_query.ALL, rest))
        for number, names in enumerate(packed):
            value = x_query.query([x_query.author(name) for name in sorted(names)], rest)
            found.append(StreamRule(value, f"{TAG}{priority}/{number}"))
    if keywords and settings.keywords:
        found.append(StreamRule(keyword_rule(settings), f"{TAG}keywords"))
    return tuple(found)


def keyword_shard(settings: XSettings) -> tuple[Shard, ...]:
    """Return the search for the keywords, when there are any."""
    query = keyword_query(settings)
    return (Shard("keywords", "recent", query, Priority.LOW, keywords=True),) if query else ()
