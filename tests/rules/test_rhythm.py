import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.rhythm import (
    BATCH_CAP,
    COUNTS_CAP,
    DAY,
    HOUR,
    HOURS,
    MARKS,
    MINUTES,
    Profile,
    Rhythm,
    Tuning,
    dump,
    is_weekend,
    load,
)

NOW = 1_700_000_000.0
TUNING = Tuning()


def learned(history=(), *later):
    rhythm = Rhythm()
    rhythm.learn(NOW, history, TUNING)
    for at, published in later:
        rhythm.learn(at, published, TUNING)
    return rhythm


def hourly(count):
    return [NOW - HOUR * n for n in range(1, count + 1)]


def test_a_history_is_worth_a_rate():
    assert learned(hourly(20)).rate == pytest.approx(1 / HOUR, rel=0.15)


def test_a_source_without_history_is_presumed_to_be_average():
    rhythm, _ = load("", TUNING)

    assert rhythm.rate == TUNING.prior_rate
    assert learned([NOW - 5]).rate == TUNING.prior_rate


def test_silence_lowers_the_rate():
    rhythm = learned(hourly(20), *((NOW + DAY * n, ()) for n in range(1, 8)))

    assert rhythm.rate < 0.2 / HOUR


def test_news_raises_the_rate():
    quiet = learned(hourly(5), (NOW + DAY, ()))
    busy = learned(hourly(5), (NOW + DAY, [NOW + HOUR * n for n in range(24)]))

    assert busy.rate > 3 * quiet.rate


@given(st.lists(st.floats(60, 5 * DAY), min_size=1, max_size=30))
def test_looking_more_often_changes_no_estimate(gaps):
    often, once = learned(hourly(10)), learned(hourly(10))
    at = NOW
    for gap in gaps:
        at += gap
        often.learn(at, (), TUNING)
    once.learn(at, (), TUNING)

    assert often.rate == pytest.approx(once.rate, rel=1e-6)
    assert often.exposure == pytest.approx(once.exposure, rel=1e-6)


def test_an_archive_published_again_counts_as_a_batch_at_most():
    rhythm = learned(hourly(5), (NOW + HOUR, [NOW - DAY * n for n in range(5_000)]))

    assert rhythm.profile.total == 5 + BATCH_CAP


def test_an_item_that_came_to_light_late_counts_between_the_polls():
    rhythm = learned(hourly(5), (NOW + 600, [NOW - 40 * DAY]))

    assert rhythm.newest == NOW + 300


def test_the_future_counts_as_now():
    rhythm = learned(hourly(5), (NOW + 600, [NOW + 9e9]))

    assert rhythm.newest == NOW + 600


def test_a_clock_that_goes_back_breaks_nothing():
    rhythm = learned(hourly(5), (NOW - 5 * DAY, [NOW - 5 * DAY]), (NOW + 60, ()))

    assert rhythm.at == NOW + 60
    assert 0 < rhythm.rate < 1


def test_a_clock_that_was_years_ahead_is_believed_no_longer():
    rhythm = learned(hourly(20), (NOW + 100 * 365 * DAY, [NOW + 100 * 365 * DAY]))
    rhythm.learn(NOW + HOUR, [NOW + 60], TUNING)

    assert rhythm.at == rhythm.newest == NOW + HOUR
    assert 0 < rhythm.rate < 1


def test_the_profile_counts_hour_bin_and_mark():
    profile = Profile()
    profile.count(DAY * 20_000 + 14 * HOUR + 30 * 60 + 20)  # 14:30:20

    assert profile.counts[HOURS + 14] == 1
    assert profile.counts[MINUTES + 6] == 1
    assert profile.counts[MARKS + 6] == 1
    profile.count(DAY * 20_000 + 14 * HOUR + 31 * 60)
    assert profile.counts[MINUTES + 6] == 2
    assert profile.counts[MARKS + 6] == 1


def test_old_habits_fade_before_counts_overflow():
    rhythm = learned(hourly(20))
    at = NOW
    for _ in range(200):
        at += HOUR
        rhythm.learn(at, [at - 60] * BATCH_CAP, TUNING)

    assert rhythm.profile.total <= COUNTS_CAP
    assert sum(rhythm.profile.counts[HOURS:MINUTES]) == rhythm.profile.total
    restored, _ = load(dump(rhythm), TUNING)
    assert restored.profile.counts == rhythm.profile.counts


def test_taking_a_profile_away_undoes_adding_it():
    pool, one = Profile("L"), Profile()
    for time in hourly(40):
        one.count(time)
    pool.count(NOW)
    before = list(pool.counts)
    pool.add(one)
    pool.add(one, -1)

    assert list(pool.counts) == before
    assert pool.total == 1


def test_saturday_and_sunday_are_the_weekend():
    saturday = 2  # 1970-01-03

    assert [is_weekend(saturday + n) for n in range(7)] == [True, True] + [False] * 5


times = st.lists(st.floats(NOW - 90 * DAY, NOW + DAY), max_size=60)


@given(times, st.lists(st.tuples(st.floats(0, 5 * DAY), times), max_size=5))
def test_what_is_written_down_is_read_again(history, polls):
    rhythm, at = learned(history), NOW
    rhythm.judge(2, 7)
    rhythm.time(0.25)
    for gap, published in polls:
        at += gap
        rhythm.learn(at, published, TUNING)
    restored, allowance = load(dump(rhythm, (1.0, 2.0)), TUNING, weight=3.0)

    assert list(allowance) == [1.0, 2.0]
    assert restored.weight == 3.0
    assert restored.rate == pytest.approx(rhythm.rate, rel=1e-3)
    assert restored.at == rhythm.at
    assert restored.newest == rhythm.newest
    assert restored.profile.counts == rhythm.profile.counts
    assert restored.profile.total == rhythm.profile.total
    assert restored.elapsed == rhythm.elapsed
    assert (restored.relevant, restored.judged) == (rhythm.relevant, rhythm.judged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[",
        "null",
        "[1]",
        '{"a":1}',
        "[2,1.0,1.0,1.0,0.0,[],0,null,null,0,0,0,0,[]]",
        dump(learned(hourly(9))).replace("[1,", "[9,", 1),
        dump(learned(hourly(9))).replace("0,0,", "-1,0,", 1),
        dump(learned(hourly(9))).replace("0,0,", "0,0,0,", 1),
        dump(learned(hourly(9))).replace("0,0,", "99999,0,", 1),
        "[1,1e308,-1.0]",
        "\ud800",
    ],
)
def test_anything_else_is_a_rhythm_still_to_be_learned(text):
    rhythm, allowance = load(text, TUNING)

    assert rhythm.at is None
    assert rhythm.rate == TUNING.prior_rate
    assert allowance == ()


@given(st.text(max_size=80))
def test_no_text_makes_reading_fail(text):
    rhythm, _ = load(text, TUNING)

    assert math.isfinite(rhythm.rate)


def test_the_period_is_that_before_the_silence():
    rhythm = learned(hourly(20), *((NOW + DAY * n, ()) for n in range(1, 30)))

    assert rhythm.period == pytest.approx(HOUR)


def test_the_longest_gap_is_remembered_and_fades():
    rhythm = learned([*hourly(10), NOW - 10 * DAY])
    at = NOW
    gap = rhythm.longest
    assert gap > 9 * DAY
    for _ in range(100):
        at += HOUR
        rhythm.learn(at, [at], TUNING)

    assert HOUR <= rhythm.longest < 0.3 * gap


def test_relevance_fades_with_later_items():
    rhythm = Rhythm()
    rhythm.judge(50, 100)
    early = rhythm.relevant / rhythm.judged
    rhythm.judge(0, 5_000)

    assert early == 0.5
    assert rhythm.relevant / rhythm.judged < 0.001


def test_never_more_relevant_than_judged():
    rhythm = Rhythm()
    rhythm.judge(9, 3)
    rhythm.judge(4, 0)

    assert rhythm.relevant == rhythm.judged == 3
