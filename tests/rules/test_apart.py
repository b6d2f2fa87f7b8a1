from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.rules.apart import Apart, together
from tgewatch.rules.ledger import Lease, Ledger, LedgerPolicy, Urgency, Window
from tgewatch.rules.rate_headers import Answer, Quota

NOW = 1_700_000_000.0
BARE = LedgerPolicy(margin=0, held=0.0)


def told(remaining, *, limit=450, ends_in=900.0):
    return Answer(200, (Quota("rate-limit", limit, remaining, NOW + ends_in),), date=NOW)


def known(remaining, *, limit=450, policy=BARE):
    """Return a ledger that was told how it stands."""
    ledger, lease = Ledger(policy=policy).lease(NOW)
    return ledger.settle(lease, told(remaining, limit=limit), now=NOW)


def apart(ledger, *, parts=4, ours=None):
    return Apart.from_shared(ledger, ours=ours or {}, parts=parts)


def test_the_first_call_asks_and_nobody_calls_until_it_is_answered():
    part = apart(known(400))

    assert part.wait(NOW).reason == "probe"
    part, _ = part.lease(NOW)
    assert part.wait(NOW).reason == "probing"


def test_what_is_left_is_divided_after_what_is_on_its_way():
    ledger = known(400)
    for _ in range(5):
        ledger, _ = ledger.lease(NOW)
    part, lease = apart(ledger).lease(NOW)

    part = part.settle(lease, told(395), now=NOW)

    assert part.left == (395 - 5 - 3) // 4
    for _ in range(part.left):
        assert part.wait(NOW).seconds == 0
        part, _ = part.lease(NOW)
    assert part.wait(NOW).reason == "apart"
    assert 895 < part.wait(NOW).seconds < 910


def test_a_new_window_is_asked_and_divided_again():
    part, lease = apart(known(400)).lease(NOW)
    part = part.settle(lease, told(3), now=NOW)
    assert part.left == 0
    later = NOW + 920

    assert part.wait(later).reason == "probe"
    part, lease = part.lease(later)
    part = part.settle(lease, told(449, ends_in=1_820), now=later)

    assert part.left == (449 - 3) // 4


def test_an_answer_without_headers_divides_nothing():
    part, lease = apart(known(400)).lease(NOW)

    part = part.settle(lease, Answer(503), now=NOW)

    assert part.left is None
    assert part.settle(lease, None, now=NOW).left is None


def test_a_call_that_was_never_sent_is_given_back():
    part, lease = apart(known(400)).lease(NOW)
    part = part.settle(lease, told(399), now=NOW)
    before = part.left
    part, lease = part.lease(NOW)

    assert part.release(lease).left == before
    assert part.release(Lease(12345, NOW)).left == before - 1


def test_a_host_that_said_wait_is_left_alone_apart_as_well():
    ledger = replace(known(400), blocked_until=NOW + 500)

    assert apart(ledger).wait(NOW).reason == "blocked"
    assert apart(replace(ledger, capped_until=NOW + 500)).wait(NOW).reason == "capped"


def test_background_work_leaves_a_share_of_our_part_to_the_rest():
    part, lease = apart(known(400, policy=LedgerPolicy(margin=0, held=0.5))).lease(NOW)
    part = replace(part.settle(lease, told(399), now=NOW), left=50)

    assert part.wait(NOW, Urgency.NORMAL).seconds == 0
    assert part.wait(NOW, Urgency.BACKGROUND).reason == "apart"


@settings(deadline=None)
@given(
    limit=st.integers(1, 60),
    used=st.integers(0, 60),
    parts=st.integers(1, 10),
    under_way=st.integers(0, 20),
    seed=st.integers(0, 1_000),
)
def test_all_parts_together_never_call_more_than_the_server_allows(
    limit, used, parts, under_way, seed
):
    """A server that refuses when it has had enough; instances that ask in any order."""
    order = Random(seed)  # noqa: S311 - the order of events
    remaining = max(0, limit - used)
    ledger = known(remaining, limit=limit)
    under_way = min(under_way, remaining)
    for _ in range(under_way):
        ledger, _ = ledger.lease(NOW)
    server = remaining - under_way  # they arrive before anything else does
    each = [apart(ledger, parts=parts) for _ in range(parts)]
    refused = 0
    for _ in range(100):
        able = [n for n, part in enumerate(each) if part.wait(NOW).seconds == 0]
        if not able:
            break
        n = order.choice(able)
        each[n], lease = each[n].lease(NOW)
        refused += server <= 0
        server = max(0, server - 1)
        each[n] = each[n].settle(lease, told(server, limit=limit), now=NOW)

    first_calls = parts if remaining - under_way < parts else 0
    assert refused <= first_calls
    assert not [n for n, part in enumerate(each) if part.wait(NOW).seconds == 0]


def test_being_together_again_takes_the_lower_of_what_was_told():
    shared, ours = known(300), known(120)

    both = together(shared, ours)

    assert [w.remaining for w in both.windows] == [120]
    assert both.wait(NOW).reason == "probe"
    assert [w.remaining for w in together(ours, shared).windows] == [120]


@pytest.mark.parametrize(("mine", "theirs"), [(900, 1_800), (1_800, 900)])
def test_being_together_again_takes_the_later_window(mine, theirs):
    def ledger(ends_in, remaining):
        return replace(Ledger(), windows=(Window("rate-limit", 450, remaining, NOW + ends_in),))

    both = together(ledger(mine, mine), ledger(theirs, theirs))

    assert [(w.remaining, w.reset) for w in both.windows] == [(1_800, NOW + 1_800)]


def test_being_together_again_keeps_the_longest_ban():
    both = together(
        replace(Ledger(), blocked_until=5.0, capped_until=1.0),
        replace(Ledger(), blocked_until=2.0, capped_until=9.0),
    )

    assert (both.blocked_until, both.capped_until) == (5.0, 9.0)
