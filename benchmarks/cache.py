"""The cache beside others: look-up times, hit rates, bytes, and what an entry costs. Prints tables.

    python benchmarks/cache.py [speed|hits|bound|memory ...] [--json]

cachetools, cachebox and moka-py are compared with when they are installed.
"""

import argparse
import asyncio
import gc
import importlib
import json
import statistics
import sys
import threading
import time
import tracemalloc
from itertools import accumulate
from random import Random

from tgewatch.clock import SystemClock
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.memory import ENTRY_BYTES
from tgewatch.fetch.sizes import bytes_of
from tgewatch.settings.caching import Tier

HOUR = 3600.0
VALUE = b"x" * 1_000


def installed(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Ours:
    def __init__(self, budget, policy="tinylfu"):
        self.cache = Cache(
            {"rss": Tier(ttl=HOUR, max_bytes=budget)}, clock=SystemClock(), policy=policy
        )
        self.get = lambda key, get=self.cache.get: get(key, tier="rss")
        self.set = lambda key, value, put=self.cache.set: put(key, value, tier="rss")

    @property
    def used(self):
        return self.cache.stats()["rss"].bytes


class Dict:
    def __init__(self, _budget):
        self.entries = {}
        self.get, self.set = self.entries.get, self.entries.__setitem__


class Moka:
    def __init__(self, budget):
        moka = installed("moka_py").Moka
        self.cache = moka(
            capacity=budget,
            ttl=HOUR,
            weigher=lambda key, value: bytes_of(key) + bytes_of(value) + ENTRY_BYTES,
        )
        self.get, self.set = self.cache.get, self.cache.set

    @property
    def used(self):
        return self.cache.weighted_size()


class Cachetools:
    def __init__(self, budget):
        cachetools = installed("cachetools")
        cache = cachetools.TTLCache(
            budget, HOUR, getsizeof=lambda value: sys.getsizeof(value) + ENTRY_BYTES
        )
        lock = threading.Lock()

        def get(key):
            with lock:
                return cache.get(key)

        def put(key, value):
            with lock:
                cache[key] = value

        self.cache, self.get, self.set = cache, get, put

    @property
    def used(self):
        return self.cache.currsize


class Cachebox:
    def __init__(self, budget):
        self.cache = installed("cachebox").VTTLCache(
            budget, getsizeof=lambda key, value: bytes_of(key) + bytes_of(value) + ENTRY_BYTES
        )
        self.get = self.cache.get
        self.set = lambda key, value, insert=self.cache.insert: insert(key, value, HOUR)

    @property
    def used(self):
        return self.cache.current_size()


PEERS = {
    "tgewatch tinylfu": (Ours, None),
    "tgewatch lru": (lambda budget: Ours(budget, "lru"), None),
    "dict": (Dict, None),
    "moka-py, bare": (Moka, "moka_py"),
    "cachetools TTL + lock": (Cachetools, "cachetools"),
    "cachebox VTTL": (Cachebox, "cachebox"),
}


def peers():
    return {name: make for name, (make, needs) in PEERS.items() if not needs or installed(needs)}


CHUNK = 500
"""Calls that are timed together."""


def nanoseconds(call, keys, rounds):
    """Return the median processor time per call, over chunks: what else runs on the machine is left out."""
    times = []
    for _ in range(rounds):
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            started = time.process_time()
            for key in chunk:
                call(key)
            times.append((time.process_time() - started) / len(chunk))
    return statistics.median(times) * 1e9


def speed():
    keys = [f"https://example.org/feeds/{n}.xml" for n in range(10_000)]
    order = keys[:]
    Random(1).shuffle(order)
    rows = []
    for name, make in peers().items():
        cache = make(40_000_000)
        for key in keys:
            cache.set(key, VALUE)
        row = {"cache": name, "get_hit_ns": nanoseconds(cache.get, order, 7)}
        absent = [f"{key}?" for key in order]
        row["get_miss_ns"] = nanoseconds(cache.get, absent, 5)
        row["set_ns"] = nanoseconds(lambda key, put=cache.set: put(key, VALUE), order, 5)
        rows.append(row)
    rows.append({"cache": "tgewatch get_or_fetch, hit", "get_hit_ns": coroutine_hit()})
    return rows


def coroutine_hit():
    cache = Ours(40_000_000).cache
    cache.set("a", VALUE, tier="rss")

    async def fetch():
        return VALUE

    async def run():
        times = []
        for _ in range(100):
            started = time.process_time()
            for _ in range(CHUNK):
                await cache.get_or_fetch("a", fetch, tier="rss")
            times.append((time.process_time() - started) / CHUNK)
        return statistics.median(times) * 1e9

    return asyncio.run(run())


def hits():
    """Read through with Zipf-distributed keys of mixed sizes, and once round and round."""
    random = Random(7)
    sizes = [random.choice((200, 1_000, 4_000, 20_000)) for _ in range(5_000)]
    values = [b"x" * size for size in sizes]
    total = sum(sizes) + len(sizes) * (ENTRY_BYTES + 90)
    zipf = random.choices(
        range(5_000), cum_weights=list(accumulate(1 / (n + 1) for n in range(5_000))), k=100_000
    )
    scattered = list(range(5_000))
    random.shuffle(scattered)
    traces = {
        "zipf, 1 % of bytes": ([scattered[n] for n in zipf], total // 100),
        "zipf, 5 % of bytes": ([scattered[n] for n in zipf], total // 20),
        "round and round, 50 %": (list(range(5_000)) * 8, total // 2),
        "round and round, 90 %": (list(range(5_000)) * 8, total * 9 // 10),
    }
    rows = []
    for name, make in peers().items():
        if name == "dict":
            continue
        row = {"cache": name}
        for trace, (keys, budget) in traces.items():
            row[trace] = hit_rate(make(budget), keys, values)
        rows.append(row)
    return rows


def hit_rate(cache, keys, values):
    found = 0
    half = len(keys) // 2
    for step, number in enumerate(keys):
        key = f"key {number}"
        if cache.get(key) is None:
            cache.set(key, values[number])
        elif step >= half:
            found += 1
    return found / (len(keys) - half)


def bound():
    """Set more than fits, and look now and then at what is really held."""
    rows = []
    budget = 500_000
    for name, make in peers().items():
        if name == "dict":
            continue
        cache = make(budget)
        most = 0
        for n in range(2_000):
            cache.set(f"key {n}", b"x" * 10_000)
            if n % 64 == 63:  # reading makes some caches catch up, so only now and then
                most = max(most, cache.used, sum_of(cache, n))
        rows.append({"cache": name, "budget": budget, "most_bytes": most})
    return rows


def sum_of(cache, newest):
    """Return the bytes of values that can be read: what is really held, whatever is accounted."""
    return sum(
        len(value)
        for n in range(max(0, newest - 150), newest + 1)
        if (value := cache.get(f"key {n}"))
    )


def memory():
    """Return what an entry costs beyond key and value, by tracemalloc."""
    cache = Ours(100_000_000)
    keys = [f"https://example.org/feeds/{n}.xml" for n in range(20_000)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for key in keys:
        cache.set(key, VALUE)
    for key in keys:
        cache.get(key)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return [{"measured_bytes_per_entry": (after - before) / len(keys), "accounted": ENTRY_BYTES}]


PARTS = {"speed": speed, "hits": hits, "bound": bound, "memory": memory}


def show(part, rows):
    print(f"\n{part}")
    for row in rows:
        cells = [
            f"{v:10.3f}"
            if isinstance(v, float) and v < 10
            else f"{v:10,.0f}"
            if isinstance(v, int | float)
            else f"{v:30s}"
            for v in row.values()
        ]
        names = [name for name, v in row.items() if not isinstance(v, str)]
        print(" ".join(cells), "  ", ", ".join(names))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = {part: PARTS[part]() for part in chosen.parts}
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        for part, rows in found.items():
            show(part, rows)


if __name__ == "__main__":
    main()
