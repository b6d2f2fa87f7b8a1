"""Learned TTLs against a fixed one, replayed on publication times. Prints a table.

    python benchmarks/ttl.py [--trace FILE.csv] [--ttl 600] [--read-every 120] [--days 30] [--json]

The trace has the columns source and published (ISO 8601); without one, 60 made-up sources publish
at rates spread over three orders of magnitude. Readers ask at random times; an answer is a hit
when no request was made for it, and stale when the source had published since it was fetched.
"""

import argparse
import csv
import json
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from random import Random

from tgewatch.fetch.adaptive import AdaptiveTtl

DAY = 86_400.0


def logged(path, days):
    """Return source → publication times in seconds since the first, for the first `days`."""
    times = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            times[row["source"]].append(datetime.fromisoformat(row["published"]).timestamp())
    first = min(min(each) for each in times.values())
    return {
        source: sorted(t - first for t in each if t - first < days * DAY)
        for source, each in times.items()
    }


def made_up(days, seed):
    random = Random(seed)
    sources = {}
    for number in range(60):
        period = 300.0 * 10 ** random.uniform(0, 3)
        at, times = 0.0, []
        while (at := at + random.expovariate(1 / period)) < days * DAY:
            times.append(at)
        sources[f"source {number}"] = times
    return sources


def replay(sources, *, days, read_every, seed, ttl_of, learn):
    """Return reads, hits, stale answers and requests."""
    reads = hits = stale = 0
    for source, times in sources.items():
        random = Random(f"{seed} {source}")
        fetched_at, version, until = 0.0, -1, -1.0
        at = 0.0
        while (at := at + random.expovariate(1 / read_every)) < days * DAY:
            reads += 1
            now_version = bisect_right(times, at)
            if at < until:
                hits += 1
                stale += now_version != version
                continue
            if version >= 0:
                learn(source, at - fetched_at, now_version != version)
            fetched_at, version = at, now_version
            until = at + ttl_of(source)
    return {
        "reads": reads,
        "hit_rate": hits / reads,
        "stale": stale / reads,
        "requests": reads - hits,
    }


def fixed(sources, ttl, **how):
    return replay(sources, ttl_of=lambda _: ttl, learn=lambda *_: None, **how)


def learned(sources, ttl, staleness, **how):
    learner = AdaptiveTtl(
        ttl=ttl, staleness=staleness, floor=ttl / 20, cap=ttl * 100, key_class=lambda key: key
    )
    row = replay(
        sources,
        ttl_of=learner.ttl,
        learn=lambda source, elapsed, changed: learner.observe(source, elapsed, changed=changed),
        **how,
    )
    return row, learner


def at_equal(sources, ttl, what, target, **how):
    """Return the learned run whose `what` comes closest to `target`, and its staleness setting."""
    low, high = 0.0005, 0.9
    best = None
    for _ in range(7):
        middle = (low * high) ** 0.5
        row, learner = learned(sources, ttl, middle, **how)
        if best is None or abs(row[what] - target) < abs(best[0][what] - target):
            best = row, middle, learner
        more_stale = row[what] < target if what == "stale" else row[what] > target
        low, high = (middle, high) if more_stale else (low, middle)
    return best


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--ttl", type=float, default=600.0)
    parser.add_argument("--read-every", type=float, default=120.0)
    parser.add_argument("--days", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    how = {"days": chosen.days, "read_every": chosen.read_every, "seed": chosen.seed}
    trace = logged(chosen.trace, chosen.days) if chosen.trace else made_up(chosen.days, chosen.seed)
    base = fixed(trace, chosen.ttl, **how)
    default, learner = learned(trace, chosen.ttl, 0.1, **how)
    same_requests, at_requests, _ = at_equal(trace, chosen.ttl, "requests", base["requests"], **how)
    same_stale, at_stale, _ = at_equal(trace, chosen.ttl, "stale", base["stale"], **how)
    rows = {
        f"fixed {chosen.ttl:g} s": base,
        "learned, staleness 0.1": default,
        f"learned, as many requests ({at_requests:.3f})": same_requests,
        f"learned, as stale ({at_stale:.3f})": same_stale,
    }
    if chosen.json:
        print(json.dumps(rows, indent=1))
        return
    for name, row in rows.items():
        print(
            f"{name:42s} hits {row['hit_rate']:6.1%}  stale {row['stale']:6.2%}  "
            f"requests {row['requests']:8,d}  of {row['reads']:,d} reads"
        )
    print("\nlearned, per class (most and least changing):")
    classes = learner.classes()
    for each in (*classes[:3], *classes[-3:]):
        print(f"  {each.key_class:40s} ttl {each.ttl:8.0f} s  changes every {each.period:9.0f} s")


if __name__ == "__main__":
    main()
