"""A simulated day on X, by every strategy: calls, dollars, delay, and whether anything is missed.

Time is virtual, X is the shipped fake, in this process; the client is the one that `tgewatch run`
uses. What was billed and which calls were refused is counted by the fake, not by the client.

python benchmarks/x.py [--hours 24] [--accounts 20 100 1000] [--seed 1] [--only STRATEGY] [--json]
python benchmarks/x.py --packing                  queries alone, by the length of handles
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tgewatch.engine.x_desk import SOURCE, XDesk
from tgewatch.errors import TgewatchError
from tgewatch.fetch.ledger import Ledgers
from tgewatch.model import Company, Priority, SourceState
from tgewatch.parse.x_items import key_of
from tgewatch.rules import x_query
from tgewatch.rules.packing import least, pack
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually
from tgewatch.testing.x_caller import InProcessCaller, MemoryNotes
from tgewatch.world.x import Archive, FakeX, Faults, Post
from tgewatch.world.x.population import Population, Rates, make_population

START = 1_790_078_400.0
"""Of a Tuesday noon, so that a day has a midnight in it."""
LIST = 1_700_000_000_000_000_001
EVERYBODY = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)
SETTLING = 900.0
"""Seconds at the end in which posts need not have been seen yet."""

STRATEGIES: dict[str, dict[str, Any]] = {
    "stream": {"strategy": "stream"},
    "list": {"strategy": "list", "list_id": str(LIST)},
    "packed, clause": {"strategy": "packed", "search_all": "never"},
    "packed, bare": {"strategy": "packed", "search_all": "never", "clause_for": ()},
    "mixed, bare": {"strategy": "packed", "clause_for": ()},
}
FAULTS: dict[str, Any] = {
    "unavailable": 0.02,
    "lost": 0.005,
    "partial": 0.02,
    "short": 0.05,
    "late": 0.02,
    "latency": 0.3,
    "date_stray": 0.2,
    "foreign": 0.01,
    "disconnect": 3_600.0,
    "stale": 30.0,
}


@dataclass(slots=True)
class Seen:
    """What came out. A store knows again what another process hands it once more."""

    texts: dict[str, str] = field(default_factory=dict)
    handed: set[tuple[str, str]] = field(default_factory=set)
    """Key and text of what this process handed on."""
    twice: int = 0
    again: int = 0
    """Handed on by another process before."""
    edits: int = 0
    delays: list[float] = field(default_factory=list)

    def take(self, items: Any, now: float, since: float) -> None:
        for item in items:
            before = self.texts.get(item.key)
            self.texts[item.key] = item.title
            self.twice += (item.key, item.title) in self.handed
            self.handed.add((item.key, item.title))
            if before is None:
                if item.published >= since:
                    self.delays.append(now - item.published)
            elif before != item.title:
                self.edits += 1
            else:
                self.again += 1


@dataclass(slots=True)
class MemoryBlob:
    """A file that outlives a kill."""

    data: bytes = b""

    def read(self) -> bytes:
        return self.data

    def write(self, data: bytes) -> None:
        self.data = data


@dataclass(slots=True)
class Machine:
    """One process that reads X after another, with what outlives each."""

    settings: XSettings
    companies: list[Company]
    caller: InProcessCaller
    clock: VirtualClock
    ahead: float = 0.0
    """Seconds that X's clock, by which posts are dated, is ahead of ours."""
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    ledger: MemoryBlob = field(default_factory=MemoryBlob)
    """As `[limits] path` keeps it."""
    state: SourceState = field(default_factory=lambda: SourceState(url=SOURCE.url))
    seen: Seen = field(default_factory=Seen)
    desk: XDesk | None = None

    async def run(self, seconds: float, *, since: float) -> None:
        """Read for so long, then be killed: nothing is closed, the last poll is not stored."""
        parts = x_parts(
            self.settings,
            self.companies,
            caller=self.caller,
            turns=Ledgers(clock=self.clock, blob=self.ledger),
            notes=self.notes,
            clock=self.clock,
        )
        self.desk = XDesk(
            self.settings, self.companies, ask=parts, clock=self.clock, chance=Random(1).random
        )
        self.seen.handed.clear()
        end = self.clock.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            living = group.create_task(self.desk.live(asyncio.Event()))
            while self.clock.monotonic() < end:
                try:
                    reading = await self.desk.read(SOURCE.url, self.state, ())
                except TgewatchError as error:
                    print(f"  {error}", file=sys.stderr)
                    await self.clock.sleep(30.0)
                    continue
                if self.clock.monotonic() >= end:
                    break  # killed before it was stored
                now = self.clock.now()
                self.seen.take(reading.items, now + self.ahead, since)
                self.state = replace(
                    self.state,
                    validators=reading.validators,
                    baseline_at=self.state.baseline_at or now,
                )
                await self.clock.sleep(0.05)
            living.cancel()


def watchlist(population: Population) -> list[Company]:
    return [
        Company(name=account.name, x_handle=account.username, priority=Priority.MEDIUM)
        for account in population.accounts
    ]


def wanted(population: Population, *, narrowed: bool, start: float, end: float) -> set[int]:
    """Return first versions of the posts that have to be seen."""
    members = {account.id for account in population.accounts}
    return {
        post.versions[0]
        for post in _posts(population.archive)
        if post.author in members
        and post.kind == "original"
        and start <= post.at < end
        and (not narrowed or post.versions[0] in population.relevant)
        and not population.archive.is_deleted(post.versions[0], post.at + SETTLING)
    }


def _posts(archive: Archive) -> list[Post]:
    return archive.between(0, 1 << 63)


async def day(
    name: str, *, accounts: int, hours: float, seed: int, faults: dict[str, Any], trouble: bool
) -> dict[str, Any]:
    """Return what a day by one strategy was like."""
    seconds = hours * 3_600.0
    population = make_population(
        seed=seed,
        accounts=accounts,
        start=START,
        days=hours / 24 + 0.1,
        rates=Rates(deleted=0.01),
        list_id=LIST,
    )
    true = VirtualClock(start=START)
    fake = FakeX(population.archive, now=true.now, faults=Faults(seed=seed, **faults))
    options = {"clause_for": EVERYBODY, "token": "token", "budget": 1e9, **STRATEGIES[name]}
    settings = XSettings(history=0.0, **options)
    clock = VirtualClock(start=START)
    machine = Machine(settings, watchlist(population), InProcessCaller(fake, clock), clock)
    machine.ahead = faults.get("skew", 0.0)
    if trouble:
        await _troubled(machine, fake, seconds)
    else:
        await machine.run(seconds, since=START)
    desk = machine.desk
    narrowed = bool(settings.clause_for)
    end = START + seconds - SETTLING
    truth = wanted(population, narrowed=narrowed, start=START, end=end)
    keys = {key_of(post): post for post in truth}
    billed = {post for bill in fake.meter.days.values() for post in bill.posts}
    searches = sum(
        n for call, n in fake.log.calls.items() if "/search/" in call and "stream" not in call
    )
    status = desk.status() if desk else {}
    delays = sorted(machine.seen.delays)
    versions = {v: post.versions[0] for post in _posts(population.archive) for v in post.versions}
    first = versions.get
    posts_billed = sum(len(bill.posts) + bill.again for bill in fake.meter.days.values())
    everything = wanted(population, narrowed=narrowed, start=0.0, end=START + 2 * seconds)
    return {
        "strategy": name,
        "accounts": accounts,
        "queries": len(status.get("shards", ())),
        "pace": status.get("pace", 0.0),
        "calls_a_minute": searches / (seconds / 60),
        "calls": dict(fake.log.calls),
        "too_many": sum(fake.log.too_many.values()),
        "wanted": len(truth),
        "missed": sum(key not in machine.seen.texts for key in keys),
        "twice": machine.seen.twice,
        "edits": machine.seen.edits,
        "billed": posts_billed,
        "billed_ids": len(billed),
        "relevant_billed": sum(first(post) in everything for post in billed),
        "dollars": sum(bill.dollars for bill in fake.meter.days.values()),
        "mean_delay": statistics.fmean(delays) if delays else 0.0,
        "p95_delay": delays[int(len(delays) * 0.95)] if delays else 0.0,
        "max_delay": delays[-1] if delays else 0.0,
    }


async def _troubled(machine: Machine, fake: FakeX, seconds: float) -> None:
    """Kill the process three times, cut the network once for five minutes."""
    del fake
    for part in range(4):
        if part == 2:

            async def cut() -> None:
                await machine.clock.sleep(seconds / 8)
                machine.caller.cut = True
                await machine.clock.sleep(300.0)
                machine.caller.cut = False

            async with asyncio.TaskGroup() as group:
                group.create_task(cut())
                await machine.run(seconds / 4, since=START)
        else:
            await machine.run(seconds / 4, since=START)


def show(row: dict[str, Any], label: str) -> None:
    print(
        f"{label:<34}{row['queries']:>8}{row['pace']:>8.0f}{row['calls_a_minute']:>9.2f}"
        f"{row['too_many']:>5}{row['wanted']:>8}{row['missed']:>8}{row['twice']:>7}"
        f"{row['billed']:>8}{row['relevant_billed']:>10}{row['dollars']:>9.2f}"
        f"{row['mean_delay']:>8.1f}{row['p95_delay']:>7.0f}"
    )


def packing(accounts: list[int], seed: int) -> None:
    """Print how many queries accounts take, beside the least that their lengths allow."""
    settings = XSettings()
    narrowed = x_query.clause(settings.phrases, settings.exclude)
    print(f"clause of {len(narrowed)} characters; packed / least")
    print(f"{'':<44}{'clause, 512':>14}{'bare, 512':>14}{'clause, 1024':>14}{'bare, 1024':>14}")
    for number in accounts:
        chance = Random(seed)
        drawn = [min(15, max(4, round(chance.gauss(11.0, 2.6)))) for _ in range(number)]
        population = make_population(seed=seed, accounts=number, start=START, days=0.01)
        ours = [len(account.username) for account in population.accounts]
        for label, lengths in (("drawn around 11", drawn), ("of the simulation", ours)):
            costs = {str(n): x_query.cost("from:" + "x" * size) for n, size in enumerate(lengths)}
            cells = [
                f"{len(pack(costs, room))} / {least(costs.values(), room)}"
                for limit in (x_query.RECENT, x_query.ALL)
                for rest in (narrowed, settings.exclude)
                for room in [x_query.capacity(limit, rest)]
            ]
            said = f"{number} handles {label}, mean {statistics.fmean(lengths):.1f}"
            print(f"{said:<44}" + "".join(f"{cell:>14}" for cell in cells))


HEADER = (
    f"{'':<34}{'queries':>8}{'every s':>8}{'calls/min':>9}{'429':>5}{'wanted':>8}{'missed':>8}"
    f"{'twice':>7}{'billed':>8}{'relevant':>10}{'dollars':>9}{'mean s':>8}{'p95 s':>7}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--accounts", type=int, nargs="+", default=[20, 100, 1_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a strategy")
    parser.add_argument("--faults", choices=("none", "all", "both"), default="both")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--packing", action="store_true", help="how many queries, and no day")
    asked = parser.parse_args()
    if asked.packing:
        packing(asked.accounts, asked.seed)
        return
    rows = []
    print(HEADER if not asked.json else "", end="\n" if not asked.json else "")
    for accounts in asked.accounts:
        for name in STRATEGIES:
            if asked.only and asked.only not in name:
                continue
            for faulty in (False, True):
                if asked.faults != "both" and faulty != (asked.faults == "all"):
                    continue
                skew = 3.0 if accounts % 200 else -3.0
                began = time.perf_counter()
                row = run_virtually(
                    day(
                        name,
                        accounts=accounts,
                        hours=asked.hours,
                        seed=asked.seed,
                        faults={**FAULTS, "skew": skew} if faulty else {},
                        trouble=faulty,
                    )
                )
                row["seconds"] = time.perf_counter() - began
                row["faults"] = faulty
                rows.append(row)
                if not asked.json:
                    show(row, f"{accounts} {name}{', faults' if faulty else ''}")
    if asked.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
