from dataclasses import replace

import pytest

from tgewatch.engine.due import NextPoll
from tgewatch.engine.health import after_poll
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.model import NO_VALIDATORS, Item, Source, SourceState, Validators
from tgewatch.ports import Reading
from tgewatch.settings import PollingSettings

NOW = 1_700_000_000.0
SOURCE = Source(url="https://a.example/feed", name="a")
SETTINGS = PollingSettings()
VALIDATORS = Validators(etag='"1"')
NEXT = NextPoll(at=NOW + 600, because="of a reason", rhythm="[]", silent_after=NOW + 9e5)
MOVED = "https://b.example/feed"


def an_item(published):
    return Item(
        source=SOURCE.url, key="k", url="https://a.example/1", title="t", published=published
    )


def a_reading(**changed_):
    given = {"items": (an_item(NOW - 60),), "validators": VALIDATORS, "body_hash": "abc"}
    return Reading(**(given | changed_))


def polled(state, result, *, now=NOW, following=NEXT, settings=SETTINGS):
    return after_poll(SOURCE, state, result, now=now, next=following, settings=settings)


def repeated(state, result, times):
    for _ in range(times):
        state = polled(state, result)
    return state


def well():
    return polled(None, a_reading())


def test_a_first_answer_sets_everything():
    assert well() == SourceState(
        url=SOURCE.url,
        validators=VALIDATORS,
        body_hash="abc",
        baseline_at=NOW,
        polled_at=NOW,
        answered_at=NOW,
        newest_at=NOW - 60,
        next_poll=NOW + 600,
        because="of a reason",
        health="ok",
        polls=1,
        rhythm="[]",
    )


def test_an_unchanged_answer_keeps_what_is_known():
    answer = Reading(items=(), unchanged=True, validators=VALIDATORS)
    state = polled(well(), answer, now=NOW + 600)

    assert state.newest_at == NOW - 60
    assert state.body_hash == "abc"
    assert state.baseline_at == NOW
    assert state.answered_at == NOW + 600
    assert state.polls == 2


def test_an_unchanged_answer_sets_no_baseline():
    assert polled(None, Reading(items=(), unchanged=True)).baseline_at is None


def test_a_date_in_the_future_is_not_the_newest():
    reading = a_reading(items=(an_item(NOW + 9e6), an_item(None), an_item(NOW - 5)))

    assert polled(None, reading).newest_at == NOW - 5


def test_a_failure_keeps_validators_and_baseline():
    state = polled(well(), TransientError("no\nanswer", cause="timeout"), now=NOW + 600)

    assert state.validators == VALIDATORS
    assert state.baseline_at == state.answered_at == NOW
    assert (state.errors, state.error, state.error_cause) == (1, "no answer", "timeout")
    assert state.health == "ok"
    assert state.polls == 2


def test_an_answer_without_sense_is_asked_for_again_whole():
    state = polled(well(), MalformedError("not xml", cause="not_a_feed"))

    assert state.validators == NO_VALIDATORS
    assert state.body_hash == ""
    assert state.error_cause == "not_a_feed"


def test_a_long_error_is_cut_and_an_empty_one_named():
    assert len(polled(None, TransientError("x" * 10_000)).error) == 300
    assert polled(None, TransientError("")).error == "TransientError"


def test_breaks_after_so_many_failures_in_a_row():
    states = [repeated(well(), TransientError("503"), n) for n in (1, 2, 3, 30)]

    assert [state.health for state in states] == ["ok", "ok", "broken", "broken"]


def test_one_answer_mends_it():
    broken = repeated(well(), TransientError("503"), 5)
    state = polled(broken, a_reading())

    assert state.health == "ok"
    assert (state.errors, state.error, state.error_cause) == (0, "", "")


def test_a_source_that_never_answered_is_broken_in_the_end():
    states = [repeated(None, TransientError("dns", cause="dns"), n) for n in (2, 3)]

    assert [state.health for state in states] == ["new", "broken"]


def test_gone_is_said_at_once_and_stays_until_an_answer():
    gone = polled(well(), RefusedError("410", cause="gone"))
    later = polled(gone, TransientError("timeout"))

    assert gone.health == later.health == "gone"
    assert polled(later, a_reading()).health == "ok"
    assert polled(well(), RefusedError("404", cause="http_404")).health == "ok"


def test_an_answer_with_nothing_new_for_too_long_is_silence():
    quiet = Reading(items=(), unchanged=True)
    due = replace(NEXT, silent_after=NOW)

    assert polled(well(), quiet, following=due).health == "silent"
    assert polled(well(), quiet).health == "ok"
    assert polled(well(), quiet, following=replace(NEXT, silent_after=None)).health == "ok"


def test_a_copy_from_last_year_is_silence_although_it_is_200():
    old = a_reading(items=(an_item(NOW - 365 * 86_400),))
    state = polled(None, old, following=replace(NEXT, silent_after=NOW - 300 * 86_400))

    assert state.health == "silent"


def test_slow_is_what_is_slow_as_a_rule():
    slow = polled(well(), a_reading(), following=replace(NEXT, elapsed=16.0))
    nearly = replace(NEXT, elapsed=12.0)

    assert slow.health == "slow"
    assert polled(slow, a_reading(), following=nearly).health == "slow"
    assert polled(well(), a_reading(), following=nearly).health == "ok"


def test_a_move_for_good_is_believed_after_repeated_sightings():
    states = [repeated(well(), a_reading(moved_to=MOVED), n) for n in (1, 4, 5)]

    assert [state.location for state in states] == ["", "", MOVED]
    assert [state.moved_times for state in states] == [1, 4, 0]


@pytest.mark.parametrize("other", ["", "https://c.example/feed"])
def test_sightings_must_follow_each_other(other):
    state = repeated(well(), a_reading(moved_to=MOVED), 4)
    state = polled(state, a_reading(moved_to=other))
    state = repeated(state, a_reading(moved_to=MOVED), 4)

    assert state.location == ""


def test_a_failure_between_sightings_is_no_sighting():
    state = repeated(well(), a_reading(moved_to=MOVED), 4)
    state = polled(state, TransientError("timeout"))

    assert polled(state, a_reading(moved_to=MOVED)).location == MOVED


def test_a_move_to_plain_http_is_never_believed():
    state = repeated(well(), a_reading(moved_to="http://a.example/feed"), 20)

    assert state.location == state.moved_to == ""


def test_a_new_address_that_breaks_is_given_up_for_the_configured_one():
    moved = repeated(well(), a_reading(moved_to=MOVED), 5)
    twice = repeated(moved, TransientError("dns"), 2)
    thrice = polled(twice, TransientError("dns"))

    assert twice.location == MOVED
    assert thrice.location == ""
    assert thrice.validators == NO_VALIDATORS


def test_moving_back_home_forgets_the_address():
    moved = repeated(well(), a_reading(moved_to=MOVED), 5)
    back = repeated(moved, a_reading(moved_to=SOURCE.url), 5)

    assert back.location == ""
