"""Hammer the cache with threads and tasks at once, under a referee. Prints the verdict.

    python benchmarks/hammer_cache.py [--seconds 60] [--threads 32] [--tasks 1000]

Exit code 1 on a lost update, a lock-up, an error, or bytes above the budget at any look.
"""

import argparse
import sys
from dataclasses import asdict

from tgewatch.clock import SystemClock
from tgewatch.fetch.cache import Cache
from tgewatch.settings.caching import Tier
from tgewatch.testing.hammer import Hammer

BUDGET = 300_000


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    failed = False
    for policy in ("tinylfu", "lru"):
        tier = Tier(ttl=0.2, max_bytes=BUDGET, negative_ttl=0.05)
        cache = Cache({"rss": tier}, clock=SystemClock(), policy=policy)
        hammer = Hammer(
            cache,
            tier="rss",
            used=lambda cache=cache: cache.stats()["rss"].bytes,
            budget=BUDGET,
            seed=chosen.seed,
        )
        verdict = hammer.run(threads=chosen.threads, tasks=chosen.tasks, seconds=chosen.seconds)
        failed = failed or not verdict.passed
        print(policy, "PASSED" if verdict.passed else "FAILED")
        for name, value in asdict(verdict).items():
            print(f"  {name:14s} {value}")
        print(f"  {cache.stats()['rss']}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
