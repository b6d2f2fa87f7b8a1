"""Whoever polls decides as the schedule would that knows all sources."""

import random
from dataclasses import replace

import pytest

from tgewatch.engine.relay import Follower, Leader
from tgewatch.engine.schedule import Schedule
from tgewatch.model import Source, SourceState
from tgewatch.settings import PollingSettings

NOW = 1_780_000_000.0
SETTINGS = PollingSettings()
HOUR = 3_600.0


def source(number, **more):
    return Source(url=f"https://feed{number}.example/rss", name=f"{number}", **more)


def history(number, chance):
    """Return publication times, denser for some sources than for others."""
    return [NOW - chance.random() * 86_400 for _ in range(5 + number * 3)]


def state_of(url, before, following, *, failed=False):
    before = before or SourceState(url=url)
    return replace(
        before,
        next_poll=following.at,
        because=following.because,
        rhythm=following.rhythm,
        polls=before.polls + 1,
        errors=before.errors + 1 if failed else 0,
    )


def whole(amount, kind=Schedule):
    """Return a schedule of sources that were all polled once, and their states."""
    chance = random.Random(3)  # noqa: S311 - a world
    schedule = kind(SETTINGS, now=NOW, chance=lambda: 0.0)
    states = {}
    for number in range(amount):
        schedule.add(source(number))
    for number, url in enumerate(sorted(schedule.due(NOW, amount))):
        following = schedule.report(
            url, at=NOW, outcome="changed", published=history(number, chance)
        )
        states[url] = state_of(url, None, following)
    return schedule, states


def led(states, amount):
    leader = Leader(SETTINGS, now=NOW, chance=lambda: 0.0)
    for number in range(amount):
        one = source(number)
        leader.add(one, states[one.url])
    return leader


OUTCOMES = {
    "nothing new": {"outcome": "unchanged"},
    "something new": {"outcome": "changed", "published": [NOW + 300.0], "relevant": 1},
    "a failure": {"outcome": "failed"},
    "a pause that was asked for": {"outcome": "failed", "retry_after": 5 * HOUR},
    "an answer that stays fresh": {"outcome": "unchanged", "fresh_for": 2 * HOUR},
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_follower_decides_what_one_schedule_alone_would(name):
    alone, states = whole(20)
    leader = led(states, 20)
    follower = Follower(SETTINGS, now=NOW, chance=lambda: 0.0)
    url, at = source(7).url, NOW + 600.0
    pulse = leader.pulse()

    follower.follow(pulse, now=at)
    follower.take(source(7), states[url])
    decided = follower.report(url, at=at, **OUTCOMES[name])
    expected = alone.report(url, at=at, **OUTCOMES[name])

    # What one poll teaches the joint profile, the follower hears of with the next batch.
    assert decided.at == pytest.approx(expected.at, abs=30.0)
    assert decided.because.split(" ")[0] == expected.because.split(" ")[0]


def test_the_leader_takes_over_what_a_follower_stored():
    alone, states = whole(20)
    leader = led(states, 20)
    follower = Follower(SETTINGS, now=NOW, chance=lambda: 0.0)
    url, at = source(7).url, NOW + 600.0
    follower.follow(leader.pulse(), now=at)
    follower.take(source(7), states[url])
    before = follower.report(url, at=at, outcome="changed", published=[at - 60.0])
    stored = state_of(url, states[url], before)

    leader.renew(url, stored)

    assert leader.explain(url, at).at == before.at
    alone.report(url, at=at, outcome="changed", published=[at - 60.0])
    assert leader.pulse().threshold == pytest.approx(
        alone._index.threshold(alone._allowance.rate, alone._allowance.trim), rel=0.02
    )
    assert leader.pulse().counts == tuple(alone._index.pool.counts)


def test_the_budget_that_is_stored_with_a_poll_is_the_leaders():
    _, states = whole(20)
    leader = led(states, 20)
    leader.due(NOW + HOUR, 5)
    follower = Follower(SETTINGS, now=NOW, chance=lambda: 0.0)
    url = source(7).url
    follower.follow(leader.pulse(), now=NOW + HOUR)
    follower.take(source(7), states[url])

    decided = follower.report(url, at=NOW + HOUR, outcome="unchanged")

    again = Leader(SETTINGS, now=NOW, chance=lambda: 0.0)
    for number in range(20):
        one = source(number)
        again.add(one, state_of(url, states[url], decided) if number == 7 else states[one.url])
    assert again.pulse().allowance == pytest.approx(leader.pulse().allowance, rel=1e-3)


def test_a_leader_of_one_source_keeps_its_budget():
    leader = Leader(SETTINGS, now=NOW, chance=lambda: 0.0)
    leader.add(source(1))
    leader.due(NOW, 1)
    spent = leader.pulse().allowance

    leader.renew(source(1).url, SourceState(url=source(1).url, polls=1, next_poll=NOW + 60))

    assert leader.pulse().allowance == spent


def test_followers_do_not_count_sources_twice():
    _, states = whole(20)
    pulse = led(states, 20).pulse()
    follower = Follower(SETTINGS, now=NOW, chance=lambda: 0.0)
    follower.follow(pulse, now=NOW)
    for number in range(20):
        follower.take(source(number), states[source(number).url])
    for number in range(20):
        follower.drop(source(number).url)

    assert tuple(follower._index.pool.counts) == pulse.counts
    assert len(follower) == 0


def test_a_deferred_source_is_handed_back_with_its_time():
    follower = Follower(SETTINGS, now=NOW, chance=lambda: 0.0)
    follower.take(source(1), None)
    follower.defer(source(1).url, NOW + 40.0)

    assert follower.drop(source(1).url) == NOW + 40.0
    assert follower.drop(source(1).url) is None
