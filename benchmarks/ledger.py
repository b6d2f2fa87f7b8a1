"""The ledger against a simulated X for a day, and what others do instead. Prints a table.

python benchmarks/ledger.py [--hours 24] [--tasks 64] [--think 0.2] [--seed 1] [--json]
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from random import Random

from tgewatch.fetch.ledger import Ledgers
from tgewatch.testing.rate_server import NoAnswerError, RateFaults, RateServer
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually

FAULTS = {
    "none": ({}, {}),
    "clock 3 s fast": ({"skew": 3.0}, {}),
    "clock 3 s slow": ({"skew": -3.0}, {}),
    "drift 50 ppm": ({"drift": 50e-6}, {}),
    "drift -50 ppm": ({"drift": -50e-6}, {}),
    "0.5 % lost": ({}, {"lost": 0.005}),
    "2 % bare 503": ({}, {"headerless": 0.02}),
    "5 % foreign use": ({}, {"foreign": 0.05}),
    "Date strays 0.5 s": ({}, {"date_jitter": 0.5}),
    "limit cut half-way": ({}, {"cut_to": 300}),
    "all together": (
        {"skew": 3.0, "drift": 50e-6},
        {"lost": 0.005, "headerless": 0.02, "foreign": 0.05, "date_jitter": 0.2},
    ),
}


class LedgerPolicyUnderTest:
    """The shipped ledger, as shipped."""

    def __init__(self, clock):
        self._ledgers = Ledgers(clock=clock)

    async def acquire(self):
        return await self._ledgers.acquire("search")

    def settle(self, ticket, status, headers):
        self._ledgers.settle(ticket, status=status, headers=headers)


class CheckThenCall:
    """Refuse while the last answer said that nothing is left: the original's way."""

    def __init__(self, clock):
        self._clock = clock
        self._left, self._reset = 1, 0.0

    async def acquire(self):
        while self._left <= 0 and (wait := self._reset - self._clock.now()) > 0:
            await self._clock.sleep(wait)

    def settle(self, _ticket, _status, headers):
        if "x-rate-limit-reset" in headers:
            self._left = int(headers["x-rate-limit-remaining"])
            self._reset = int(headers["x-rate-limit-reset"])


class WaitAfter429:
    """Call until refused, then wait for the reset, each task for itself."""

    def __init__(self, clock):
        self._clock = clock
        self._until = 0.0

    async def acquire(self):
        if (wait := self._until - self._clock.now()) > 0:
            await self._clock.sleep(wait)

    def settle(self, _ticket, status, headers):
        if status == 429:
            self._until = int(headers["x-rate-limit-reset"]) + 1


class Gcra:
    """A leaky bucket: one call every window/limit seconds, `burst` of them at once."""

    def __init__(self, clock, *, every, burst):
        self._clock, self._every, self._burst = clock, every, burst
        self._due = 0.0

    async def acquire(self):
        while True:
            now = self._clock.now()
            wait = self._due - (self._burst - 1) * self._every - now
            if wait <= 1e-9:
                self._due = max(self._due, now) + self._every
                return
            await self._clock.sleep(wait)

    def settle(self, *_):
        pass


class SlidingLog:
    """No more than `limit` calls in any `window` seconds, by our own count."""

    def __init__(self, clock, *, limit, window):
        self._clock, self._limit, self._window = clock, limit, window
        self._calls = deque()

    async def acquire(self):
        while True:
            now = self._clock.now()
            while self._calls and self._calls[0] <= now - self._window:
                self._calls.popleft()
            if len(self._calls) < self._limit:
                self._calls.append(now)
                return
            await self._clock.sleep(self._calls[0] + self._window - now)

    def settle(self, *_):
        pass


POLICIES = {
    "ledger": LedgerPolicyUnderTest,
    "check then call": CheckThenCall,
    "wait after a 429": WaitAfter429,
    "GCRA, burst 450": lambda clock: Gcra(clock, every=2.0, burst=450),
    "GCRA, one by one at 0.49/s": lambda clock: Gcra(clock, every=1 / 0.49, burst=1),
    "sliding log 450/900": lambda clock: SlidingLog(clock, limit=450, window=900.0),
    "sliding log 448/901": lambda clock: SlidingLog(clock, limit=448, window=901.0),
}


async def day(policy, fault, *, hours, tasks, seed, think=0.2):
    """Return 429s, and the share of the budget used by everybody, when `tasks` tasks want it all.

    Each pauses for up to `think` seconds between two calls.
    """
    clock_faults, server_faults = fault
    random = Random(seed)
    end = hours * 3600.0
    server = RateServer(faults=RateFaults(cut_after=end / 2, **server_faults), random=random)
    limit = server.limit
    limiter = policy(VirtualClock(**clock_faults))
    loop = asyncio.get_running_loop()

    async def work():
        while True:
            ticket = await limiter.acquire()
            try:
                status, headers = await server.call()
            except NoAnswerError:
                limiter.settle(ticket, None, {})
            else:
                limiter.settle(ticket, status, headers)
            await asyncio.sleep(random.uniform(0.0, think))

    workers = [loop.create_task(work()) for _ in range(tasks)]
    workers.append(loop.create_task(server.foreign_use()))
    await asyncio.sleep(end)
    for worker in workers:
        worker.cancel()
    done = await asyncio.gather(*workers, return_exceptions=True)
    wrong = [each for each in done if isinstance(each, Exception)]
    if wrong:
        raise wrong[0]
    offered = (limit + server.limit) / 2 * end / server.window
    return server.refused, server.accepted / offered


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--think", type=float, default=0.2, help="seconds; 150 spreads the calls")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="policies whose name starts so")
    chosen = parser.parse_args()
    rows = []
    for policy, make in POLICIES.items():
        if not policy.startswith(chosen.only):
            continue
        for fault, how in FAULTS.items():
            started = time.perf_counter()
            refused, used = run_virtually(
                day(
                    make,
                    how,
                    hours=chosen.hours,
                    tasks=chosen.tasks,
                    seed=chosen.seed,
                    think=chosen.think,
                )
            )
            took = time.perf_counter() - started
            rows.append({"policy": policy, "fault": fault, "refused": refused, "used": used})
            if not chosen.json:
                print(
                    f"{policy:28s} {fault:20s} {refused:7d} x 429  {used:7.2%} used  ({took:.1f} s)"
                )
                sys.stdout.flush()
    if chosen.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
