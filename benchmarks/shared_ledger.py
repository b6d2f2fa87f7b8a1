"""Eight processes, one limit: the shared ledger, and one ledger for each. Prints tables.

python benchmarks/shared_ledger.py [--windows 3] [--speed 60] [--processes 8] [--tasks 6] [--json]

A server with X's limit (450 calls in 900 s from the first) runs at `speed` times the pace of the
day, and so do the processes' clocks and the shared server's as they read it; what the network and the
processors take is real, so it weighs `speed` times as much as it would. The clocks of the processes
are set up to a minute apart. One process is killed with SIGKILL half-way, and replaced.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from random import Random

from tgewatch.clock import SystemClock
from tgewatch.fetch.host_budget import HostBudgets
from tgewatch.fetch.ledger import Ledgers
from tgewatch.settings import SwarmSettings
from tgewatch.swarm import Script, open_swarm
from tgewatch.swarm.ledgers import open_ledgers
from tgewatch.swarm.shelf import SharedShelf
from tgewatch.testing.rate_server import RateServer
from tgewatch.testing.valkey import valkey

NOTHING = Script("return redis.call('INCR', KEYS[1])")


class FastServer(RateServer):
    """A rate server at `speed` times the pace of the day."""

    def __init__(self, speed, **how):
        super().__init__(**how)
        self._speed = speed
        self._begun = time.perf_counter()
        self.turns = []
        """When each window began, and how many calls were accepted before."""

    def _count(self):
        ends = self._ends
        before = self.accepted
        answer = super()._count()
        if self._ends != ends:
            self.turns.append((self.now(), before))
        return answer

    def used(self):
        """Return the share of the budget that was used, from the first turn to the last."""
        (first, none), (last, accepted) = self.turns[0], self.turns[-1]
        return (accepted - none) / (self.limit * (last - first) / self.window)

    def now(self):
        return self._start + (time.perf_counter() - self._begun) * self._speed

    async def _pass(self, seconds):
        await asyncio.sleep(seconds / self._speed)

    async def answer(self, reader, writer):
        try:
            while await reader.readline():
                status, headers = await self.call()
                writer.write(json.dumps([status, headers]).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass  # a process that was killed
        finally:
            writer.close()


class FastClock:
    """A clock at `speed` times the pace of the day, wrong by `skew` seconds."""

    def __init__(self, speed, skew=0.0):
        self._speed, self._skew = speed, skew
        self._base = time.time()

    def now(self):
        return self._base + (time.time() - self._base) * self._speed + self._skew

    def monotonic(self):
        return time.perf_counter() * self._speed

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / self._speed)


class FastShelf(SharedShelf):
    """The shared server's time at `speed` times its pace, from a moment that all have in common."""

    def __init__(self, link, kind, *, speed, epoch):
        super().__init__(link, kind)
        self._speed, self._epoch = speed, epoch

    def _seen(self, seconds):
        return self._epoch + (seconds - self._epoch) * self._speed


async def work(chosen):
    """Be one of the processes: use all that can be got, until the end."""
    clock = FastClock(chosen.speed, chosen.skew)
    random = Random(chosen.number)
    settings = SwarmSettings(redis_url=chosen.redis, instance=f"p{chosen.number}", operation=5)

    async def hammer(ledgers):
        reader, writer = await asyncio.open_connection("127.0.0.1", chosen.port)
        while time.time() < chosen.until:
            try:
                ticket = await ledgers.acquire("search", deadline=1_800)
            except Exception as error:  # noqa: BLE001 - a program of one page
                print(error, file=sys.stderr)
                continue
            writer.write(b"\n")
            await writer.drain()
            status, headers = json.loads(await reader.readline())
            ledgers.settle(ticket, status=status, headers=headers)
            await clock.sleep(random.uniform(0, chosen.think))
        writer.close()

    async def all_of(ledgers):
        tasks = [asyncio.ensure_future(hammer(ledgers)) for _ in range(chosen.tasks)]
        await asyncio.wait(tasks, timeout=max(0.0, chosen.until - time.time()))
        for task in tasks:
            task.cancel()

    if chosen.alone:
        await all_of(Ledgers(clock=clock))
        return
    async with open_swarm(settings, clock=SystemClock()) as swarm:
        shelf = FastShelf(swarm.link, "ledger", speed=chosen.speed, epoch=chosen.epoch)
        async with open_ledgers(shelf, clock=clock, parts=lambda: 8) as ledgers:
            await all_of(ledgers)
            (standing,) = ledgers.standings()
            print(
                json.dumps(
                    {
                        "granted": standing.granted,
                        "contested": standing.contested,
                        "outages": swarm.link.counts.outages,
                    }
                )
            )


async def burst(chosen):
    """Be one of the processes that all ask at one moment, and say how long it took."""
    settings = SwarmSettings(redis_url=chosen.redis, operation=30)
    async with open_swarm(settings, clock=SystemClock()) as swarm:
        shelf = SharedShelf(swarm.link, "ledger")
        async with open_ledgers(shelf, clock=SystemClock()) as ledgers:
            await swarm.link.run(NOTHING, ["warm"])
            await asyncio.sleep(max(0.0, chosen.until - time.time()))
            started = time.perf_counter()
            if chosen.alone:  # what a script for each call would take at the least
                await asyncio.gather(*(swarm.link.run(NOTHING, ["n"]) for _ in range(chosen.tasks)))
            else:
                await asyncio.gather(*(ledgers.acquire("burst") for _ in range(chosen.tasks)))
            print(json.dumps({"seconds": time.perf_counter() - started}))


def started(chosen, number, **changes):
    words = {**vars(chosen), "number": number, **changes}
    words = {k: v for k, v in words.items() if v not in (None, False)}
    command = [sys.executable, __file__]
    for name, value in words.items():
        command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves


async def trial(chosen, redis, *, alone):
    """Let the processes run, kill one half-way; return what the server counted."""
    random = Random(chosen.seed)
    server = FastServer(chosen.speed, random=random)
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    seconds = chosen.windows * 900 / chosen.speed
    common = {
        "role": "work",
        "redis": redis,
        "alone": alone,
        "epoch": time.time(),
        "until": time.time() + seconds + 4,
        "port": listening.sockets[0].getsockname()[1],
        "json": False,
    }
    skews = [random.uniform(-60, 60) for _ in range(chosen.processes)]
    crew = [started(chosen, n, skew=skews[n], **common) for n in range(chosen.processes)]
    await asyncio.sleep(4 + seconds / 2)
    os.kill(crew[0].pid, signal.SIGKILL)
    crew.append(started(chosen, chosen.processes, skew=0.0, **common))
    await asyncio.sleep(max(0.0, common["until"] - time.time()))
    refused, accepted = server.refused, server.accepted
    said = [await asyncio.to_thread(each.communicate) for each in crew]
    listening.close()
    told = [json.loads(out) for out, _ in said if out.strip()]
    return {
        "policy": "a ledger for each" if alone else "shared ledger",
        "refused": refused,
        "accepted": accepted,
        "used": server.used(),
        "windows": len(server.turns) - 1,
        "contested": sum(each["contested"] for each in told),
        "outages": sum(each["outages"] for each in told),
    }


async def bursts(chosen, redis):
    """Return the seconds until the last of 8 processes has its tickets, and with a script for each."""
    async with open_swarm(SwarmSettings(redis_url=redis), clock=SystemClock()) as swarm:
        shelf = SharedShelf(swarm.link, "ledger")
        async with open_ledgers(shelf, clock=SystemClock()) as ledgers:
            ticket = await ledgers.acquire("burst")
            reset = {"x-rate-limit-limit": "1000", "x-rate-limit-remaining": "999"}
            reset["x-rate-limit-reset"] = str(int(shelf.time() + 900))
            ledgers.settle(ticket, status=200, headers=reset)
            await asyncio.sleep(0.2)
    found = {}
    for alone in (False, True):
        common = {"role": "burst", "redis": redis, "alone": alone, "json": False, "tasks": 50}
        common["until"] = time.time() + 4
        crew = [started(chosen, n, **common) for n in range(chosen.processes)]
        said = [await asyncio.to_thread(each.communicate) for each in crew]
        found[alone] = max(json.loads(out)["seconds"] for out, _ in said)
    return {"pens": found[False], "a script for each call": found[True]}


async def costs(redis, rounds=300):
    """Return microseconds per operation, alone and shared: the median of single calls."""
    clock = SystemClock()
    found = {}

    async def timed(name, call):
        taken = []
        for n in range(rounds):
            started_at = time.perf_counter()
            await call(n)
            taken.append(time.perf_counter() - started_at)
        found[name] = 1e6 * statistics.median(taken)

    def answer(at):
        return {
            "x-rate-limit-limit": "100000",
            "x-rate-limit-remaining": "99999",
            "x-rate-limit-reset": str(int(at + 900)),
        }

    settings = SwarmSettings(redis_url=redis)
    async with (
        open_swarm(SwarmSettings(), clock=clock) as alone,
        open_swarm(settings, clock=clock) as swarm,
        open_ledgers(SharedShelf(swarm.link, "ledger"), clock=clock) as shared,
        swarm.shared.answers(lambda *_: False) as answers,
    ):
        ledgers = Ledgers(clock=clock)

        async def call(which, at):
            ticket = await which.acquire("cost")
            which.settle(ticket, status=200, headers=answer(at()))

        body = Random(1).randbytes(5_000) + b"feed " * 3_000
        budgets = {
            "alone": HostBudgets(limit=10**6, window=60, clock=clock),
            "shared": swarm.shared.budgets(limit=10**6, window=60, alone=lambda _: None),
        }
        await timed("one script there and back", lambda _: swarm.link.run(NOTHING, ["n"]))
        await timed("ledger: acquire and settle, alone", lambda _: call(ledgers, clock.now))
        await timed("ledger: acquire and settle, shared", lambda _: call(shared, clock.now))
        for name, each in (("alone", alone), ("shared", swarm)):
            reserve = each.reservations.reserve
            await timed(f"reservation, {name}", lambda n, r=reserve: r(f"r{n}", seconds=60))
            keep = each.leases.keep
            tenure = await each.leases.take("lease", seconds=60)
            await timed(f"lease kept, {name}", lambda _, k=keep, t=tenure: k(t, seconds=60))
            book = budgets[name].acquire
            await timed(f"host budget, {name}", lambda _, b=book: b("a.example", deadline=9))
        put = {"kind": "", "data": body, "ttl": 600}
        await timed(
            "answer of 20 kB put",
            lambda n: answers.put_now("rss", f"k{n}", same=b"%d" % n, **put),
        )
        await timed(
            "the same again", lambda n: answers.put_now("rss", f"k{n}", same=b"%d" % n, **put)
        )
        await timed("answer of 20 kB got", lambda n: answers.get("rss", f"k{n}"))
    return found


def measured(chosen):
    found = {}
    with valkey() as server:
        if chosen.only in ("", "trial"):
            found["trials"] = []
            for alone in (False, True):
                row = asyncio.run(trial(chosen, server.url, alone=alone))
                server.say("FLUSHALL")
                found["trials"].append(row)
        if chosen.only in ("", "burst"):
            found["burst"] = asyncio.run(bursts(chosen, server.url))
        if chosen.only in ("", "costs"):
            found["costs"] = asyncio.run(costs(server.url))
    return found


def shown(chosen, found):
    for row in found.get("trials", ()):
        print(
            f"{row['policy']:20s} {row['refused']:5d} x 429 {row['used']:8.2%} used in"
            f" {row['windows']} windows {row['contested']:6d} changes made again"
        )
    for name, seconds in found.get("burst", {}).items():
        print(f"{chosen.processes} processes, 50 calls each at once, {name:24s} {seconds:7.3f} s")
    for name, micro in found.get("costs", {}).items():
        print(f"{name:36s} {micro:9.0f} us")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--windows", type=float, default=3.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument(
        "--think", type=float, default=20.0, help="seconds of the day between calls"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="trial, burst or costs")
    for name, kind in (("role", str), ("redis", str), ("port", int), ("number", int)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    for name in ("epoch", "until", "skew"):
        parser.add_argument(f"--{name}", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.role:
        asyncio.run({"work": work, "burst": burst}[chosen.role](chosen))
        return
    found = measured(chosen)
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        shown(chosen, found)


if __name__ == "__main__":
    main()
