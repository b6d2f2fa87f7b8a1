"""Counters of one pool."""

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.pools import NAMES, Meter, pools
from tgewatch.ports import PoolMetrics
from tgewatch.settings import FetchSettings, Pool


def test_a_new_meter_shows_nothing():
    assert Meter().snapshot() == PoolMetrics()


def test_a_snapshot_does_not_change_afterwards():
    meter = Meter()
    meter.statuses[200] += 1
    before = meter.snapshot()
    meter.statuses[200] += 1
    meter.requests += 1

    assert before.statuses == {200: 1}
    assert before.requests == 0


def test_failures_are_counted_by_cause_and_timeouts_together():
    meter = Meter()
    for error in (
        TransientError("", cause="timeout"),
        TransientError("", cause="stalled"),
        TransientError("", cause="connect_timeout"),
        TransientError("", cause="throttled"),
        RefusedError("", cause="gone"),
        MalformedError("", cause="bomb"),
    ):
        meter.failed(error)
    shown = meter.snapshot()

    assert shown.timeouts == 3
    assert shown.throttled == 1
    assert sum(shown.errors.values()) == 6


def test_every_pool_has_its_own_settings():
    made = pools(FetchSettings(article=Pool(connections=7)))

    assert tuple(made) == NAMES
    assert made["article"].settings.connections == 7
    assert made["rss"].settings.connections == 50
    assert repr(made["article"]) == "<PoolState article 0/7>"
