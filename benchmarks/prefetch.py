"""What articles read at detection, and connections kept for them, are worth. Prints tables.

    python benchmarks/prefetch.py [--feeds 60] [--days 6] [--step 21600] [--seed 1] [--json]

The program watches the simulated world that ships with it, as shipped but without broken servers,
and once more with half of the papers keeping back in title and summary what the article says. In
one run, from the same start: with articles read as shipped, of no item, of every item that names a
term, and as shipped with every connection closed after use. A new connection costs two round trips
to its host there, as TCP and TLS do. Words:

  read       an article fetched right after the poll that found its item
  used       an item that made a claim or confirmed one: what a person or a pipeline is shown
  changed    an item with another outcome (claim or none, kind, date, project) for its article
  precision  used among those read;  recall  read among those used
  lead       from an article's being judged and stored to its use: the delivery of a message that
             its item caused, or the end of the round, when a pipeline is handed the batch
  waste      bytes on the wire of articles whose item was not used
  asking     the wait for an article that is only fetched when somebody asks, on a cold connection
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tgewatch.app import open_program, open_web, run_loop
from tgewatch.bench.ours import Arrivals, SteppedClock, lookup_at, settings_of
from tgewatch.detect.detector import UNSURE, Detector
from tgewatch.errors import TgewatchError
from tgewatch.metrics.metering import Metering
from tgewatch.ports import Request
from tgewatch.world.__main__ import DAY, START, serve
from tgewatch.world.plan import make_plan

WAYS = ("as shipped", "none", "all", "as shipped, connections closed")
LIMITS = (0.0, 0.02, 0.08, 0.2, 0.5)
"""Confidences below which an article would not be read."""


# --- the world, in a process of its own ---------------------------------------------------


def a_world(chosen):
    plan = make_plan(
        seed=chosen.seed, start=START, outlets=chosen.feeds, projects=20, days=chosen.days + 1.0,
        per_day=chosen.per_day, faults=False, latency=chosen.latency,
    )  # fmt: skip
    if not chosen.teasing:
        return plan
    teasing = {house.number for house in plan.outlets if house.project < 0 and house.number % 2}
    entries = tuple(
        tuple(teased(entry, plan) for entry in page) if number in teasing else page
        for number, page in enumerate(plan.entries)
    )
    return replace(plan, entries=entries)


def teased(entry, plan):
    """Let a feed keep back what the article says."""
    if entry.project < 0:
        return replace(entry, summary="")
    project = plan.projects[entry.project]
    title = f"What to know about {project.name} and its {project.ticker} token launch"
    return replace(entry, title=title, summary="")


@contextlib.contextmanager
def world(chosen, teasing):
    """Run the world until the block ends; yield its address and a way to ask it."""
    command = [
        sys.executable, __file__, "--serve", *(["--teasing"] if teasing else []), "--feeds", chosen.feeds,
        "--days", chosen.days, "--seed", chosen.seed, "--per-day", chosen.per_day,
        "--latency", chosen.latency,
    ]  # fmt: skip
    with subprocess.Popen(  # noqa: S603 - ourselves
        [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(**order):
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            yield json.loads(process.stdout.readline()), ask
        finally:
            process.stdin.close()


# --- the program, listened to -------------------------------------------------------------


@dataclass
class Heard:
    """What one watch did."""

    confidence: dict = field(default_factory=dict)
    """Article → confidence of its item before it was read."""
    answers: dict = field(default_factory=dict)
    """Article → its answer from the network."""
    seconds: dict = field(default_factory=dict)
    """Article → seconds until it was there, waits for its host's turn included."""
    polls: int = 0
    rounds: list = field(default_factory=list)
    """When each round was over."""
    asking: list = field(default_factory=list)
    """Seconds that a reader waited for an article not yet there."""
    records: dict = field(default_factory=dict)
    leads: list = field(default_factory=list)
    """(seconds, whether to a message) from an article's being ready to its use."""
    events: int = 0
    dated: int = 0
    messages: int = 0
    handshake: float = 0.0


def article(url):
    return urlsplit(url).path


class Listener(Metering):
    """Measures as always, and overrides which articles are wanted."""

    def __init__(self, settings, way, heard, *, clock):
        super().__init__(settings.metrics, clock=clock, keep_alive=settings.fetch.keep_alive)
        self._way = way
        self._heard = heard

    def fetcher(self, fetcher):
        return Listening(super().fetcher(fetcher), self._heard)

    def detector(self, companies, settings):
        return Choosing(self._way, self._heard, companies, settings)


class Listening:
    def __init__(self, fetcher, heard):
        self._fetcher = fetcher
        self._heard = heard

    async def fetch(self, request):
        begun = asyncio.get_running_loop().time()
        response = await self._fetcher.fetch(request)
        if request.pool == "article":
            name = article(request.url)
            self._heard.answers[name] = response
            self._heard.seconds[name] = asyncio.get_running_loop().time() - begun
        else:
            self._heard.polls += 1
        return response


class Choosing(Detector):
    def __init__(self, way, heard, companies, settings):
        super().__init__(companies, settings)
        self._way = way
        self._heard = heard

    def wants_article(self, item, matches, verdict, *, history=False):
        self._heard.confidence[article(item.url)] = verdict.confidence
        if self._way == "none":
            return False
        if self._way == "all":
            return bool(matches) and not item.content
        return super().wants_article(item, matches, verdict, history=history)


async def watch(chosen, teasing, way, folder):
    """Watch a world from its start, and return what was heard."""
    heard = Heard()
    with world(chosen, teasing) as (place, ask):
        fetch = {"allow_private": True} | ({"keep_alive": 0} if "closed" in way else {})
        given = {**place, "folder": str(folder), "settings": {"fetch": fetch}}
        settings = settings_of(given)
        clock, lookup = SteppedClock(place["now"]), lookup_at(place["address"])
        async with open_web(settings, clock=clock, lookup=lookup) as web:
            listener = Listener(settings, way, heard, clock=clock)
            listener.attach(pools=web.client.metrics, tiers=web.cache.stats)
            async with open_program(
                settings, clock=clock, progress=Arrivals(), console_to_stderr=True, web=web,
                metering=listener,
            ) as program:  # fmt: skip
                end = place["now"] + chosen.days * DAY
                while clock.now() < end:
                    await program.scan(everything=True)
                    heard.rounds.append(clock.now())
                    if way == "none":
                        await read_on_demand(program, settings, heard, lookup)
                    clock.move(ask(advance=chosen.step)["now"])
                await take_stock(program.store, heard)
                heard.handshake = program.client.metrics()["article"].handshake_ms
    return heard


async def read_on_demand(program, settings, heard, lookup):
    """Ask for the articles of what this round found, as a reader who comes later would."""
    begun = heard.rounds[-2] if len(heard.rounds) > 1 else 0.0
    clock = SteppedClock(program.clock.now())
    async with open_web(settings, clock=clock, lookup=lookup) as web:
        async for record in program.store.records(begun):
            if record.judged.claim is None or record.judged.item.content:
                continue
            before = clock.monotonic()
            with contextlib.suppress(TgewatchError):
                await web.client.fetch(Request(record.judged.item.url, pool="article"))
                heard.asking.append(clock.monotonic() - before)


async def take_stock(store, heard):
    async for record in store.records():
        heard.records[article(record.judged.item.url)] = record
    for record in heard.records.values():
        if record.judged.article == "fetched" and record.judged.claim is not None:
            heard.leads += await leads(store, record, heard.rounds)
    events = await store.events(limit=10_000)
    heard.events, heard.dated = len(events), sum(event.date is not None for event in events)
    told = await store.deliveries(0.0, limit=100_000)
    heard.messages = sum(one.delivered_at is not None for one in told)


async def leads(store, record, rounds):
    """Yield (seconds, whether to a message) for each use of an article."""
    ready = record.judged_at
    found = []
    over = bisect_left(rounds, ready)
    if over < len(rounds):
        found.append((rounds[over] - ready, False))
    for trace in await store.why(record.judged.item.url):
        caused = {step.number for step in trace.transitions}
        found += [
            (one.delivered_at - ready, True)
            for one in trace.deliveries
            if one.notice.number in caused and one.delivered_at is not None
        ]
    return found


# --- figures ------------------------------------------------------------------------------


def outcome(record):
    claim = record.judged.claim
    if claim is None:
        return None
    date = claim.date and (claim.date.start, claim.date.end)
    return claim.kind, claim.project.casefold(), date


def ratio(part, whole):
    return len(part) / len(whole) if whole else None


def used(heard):
    return {name for name, record in heard.records.items() if record.judged.claim is not None}


def read(heard):
    return {name for name, one in heard.records.items() if one.judged.article == "fetched"}


def four_numbers(heard, changed):
    fetched, wanted = read(heard), used(heard)
    to_message = [seconds for seconds, told in heard.leads if told]
    to_batch = [seconds for seconds, told in heard.leads if not told]
    wire = {name: one.bytes_read for name, one in heard.answers.items()}
    wasted = sum(wire.get(name, 0) for name in fetched - wanted)
    return {
        "items": len(heard.records),
        "articles read": len(fetched),
        "used items": len(wanted),
        "precision": ratio(fetched & wanted, fetched),
        "recall": ratio(fetched & wanted, wanted),
        "precision, changed": ratio(fetched & changed, fetched),
        "recall, changed": ratio(fetched & changed, changed),
        "in time for its message": ratio([s for s in to_message if s >= 0], to_message),
        "lead to message, ms": median_ms([s for s in to_message if s >= 0]),
        "lead to batch, ms": median_ms(to_batch),
        "wasted kB": wasted / 1_000,
        "wasted share": wasted / sum(wire.values()) if wire else None,
        "events": heard.events,
        "dated": heard.dated,
        "messages": heard.messages,
    }


def median_ms(seconds):
    return 1_000 * statistics.median(seconds) if seconds else None


def thresholds(everything, changed):
    """Return what reading from other confidences on would have cost and brought."""
    rows = {}
    for limit in LIMITS:
        chosen = {
            name
            for name in read(everything)
            if limit <= everything.confidence.get(name, 0.0) < UNSURE[1]
        }
        rows[f"{limit:g} to {UNSURE[1]:g}"] = {
            "articles": len(chosen),
            "precision, changed": ratio(chosen & changed, chosen),
            "recall, changed": ratio(chosen & changed, changed),
        }
    return rows


def connections(kept, closed):
    """Compare the same articles with and without a connection that was open."""
    both = [name for name in kept.answers if name in closed.answers]
    pairs = defaultdict(list)
    for name in both:
        saved = closed.answers[name].elapsed - kept.answers[name].elapsed
        pairs[kept.answers[name].reused].append(1_000 * saved)
    reused = sum(one.reused for one in kept.answers.values())
    every = [saved for some in pairs.values() for saved in some]
    return {
        "articles": len(kept.answers),
        "on a connection that was open": reused / len(kept.answers) if kept.answers else None,
        "ms saved per article": statistics.fmean(every) if every else None,
        "ms saved per article on one": statistics.fmean(pairs[True]) if pairs[True] else None,
        "ms per article, kept": 1_000
        * statistics.fmean(kept.answers[name].elapsed for name in both)
        if both
        else None,
        "ms per article, closed": 1_000
        * statistics.fmean(closed.answers[name].elapsed for name in both)
        if both
        else None,
    }


def figures(heard):
    changed = {
        name
        for name, record in heard["all"].records.items()
        if name in heard["none"].records and outcome(record) != outcome(heard["none"].records[name])
    }
    shipped = heard["as shipped"]
    return {
        "ways": {way: four_numbers(heard[way], changed) for way in WAYS[:3]},
        "changed by their article": len(changed),
        "asking, ms": median_ms(heard["none"].asking),
        "asked for": len(heard["none"].asking),
        "thresholds": thresholds(heard["all"], changed),
        "connections": connections(shipped, heard[WAYS[3]]),
    }


def shown(value):
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) and value < 10 else f"{value:,.0f}"


def print_figures(title, found):
    print(f"\n{title}\n{'':26s}" + "".join(f"{way:>14s}" for way in found["ways"]))
    for name in next(iter(found["ways"].values())):
        row = (shown(figure[name]) for figure in found["ways"].values())
        print(f"{name:26s}" + "".join(f"{value:>14s}" for value in row))
    print(f"items changed by their article: {found['changed by their article']}")
    print(
        f"asking for an article that was not read: {shown(found['asking, ms'])} ms"
        f" (median of {found['asked for']})"
    )
    for limits, row in found["thresholds"].items():
        figures = ", ".join(f"{name} {shown(value)}" for name, value in row.items())
        print(f"  read at a confidence of {limits}: {figures}")
    print("connections: " + ", ".join(f"{k} {shown(v)}" for k, v in found["connections"].items()))


async def play(chosen):
    results = {}
    for title, teasing in (("the world as shipped", False), ("half of the papers tease", True)):
        heard = {}
        with TemporaryDirectory() as folder:
            for number, way in enumerate(WAYS):
                print(f"{title}: {way}", file=sys.stderr, flush=True)
                heard[way] = await watch(chosen, teasing, way, Path(folder) / str(number))
        results[title] = figures(heard)
    return results


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--days", type=float, default=6.0, help="that are watched")
    parser.add_argument("--step", type=float, default=21_600.0, help="seconds between two rounds")
    parser.add_argument("--per-day", type=float, default=6.0, help="ordinary entries of a feed")
    parser.add_argument("--latency", type=float, default=0.1, help="median seconds of an answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--teasing", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(a_world(chosen), port=0, after=0.1, slow=1.0, set_up=2.0))
        return
    results = run_loop(play(chosen))
    if chosen.json:
        print(json.dumps(results))
        return
    for title, found in results.items():
        print_figures(title, found)


if __name__ == "__main__":
    main()
