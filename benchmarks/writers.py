"""What the lock of the writers costs when several processes write to one PostgreSQL store.

    python benchmarks/writers.py
    python benchmarks/writers.py --processes 1 2 4 --seconds 10 --claims 0.05 --json

Each process commits polls as fast as the store takes them, 32 at a time: nine of ten bring nothing,
the others five items, and of these polls the share `--claims` brings a claim about an event. Once
with the lock held where events are written (as shipped), once with every transaction holding it.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tgewatch.clock import SystemClock
from tgewatch.detect.merge import merge
from tgewatch.settings import StoreSettings
from tgewatch.store import Access, open_store, writer
from tgewatch.testing.polls import claimed, dropped, poll, simple_route
from tgewatch.testing.postgres import database, postgres

AT_ONCE = 32
SOURCES = 500


async def write(url: str, number: int, chosen: argparse.Namespace) -> int:
    """Write until the time is over; return how many polls were stored."""
    chance = random.Random(number)
    counts = [0] * SOURCES
    done = 0
    with TemporaryDirectory() as folder:
        async with open_store(
            StoreSettings(database_url=url), root=Path(folder), clock=SystemClock(),
            merge=merge, route=simple_route, access=Access.SHARE,
        ) as store:  # fmt: skip
            until = time.monotonic() + chosen.seconds

            async def one(source: int) -> None:
                feed = f"https://feed{number}-{source}.example/rss"
                counts[source] += 1
                judged = ()
                if chance.random() < 0.1:
                    name = f"{source}-{counts[source]}"
                    judged = tuple(dropped(f"{name}-{k}", source=feed) for k in range(4))
                    last = (
                        claimed(name, f"Project {chance.randrange(200)}", source=feed)
                        if chance.random() < chosen.claims
                        else dropped(name, source=feed)
                    )
                    judged = (*judged, last)
                made = poll(*judged, source=feed)
                state = replace(made.state, polls=counts[source])
                await store.commit_poll(replace(made, state=state))

            while time.monotonic() < until:
                chosen_now = chance.sample(range(SOURCES), AT_ONCE)
                await asyncio.gather(*map(one, chosen_now))
                done += AT_ONCE
    return done


def process(url: str, number: int, chosen: argparse.Namespace, *, always: bool, told: Any) -> None:
    if always:
        writer._touches_events = lambda _job: True
    told.put(asyncio.run(write(url, number, chosen)))


def measure(server: str, chosen: argparse.Namespace, processes: int, *, always: bool) -> float:
    """Return polls stored per second."""
    url = database(server, f"writers_{processes}_{always}")
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    running = [
        context.Process(
            target=process, args=(url, n, chosen), kwargs={"always": always, "told": told}
        )
        for n in range(processes)
    ]
    for one in running:
        one.start()
    polls = sum(told.get(timeout=60 + 3 * chosen.seconds) for _ in running)
    for one in running:
        one.join()
    return polls / chosen.seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--claims", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = []
    with postgres(f"writers{random.randrange(10**6)}") as server:
        for processes in chosen.processes:
            narrow = measure(server, chosen, processes, always=False)
            whole = measure(server, chosen, processes, always=True)
            figures.append(
                {
                    "processes": processes,
                    "polls per second": round(narrow),
                    "with every transaction locked": round(whole),
                    "ratio": round(narrow / whole, 2) if whole else 0.0,
                }
            )
            if not chosen.json:
                print(figures[-1], flush=True)
    if chosen.json:
        json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
