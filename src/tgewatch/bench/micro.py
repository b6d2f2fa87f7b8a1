"""What single steps cost, in processor time: `python -m tgewatch.bench.micro`.

Each is measured in rounds of many calls, in turn with the others; the median of the rounds counts.
"""

import asyncio
import math
import statistics
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

from tgewatch.bench.child import converse
from tgewatch.clock import SystemClock
from tgewatch.detect.detector import Detector
from tgewatch.engine.experiment import Trace, compare, plan, read_trace, replay, summarise
from tgewatch.engine.schedule import Schedule
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.ledger import Ledgers
from tgewatch.fetch.politeness import Hosts
from tgewatch.model import Item, Source
from tgewatch.parse.items import read_items
from tgewatch.rules.ledger import Ticket
from tgewatch.rules.rhythm import DAY
from tgewatch.settings import DetectionSettings, PollingSettings
from tgewatch.settings.caching import Tier
from tgewatch.settings.load import shipped_settings
from tgewatch.world import make_plan
from tgewatch.world.plan import Plan
from tgewatch.world.render import feed_body

ROUNDS = 7
START = 1_790_035_200.0
KEYS = 10_000

Step = Callable[[int], None]
"""Does it so many times."""


def microseconds(steps: dict[str, tuple[Step, int]]) -> dict[str, float]:
    """Return the median of processor time for one call of each step, all measured in turn."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for step, times in steps.values():
        step(max(1, times // 10))
    for _ in range(ROUNDS):
        for name, (step, times) in steps.items():
            begun = time.process_time()
            step(times)
            found[name].append((time.process_time() - begun) / times * 1e6)
    return {name: statistics.median(values) for name, values in found.items()}


def cache_steps() -> dict[str, tuple[Step, int]]:
    """Look-ups through the public API among 10,000 entries, and in a plain dict."""
    cache = Cache({"rss": Tier(ttl=600, max_bytes=50_000_000)}, clock=SystemClock())
    keys = [f"GET https://{n}.example/feed" for n in range(KEYS)]
    for key in keys:
        cache.set(key, b"x" * 1_000, tier="rss")
    plain = dict.fromkeys(keys, b"x")

    def get(times: int) -> None:
        for n in range(times):
            cache.get(keys[n % KEYS], tier="rss")

    def miss(times: int) -> None:
        for _ in range(times):
            cache.get("nothing", tier="rss")

    def put(times: int) -> None:
        for n in range(times):
            cache.set(keys[n % KEYS], b"y" * 1_000, tier="rss")

    def in_dict(times: int) -> None:
        for n in range(times):
            plain.get(keys[n % KEYS])

    return {
        "cache.get": (get, 20_000),
        "cache.miss": (miss, 20_000),
        "cache.set": (put, 5_000),
        "dict.get": (in_dict, 50_000),
    }


def feed_steps(world: Plan) -> dict[str, tuple[Step, int]]:
    """Parse, match and judge what the world publishes."""
    settings = shipped_settings()
    detector = Detector(settings.companies, DetectionSettings(mode="discover"))
    now = START + DAY
    outlets = world.outlets[:20]
    bodies = [
        feed_body(outlet, f"http://{outlet.host}", START, world.visible(outlet.number, now))
        for outlet in outlets
    ]
    read = partial(read_items, source="http://a.example/", url="http://a.example/", now=now)
    items = [item for body in bodies for item in read(body).items]
    found = [(item, matches) for item in items if (matches := detector.scan(item))]
    negative = Item(source="s", key="k", url="http://a.example/", title="Markets are calm today")

    def parse(times: int) -> None:
        for n in range(times):
            read(bodies[n % len(bodies)])

    def match(times: int) -> None:
        for n in range(times):
            detector.scan(items[n % len(items)])

    def dismiss(times: int) -> None:
        for _ in range(times):
            detector.scan(negative)

    def judge(times: int) -> None:
        for n in range(times):
            item, matches = found[n % len(found)]
            detector.judge(item, matches=matches)

    return {
        "parse.feed": (parse, 100),
        "detect.match": (match, 1_000),
        "detect.dismiss": (dismiss, 5_000),
        "detect.judge": (judge, 300),
    }


def schedule_steps(sources: int) -> dict[str, tuple[Step, int]]:
    """Decide what is due, take in the poll and decide when the next one is."""
    random = Random(1)  # noqa: S311 - repeatable
    schedule = Schedule(PollingSettings(), now=START, chance=random.random)
    for n in range(sources):
        source = Source(url=f"https://{n}.example/feed", name=str(n))
        schedule.add(source)
        rate = math.exp(random.gauss(math.log(0.5), 1.5)) / DAY
        history = [START - k * random.expovariate(rate) for k in range(1, 21)]
        schedule.report(source.url, at=START, outcome="changed", published=history)

    def decide(times: int) -> None:
        made = 0
        while made < times:
            now = schedule.next_due() or START
            for url in schedule.due(now, times - made):
                schedule.report(url, at=now, outcome="unchanged", elapsed=0.2)
                made += 1

    return {f"schedule.{sources}": (decide, 2_000)}


def limit_steps(loop: asyncio.AbstractEventLoop) -> dict[str, tuple[Step, int]]:
    """Take a turn at a host; take and settle a call of an API's budget."""
    clock = SystemClock()
    hosts, ledgers = Hosts(clock=clock), Ledgers(clock=clock)
    headers = {
        "x-rate-limit-limit": "1000000000",
        "x-rate-limit-remaining": "999999999",
        "x-rate-limit-reset": str(int(clock.now()) + 800),
    }

    async def turns(times: int) -> None:
        until = clock.monotonic() + 1_000.0
        for n in range(times):
            name = f"{n % 1_000}.example"
            with await hosts.turn(name, spacing=0.0, at_once=4, until=until) as turn:
                turn.started()

    def turn(times: int) -> None:
        loop.run_until_complete(turns(times))

    def lease(times: int) -> None:
        for _ in range(times):
            ticket = ledgers.try_acquire("search")
            if not isinstance(ticket, Ticket):
                raise TypeError(f"the ledger holds back: {ticket}")
            ledgers.settle(ticket, status=200, headers=headers)

    return {"limit.turn": (turn, 2_000), "limit.lease": (lease, 2_000)}


def made_up(seed: int) -> Trace:
    """Return 20 days of 40 sources: rates over three orders of magnitude, each with its hours."""
    random = Random(seed)  # noqa: S311 - repeatable
    times = []
    for _ in range(40):
        rate = min(150.0, math.exp(random.gauss(math.log(4.0), 1.6))) / DAY
        peak, at, own = random.gauss(15.0, 2.0), START, array("d", [START])
        while at < START + 20 * DAY:
            at += random.expovariate(3.0 * rate)
            away = (at % DAY / 3_600.0 - peak + 12.0) % 24.0 - 12.0
            if random.random() < math.exp(-(away**2) / 40.0):
                own.append(at)
        times.append(own)
    return Trace(tuple(map(str, range(len(times)))), tuple(times))


def delays(trace: Trace) -> dict[str, Any]:
    """Return the delays of both policies with equal requests, and how they compare."""
    chosen = plan(trace, interval=600.0)
    results = {name: replay(trace, name, chosen) for name in ("fixed", "index")}
    ratio = compare(trace, chosen, results["fixed"], results["index"])
    rows = {}
    for name, result in results.items():
        summary = summarise(result)
        rows[name] = {"mean": summary.mean, "p95": summary.p95, "requests": result.requests}
    return {**rows, "ratio": ratio.value, "low": ratio.low, "high": ratio.high}


class Micro:
    """All steps; a round measures each of them."""

    def __init__(self, trace: str) -> None:
        self._trace = trace

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Measure the steps named by the order's `what`."""
        work = self._delays if order["what"] == "delays" else self._steps
        return await asyncio.to_thread(work)

    def _delays(self) -> dict[str, Any]:
        if not self._trace:
            return delays(made_up(1))
        with open(self._trace, encoding="utf-8-sig", newline="") as lines:  # noqa: PTH123 - lines
            return delays(read_trace(lines))

    def _steps(self) -> dict[str, Any]:
        world = make_plan(seed=7, start=START, outlets=60, projects=20, days=1.5, per_day=60)
        loop = asyncio.new_event_loop()
        try:
            return microseconds(
                {
                    **cache_steps(),
                    **feed_steps(world),
                    **schedule_steps(1_000),
                    **schedule_steps(10_000),
                    **limit_steps(loop),
                }
            )
        finally:
            loop.close()


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Micro]:
    """Take the path of a trace of publications, or none."""
    yield Micro(given.get("trace", ""))


if __name__ == "__main__":
    asyncio.run(converse(opened))
