import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.engine.schedule import Schedule
from tgewatch.engine.trial import SWAP, Trial
from tgewatch.model import Priority, Source, SourceState
from tgewatch.rules.rhythm import DAY, HOUR
from tgewatch.settings import PollingSettings

NOW = 1_700_000_000.0
STEADY = PollingSettings(jitter=0.0)


def a_source(name="a", **changed):
    return Source(**({"url": f"https://{name}.example/feed", "name": name} | changed))


def a_schedule(settings=STEADY, *, now=NOW, seed=1):
    return Schedule(settings, now=now, chance=Random(seed).random)  # noqa: S311 - repeatable


def hourly(count=20, until=NOW):
    return [until - HOUR * n for n in range(1, count + 1)]


def scheduled(*sources, settings=STEADY, history=()):
    """Sources that were polled once, at NOW."""
    schedule = a_schedule(settings)
    for source in sources:
        schedule.add(source)
    schedule.due(NOW, len(sources))
    nexts = [
        schedule.report(source.url, at=NOW, outcome="changed", published=history)
        for source in sources
    ]
    return schedule, *nexts


def test_a_new_source_is_due_at_once():
    schedule = a_schedule()
    schedule.add(a_source())

    assert schedule.next_due() <= NOW
    assert schedule.due(NOW, 10) == [a_source().url]
    assert schedule.due(NOW, 10) == []


def test_nothing_is_due_without_sources():
    assert a_schedule().due(NOW, 10) == []
    assert a_schedule().next_due() is None


def test_a_source_comes_back_when_its_delay_has_built_up():
    schedule, following = scheduled(a_source(), history=hourly())

    assert schedule.due(following.at - 1, 10) == []
    assert schedule.next_due() == following.at
    assert schedule.due(following.at, 10) == [a_source().url]
    assert "items are expected by then" in following.because
    assert 0 < following.expected < 3


def test_most_overdue_first_and_no_more_than_asked_for():
    states = {
        name: SourceState(
            url=a_source(name).url, polled_at=NOW - HOUR, next_poll=NOW - late, errors=1
        )
        for name, late in (("a", 10), ("b", 30), ("c", 20), ("d", -5))
    }
    schedule = a_schedule()
    for name, state in states.items():
        schedule.add(a_source(name), state)

    assert schedule.due(NOW, 2) == [a_source("b").url, a_source("c").url]
    assert schedule.due(NOW, 2) == [a_source("a").url]


def test_what_was_not_polled_can_be_put_back():
    schedule, following = scheduled(a_source(), history=hourly())
    schedule.due(following.at, 1)
    schedule.put_back(a_source().url)
    schedule.put_back(a_source().url)
    schedule.put_back("https://unknown.example/")

    assert schedule.due(following.at, 5) == [a_source().url]


def test_a_removed_source_is_never_due():
    schedule, following = scheduled(a_source("a"), a_source("b"))[:2]
    schedule.remove(a_source("a").url)
    schedule.remove("https://unknown.example/")

    assert schedule.due(following.at + DAY, 5) == [a_source("b").url]
    assert a_source("a").url not in schedule
    assert len(schedule) == 1
    with pytest.raises(KeyError):
        schedule.report(a_source("a").url, at=NOW, outcome="changed")


def test_never_sooner_than_the_floor():
    schedule, _ = scheduled(a_source(), settings=PollingSettings(interval=10, jitter=0))
    busy = [NOW + n / 10 for n in range(1, 40)]
    following = schedule.report(a_source().url, at=NOW + 5, outcome="changed", published=busy)

    assert following.at >= NOW + 65


def test_a_source_nobody_hears_of_waits_no_longer_than_the_stretch():
    history = [NOW - 300 * DAY, NOW - 299 * DAY]
    lively = [NOW - 60 * n for n in range(1, 300)]
    schedule = a_schedule()
    schedule.add(a_source("quiet"))
    schedule.add(a_source("lively"))
    schedule.report(a_source("lively").url, at=NOW, outcome="changed", published=lively)
    following = schedule.report(a_source("quiet").url, at=NOW, outcome="changed", published=history)

    assert following.at == NOW + 6 * 600
    assert following.because == "no source waits longer than 1 h"


def test_freshness_is_a_lower_bound():
    schedule, _ = scheduled(a_source(), history=hourly())
    following = schedule.report(a_source().url, at=NOW, outcome="unchanged", fresh_for=3_000.0)

    assert following.at == NOW + 3_000
    assert following.because == "the server calls its answer fresh for 50 m"


def test_a_stated_max_age_is_named():
    schedule, _ = scheduled(a_source(), history=hourly())
    following = schedule.report(
        a_source().url, at=NOW, outcome="unchanged", fresh_for=2_900.0, hints={"max-age": 3_000.0}
    )

    assert following.at == NOW + 2_900
    assert following.because == "the server said max-age 3000"


def test_polls_fall_just_after_a_refresh_of_the_cache():
    schedule, plain = scheduled(a_source(), history=hourly())
    following = schedule.report(
        a_source().url, at=NOW, outcome="unchanged", fresh_for=37.0, hints={"max-age": 90.0}
    )

    assert (following.at - NOW - 37.0) % 90.0 == pytest.approx(0, abs=1e-3)
    assert abs(following.at - plain.at) <= 90


def test_a_fixed_interval_does_not_follow_the_refreshes_of_a_cache():
    schedule, _ = scheduled(a_source(interval=3_600.0), history=hourly())
    following = schedule.report(
        a_source().url, at=NOW, outcome="unchanged", fresh_for=3_000.0, hints={"max-age": 3_000.0}
    )

    assert following.at == NOW + 3_600


def test_an_absurd_freshness_is_not_believed():
    schedule, _ = scheduled(a_source(), history=hourly())
    following = schedule.report(
        a_source().url, at=NOW, outcome="unchanged", fresh_for=1e12, hints={"max-age": 1e12}
    )

    assert following.at == NOW + STEADY.fresh_cap
    assert following.because == "the server calls its answer fresh for 1 h"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, -1.0, 0.0])
def test_odd_numbers_from_outside_break_nothing(odd):
    schedule, _ = scheduled(a_source(), history=[odd, *hourly()])
    following = schedule.report(
        a_source().url,
        at=NOW + 60,
        outcome="changed",
        published=[odd, NOW + 30],
        fresh_for=odd,
        retry_after=odd,
        hints={"max-age": odd},
    )

    assert NOW + 60 < following.at <= NOW + 60 + STEADY.retry_after_cap


@pytest.mark.parametrize("outcome", ["failed", "unchanged"])
def test_a_pause_that_the_server_asks_for_is_kept(outcome):
    schedule, _ = scheduled(a_source(), history=hourly())
    following = schedule.report(a_source().url, at=NOW, outcome=outcome, retry_after=90_000.0)

    assert following.at >= NOW + 90_000
    assert following.because == "the server asked for a pause of 1 d 1 h"
    assert schedule.due(NOW + 89_999, 5) == []


def test_a_pause_for_ever_ends():
    schedule, _ = scheduled(a_source())
    following = schedule.report(a_source().url, at=NOW, outcome="failed", retry_after=1e15)

    assert following.at == NOW + STEADY.retry_after_cap


def test_failures_back_off_and_polling_never_stops():
    schedule, _ = scheduled(a_source())
    at, waits = NOW, []
    for _ in range(200):
        following = schedule.report(a_source().url, at=at, outcome="failed")
        waits.append(following.at - at)
        at = following.at

    assert waits[0] <= STEADY.error_base
    assert waits[1] > waits[0]
    assert max(waits) <= STEADY.error_cap
    assert schedule.due(at, 1) == [a_source().url]
    assert following.because == "it failed 200 times"


def test_a_failure_is_no_silence():
    schedule, before = scheduled(a_source(), history=hourly())
    for n in range(1, 30):
        after = schedule.report(a_source().url, at=NOW + HOUR * n, outcome="failed")

    assert after.rhythm.split("[1700")[0] == before.rhythm.split("[1700")[0]


def test_one_success_ends_the_backoff():
    schedule, _ = scheduled(a_source(), history=hourly())
    for _ in range(5):
        schedule.report(a_source().url, at=NOW, outcome="failed")
    schedule.report(a_source().url, at=NOW, outcome="unchanged")
    following = schedule.report(a_source().url, at=NOW, outcome="failed")

    assert following.because == "it failed once"


def test_an_interval_of_its_own_overrides_floor_and_policy():
    schedule, following = scheduled(a_source(interval=30.0))

    assert following.at == NOW + 30
    assert following.because == "its interval is fixed at 30 s"
    schedule.assign(a_source().url, "index")
    assert schedule.explain(a_source().url, NOW).policy == "fixed"


def test_the_fixed_policy_polls_all_alike():
    settings = PollingSettings(policy="fixed", jitter=0.0)
    _, *nexts = scheduled(a_source("a"), a_source("b"), settings=settings, history=hourly())

    assert [following.at for following in nexts] == [NOW + 600] * 2


def test_chance_spreads_polls_by_seconds_only():
    settings = PollingSettings(policy="fixed")
    sources = [a_source(str(n)) for n in range(50)]
    _, *nexts = scheduled(*sources, settings=settings)

    assert len({following.at for following in nexts}) == 50
    assert all(NOW + 600 <= following.at <= NOW + 605 for following in nexts)


def test_what_matters_more_is_polled_sooner():
    _, high, low = scheduled(
        a_source("high", priority=Priority.HIGH),
        a_source("low", priority=Priority.LOW),
        history=hourly(),
    )

    assert high.at < low.at


def test_a_source_of_relevant_news_is_polled_sooner():
    schedule = a_schedule()
    for name in ("a", "b"):
        schedule.add(a_source(name))
    at = {}
    for name, relevant in (("a", 0), ("b", 40)):
        history = hourly(100)
        at[name] = schedule.report(
            a_source(name).url, at=NOW, outcome="changed", published=history, relevant=relevant
        ).at

    assert at["b"] < at["a"]


def played(schedule, until, *, step=1.0):
    """Run a schedule with sources that publish nothing new; return the polls made."""
    now, polls = schedule.next_due(), 0
    while now < until:
        for url in schedule.due(now, 1_000):
            schedule.report(url, at=now, outcome="unchanged")
            polls += 1
        now = max(now + step, schedule.next_due())
    return polls


def test_the_budget_is_kept_over_days():
    random = Random(1)  # noqa: S311 - repeatable
    schedule = a_schedule()
    for n in range(1, 21):
        source = a_source(str(n))
        history = [NOW - n * DAY * random.random() for _ in range(40)]
        schedule.add(source)
        schedule.report(source.url, at=NOW, outcome="changed", published=history)
    played(schedule, NOW + DAY)
    polls = played(schedule, NOW + 4 * DAY)

    assert polls == pytest.approx(20 * 144 * 3, rel=0.15)


def test_more_than_the_allowance_is_never_spent():
    settings = PollingSettings(jitter=0.0, interval=3_600.0, stretch=1.0, cap=60.0)
    schedule = scheduled(*[a_source(str(n)) for n in range(10)], settings=settings)[0]

    assert played(schedule, NOW + DAY) <= 10 + 10 * 25


def test_states_survive_a_restart():
    sources = [a_source(str(n)) for n in range(5)]
    schedule, *nexts = scheduled(*sources, history=hourly())
    again = a_schedule(now=NOW + 10)
    for source, following in zip(sources, nexts, strict=True):
        again.add(
            source,
            SourceState(
                url=source.url,
                polled_at=NOW,
                next_poll=following.at,
                because=following.because,
                rhythm=following.rhythm,
            ),
        )

    assert again.next_due() == pytest.approx(schedule.next_due())
    told, before = (s.explain(sources[0].url, NOW + 10) for s in (again, schedule))
    assert told.because == before.because
    assert told.index.per_day == pytest.approx(before.index.per_day, rel=1e-3)
    assert told.index.threshold == pytest.approx(before.index.threshold, rel=0.01)


def test_a_next_poll_in_the_far_future_is_not_believed():
    schedule = a_schedule()
    schedule.add(
        a_source(), SourceState(url="", polled_at=NOW + 1e12, next_poll=NOW + 1e12, errors=1)
    )

    assert schedule.next_due() <= NOW + STEADY.retry_after_cap


def test_rare_scans_poll_whatever_is_due_by_then():
    sources = [a_source(str(n)) for n in range(10)]
    schedule = scheduled(*sources, history=hourly())[0]
    at = NOW
    for _ in range(5):
        at += DAY
        urls = schedule.due(at, 100)
        assert len(urls) == 10
        for url in urls:
            schedule.report(url, at=at, outcome="unchanged")


def test_reports_without_being_asked_are_taken_too():
    schedule, following = scheduled(a_source(), history=hourly())
    again = schedule.report(a_source().url, at=NOW + 100, outcome="unchanged")

    assert again.at > following.at - 100
    assert schedule.due(again.at, 5) == [a_source().url]
    assert schedule.due(again.at, 5) == []


def test_the_most_at_risk_come_first_and_nobody_out_of_turn():
    schedule = a_schedule()
    for name in ("busy", "quiet", "resting", "new"):
        schedule.add(a_source(name))
    schedule.report(a_source("busy").url, at=NOW, outcome="changed", published=hourly(50))
    schedule.report(
        a_source("quiet").url, at=NOW, outcome="changed", published=[NOW - DAY * 9, NOW - DAY * 5]
    )
    schedule.report(a_source("resting").url, at=NOW, outcome="failed", retry_after=HOUR)

    assert schedule.most_at_risk(NOW + 300, 10) == [
        a_source(name).url for name in ("new", "busy", "quiet")
    ]
    assert schedule.most_at_risk(NOW + 300, 1) == [a_source("new").url]


def test_who_is_polled_before_its_time_is_given_to_nobody_else_and_paid_for():
    sources = [a_source(str(n)) for n in range(4)]
    schedule = scheduled(*sources, history=hourly())[0]
    before = repr(schedule)

    taken = schedule.most_at_risk(NOW + 300, 3, take=True)

    assert len(set(taken)) == 3
    assert repr(schedule) != before
    assert set(schedule.due(NOW + DAY, 10)) == {one.url for one in sources} - set(taken)
    for url in taken[:2]:
        schedule.report(url, at=NOW + 300, outcome="unchanged")
    schedule.put_back(taken[2])
    assert set(schedule.due(NOW + DAY, 10)) == set(taken)


def test_predictions_are_compared_with_what_came():
    schedule, following = scheduled(a_source(), history=hourly())
    schedule.report(a_source().url, at=following.at, outcome="changed", published=[following.at])

    assert schedule.calibration.reliability().polls == 1
    assert schedule.expected(a_source().url, following.at + HOUR) > 0


def test_says_when_silence_would_be_news():
    _, following = scheduled(a_source(), history=hourly())
    _, unknown = scheduled(a_source())

    assert NOW < following.silent_after < NOW + 2 * DAY
    assert unknown.silent_after is None


def test_explains_either_policy():
    schedule, _, _ = scheduled(a_source("a"), a_source("b", interval=60.0), history=hourly())

    assert schedule.explain(a_source("a").url, NOW).index.per_day > 10
    assert schedule.explain(a_source("b").url, NOW).index is None
    assert repr(schedule).startswith("<Schedule of 2 sources")


def test_changing_policies_moves_the_budget():
    schedule = scheduled(*[a_source(str(n)) for n in range(4)], history=hourly())[0]
    for n in range(4):
        schedule.assign(a_source(str(n)).url, "fixed")
    following = schedule.report(a_source("0").url, at=NOW, outcome="unchanged")
    assert following.at == NOW + 600
    schedule.assign(a_source("0").url, "index")
    following = schedule.report(a_source("0").url, at=NOW, outcome="unchanged")

    assert "expected" in following.because
    assert len(schedule.due(NOW + DAY, 10)) == 4


def test_a_trial_decides_policies_and_hears_of_polls():
    sources = [a_source(str(n)) for n in range(10)]
    schedule = scheduled(*sources, history=hourly())[0]
    trial = Trial.begin(
        {source.url: 1.0 for source in sources},
        now=NOW,
        chance=Random(2).random,  # noqa: S311 - repeatable
    )
    schedule.trial = trial
    schedule.due(NOW, 0)
    policies = [schedule.explain(source.url, NOW).policy for source in sources]
    assert sorted(policies) == ["fixed"] * 5 + ["index"] * 5

    schedule.due(NOW + SWAP, 0)
    swapped = [schedule.explain(source.url, NOW).policy for source in sources]
    assert all(before != after for before, after in zip(policies, swapped, strict=True))

    for source in sources:
        schedule.report(
            source.url,
            at=NOW + SWAP + 100,
            outcome="changed",
            published=[NOW + SWAP + 40, NOW - DAY, NOW + SWAP + 100],
        )
    assert [arm.items for arm in trial.arms] == [5, 5]
    assert [arm.mean for arm in trial.arms] == [60, 60]


outcomes = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["changed", "unchanged", "failed"]),
    st.floats(0, 2 * DAY),
    st.lists(st.floats(NOW - 10 * DAY, NOW + 10 * DAY), max_size=5),
    st.one_of(st.none(), st.floats(-10, 1e9)),
    st.one_of(st.none(), st.floats(-10, 1e9)),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(outcomes, max_size=25))
def test_whatever_happens_every_source_comes_back(steps):
    schedule = a_schedule(PollingSettings())
    sources = [a_source(str(n)) for n in range(4)]
    for source in sources:
        schedule.add(source)
    now = NOW
    for number, outcome, gap, published, fresh, pause, ask in steps:
        now += gap
        if ask:
            schedule.due(now, 2)
        following = schedule.report(
            sources[number].url,
            at=now,
            outcome=outcome,
            published=published if outcome == "changed" else (),
            fresh_for=fresh,
            retry_after=pause,
        )
        assert now <= following.at <= now + 7 * DAY + 5
        assert following.because
        assert math.isfinite(following.expected)
        if outcome != "failed":
            assert following.at >= now + 60
    for source in sources:
        schedule.put_back(source.url)
    later = now + 40 * DAY
    assert sorted(schedule.due(later, 10)) == sorted(source.url for source in sources)
