"""What an instance does among others, and when it refuses to be among them."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from tgewatch.app.crew import CommonClock, Crew, Role, role_of
from tgewatch.clock import SystemClock
from tgewatch.errors import ConfigError, TransientError
from tgewatch.ports import Tenure
from tgewatch.settings import Settings, StoreSettings, SwarmSettings
from tgewatch.testing import ManualClock

BOTH = Settings(
    store=StoreSettings(database_url="postgresql://db.example/tge"),
    swarm=SwarmSettings(redis_url="redis://cache.example"),
)
ONLY_DATABASE = BOTH.model_copy(update={"swarm": SwarmSettings()})
ONLY_REDIS = BOTH.model_copy(update={"store": StoreSettings()})


def test_with_both_urls_an_instance_does_everything_among_others():
    assert role_of(BOTH, None) is Role.ALL
    assert role_of(BOTH, "worker") is Role.WORKER


@pytest.mark.parametrize("settings", [Settings(), ONLY_DATABASE, ONLY_REDIS])
def test_without_both_urls_an_instance_is_alone(settings):
    assert role_of(settings, None) is None
    assert role_of(settings, "all") is None


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        (Settings(), ["store.database_url", "swarm.redis_url"]),
        (ONLY_DATABASE, ["swarm.redis_url"]),
        (ONLY_REDIS, ["store.database_url"]),
    ],
)
def test_a_part_of_the_work_needs_somebody_for_the_rest(settings, problems):
    with pytest.raises(ConfigError) as refused:
        role_of(settings, "worker")

    assert [problem.partition(":")[0] for problem in refused.value.problems] == problems


class Leases:
    """Leases of which one can be taken away."""

    def __init__(self):
        self.held: dict[str, int] = {}
        self.token = 0
        self.wrong_by = 0.0

    async def take(self, name, *, seconds):
        del seconds
        if name in self.held:
            return None
        self.token += 1
        self.held[name] = self.token
        return Tenure(name, self.token)

    async def keep(self, tenure, *, seconds):
        del seconds
        return self.held.get(tenure.name) == tenure.token

    async def give(self, tenure):
        if self.held.get(tenure.name) == tenure.token:
            del self.held[tenure.name]

    async def time(self):
        return 1_780_000_000.0 + self.wrong_by


@dataclass
class Part:
    """Work that runs until it is told to stop, or ends as the test says."""

    errors: list[Exception] = field(default_factory=list)
    began: int = 0
    running: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop, **_: Any):
        self.began += 1
        self.running += 1
        self.changed.set()
        try:
            if self.errors:
                raise self.errors.pop(0)
            await stop.wait()
        finally:
            self.running -= 1
            self.changed.set()

    async def prepare(self):
        return

    async def times(self, began):
        while self.began < began:
            self.changed.clear()
            await self.changed.wait()


class Quick(SystemClock):
    """A clock with short seconds."""

    async def sleep(self, seconds):
        await super().sleep(seconds / 1_000)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    for name in ("LOOK", "AGAIN", "GLANCE"):
        monkeypatch.setattr(f"tgewatch.app.crew.{name}", 0.005)


def crew(role, leases, parts=None):
    parts = parts if parts is not None else defaultdict(Part)
    return Crew(
        role=role,
        worker=parts["worker"],
        dispatcher=lambda _token: parts["scheduler"],
        desk=parts["desk"],
        glance=lambda: None,
        x=None,
        leases=leases,
        clock=CommonClock(Quick()),
    ), parts


async def during(one, story):
    """Let a crew work while the story is told, and stop."""
    stop = asyncio.Event()
    working = asyncio.ensure_future(one.run(stop, reported=lambda _: None))
    try:
        async with asyncio.timeout(20):
            await story()
            stop.set()
            await working
    finally:
        working.cancel()


@pytest.mark.parametrize(
    ("role", "parts_of_it"),
    [
        (Role.ALL, ["desk", "scheduler", "worker"]),
        (Role.WORKER, ["worker"]),
        (Role.SCHEDULER, ["scheduler"]),
        (Role.DELIVERER, ["desk"]),
    ],
)
def test_each_role_does_its_part_and_stops_in_order(role, parts_of_it):
    one, parts = crew(role, Leases())

    async def story():
        for name in parts_of_it:
            await parts[name].times(1)

    asyncio.run(during(one, story))

    assert sorted(name for name, part in parts.items() if part.began) == parts_of_it
    assert all(part.running == 0 for part in parts.values())
    assert one.leases.held == {}


def test_of_two_schedulers_one_stands_by_until_the_other_goes():
    leases = Leases()
    first, mine = crew(Role.SCHEDULER, leases)
    second, theirs = crew(Role.SCHEDULER, leases)

    async def story():
        await mine["scheduler"].times(1)

        async def later():
            assert theirs["scheduler"].began == 0

        await during(second, later)

        async def takes_over():
            leases.held.clear()
            await theirs["scheduler"].times(1)

        await during(second, takes_over)

    asyncio.run(during(first, story))


def test_who_loses_its_lease_stops_and_stands_by():
    leases = Leases()
    one, parts = crew(Role.DELIVERER, leases)

    async def story():
        await parts["desk"].times(1)
        leases.held["desk"] = 99
        while parts["desk"].running:
            parts["desk"].changed.clear()
            await parts["desk"].changed.wait()
        assert parts["desk"].began == 1
        leases.held.clear()
        await parts["desk"].times(2)

    asyncio.run(during(one, story))


@pytest.mark.parametrize("name", ["worker", "scheduler", "desk"])
def test_work_that_a_store_has_ended_begins_again(name):
    one, parts = crew(Role.ALL, Leases())
    parts[name].errors = [TransientError("gone", cause="database")] * 2

    async def story():
        await parts[name].times(3)

    asyncio.run(during(one, story))

    assert parts["worker"].began == (3 if name == "worker" else 1)


def test_a_bug_is_not_taken_for_a_store_that_is_gone():
    one, parts = crew(Role.ALL, Leases())
    parts["worker"].errors = [ZeroDivisionError()]

    async def whole():
        async with asyncio.timeout(20):
            await one.run(asyncio.Event(), reported=lambda _: None)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(whole())
    assert raised.group_contains(ZeroDivisionError)


@pytest.mark.parametrize(
    ("wrong_by", "followed"), [(300.0, 300.0), (-4_000.0, -4_000.0), (0.3, 0.0)]
)
def test_a_clock_that_is_off_follows_the_database(wrong_by, followed):
    clock, leases = CommonClock(ManualClock(1_780_000_000.0)), Leases()
    leases.wrong_by = wrong_by

    asyncio.run(clock.correct(leases))
    asyncio.run(clock.correct(leases))

    assert clock.now() == 1_780_000_000.0 + followed
