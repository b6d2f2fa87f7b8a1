"""A round, from its beginning to its end."""

import re

from tgewatch.swarm.claude_flow import Herald
from tgewatch.swarm.claude_flow.message import PostTask, PreTask, Remember, SessionEnd
from tgewatch.testing import ManualClock


class Mirror:
    """Takes everything."""

    def __init__(self):
        self.heard = []

    def tell(self, message):
        self.heard.append(message)
        return True

    def flush(self, seconds):
        return seconds > 0


def made(mirror=None):
    return Herald(mirror, keep=86_400.0, clock=ManualClock(1_764_288_000.25))


def test_a_task_has_an_id_that_the_tool_takes_and_no_other_task_has():
    mirror = Mirror()
    herald = made(mirror)
    first, second = herald.pre_task("a"), herald.pre_task("a")

    assert mirror.heard == [PreTask(first, "a"), PreTask(second, "a")]
    assert re.fullmatch(r"tge-20251128T000000-\d+-\d+", first)
    assert first != second


def test_metrics_stand_under_their_time_and_as_the_latest_for_a_day():
    mirror = Mirror()
    made(mirror).post_task("t-1", {"cycle": 1}, success=False, seconds=2.0)

    assert mirror.heard == [
        PostTask("t-1", success=False, seconds=2.0),
        Remember("performance/optimization/2025-11-28T00:00:00.250000Z", {"cycle": 1}, 86_400.0),
        Remember("performance/optimization/latest", {"cycle": 1}, 86_400.0, replaces=True),
    ]


def test_a_task_that_was_never_announced_is_not_ended_and_its_metrics_are_stored():
    mirror = Mirror()
    made(mirror).post_task(None, {})

    assert [type(one) for one in mirror.heard] == [Remember, Remember]


def test_a_session_ends_after_its_report_was_stored():
    mirror = Mirror()
    assert made(mirror).session_end({"targets": []})

    assert [type(one) for one in mirror.heard] == [Remember, Remember, SessionEnd]
    assert mirror.heard[0].key.startswith("performance/final_report/2025")


def test_data_beside_a_notification_is_stored_and_none_is_not():
    mirror = Mirror()
    herald = made(mirror)
    assert herald.notify("a")
    assert herald.notify("b", {"n": 1}, level="warning")

    assert [type(one).__name__ for one in mirror.heard] == ["Notify", "Notify", "Remember"]
    assert mirror.heard[2].key.startswith("notifications/2025")


def test_without_a_tool_nobody_hears_anything():
    herald = made()

    assert herald.pre_task("a") is None
    assert not herald.post_task(None, {})
    assert not herald.notify("x", {})
    assert not herald.session_end({})
    assert herald.flush(0.0)
