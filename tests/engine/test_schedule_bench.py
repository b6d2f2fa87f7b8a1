"""What a decision costs, and how both time and memory grow with the number of sources."""

import gc
import math
import time
import tracemalloc
from random import Random

import pytest

from tgewatch.engine.schedule import Schedule
from tgewatch.model import Source
from tgewatch.rules.rhythm import DAY
from tgewatch.settings import PollingSettings

NOW = 1_700_000_000.0
DECISIONS = 20_000

pytestmark = pytest.mark.bench


def filled(count, random):
    sources = [Source(url=f"https://{n}.example/feed", name=str(n)) for n in range(count)]
    schedule = Schedule(PollingSettings(), now=NOW, chance=random.random)
    for source in sources:
        rate = math.exp(random.gauss(math.log(0.5), 1.5)) / DAY
        schedule.add(source)
        history = [NOW - n * random.expovariate(rate) for n in range(1, 21)]
        schedule.report(source.url, at=NOW, outcome="changed", published=history)
    return schedule


def microseconds(count):
    """Of processor time for a decision: what is due, the report, and when next."""
    schedule = filled(count, Random(1))  # noqa: S311 - repeatable
    made, begun = 0, time.process_time()
    while made < DECISIONS:
        now = schedule.next_due()
        for url in schedule.due(now, 100):
            schedule.report(url, at=now, outcome="unchanged", elapsed=0.2)
            made += 1
    return (time.process_time() - begun) / made * 1e6


def bytes_each(count):
    """Memory for a source, its own values included."""
    gc.collect()
    tracemalloc.start()
    schedule = filled(count, Random(1))  # noqa: S311 - repeatable
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / len(schedule)


def test_time_grows_with_the_logarithm_of_the_sources_at_most():
    found = {count: microseconds(count) for count in (1_000, 10_000, 100_000)}
    print({count: f"{micros:.1f} us a decision" for count, micros in found.items()})  # noqa: T201

    assert found[100_000] < 4 * found[1_000]


def test_memory_grows_in_proportion():
    found = {count: bytes_each(count) for count in (1_000, 10_000)}
    print({count: f"{size:.0f} bytes a source" for count, size in found.items()})  # noqa: T201

    assert found[10_000] < 1.2 * found[1_000]
