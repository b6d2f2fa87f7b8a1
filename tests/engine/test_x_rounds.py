"""When each query to X is asked again."""

from random import Random

import pytest

from tgewatch.engine.x_rounds import ERROR_CAP, Rounds
from tgewatch.model import Priority
from tgewatch.rules.x_plan import Shard

NOW = 1_790_000_000.0


def shards(*names, priority=Priority.MEDIUM):
    return [Shard(name, "recent", f"from:{name}", priority, (name,)) for name in names]


def rounds(*names, pace=60.0, quiet=300.0, tight=False, now=NOW):
    made = Rounds(chance=Random(1).random)  # noqa: S311 - jitter
    use(made, *names, pace=pace, quiet=quiet, tight=tight, now=now)
    return made


def use(made, *names, pace=60.0, quiet=300.0, longest=300.0, tight=False, now=NOW):
    made.use(shards(*names), pace=pace, quiet=quiet, longest=longest, tight=tight, now=now)


def done(made, shard, at, *, published=(), wait=0.0):
    made.done(shard, at=at, published=list(published), wait=wait, elapsed=0.2)


def names(found):
    return {shard.name for shard in found}


def test_what_is_new_is_due_at_once_and_comes_out_once():
    made = rounds("a", "b")

    assert names(made.due(NOW, 9)) == {"a", "b"}
    assert made.due(NOW, 9) == []


def test_no_more_come_out_than_are_asked_for():
    made = rounds("a", "b", "c")

    assert len(made.due(NOW, 2)) == 2
    assert len(made.due(NOW, 2)) == 1


def test_each_gets_its_turn_within_the_quiet_time_however_little_it_says():
    made = rounds("a")
    at = NOW
    for _ in range(20):
        (shard,) = made.due(at, 9)
        done(made, shard, at)
        following = made.next_due()
        assert at + 30.0 <= following <= at + 300.0
        at = following


def test_when_calls_are_scarce_all_take_turns_evenly():
    made = rounds("a", "b", pace=90.0, tight=True)
    busy, quiet = made.due(NOW, 9)
    done(made, busy, NOW, published=[NOW - n for n in range(50)])
    done(made, quiet, NOW)

    assert all(90.0 <= known.at - NOW <= 91.0 for known in made.learned.values())


def test_behind_a_stream_an_answer_is_good_for_the_time_of_an_audit():
    made = rounds("a", pace=60.0)
    (shard,) = made.due(NOW, 9)
    done(made, shard, NOW, wait=300.0)

    assert made.next_due() >= NOW + 300.0


def test_failures_back_off_within_a_cap_and_obey_what_the_server_says():
    made = rounds("a", "b")
    at = NOW
    waits = []
    for _ in range(12):
        shard = next(s for s in made.due(at, 9) if s.name == "a")
        made.failed(shard, at=at, retry_after=None)
        waits.append(made.learned["a"].at - at)
        at = made.learned["a"].at
    assert waits[0] < waits[3]
    assert max(waits) <= ERROR_CAP * 1.5

    (shard,) = made.due(at, 9)
    made.failed(shard, at=at, retry_after=700.0)
    assert made.learned["a"].at >= at + 700.0


def test_one_that_was_put_off_is_due_then_and_has_not_failed():
    made = rounds("a")
    (shard,) = made.due(NOW, 9)
    made.defer(shard, NOW + 5.0)

    assert made.due(NOW + 4.9, 9) == []
    assert names(made.due(NOW + 5.0, 9)) == {"a"}


def test_those_nobody_got_to_come_back_and_those_that_answered_do_not():
    made = rounds("a", "b")
    taken = made.due(NOW, 9)
    done(made, taken[0], NOW)
    made.put_back(taken, NOW)

    assert made.due(NOW, 9) == [taken[1]]


def test_in_a_hurry_all_that_wait_are_due_and_those_under_way_are_not_asked_twice():
    made = rounds("a", "b", "c")
    first, second, _ = taken = made.due(NOW, 9)
    done(made, first, NOW)
    done(made, second, NOW)
    made.hasten(NOW + 1)

    assert names(made.due(NOW + 1, 9)) == {first.name, second.name}
    done(made, taken[2], NOW + 2)
    assert made.due(NOW + 2, 9) == []


def test_a_new_plan_keeps_what_was_learned_and_asks_only_what_is_new():
    made = rounds("a", "b")
    for shard in made.due(NOW, 9):
        done(made, shard, NOW)
    use(made, "a", "c", now=NOW + 1)

    assert names(made.due(NOW + 1, 9)) == {"c"}
    assert set(made.learned) == {"a"}


def test_an_answer_to_a_query_that_is_no_more_changes_nothing():
    made = rounds("a", "b")
    gone, kept = sorted(made.due(NOW, 9), key=lambda shard: shard.name, reverse=True)
    use(made, kept.name, now=NOW)
    done(made, gone, NOW)

    assert gone.name not in made.learned
    assert made.due(NOW, 9) == []
    made.put_back([kept], NOW)
    assert made.due(NOW, 9) == [kept]


def test_another_process_goes_on_where_this_one_was():
    made = rounds("a")
    (shard,) = made.due(NOW, 9)
    done(made, shard, NOW)
    again = Rounds(chance=Random(1).random)  # noqa: S311 - jitter
    again.restore(made.learned)
    use(again, "a", now=NOW + 1)

    assert again.due(NOW + 1, 9) == []
    assert again.next_due() == pytest.approx(made.next_due())


def test_before_there_is_a_plan_nothing_is_due():
    made = Rounds(chance=Random(1).random)  # noqa: S311 - jitter

    assert (made.due(NOW, 9), made.next_due(), made.shards) == ([], None, ())
    made.hasten(NOW)
