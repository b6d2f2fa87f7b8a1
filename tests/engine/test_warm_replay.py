import math
from array import array
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.engine.experiment import Plan, Trace
from tgewatch.engine.warm_replay import WAYS, Warming, replay
from tgewatch.rules.rhythm import DAY, HOUR

START = 1_700_000_000.0
BATCH = 1_800.0


def a_trace(*series):
    names = tuple(str(n) for n in range(len(series)))
    return Trace(names, tuple(array("d", sorted(times)) for times in series))


def a_plan(days, *, judged_from=0.0, window=20, seed=0):
    start = START + DAY
    return Plan(BATCH, start, start + judged_from, start + days * DAY, window, seed)


@pytest.fixture(scope="module")
def lively():
    """Ten sources of unlike rates that publish mostly in working hours."""
    random = Random(1)  # noqa: S311 - repeatable
    series = []
    for number in range(10):
        times, time = [], START
        while time < START + 16 * DAY:
            time += random.expovariate(60 * 0.55**number / DAY)
            if random.random() < (0.9 if 8 <= time % DAY / HOUR < 18 else 0.2):
                times.append(time)
        series.append(times or [START])
    return a_trace(*series)


@pytest.fixture(scope="module")
def replays(lively):
    plan = a_plan(14, judged_from=4 * DAY)
    return {way: replay(lively, way, plan, Warming(BATCH, 3)) for way in WAYS}


def test_every_way_is_judged_on_the_same_batches(replays):
    assert len({(found.batches, found.items) for found in replays.values()}) == 1
    assert replays["index"].batches == pytest.approx(10 * 48, abs=1)


def test_only_a_warm_up_polls_and_each_as_often(replays):
    assert replays["none"].polls == 0
    assert replays["index"].polls == replays["round_robin"].polls == 3 * replays["none"].batches


def test_without_polls_nothing_is_known(replays):
    found = replays["none"]

    assert (found.share, found.known, found.hits) == (0.0, 0, 0)
    assert math.isnan(found.age)


def test_polls_in_turn_know_as_much_as_they_reach(replays):
    assert replays["round_robin"].share == pytest.approx(0.3, abs=0.06)


def test_the_index_knows_more_and_sooner_with_the_same_polls(replays):
    index, in_turn = replays["index"], replays["round_robin"]

    assert index.share > 1.4 * in_turn.share
    assert index.age < in_turn.age
    assert index.hits > in_turn.hits


def test_predictions_are_better_than_the_base_rate_whoever_chose_the_polls(replays):
    for way in ("index", "round_robin"):
        found = replays[way].reliability
        assert found.polls == replays[way].polls
        assert found.skill > 0
        assert found.tenths[-1].observed > found.tenths[0].observed
    assert replays["none"].reliability.polls == 0


def test_polling_everybody_knows_everything(lively):
    found = replay(lively, "index", a_plan(3), Warming(BATCH, 10))

    assert found.share == 1.0
    assert 0 < found.age < BATCH


def test_ordinary_polls_are_known_too_and_a_warm_up_adds_to_them(lively):
    plan = a_plan(6, judged_from=3 * DAY)
    warming = Warming(BATCH, 3, between=600.0)
    none, index = (replay(lively, way, plan, warming) for way in ("none", "index"))

    assert 1 - 600 / BATCH < none.share < index.share < 1
    assert none.polls == 0


def test_what_left_the_window_is_lost_and_unknown():
    burst = [START + 1.5 * DAY + number for number in range(50)]
    trace = a_trace([START, *burst])
    found = replay(trace, "index", a_plan(2), Warming(BATCH, 1))

    assert (found.items, found.known, found.lost) == (50, 20, 30)


def test_the_same_seed_gives_the_same_replay(lively):
    first, again, other = (
        replay(lively, "index", a_plan(2, seed=seed), Warming(BATCH, 2)) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_an_unknown_way_is_refused(lively):
    with pytest.raises(ValueError, match="there are none, round_robin, index"):
        replay(lively, "best", a_plan(1), Warming(BATCH, 1))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(START, START + 3 * DAY), min_size=1, max_size=30), min_size=1, max_size=4
    ),
    st.sampled_from(WAYS),
    st.integers(0, 6),
    st.sampled_from([0.0, 700.0, 5_000.0]),
)
def test_any_trace_can_be_replayed(series, way, polls, between):
    trace = a_trace(*series)
    found = replay(trace, way, a_plan(2), Warming(BATCH, polls, between=between))

    assert 0 <= found.known <= found.items
    assert found.polls <= min(polls, len(trace.sources)) * found.batches
