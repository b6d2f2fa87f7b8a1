"""What a poll costs PostgreSQL: `python benchmarks/postgres.py [--json]`, about two minutes.

Stores the same polls as `benchmarks/store.py volume` in a real server from a wheel, with fsync on, and
prints what one poll took of the server's processors, of its log and of its disk: the first sight of
a source, a poll without news, one with one new item; and per source the reading of its state, and
the question which of its entries are new. `scripts/growth.py` reckons with these.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from store import Meter, entries, feed, first_poll, opened, polled, spread
from tgewatch.model import Judged, Poll
from tgewatch.store import SqlStore
from tgewatch.store.rows import portions
from tgewatch.testing.postgres import postgres

BATCH = 32
"""Sources whose state is read at once, as a worker does."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Of one poll."""

    client_ms: float
    """Processor time of this process."""
    server_ms: float
    """Processor time of all of the server's processes."""
    wall_ms: float
    log_bytes: float
    """Of the write-ahead log."""


class Server:
    """A database server on this machine, seen from outside."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        backend = self._one("SELECT pg_backend_pid()")
        self._postmaster = int(self._stat(int(backend))[1])

    def _one(self, query: str) -> float:
        return float(self._connection.execute(query).fetchall()[0][0])

    @staticmethod
    def _stat(pid: int) -> list[str]:
        """Return the fields of a process from its state on; the second is its parent."""
        text = Path(f"/proc/{pid}/stat").read_text()
        return text[text.rindex(")") + 2 :].split()

    def seconds(self) -> float:
        """Return the processor time of the server, processes that have ended included."""
        ticks = sum(map(int, self._stat(self._postmaster)[11:15]))
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = self._stat(int(folder.name))
            except (OSError, ValueError):
                continue
            if int(fields[1]) == self._postmaster:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def log(self) -> float:
        return self._one("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def size(self) -> float:
        self._connection.execute("VACUUM ANALYZE")
        return self._one("SELECT pg_database_size(current_database())")

    def safely(self) -> None:
        """Make it wait for the disk, as it does by default and tests do not."""
        self._connection.execute("ALTER SYSTEM SET fsync = on")
        self._connection.execute("SELECT pg_reload_conf()")


@contextmanager
def measured(server: Server, polls: int, costs: dict[str, Cost], name: str):
    before = server.seconds(), server.log()
    with Meter() as meter:
        yield
    after = server.seconds(), server.log()
    used, log = (b - a for a, b in zip(before, after, strict=True))
    costs[name] = Cost(
        1e3 * meter.cpu / polls,
        1e3 * used / polls,
        1e3 * meter.wall / polls,
        log / polls,
    )


async def store_all(store: SqlStore, polls: Sequence[Poll]) -> None:
    await spread([partial(store.commit_poll, poll) for poll in polls])


def with_news(number: int, times: int) -> Poll:
    item = entries(number, 100 + times)[-1]
    judged = Judged(item, "match", "no_term", article="not_needed")
    return polled(number, [judged], times=times)


async def measure(
    url: str, *, sources: int, items: int, rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, Cost], dict[str, float]]:
    server = Server(url)
    server.safely()
    costs: dict[str, Cost] = {}
    with TemporaryDirectory() as folder:
        async with opened(Path(folder), url=url) as store:
            empty = server.size()
            say(f"{sources:,} sources with {items} items each")
            with measured(server, sources, costs, "first sight"):
                await store_all(store, [first_poll(n, items) for n in range(sources)])
            full = server.size()
            quiet = [polled(n, (), times=t) for t in range(2, 2 + rounds) for n in range(sources)]
            with measured(server, len(quiet), costs, "without news"):
                await store_all(store, quiet)
            before = server.size()
            news = [
                with_news(n, t) for t in range(2 + rounds, 2 + 2 * rounds) for n in range(sources)
            ]
            with measured(server, len(news), costs, "one new item"):
                await store_all(store, news)
            after = server.size()
            urls = [feed(n) for n in range(sources)]
            with measured(server, sources, costs, "states read"):
                await spread([partial(store.source_states, some) for some in portions(urls, BATCH)])
            shown = [entries(n, items) for n in range(sources)]
            with measured(server, sources, costs, "what is new"):
                await spread([partial(store.unseen, some) for some in shown])
    sizes = {
        "bytes_per_item": (after - before) / len(news),
        "bytes_per_source": max(0.0, full - empty - sources * items * (after - before) / len(news))
        / sources,
        "bytes_per_item_first": (full - empty) / (sources * items),
    }
    return costs, sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sources", type=int, default=5_000)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    say = partial(print, file=sys.stderr)
    with postgres(f"bench-{os.getpid()}") as url:
        costs, sizes = asyncio.run(
            measure(url, sources=given.sources, items=given.items, rounds=given.rounds, say=say)
        )
    if given.json:
        print(json.dumps({"polls": {k: vars(c) for k, c in costs.items()}, "sizes": sizes}))
        return 0
    print(f"{'a poll':<14}{'client ms':>11}{'server ms':>11}{'wall ms':>10}{'log B':>9}")
    for name, cost in costs.items():
        print(
            f"{name:<14}{cost.client_ms:>11.3f}{cost.server_ms:>11.3f}{cost.wall_ms:>10.3f}"
            f"{cost.log_bytes:>9.0f}"
        )
    for name, value in sizes.items():
        print(f"{name:<22}{value:>8.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
