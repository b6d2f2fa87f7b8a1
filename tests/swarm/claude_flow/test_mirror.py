"""Messages are told by a thread of its own, and whoever tells them never waits."""

import logging
import threading
from pathlib import Path

import pytest

from tgewatch.errors import TransientError
from tgewatch.swarm.claude_flow import Mirror
from tgewatch.swarm.claude_flow.answer import Answer
from tgewatch.swarm.claude_flow.message import Notify, PostEdit, Remember
from tgewatch.swarm.claude_flow.mirror import FAILURES, REST
from tgewatch.testing import ManualClock

LONG = 60.0


class Tool:
    """Hears everything, and holds its tongue while the gate is shut."""

    def __init__(self):
        self.heard = []
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.says = Answer()

    def tell(self, message):
        self.busy.set()
        assert self.gate.wait(LONG)
        self.heard.append(message)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def tool():
    return Tool()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def mirror(tool, clock):
    mirror = Mirror(lambda _children: tool, clock=clock, queue=4)
    yield mirror
    tool.gate.set()
    mirror.close(LONG)


def held(mirror, tool):
    """Have the thread stand still in a first message."""
    tool.gate.clear()
    mirror.tell(Notify("first"))
    assert tool.busy.wait(LONG)


def words(tool):
    return [one.text for one in tool.heard if isinstance(one, Notify)]


def test_messages_are_told_in_order(mirror, tool):
    for number in range(4):
        assert mirror.tell(Notify(str(number)))
        assert mirror.flush(LONG)

    assert words(tool) == ["0", "1", "2", "3"]
    assert mirror.counts.told == 4


def test_nobody_waits_for_a_tool_that_hangs(mirror, tool):
    held(mirror, tool)

    assert mirror.tell(Notify("second"))
    assert not mirror.flush(0.0)
    assert tool.heard == []


def test_a_full_queue_leaves_out_the_oldest_and_counts_them(mirror, tool):
    held(mirror, tool)
    for number in range(6):
        assert mirror.tell(Notify(str(number)))
    tool.gate.set()
    assert mirror.flush(LONG)

    assert words(tool) == ["first", "2", "3", "4", "5"]
    assert mirror.counts.left_out == 2


def test_of_several_messages_for_one_slot_the_last_is_told_once(mirror, tool):
    held(mirror, tool)
    for number in range(100):
        mirror.tell(PostEdit(Path("/cache"), "k"))
        mirror.tell(Remember("latest", {"n": number}, 1.0, replaces=True))
    tool.gate.set()
    assert mirror.flush(LONG)

    assert tool.heard[1:] == [
        PostEdit(Path("/cache"), "k"), Remember("latest", {"n": 99}, 1.0, replaces=True)
    ]  # fmt: skip
    assert (mirror.counts.replaced, mirror.counts.left_out) == (198, 0)


def test_history_replaces_nothing(mirror, tool):
    held(mirror, tool)
    mirror.tell(Remember("a", {"n": 1}, 1.0))
    mirror.tell(Remember("a", {"n": 2}, 1.0))
    tool.gate.set()
    assert mirror.flush(LONG)

    assert len(tool.heard) == 3


def test_three_failures_in_a_row_give_the_tool_a_rest_which_is_said_once(
    mirror, tool, clock, caplog
):
    tool.says = Answer(why="timeout")
    for _ in range(FAILURES):
        assert mirror.tell(Notify("x"))
        assert mirror.flush(LONG)
    assert not mirror.tell(Notify("in vain"))
    clock.advance(REST)
    for _ in range(FAILURES):
        mirror.tell(Notify("x"))
        assert mirror.flush(LONG)

    assert not mirror.tell(Notify("in vain"))
    assert len(tool.heard) == 2 * FAILURES
    assert caplog.text.count("claude_flow_rests") == 1


def test_failures_with_a_success_between_them_are_no_reason(mirror, tool):
    for why in ["a", "b", "", "c", "d", ""]:
        tool.says = Answer(why=why)
        assert mirror.tell(Notify("x"))
        assert mirror.flush(LONG)

    assert (mirror.counts.failed, mirror.counts.told, mirror.rests) == (4, 2, False)


def test_what_waits_when_the_rest_begins_is_left_out(mirror, tool):
    tool.says = Answer(why="timeout")
    held(mirror, tool)
    for _ in range(4):
        mirror.tell(Notify("x"))
    tool.gate.set()
    assert mirror.flush(LONG)

    assert len(tool.heard) == FAILURES
    assert mirror.counts.left_out == 2


def test_after_a_rest_the_tool_is_looked_for_anew(tool, clock, caplog):
    there = []

    def connect(_children):
        if not there:
            raise TransientError("claude-flow is gone", cause="absent")
        return tool

    mirror = Mirror(connect, clock=clock)
    mirror.tell(Notify("before"))
    assert mirror.flush(LONG)
    there.append(True)
    assert not mirror.tell(Notify("too early"))
    clock.advance(REST)
    assert mirror.tell(Notify("after"))
    assert mirror.flush(LONG)
    mirror.close(LONG)

    assert words(tool) == ["after"]
    assert caplog.text == ""


def test_a_tool_that_cannot_be_spoken_to_is_a_warning(clock, caplog):
    def connect(_children):
        raise TransientError("claude-flow 4.0.0 is not spoken here", cause="version")

    mirror = Mirror(connect, clock=clock)
    mirror.tell(Notify("x"))
    assert mirror.flush(LONG)
    mirror.close(LONG)

    assert [r.why for r in caplog.records] == ["claude-flow 4.0.0 is not spoken here"]


def test_a_bug_of_ours_ends_neither_the_thread_nor_the_caller(mirror, tool, clock, caplog):
    tool.says = ZeroDivisionError("a bug")
    mirror.tell(Notify("x"))
    assert mirror.flush(LONG)
    assert "ZeroDivisionError" in caplog.text
    tool.says = Answer()
    clock.advance(REST)
    mirror.tell(Notify("y"))
    assert mirror.flush(LONG)

    assert words(tool) == ["x", "y"]


def test_closing_tells_the_rest_and_takes_nothing_more(mirror, tool, caplog):
    held(mirror, tool)
    mirror.tell(Notify("second"))
    tool.gate.set()
    mirror.close(LONG)

    assert words(tool) == ["first", "second"]
    assert not mirror.tell(Notify("third"))
    assert caplog.text == ""


def test_closing_waits_no_longer_than_told_and_says_what_was_lost(person, mirrors, caplog):
    bench = person("hanging")
    mirror = mirrors(bench)
    mirror.tell(Notify("x"))
    mirror.tell(Notify("y"))
    with caplog.at_level(logging.WARNING):
        mirror.close(0.0)

    assert [r.messages for r in caplog.records if r.msg == "claude_flow_not_told"] == [2]


def test_an_interrupt_while_closing_leaves_no_command_behind(person, mirrors, monkeypatch):
    bench = person("hanging")
    mirror = mirrors(bench)
    mirror.tell(Notify("x"))
    wait = mirror._changed.wait_for

    def interrupted(ready, seconds=None):
        if seconds is None:
            return wait(ready)
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror._changed, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mirror.close(LONG)

    mirror._thread.join(LONG)
    assert not mirror._thread.is_alive()


def test_a_mirror_that_was_never_used_has_no_thread_and_closes_at_once(tool, clock):
    before = threading.active_count()
    mirror = Mirror(lambda _children: tool, clock=clock)
    mirror.close(LONG)

    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["hanging", "crashing", "flooding", "forgetful", "v2", "v3"])
def test_whoever_tells_is_never_in_its_way(person, mirrors, short, name):
    """A thousand messages to any person: bounded memory, no exception, and an end."""
    bench = person(name)
    mirror = mirrors(bench, deadlines=short if name == "hanging" else None, queue=8)
    for number in range(1_000):
        mirror.tell(Notify(str(number)))
        mirror.tell(Remember("latest", {"n": number}, 60.0, replaces=True))
        assert len(mirror._waiting) <= 8

    assert mirror.flush(LONG)
    counts = mirror.counts
    assert counts.told + counts.failed + counts.left_out + counts.replaced == 2_000
