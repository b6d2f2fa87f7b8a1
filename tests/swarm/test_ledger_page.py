from dataclasses import replace

import msgspec
import pytest

from tgewatch.rules.ledger import Doubt, Lease, Ledger, LedgerPolicy
from tgewatch.rules.rate_headers import Answer, Quota
from tgewatch.swarm.ledger_page import MOST, SET_BACK, adopted, decode, encode

NOW = 1_700_000_000.0
POLICY = LedgerPolicy(margin=7)


def known():
    """Return a ledger with something of everything in it."""
    ledger, lease = Ledger(policy=POLICY).lease(NOW)
    told = Answer(200, (Quota("rate-limit", 450, 400, NOW + 900),), date=NOW)
    ledger = ledger.settle(lease, told, now=NOW + 1)
    for _ in range(3):
        ledger, lease = ledger.lease(NOW + 2)
    ledger = ledger.settle(lease, None, now=NOW + 3)
    return replace(ledger, blocked_until=5.0, capped_until=6.0, paced_until=7.0)


def test_a_ledger_comes_back_as_it_was_but_for_the_policy_which_is_the_readers():
    ledger = known()

    back = decode(encode(ledger, at=NOW), policy=LedgerPolicy(margin=1), at=NOW)

    assert back is not None
    assert replace(back, policy=POLICY, number=ledger.number) == ledger
    assert back.policy.margin == 1


def test_what_was_timed_by_a_clock_that_was_set_back_is_not_believed():
    data = encode(known(), at=NOW)

    a_little = decode(data, policy=POLICY, at=NOW - SET_BACK / 2)
    much = decode(data, policy=POLICY, at=NOW - 100)

    assert a_little.sure
    assert a_little.leases
    assert not much.sure
    assert not much.leases
    assert much.windows == a_little.windows


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        msgspec.msgpack.encode([1, 2, 3]),
        msgspec.msgpack.encode({"version": 1}),
        encode(known(), at=NOW).replace(b"\x9b\x01", b"\x9b\x02", 1),
        encode(replace(known(), leases=dict.fromkeys(range(MOST + 1), NOW)), at=NOW),
        encode(replace(known(), doubts=(Doubt(NOW, answered=False),) * (MOST + 1)), at=NOW),
        encode(known(), at=NOW)[:-1],
    ],
)
def test_what_is_no_ledger_of_this_version_is_none(data):
    assert decode(data, policy=POLICY, at=NOW) is None


def test_exactly_our_calls_on_their_way_are_in_it():
    ledger = replace(known(), leases={1: NOW, 2: NOW, 3: NOW})
    ours = {2: Lease(2, NOW), 4: Lease(4, NOW), 5: Lease(5, NOW - POLICY.lease - 1)}

    found = adopted(ledger, ours, settled=[3, 99], now=NOW)

    assert set(found.leases) == {1, 2, 4}
    assert adopted(found, {2: Lease(2, NOW)}, settled=[], now=NOW) is found
