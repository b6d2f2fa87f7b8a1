"""Watch a simulated web that lives in a program of its own, and let it judge.

    python benchmarks/world.py PATH/world.py                      # 60 feeds, six cycles
    python benchmarks/world.py PATH/world.py --due                # only what is due
    python benchmarks/world.py PATH/world.py --kills 30           # with SIGKILL at random times
    python benchmarks/world.py PATH/world.py --feeds 200 --cycles 12 --folder state/world
    python benchmarks/world.py PATH/world.py --due --step 20 --world="--planted 0.5"

PATH/world.py is started with `--feeds`, `--seed` and `--port`, prints a JSON line when it is ready,
and has the pages `/__admin/feeds`, `now`, `advance`, `label`, `stats`, `log`, `served` and `truth`.
Each cycle is one `tgewatch scan --json --now` at the time that the world says it is; then the world
moves on by `--step` seconds.

Exit code 1 when the world or the channel saw a fault: an entry about a token that was sent in a
feed and is not in the store, a message twice (with kills: more often than there were kills), a
request after a 429 and before its Retry-After, or a store that is not sound.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomlkit

from tgewatch.testing.channel_server import ChannelServer

ENTRY = re.compile(r"/a/(\d+)/(\d+)(?:/|$)")
"""Feed and number of an entry, in the address of its page."""
KINDS = ("title", "caps", "late", "body", "unknown")
"""Of the entries that announce something; all others announce nothing."""
DONE = (0, 1)


@dataclass
class World:
    """The program under whose eyes we watch."""

    port: int

    def ask(self, what: str, **values: object) -> Any:
        query = "&".join(f"{name}={value}" for name, value in values.items())
        address = f"http://127.0.0.1:{self.port}/__admin/{what}?{query}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def running(script: Path, *, feeds: int, seed: int, rest: Sequence[str]) -> Iterator[World]:
    """Run the world until the block ends."""
    port = free_port()
    command = [sys.executable, script.name, "--feeds", feeds, "--seed", seed, "--port", port, *rest]
    with subprocess.Popen(  # noqa: S603 - the user names it
        [str(part) for part in command], cwd=script.parent, stdout=subprocess.PIPE
    ) as process:
        try:
            json.loads(process.stdout.readline())
            yield World(port)
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that is free, as are the two after it."""
    while True:
        with socket.socket() as first:
            first.bind(("0.0.0.0", 0))  # noqa: S104 - as the world will
            port = first.getsockname()[1]
        try:
            for further in (port + 1, port + 2):
                with socket.socket() as other:
                    other.bind(("0.0.0.0", further))  # noqa: S104 - as above
        except (OSError, OverflowError):
            continue
        return port


@dataclass
class Watch:
    """The program, its folder, and what it said."""

    folder: Path
    world: World
    arguments: tuple[str, ...]
    reports: list[dict[str, Any]] = field(default_factory=list)
    killed: int = 0
    failed: Counter[int] = field(default_factory=Counter)

    async def begin(self) -> asyncio.subprocess.Process:
        now = self.world.ask("now")["now"]
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tgewatch", "scan", "--json", "--now", str(now), *self.arguments,
            cwd=self.folder, stdout=asyncio.subprocess.PIPE,
            stderr=(self.folder / "err").open("ab"),
        )  # fmt: skip

    async def scan(self) -> dict[str, Any]:
        begun = time.perf_counter()
        process = await self.begin()
        out, _ = await process.communicate()
        if process.returncode not in DONE:
            self.failed[process.returncode or 0] += 1
            return {}
        report: dict[str, Any] = json.loads(out)
        report["wall"] = round(time.perf_counter() - begun, 2)
        self.reports.append(report)
        return report

    async def scan_until_killed(self, chance: random.Random) -> None:
        """Kill it at a random time, most often soon after its first request."""
        before = len(self.world.ask("log"))
        process = await self.begin()
        reading = asyncio.ensure_future(process.communicate())
        while not reading.done() and chance.random() > 0.01:
            if len(await asyncio.to_thread(self.world.ask, "log")) > before:
                break
            await asyncio.sleep(0.02)
        delay = chance.choice((0.3, 1.5, 4.0)) * chance.random()
        await asyncio.wait([reading], timeout=delay)
        if not reading.done():
            process.send_signal(signal.SIGKILL)
            self.killed += 1
        await reading
        if process.returncode not in (*DONE, -signal.SIGKILL):
            self.failed[process.returncode or 0] += 1


def write_settings(folder: Path, world: World, channel: ChannelServer) -> None:
    entries = world.ask("truth", until=86_400)["entries"]
    companies = {e["company"] for e in entries if e["company"] and e["kind"] != "unknown"}
    content = {
        "fetch": {"allow_private": True},
        "detection": {"mode": "discover"},
        "company": [{"name": name} for name in sorted(companies)],
        "source": [
            {"url": feed["url"], "name": f"{feed['i']} {feed['cls']}"}
            for feed in world.ask("feeds")
        ],
        "channel": [{"name": "hook", "kind": "webhook", "url": channel.url}],
    }
    (folder / "tgewatch.toml").write_text(tomlkit.dumps(content))


async def play(chosen: argparse.Namespace, folder: Path, world: World) -> dict[str, Any]:
    chance = random.Random(chosen.seed)
    arguments = () if chosen.due else ("--all",)
    async with ChannelServer() as channel:
        watch = Watch(folder, world, arguments)
        write_settings(folder, world, channel)
        world.ask("label", name="watch", group="watch")
        for cycle in range(chosen.cycles):
            if cycle:
                world.ask("advance", s=chosen.step, prewarm=1)
            kills = (
                chosen.kills * (cycle + 1) // chosen.cycles - chosen.kills * cycle // chosen.cycles
            )
            for _ in range(kills):
                await watch.scan_until_killed(chance)
            report = await watch.scan()
            if not chosen.json and report:
                say_cycle(cycle, report)
        return judge(watch, channel)


def say_cycle(cycle: int, report: dict[str, Any]) -> None:
    sources, items = report["sources"], report["items"]
    failed = ", ".join(f"{count} {cause}" for cause, count in sources["failed"].items())
    print(
        f"cycle {cycle + 1}: {report['seconds']:.1f} s ({report['wall']:.1f} with start-up),"
        f" {sources['polled']} polled, {sources['changed']} changed,"
        f" {sources['unchanged']} unchanged, failed: {failed or 'none'};"
        f" {items['new']} new, articles {items['articles']}, {len(report['events'])} events touched,"
        f" deliveries {report['deliveries']}",
        flush=True,
    )


def judge(watch: Watch, channel: ChannelServer) -> dict[str, Any]:
    world = watch.world
    stats = world.ask("stats", label="watch")
    truth = world.ask("truth")
    kind = {(e["feed"], e["k"]): e["kind"] for e in truth["entries"]}
    served = {tuple(pair) for pair in world.ask("served", label="watch")}
    items = stored_items(watch.folder)
    stages: dict[str, Counter[str]] = defaultdict(Counter)
    for place, stage in items.items():
        stages[kind[place]][stage] += 1
    lost = served - set(items)
    received = Counter(channel.keys)
    repeated = sum(received.values()) - len(received)
    outbox, unsound = letters(watch.folder)
    notices = Counter(
        (one["subject"], one["change"]) for one in (taken.json() for taken in channel.received)
    )
    return {
        "cycles": len(watch.reports),
        "killed": watch.killed,
        "entries sent": len(served),
        "entries stored": len(items),
        "planted entries sent": sum(kind[place] in KINDS for place in served),
        "per kind: entries at each stage": {
            name: dict(stages[name]) for name in [*KINDS, *sorted(set(stages) - set(KINDS))]
        },
        "messages": {" ".join(name): count for name, count in notices.items()},
        "repeated": repeated,
        "server": stats,
        "faults": {
            "planted entries lost": sum(kind[place] in KINDS for place in lost),
            "other entries lost": sum(kind[place] not in KINDS for place in lost),
            "messages sent twice": repeated
            if not watch.killed
            else max(0, repeated - watch.killed),
            "messages that never arrived": len(set(outbox) - set(received)),
            "requests before Retry-After": stats["violations_429"],
            "store unsound": int(unsound),
            "runs that failed": dict(watch.failed),
        },
    }


def stored_items(folder: Path) -> dict[tuple[int, int], str]:
    """Return (feed, number) → stage of all that is stored, as the program exports it."""
    run = subprocess.run(
        [sys.executable, "-m", "tgewatch", "export", "--what", "items", "--format", "json"],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    found = {}
    for item in json.loads(run.stdout):
        if match := ENTRY.search(item["url"]):
            found[int(match[1]), int(match[2])] = item["stage"]
    return found


def letters(folder: Path) -> tuple[dict[str, str], bool]:
    """Return key → state of the outbox, and whether the store is unsound."""
    with closing(sqlite3.connect(folder / "state" / "tgewatch.db")) as base:
        unsound = base.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
        unsound |= base.execute("PRAGMA foreign_key_check").fetchall() != []
        return dict(base.execute("SELECT key, state FROM outbox")), unsound


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("script", type=Path, help="path of world.py")
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cycles", type=int, default=6)
    parser.add_argument("--step", type=int, default=600, help="seconds between two cycles")
    parser.add_argument("--due", action="store_true", help="poll only what is due")
    parser.add_argument("--kills", type=int, default=0, help="over all cycles, at random times")
    parser.add_argument("--world", type=shlex.split, default=[], help="more arguments for world.py")
    parser.add_argument("--folder", type=Path, help="keep everything here")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("TGEWATCH_")]:
        del os.environ[name]
    script = chosen.script.resolve()
    with (
        TemporaryDirectory() as temporary,
        running(script, feeds=chosen.feeds, seed=chosen.seed, rest=chosen.world) as world,
    ):
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(play(chosen, folder, world))
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name}:" if isinstance(value, dict) else f"{name}: {value}")
            for inner, figure in value.items() if isinstance(value, dict) else ():
                print(f"  {inner}: {figure}")
    sys.exit(any(figures["faults"].values()))


if __name__ == "__main__":
    main()
