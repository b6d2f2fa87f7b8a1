"""Several instances on one PostgreSQL and one Valkey, judged by the servers that they ask.

    python benchmarks/workers.py                          # 10,000 feeds; 1, 2 and 4 workers
    python benchmarks/workers.py --feeds 1000 --workers 0 1 2 --seconds 60 --json

Everything is real and on this machine: a PostgreSQL and a Valkey from wheels, a scheduler, workers
and a deliverer as processes of their own, the simulated web of `tgewatch.world`, and a channel.
For each number of workers (0: one instance alone, without Valkey), on a fresh database:

- *backlog*: all feeds are new and due at once. Polls per second until each has been read.
- *steady*: each feed is due every `--interval` seconds. The web's log has the time of every request
  for a feed. Two within 0.9 intervals are a double poll; a feed that was left alone for more than
  1.9 intervals has missed one.
- *events*: while that goes on, new projects announce their token in three feeds each. Each has to
  become one event and one alert.

Exit code 1 unless there were no double polls, none missed, and one alert for each event.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import tomlkit

from tgewatch.testing.channel_server import ChannelServer
from tgewatch.testing.postgres import database, postgres
from tgewatch.testing.valkey import Valkey, valkey
from tgewatch.world import Entry, WorldServer, make_plan
from tgewatch.world.names import project_names
from tgewatch.world.words import BEATS

DAY = 86_400.0
TICKS = os.sysconf("SC_CLK_TCK")
DOUBLE, MISSED = 0.9, 1.9
"""Intervals."""
ANNOUNCING = 3
"""Feeds in which a project announces its token."""
READY = 180.0
"""Seconds for a process to begin its work."""
STOPPING = 40.0


class Observed(WorldServer):
    """A world that notes when each feed was asked for, and takes further entries."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.asked: defaultdict[int, list[float]] = defaultdict(list)

    def _feed(self, outlet: Any, request: Any) -> bytes:
        self.asked[outlet.number].append(time.monotonic())
        return super()._feed(outlet, request)

    def announce(self, project: str, ticker: str, outlets: Iterable[int], now: float) -> None:
        """Let a project announce its token in these feeds, now."""
        pages = list(self.plan.entries)
        words = BEATS["announced"]
        gaps = {"p": project, "t": ticker, "d": "", "o": "", "v": "OpenSpot", "n": "12"}
        for turn, outlet in enumerate(outlets):
            title, body = words[turn % len(words)]
            text = body.format(**gaps)
            entry = Entry(
                outlet, len(pages[outlet]), now - self.plan.start - 1.0, title.format(**gaps),
                text, f"{text} " * 3, "announced",
            )  # fmt: skip
            pages[outlet] = (*pages[outlet], entry)
        self.plan = replace(self.plan, entries=tuple(pages))


def plan_until_now(feeds: int, seed: int, latency: float) -> Any:
    """Return a world whose last planned entry lies just behind us."""
    now = time.time()
    start = now - 0.5 * DAY
    plan = make_plan(
        seed=seed, start=start, outlets=feeds, projects=0, days=0.5, faults=False, latency=latency,
        per_day=12,
    )  # fmt: skip
    pages = tuple(
        page[: bisect_right(page, 0.5 * DAY - 60, key=lambda e: e.at)] for page in plan.entries
    )
    # A project's own manners of caching would only blur what is counted here.
    outlets = tuple(replace(one, max_age=None, dated=True) for one in plan.outlets)
    return replace(plan, entries=pages, outlets=outlets)


def be_the_program(arguments: list[str]) -> None:
    """Be `tgewatch`, in a network where every name of the world is this machine."""
    from tgewatch.cli import main

    real = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *rest, **named)

    socket.getaddrinfo = lookup
    main(arguments)


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> int:
    """Return the resident bytes of a process."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_of(name: str, after: Path) -> float:
    """Return the CPU seconds of all processes that were started in, or for, a folder."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if name in (path / "comm").read_text() and str(after) in str((path / "cwd").readlink()):
                total += cpu(int(path.name))
    return total


@dataclass
class Process:
    """One instance."""

    role: str
    number: int
    process: asyncio.subprocess.Process
    folder: Path
    stopped: float | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def said(self) -> str:
        return (self.folder / "err").read_text()


@dataclass
class Town:
    """The servers, and the instances among them."""

    folder: Path
    world: Observed
    channel: ChannelServer
    url: str
    """Of the database."""
    base: Path
    """Folder of PostgreSQL's data."""
    server: Valkey
    chosen: argparse.Namespace
    running: list[Process] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)

    def write_settings(self, *, alone: bool = False) -> None:
        watched = self.names
        interval = self.chosen.interval
        content = {
            "fetch": {"allow_private": True, "spacing": 0},
            "polling": {"policy": "fixed", "interval": interval, "floor": 0, "jitter": 0},
            "store": {"database_url": self.url},
            # A loaded machine is no outage.
            "swarm": {} if alone else {"redis_url": self.server.url, "operation": 5},
            "detection": {"mode": "discover"},
            "company": [{"name": name, "tickers": [ticker]} for name, ticker in watched],
            "source": [
                {"url": self.world.url(outlet), "name": outlet.name}
                for outlet in self.world.plan.outlets
            ],
            "channel": [{"name": "hook", "kind": "webhook", "url": self.channel.url}],
        }
        (self.folder / "tgewatch.toml").write_text(tomlkit.dumps(content))

    async def start(self, role: str, number: int = 0) -> Process:
        place = self.folder / f"{role}-{number}"
        place.mkdir(exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("workers.py")), "--be-the-program",
            "--settings", str(self.folder / "tgewatch.toml"), "--state", str(place),
            "run", *(() if role == "alone" else ("--role", role)), "--json",
            cwd=place, stdout=(place / "out").open("ab"), stderr=(place / "err").open("ab"),
        )  # fmt: skip
        found = Process(role, number, process, place)
        self.running.append(found)
        return found

    async def stop(self, processes: Iterable[Process] | None = None) -> None:
        """Tell them to stop, and wait."""
        processes = list(self.running if processes is None else processes)
        for one in processes:
            with suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGTERM)
        for one in processes:
            begun = time.monotonic()
            try:
                await asyncio.wait_for(one.process.wait(), STOPPING)
            except TimeoutError:
                one.process.kill()
                await one.process.wait()
            one.stopped = time.monotonic() - begun
            self.running.remove(one)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as base:
            return base.execute(query).fetchall()

    def polls(self) -> int:
        return sum(map(len, self.world.asked.values()))

    def load(self) -> dict[str, float]:
        """Return what was used so far, by whom."""
        by_role: dict[str, float] = defaultdict(float)
        for one in self.running:
            by_role[one.role] += cpu(one.pid)
        facts = self.server.say("INFO")
        ((commits, inserted, updated),) = self.ask(
            "SELECT xact_commit, tup_inserted, tup_updated FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
        return {
            **{f"cpu {role}": seconds for role, seconds in by_role.items()},
            "cpu postgres": cpu_of("postgres", self.base),
            "cpu valkey": float(facts["used_cpu_sys"]) + float(facts["used_cpu_user"]),
            "cpu world and channel": cpu(os.getpid()),
            "redis commands": float(facts["total_commands_processed"]),
            "redis bytes": float(facts["total_net_input_bytes"])
            + float(facts["total_net_output_bytes"]),
            "database transactions": float(commits),
            "database rows written": float(inserted + updated),
            "web bytes": float(self.world.log.bytes_out),
        }


@asynccontextmanager
async def town(chosen: argparse.Namespace, folder: Path, server: str, redis: Valkey) -> Any:
    """Build everything but the instances."""
    plan = plan_until_now(chosen.feeds, chosen.seed, chosen.latency)
    base = Path(tempfile.gettempdir(), f"tgewatch-pg-{chosen.name}")
    url = database(server, f"workers_{random.randrange(10**9)}")
    redis.say("FLUSHALL")
    async with Observed(plan, now=time.time) as world, ChannelServer() as channel:
        found = Town(folder, world, channel, url, base, redis, chosen)
        found.names = project_names(random.Random(chosen.seed), max(1, chosen.events))
        found.write_settings()
        try:
            yield found
        finally:
            await found.stop()


async def until(ready: Any, seconds: float, what: str) -> float:
    """Wait, and return how long it took."""
    begun = time.monotonic()
    while not ready():
        if time.monotonic() - begun > seconds:
            raise SystemExit(f"gave up waiting for {what} after {seconds:.0f} s")
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def measure(chosen: argparse.Namespace, found: Town, workers: int) -> dict[str, Any]:
    """Run one number of workers and return its figures."""
    feeds = chosen.feeds
    if workers:
        await found.start("deliverer")
        await found.start("scheduler")
    else:
        found.write_settings(alone=True)
        await found.start("alone")
    for number in range(workers):
        await found.start("worker", number)
    await until(lambda: found.polls() > 0, READY, "the first poll")
    before = found.load()
    first = found.polls()
    begun = time.monotonic()
    await until(
        lambda: len(found.world.asked) >= 0.99 * feeds, 60 + feeds / 20, "99 % of the feeds"
    )
    backlog = time.monotonic() - begun
    used = {name: value - before.get(name, 0.0) for name, value in found.load().items()}
    polls = found.polls() - first
    await until(lambda: len(found.world.asked) == feeds, 120, "the last feed")
    # Steady: everything has been read once, and comes again every interval.
    await asyncio.sleep(chosen.interval)
    steady_from, steady_load, steady_polls = time.monotonic(), found.load(), found.polls()
    chance = random.Random(chosen.seed)
    for name, ticker in found.names[: chosen.events]:
        places = chance.sample(range(feeds), min(feeds, ANNOUNCING))
        found.world.announce(name, ticker, places, time.time())
        found.planted.append(name)
        await asyncio.sleep(chosen.seconds / max(1, chosen.events) * 0.5)
    rest = chosen.seconds - (time.monotonic() - steady_from)
    await asyncio.sleep(max(0.0, rest))
    steady_used = {name: value - steady_load.get(name, 0.0) for name, value in found.load().items()}
    steady_polls = found.polls() - steady_polls
    steady = time.monotonic() - steady_from
    await asyncio.sleep(chosen.interval + 5.0)  # what was announced last is read and told
    ended = time.monotonic()
    resident = {f"{one.role} {one.number}": memory(one.pid) for one in found.running}
    rhythm = judge_rhythm(found, chosen.interval, ended)
    instances = list(found.running)
    await found.stop()
    return {
        "workers": workers,
        "feeds": feeds,
        "backlog": {
            "seconds": round(backlog, 2),
            "polls per second": round(polls / backlog, 1),
            **per_poll(used, polls, backlog),
        },
        "steady": {
            "seconds": round(steady, 1),
            "polls per second": round(steady_polls / steady, 1),
            "wanted per second": round(feeds / chosen.interval, 1),
            **per_poll(steady_used, steady_polls, steady),
        },
        **rhythm,
        **judge_events(found),
        "megabytes": {name: round(size / 1e6, 1) for name, size in resident.items()},
        "seconds to stop": round(max(one.stopped or 0.0 for one in instances), 1),
        "tracebacks": sum(one.said.count("Traceback") for one in instances),
    }


def per_poll(used: dict[str, float], polls: int, seconds: float) -> dict[str, Any]:
    """Return the constants: what one poll costs, and how busy everybody was."""
    polls = max(1, polls)
    return {
        "CPU ms per poll": {
            name.removeprefix("cpu "): round(1_000 * value / polls, 3)
            for name, value in used.items()
            if name.startswith("cpu ")
        },
        "cores busy": round(
            sum(value for name, value in used.items() if name.startswith("cpu ")) / seconds, 2
        ),
        "per poll": {
            name: round(value / polls, 3)
            for name, value in used.items()
            if not name.startswith("cpu ")
        },
    }


def judge_rhythm(found: Town, interval: float, ended: float) -> dict[str, int]:
    """Count polls that came twice, and those that did not come, by the log of the web."""
    doubles = missed = late = 0
    for times in found.world.asked.values():
        gaps = [later - sooner for sooner, later in pairwise(times)]
        doubles += sum(gap < DOUBLE * interval for gap in gaps)
        missed += sum(gap > MISSED * interval for gap in gaps)
        missed += ended - times[-1] > MISSED * interval
        late += sum(gap > interval + 5.0 for gap in gaps)
    return {
        "double polls": doubles,
        "missed": missed + found.chosen.feeds - len(found.world.asked),
        "more than 5 s late": late,
    }


def judge_events(found: Town) -> dict[str, int]:
    """Compare what was announced with the events of the store and the messages of the channel."""
    events = Counter(
        name for (name,) in found.ask("SELECT coalesce(nullif(company, ''), project) FROM events")
    )
    keys = Counter(found.channel.keys)
    told = Counter(
        message["project"] or message.get("company", "")
        for message in (one.json() for one in found.channel.received)
        if message.get("subject") == "event"
    )
    return {
        "planted": len(found.planted),
        "planted without an event": sum(events[name] == 0 for name in found.planted),
        "planted with several events": sum(events[name] > 1 for name in found.planted),
        "planted without an alert": sum(told[name] == 0 for name in found.planted),
        "planted with several alerts": sum(told[name] > 1 for name in found.planted),
        "messages sent twice": sum(count - 1 for count in keys.values()),
    }


FAULTS = (
    "double polls", "missed", "planted without an event", "planted with several events",
    "planted without an alert", "planted with several alerts", "messages sent twice", "tracebacks",
)  # fmt: skip


async def play(chosen: argparse.Namespace, server: str, redis: Valkey, folder: Path) -> list[Any]:
    figures = []
    for workers in chosen.workers:
        place = folder / f"{workers}"
        place.mkdir(parents=True)
        async with town(chosen, place, server, redis) as found:
            one = await measure(chosen, found, workers)
        figures.append(one)
        if not chosen.json:
            show(one, figures[0])
    return figures


def show(one: dict[str, Any], first: dict[str, Any]) -> None:
    ratio = one["backlog"]["polls per second"] / first["backlog"]["polls per second"]
    print(
        f"\n{one['workers']} workers, {one['feeds']} feeds: backlog {one['backlog']['seconds']} s,"
        f" {one['backlog']['polls per second']} polls/s ({ratio:.2f} x one worker)"
    )
    for phase in ("backlog", "steady"):
        figures = one[phase]
        print(
            f"  {phase}: {figures['polls per second']} polls/s, {figures['cores busy']} cores busy"
        )
        print(f"    CPU ms per poll: {figures['CPU ms per poll']}")
        print(f"    per poll: {figures['per poll']}")
    for name, value in one.items():
        if name not in {"workers", "feeds", "backlog", "steady"}:
            print(f"  {name}: {value}")
    sys.stdout.flush()


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between two polls")
    parser.add_argument("--seconds", type=float, default=180.0, help="of the steady phase")
    parser.add_argument("--events", type=int, default=20, help="projects that announce a token")
    parser.add_argument("--latency", type=float, default=0.1, help="median seconds of an answer")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="keep everything here")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> None:
    if sys.argv[1:2] == ["--be-the-program"]:
        be_the_program(sys.argv[2:])
        return
    chosen = options().parse_args()
    chosen.name = f"workers{os.getpid()}"
    for name in [name for name in os.environ if name.startswith("TGEWATCH_")]:
        del os.environ[name]
    with (
        tempfile.TemporaryDirectory() as temporary,
        postgres(chosen.name) as server,
        valkey() as redis,
    ):
        figures = asyncio.run(play(chosen, server, redis, chosen.folder or Path(temporary)))
    if chosen.json:
        print(json.dumps({"cores": os.cpu_count(), "runs": figures}, indent=2))
    sys.exit(any(one[name] for one in figures for name in FAULTS))


if __name__ == "__main__":
    main()
