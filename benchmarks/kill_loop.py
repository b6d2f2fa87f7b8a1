"""Kill the program at random times, over and over, and let the servers judge what came of it.

    python benchmarks/kill_loop.py                 # 30 kills, about three minutes
    python benchmarks/kill_loop.py --runs 5 --outlets 8 --seed 7 --alone --json

The shipped world (feeds, articles and faults on loopback) moves through its week in steps. At
every step `tgewatch scan` is killed by SIGKILL at a random time, often twice, and is then left in
peace once. The same steps are gone without kills afterwards, in a world and a store of their own,
unless it is `--alone`.

The judges are the logs of the two servers, read when all is done. Exit code 1 unless

- every entry that a feed shows is in the store once, and so is every entry it ever showed in whole,
- the events are those of the undisturbed run, with the same dates and the same history,
- the channel got each message that the store has, and per kill at most one of them twice.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomlkit

from tgewatch.testing.channel_server import ChannelServer
from tgewatch.world import Entry, Outlet, Plan, WorldServer, make_plan
from tgewatch.world.render import link

DAYS = 7.0
"""That the world lasts."""
DAY = 86_400.0
AGAIN = 90.0
"""Seconds of the world's time after which a killed program is started again."""
UNREADABLE = ("html", "truncated", "gone", "hang", "refused")
"""Faults that keep entries from being read at all."""
FIRST = 20.0
"""Seconds in which the program has to make its first request."""
EARLY = 0.1
"""Share of kills that come before it."""


@dataclass
class Street:
    """One world, one channel, one store, and the program between them."""

    plan: Plan
    folder: Path
    world: WorldServer
    channel: ChannelServer
    now: list[float]
    codes: Counter[int] = field(default_factory=Counter)
    """How the runs ended that were left in peace."""

    def begin(self) -> "asyncio.Future[asyncio.subprocess.Process]":
        return asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                sys.executable, __file__, "--be-the-program", "scan", "--json",
                "--now", str(self.now[0]), cwd=self.folder,
                stdout=asyncio.subprocess.DEVNULL, stderr=(self.folder / "err").open("ab"),
            )
        )  # fmt: skip

    async def scan(self) -> None:
        """Run the program in peace."""
        process = await self.begin()
        self.codes[await process.wait()] += 1

    async def scan_until_killed(self, chance: random.Random) -> str:
        """Kill the program at a random time of its work; return when that was."""
        before = self.world.log.total
        process = await self.begin()
        early = chance.random() < EARLY
        begun = time.perf_counter()
        while not early and self.world.log.total == before and process.returncode is None:
            if time.perf_counter() - begun > FIRST:
                break
            await asyncio.sleep(0.002)
        delay = chance.choice((chance.uniform(0.0, 0.1), chance.uniform(0.0, 0.6)))
        try:
            async with asyncio.timeout(delay):
                await process.wait()
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
        code = await process.wait()
        if code != -signal.SIGKILL:
            if code not in (0, 1):
                self.codes[code] += 1
            return "ended before"
        return "while starting" if early else "while working"


def write_settings(street: Street) -> None:
    watched = [p for p in street.plan.projects if p.watched]
    content = {
        "fetch": {
            "allow_private": True,
            "spacing": 0,
            "rss": {"total": 1.5, "stalled": 1.0, "connect": 1.0},
            "article": {"total": 1.5, "stalled": 1.0, "connect": 1.0},
        },
        "detection": {"mode": "discover"},
        "company": [{"name": p.name, "tickers": [p.ticker], "domains": [p.host]} for p in watched],
        "source": [
            {"url": street.world.url(outlet), "name": outlet.name} for outlet in street.plan.outlets
        ],
        "channel": [{"name": "hook", "kind": "webhook", "url": street.channel.url}],
    }
    (street.folder / "tgewatch.toml").write_text(tomlkit.dumps(content))


def be_the_program(arguments: list[str]) -> None:
    """Be `tgewatch`, in a network where every name of the world is this machine."""
    from tgewatch.cli import main

    real = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *rest, **named)

    socket.getaddrinfo = lookup
    main(arguments)


async def walk(
    plan: Plan, folder: Path, moments: list[list[float]], chance: random.Random | None
) -> tuple[Street, Counter[str]]:
    """Go through the moments; with `chance`, kill at all but the last of each step."""
    now = [plan.start]
    kills: Counter[str] = Counter()
    async with WorldServer(plan, now=lambda: now[0], slow=0.5) as world, ChannelServer() as channel:
        street = Street(plan, folder, world, channel, now)
        write_settings(street)
        for step in moments:
            for moment in step[:-1]:
                if chance is not None:
                    now[0] = moment
                    kills[await street.scan_until_killed(chance)] += 1
            now[0] = step[-1]
            await street.scan()
        for _ in range(2):
            now[0] += DAY  # what was put off is due by then
            await street.scan()
    return street, kills


def make_moments(plan: Plan, runs: int, chance: random.Random) -> list[list[float]]:
    """Return for each step the times at which the program is started; the last is in peace."""
    kills: list[int] = []
    while sum(kills) < runs:
        kills.append(min(runs - sum(kills), chance.choice((1, 2, 2, 3))))
    step = plan.days * DAY / len(kills)
    return [
        [plan.start + step * number + AGAIN * again for again in range(amount + 1)]
        for number, amount in enumerate(kills, start=1)
    ]


def stories(base: sqlite3.Connection) -> tuple[Counter[Any], Counter[Any]]:
    """Return what is known of the events, and of their history, without ids."""
    events = {
        number: (project or company, ticker, state, date)
        for number, project, company, ticker, state, date in base.execute(
            "SELECT id, project, company, ticker, state, starts FROM events"
        )
    }
    history = Counter(
        (events[event][0], json.loads(data)["change"])
        for event, data in base.execute("SELECT event_id, data FROM transitions")
    )
    return Counter(events.values()), history


def judge(street: Street, kills: Counter[str]) -> dict[str, Any]:
    """Return the figures, of which those under `faults` must all be nothing."""
    plan, log = street.plan, street.world.log
    with closing(sqlite3.connect(street.folder / "state" / "tgewatch.db")) as base:
        stored = Counter(
            base.execute("SELECT s.url, i.url FROM items i JOIN sources s ON s.id = i.source_id")
        )
        outbox = dict(base.execute("SELECT key, state FROM outbox"))
        unsound = base.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
        unsound |= base.execute("PRAGMA foreign_key_check").fetchall() != []
        events, history = stories(base)

    def place(outlet: Outlet, entry: Entry) -> tuple[str, str]:
        target = f"http://{outlet.host}:{street.world.port}"
        return street.world.url(outlet), link(target, entry)

    readable = [outlet for outlet in plan.outlets if outlet.fault not in UNREADABLE]
    answering = {number for number, _ in log.served}
    shown = {
        place(outlet, entry)
        for outlet in readable
        if outlet.number in answering
        for entry in plan.visible(outlet.number, street.now[0])
    }
    ever = {
        place(plan.outlets[outlet], plan.entries[outlet][number])
        for outlet, number in log.served
        if plan.outlets[outlet] in readable
    }
    received = Counter(street.channel.keys)
    killed = kills["while working"] + kills["while starting"]
    repeated = sum(received.values()) - len(received)
    return {
        "runs": sum(kills.values()),
        "killed": dict(kills),
        "left in peace": dict(street.codes),
        "entries shown": len(shown),
        "entries ever shown": len(ever),
        "items stored": sum(stored.values()),
        "events": sum(events.values()),
        "transitions": sum(history.values()),
        "messages": len(outbox),
        "received": sum(received.values()),
        "repeated": repeated,
        "requests": log.total,
        "requests before Retry-After": log.violations,
        "faults": {
            "entries lost that are shown": len(shown - set(stored)),
            "entries lost that were shown": len(ever - set(stored)),
            "items stored twice": sum(count - 1 for count in stored.values()),
            "messages that never arrived": len(set(outbox) - set(received)),
            "messages that are not in the store": len(set(received) - set(outbox)),
            "messages not marked": sum(state != "delivered" for state in outbox.values()),
            "messages received three times": sum(count > 2 for count in received.values()),
            "more repeated than killed": max(0, repeated - killed),
            "store unsound": int(unsound),
            "runs in peace that failed": sum(
                count for code, count in street.codes.items() if code not in (0, 1)
            ),
        },
    }


def compare(street: Street, control: Street) -> dict[str, list[str]]:
    """Return what the undisturbed run knows otherwise."""
    with (
        closing(sqlite3.connect(street.folder / "state" / "tgewatch.db")) as base,
        closing(sqlite3.connect(control.folder / "state" / "tgewatch.db")) as beside,
    ):
        (events, history), (others, theirs) = stories(base), stories(beside)
    return {
        "events that differ": _difference(events, others),
        "transitions that differ": _difference(history, theirs),
    }


def _difference(one: Counter, other: Counter) -> list[str]:
    return sorted(
        [f"more {key} x{count}" for key, count in (one - other).items()]
        + [f"less {key} x{count}" for key, count in (other - one).items()]
    )


async def play(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    chance = random.Random(chosen.seed)
    start = 1_790_035_200.0
    plan = make_plan(seed=chosen.seed, start=start, outlets=chosen.outlets, days=DAYS)
    moments = make_moments(plan, chosen.runs, chance)
    for name in ("killed", "undisturbed"):
        (folder / name).mkdir()
    street, kills = await walk(plan, folder / "killed", moments, chance)
    figures = judge(street, kills)
    if not chosen.alone:
        control, _ = await walk(plan, folder / "undisturbed", moments, None)
        figures["requests undisturbed"] = control.world.log.total
        figures["faults"] |= compare(street, control)
    return figures


def main() -> None:
    if sys.argv[1:2] == ["--be-the-program"]:
        be_the_program(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--outlets", type=int, default=24)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--folder", type=Path, help="keep everything here")
    parser.add_argument("--alone", action="store_true", help="without the undisturbed run")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("TGEWATCH_")]:
        del os.environ[name]
    begun = time.perf_counter()
    with TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = {"seed": chosen.seed, **asyncio.run(play(chosen, folder))}
        if any(figures["faults"].values()):
            sys.stderr.write((folder / "killed" / "err").read_text()[-5_000:])
    figures["seconds"] = round(time.perf_counter() - begun, 1)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28s} {value if name != 'faults' else ''}")
        for name, value in figures["faults"].items():
            print(f"  {name:36s} {value or 0}")
    sys.exit(any(figures["faults"].values()))


if __name__ == "__main__":
    main()
