"""Which messages a round and a watch make."""

import pytest

from tgewatch.app.hooks import Hooks, missed_targets, unheard
from tgewatch.swarm.claude_flow import Herald
from tgewatch.swarm.claude_flow.message import Notify, PostEdit, PostTask, PreTask, Remember
from tgewatch.testing import ManualClock

MISSED = {
    "measure": "cache_hit_rate",
    "limit": 70.0,
    "unit": "%",
    "measured": 61.25,
    "passed": False,
}
MET = {**MISSED, "measured": 95.0, "passed": True}
UNKNOWN = {**MISSED, "measured": None, "passed": None}


class Mirror:
    """Takes everything, or rests."""

    def __init__(self):
        self.heard = []
        self.rests = False

    def tell(self, message):
        self.heard.append(message)
        return True

    def kinds(self):
        return [type(one) for one in self.heard]


@pytest.fixture
def mirror():
    return Mirror()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def hooks(mirror, clock, tmp_path):
    herald = Herald(mirror, keep=86_400.0, clock=clock)
    return Hooks(herald, every=600.0, cache=tmp_path / "cache.db", clock=clock)


def measured(misses=0, target=MET):
    return lambda: {"cycle_stats": {"counts": {"cache_misses": misses}}, "targets": [target]}


def test_a_task_is_told_before_and_after(hooks, mirror, clock):
    with hooks.task("scan", measured()):
        assert mirror.kinds() == [PreTask]
        clock.advance(2.0)

    assert mirror.kinds() == [PreTask, PostTask, Remember, Remember, Notify]
    assert mirror.heard[1] == PostTask(mirror.heard[0].task_id, success=True, seconds=2.0)
    assert mirror.heard[-1] == Notify("scan done in 2.0 s", "info")


def test_the_cache_is_an_edit_when_bodies_came_and_none_when_none_did(hooks, mirror, tmp_path):
    with hooks.task("scan", measured(misses=3)):
        pass

    assert PostEdit(tmp_path / "cache.db", "swarm/cache/updated") in mirror.heard
    mirror.heard.clear()
    with hooks.task("scan", measured(misses=0)):
        pass
    assert PostEdit not in mirror.kinds()


def test_a_task_that_raises_has_failed_and_its_error_goes_on(hooks, mirror):
    with pytest.raises(KeyboardInterrupt), hooks.task("scan", measured()):
        raise KeyboardInterrupt

    assert mirror.heard[1].success is False
    assert mirror.heard[-1] == Notify("scan failed in 0.0 s", "warning")


def test_a_missed_target_is_worth_a_warning_and_an_unknown_one_is_not(hooks, mirror):
    for target in (MISSED, UNKNOWN):
        with hooks.task("scan", measured(target=target)):
            pass

    notes = [one for one in mirror.heard if isinstance(one, Notify)]
    assert notes == [
        Notify("scan done in 0.0 s; missed: cache_hit_rate 61.25%", "warning"),
        Notify("scan done in 0.0 s", "info"),
    ]


def test_an_endless_watch_stores_its_metrics_now_and_then(hooks, mirror, clock):
    with hooks.task("watch", measured()):
        mirror.heard.clear()
        for _ in range(20):
            clock.advance(60.0)
            hooks.minute(measured())

        assert mirror.kinds() == [Remember, Remember] * 2


def test_without_a_listener_nothing_is_put_together(mirror, clock, hooks):
    def never():
        raise AssertionError("nobody listens")

    mirror.rests = True
    for deaf in (hooks, unheard(clock)):
        with deaf.task("scan", never):
            clock.advance(3_600.0)
            deaf.minute(never)
        deaf.end(never)


def test_a_round_without_measures_is_told_too(hooks, mirror):
    with hooks.task("scan", lambda: {"cycle_stats": None, "targets": ()}):
        pass

    assert mirror.kinds() == [PreTask, PostTask, Remember, Remember, Notify]
    assert missed_targets({}) == ""
