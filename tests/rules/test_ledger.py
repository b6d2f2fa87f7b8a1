import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgewatch.rules.ledger import Ledger, LedgerPolicy, Urgency
from tgewatch.rules.rate_headers import Answer, Quota

NOW = 1_700_000_000.0
BARE = LedgerPolicy(margin=0, held=0.0)


def answer(
    remaining, *, limit=450, reset=NOW + 900, at=NOW, status=200, family="rate-limit", **more
):
    quota = Quota(family, limit, remaining, float(math.floor(reset)))
    return Answer(status, (quota,), date=float(math.floor(at)), **more)


def told(ledger=None, remaining=449, *, now=NOW, **how):
    """Return a ledger after one call with that answer."""
    ledger, lease = (ledger or Ledger()).lease(now)
    return ledger.settle(lease, answer(remaining, **how), now=now + 0.1)


def taken(ledger, count, *, now=NOW + 1, urgency=Urgency.NORMAL):
    leases = []
    for _ in range(count):
        assert ledger.wait(now, urgency).seconds == 0
        ledger, lease = ledger.lease(now, urgency)
        leases.append(lease)
    return ledger, leases


def test_exactly_one_call_explores_an_unknown_window():
    ledger = Ledger()

    assert ledger.wait(NOW).reason == "probe"
    ledger, _ = ledger.lease(NOW)

    assert ledger.wait(NOW).reason == "probing"
    assert ledger.wait(NOW).seconds == ledger.policy.probe


def test_another_one_explores_when_the_first_is_not_heard_of():
    ledger, _ = Ledger().lease(NOW)

    assert ledger.wait(NOW + 29.9).reason == "probing"
    assert ledger.wait(NOW + 30).reason == "probe"


def test_a_window_is_lent_out_to_the_margin_and_no_further():
    ledger, _ = taken(told(remaining=449), 447)

    wait = ledger.wait(NOW + 1)

    assert wait.reason == "spent"
    assert wait.seconds == pytest.approx(900 + 1 + 0.25 - 1, abs=1.1)


def test_small_limits_have_no_margin():
    ledger, _ = taken(told(remaining=14, limit=15), 14)

    assert ledger.wait(NOW + 1).reason == "spent"


def test_background_work_leaves_a_share_to_the_others():
    ledger = told(remaining=46)

    assert ledger.wait(NOW + 1, Urgency.BACKGROUND).seconds == 0
    ledger = told(ledger, remaining=45, now=NOW + 1)
    assert ledger.wait(NOW + 2, Urgency.BACKGROUND).reason == "spent"
    assert ledger.wait(NOW + 2, Urgency.HIGH).seconds == 0


def test_background_work_is_spread_over_the_window():
    ledger = told(remaining=449)
    ledger, _ = ledger.lease(NOW + 1, Urgency.BACKGROUND)

    wait = ledger.wait(NOW + 1, Urgency.BACKGROUND)

    assert wait.reason == "paced"
    assert wait.seconds == pytest.approx(900 / 404, rel=0.02)
    assert ledger.wait(NOW + 1, Urgency.NORMAL).seconds == 0


def test_answers_may_come_in_any_order():
    ledger, leases = taken(told(remaining=449), 3)

    for lease, remaining in zip(reversed(leases), (446, 447, 448), strict=True):
        ledger = ledger.settle(lease, answer(remaining), now=NOW + 2)

    assert [window.remaining for window in ledger.windows] == [446]
    assert ledger.outstanding == 0


def test_a_late_answer_from_an_old_window_changes_nothing():
    ledger, (late,) = taken(told(remaining=5, reset=NOW + 10), 1)
    ledger = told(ledger, remaining=449, now=NOW + 20, reset=NOW + 920)

    ledger = ledger.settle(late, answer(4, reset=NOW + 10), now=NOW + 21)

    assert [window.remaining for window in ledger.windows] == [449]


def test_somebody_elses_use_is_noticed():
    ledger, (lease,) = taken(told(remaining=449), 1)

    ledger = ledger.settle(lease, answer(2), now=NOW + 2)

    assert ledger.wait(NOW + 3).reason == "spent"


def test_a_limit_that_was_cut_is_noticed():
    ledger, (lease,) = taken(told(remaining=449), 1)

    ledger = ledger.settle(lease, answer(10, limit=300), now=NOW + 2)

    assert [(window.limit, window.remaining) for window in ledger.windows] == [(300, 10)]


def test_a_turned_window_is_explored_by_one_call_again():
    ledger = told(remaining=0)

    assert ledger.wait(NOW + 895).reason == "spent"
    assert ledger.wait(NOW + 910).reason == "probe"


def test_a_call_still_on_its_way_counts_in_the_new_window_too():
    ledger, _ = taken(told(remaining=449, reset=NOW + 10), 3, now=NOW + 9)
    ledger = told(ledger, remaining=449, now=NOW + 20, reset=NOW + 920)

    assert ledger.outstanding == 3


def test_a_call_without_an_answer_stays_counted_until_the_window_turns():
    ledger, (lost, other) = taken(told(remaining=449), 2)
    ledger = ledger.settle(lost, None, now=NOW + 5)
    ledger = ledger.settle(other, answer(447), now=NOW + 6)
    ledger, (later,) = taken(ledger, 1, now=NOW + 7)
    ledger = ledger.settle(later, answer(446), now=NOW + 8)

    assert ledger.outstanding == 1
    assert told(ledger, now=NOW + 910, reset=NOW + 1_810, at=NOW + 910).outstanding == 0


def test_an_answer_without_headers_counts_until_a_later_call_includes_it():
    ledger, (bare, before) = taken(told(remaining=449), 2)
    ledger = ledger.settle(bare, Answer(503), now=NOW + 5)
    ledger = ledger.settle(before, answer(448), now=NOW + 6)
    assert ledger.outstanding == 1  # sent before the 503 came: may not include it

    ledger, (later,) = taken(ledger, 1, now=NOW + 7)
    ledger = ledger.settle(later, answer(446), now=NOW + 8)

    assert ledger.outstanding == 0


def test_a_call_that_was_never_sent_costs_nothing():
    ledger, (lease,) = taken(told(remaining=449), 1)

    assert ledger.release(lease).outstanding == 0


def test_a_call_that_is_never_settled_counts_as_lost():
    ledger, _ = taken(told(remaining=449), 2)

    ledger, _ = taken(ledger, 1, now=NOW + 300)

    assert len(ledger.leases) == 1
    assert ledger.outstanding == 3


def test_settling_twice_counts_once():
    ledger, (lease,) = taken(told(remaining=449), 1)
    once = ledger.settle(lease, answer(448), now=NOW + 2)

    assert once.settle(lease, answer(100), now=NOW + 3) == once


def test_a_429_blocks_until_the_reset():
    ledger = told(remaining=0, status=429)

    assert ledger.wait(NOW + 1, Urgency.HIGH).reason == "blocked"
    assert 895 < ledger.wait(NOW + 1).seconds < 903


def test_a_429_without_headers_blocks_for_as_long_as_it_asks():
    ledger, lease = Ledger().lease(NOW)
    asked = ledger.settle(lease, Answer(429, retry_after=40.0), now=NOW)
    silent = ledger.settle(lease, Answer(429), now=NOW)

    assert 40 <= asked.wait(NOW).seconds <= 51
    assert 900 <= silent.wait(NOW).seconds <= 911


def test_a_used_up_month_is_not_waited_for_but_tried_once_a_day():
    ledger = told(remaining=400, status=429, capped=True)

    assert ledger.wait(NOW + 1).reason == "capped"
    assert ledger.wait(NOW + 86_500).reason == "probe"
    assert ledger.uncapped().wait(NOW + 1).reason == "go"


def test_the_tightest_family_decides():
    day = Quota("app-limit-24hour", 1_000, 0, NOW + 40_000)
    ledger, lease = Ledger().lease(NOW)
    full = answer(449)
    ledger = ledger.settle(lease, Answer(200, (*full.quotas, day), full.date), now=NOW)

    assert ledger.wait(NOW + 1).reason == "spent"
    assert (
        ledger.wait(NOW + 1_000).reason == "spent"
    )  # the short window has turned, the day has not
    assert ledger.wait(NOW + 40_020).reason == "probe"


def test_an_end_that_nobody_lives_to_see_is_not_believed():
    ledger = told(remaining=0, reset=NOW + 10 * 365 * 86_400)

    assert ledger.wait(NOW + 1).reason == "probe"


def test_a_clock_that_is_fast_waits_for_the_servers_time():
    ledger, lease = Ledger().lease(NOW + 3)  # ours is 3 s ahead
    ledger = ledger.settle(lease, answer(0, at=NOW), now=NOW + 3.05)

    assert ledger.wait(NOW + 3.05).seconds == pytest.approx(901.25, abs=0.1)


def test_a_restart_keeps_what_was_spent_and_explores_what_was_not():
    assert told(remaining=0).resumed().wait(NOW + 5).reason == "spent"

    ledger = told(remaining=200).resumed()
    assert ledger.wait(NOW + 5).reason == "probe"
    ledger, lease = ledger.lease(NOW + 5)
    assert ledger.wait(NOW + 5).reason == "probing"
    ledger = ledger.settle(lease, answer(150), now=NOW + 6)
    assert ledger.wait(NOW + 6).reason == "go"
    assert [window.remaining for window in ledger.windows] == [150]


def test_says_how_it_stands():
    name = "search"

    assert Ledger().described(name, NOW) == "<Ledger search window unknown>"
    assert (
        told(remaining=448).described(name, NOW + 589).startswith("<Ledger search 448/450 resets")
    )
    assert "blocked for" in told(remaining=0, status=429).described(name, NOW + 1)
    assert "usage capped" in told(status=429, capped=True).described(name, NOW + 1)


def test_answers_without_headers_for_ever_take_no_memory():
    ledger, now = Ledger(), NOW

    for _ in range(500):
        ledger, lease = ledger.lease(now)
        ledger = ledger.settle(lease, Answer(200), now=now)
        now += 1

    assert len(ledger.doubts) <= 1


@given(
    limit=st.integers(1, 60),
    steps=st.lists(
        st.sampled_from(["call", "answer", "lost", "bare", "foreign", "wait"]), max_size=120
    ),
)
def test_never_lends_more_than_a_server_would_accept(limit, steps):
    """One window, answers in order of arrival, every call counted by the server at once."""
    ledger = Ledger(policy=BARE)
    ledger, lease = ledger.lease(NOW)
    used, now = 1, NOW
    ledger = ledger.settle(lease, answer(limit - used, limit=limit), now=now)
    out = []
    for step in steps:
        now += 0.01
        if step == "call" and ledger.wait(now).seconds == 0:
            ledger, lease = ledger.lease(now)
            used += 1
            assert used <= limit
            out.append((lease, limit - used))
        elif out and step in {"answer", "lost", "bare"}:
            lease, left = out.pop()
            what = {"answer": answer(left, limit=limit), "lost": None, "bare": Answer(503)}[step]
            ledger = ledger.settle(lease, what, now=now)
        elif step == "wait":
            now += 1
    assert now < NOW + 890
