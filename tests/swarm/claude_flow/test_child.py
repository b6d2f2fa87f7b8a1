"""A command is bounded in time, in output, and in what it leaves behind."""

import os
import sys
import threading

import pytest

from tgewatch.clock import SystemClock
from tgewatch.swarm.claude_flow import child
from tgewatch.swarm.claude_flow.child import Children

LONG = 60.0


@pytest.fixture
def run(tmp_path):
    children = Children(clock=SystemClock())

    def run(*argv, deadline=LONG, **ways):
        return children.run(argv, cwd=tmp_path, env={"PATH": os.defpath}, deadline=deadline, **ways)

    return run


def python(code):
    return (sys.executable, "-S", "-E", "-c", code)


def test_what_it_says_and_how_it_ends_come_back(run):
    ended = run(*python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))

    assert (ended.code, ended.out, ended.err, ended.cut) == (3, "out\n", "err\n", "")


def test_one_that_is_not_there_is_no_exception(run, tmp_path):
    assert run("/nonexistent/claude-flow").cut == "No such file or directory"
    assert run(str(tmp_path)).cut == "Permission denied"
    assert run(sys.executable, "-c", "\0").cut == "embedded null byte"
    assert run(sys.executable, "-c", "x" * 200_000).cut == "Argument list too long"


class Hurried(SystemClock):
    """An hour has passed as soon as there is something in a file."""

    def __init__(self, file):
        self.file = file

    def monotonic(self):
        there = self.file.exists() and self.file.stat().st_size
        return super().monotonic() + (3_600 if there else 0)


def test_one_that_never_ends_is_ended_with_all_that_it_began(person):
    bench = person("hanging")
    children = Children(clock=Hurried(bench.folder / "children"))

    ended = children.run(
        [str(bench.command), "hooks", "notify"], cwd=bench.folder, env={}, deadline=LONG
    )

    assert (ended.code, ended.cut) == (None, "timeout")
    assert bench.left_behind == []


def test_what_is_left_of_one_that_ended_is_ended_too_and_not_waited_for(person, run):
    bench = person("littering")

    ended = run(str(bench.command), "hooks", "notify", "--message", "x")

    assert (ended.code, ended.cut) == (0, "")
    assert bench.left_behind == []


def test_one_that_floods_is_ended_and_not_kept_in_memory(person, run):
    ended = run(str(person("flooding").command), "hooks", "notify")

    assert (ended.code, ended.cut) == (None, "flood")
    assert len(ended.out) <= child.OUTPUT


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_that_says_just_as_much_as_it_may_is_heard_to_the_end(run, stream):
    ended = run(*python(f"import sys; sys.{stream}.write('x' * {child.OUTPUT})"))

    assert (ended.code, ended.cut) == (0, "")
    assert len(ended.out + ended.err) == child.OUTPUT


def test_one_that_crashes_has_the_number_of_its_signal(person, run):
    assert run(str(person("crashing").command), "hooks", "notify").code < 0


def test_a_conversation_ends_when_enough_was_said(run):
    echo = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
    ended = run(*python(echo), said=b"one\ntwo\n", enough=lambda heard: b"TWO\n" in heard)

    assert (ended.out, ended.cut) == ("ONE\nTWO\n", "")


def test_a_conversation_with_one_that_does_not_listen_ends_with_it(run):
    ended = run(*python("pass"), said=b"x" * 1_000_000, enough=lambda _heard: False)

    assert (ended.code, ended.out) == (0, "")


def test_a_conversation_with_one_that_reads_nothing_has_a_deadline(run):
    wait = "import signal; signal.pause()"
    ended = run(*python(wait), deadline=0.3, said=b"x" * 1_000_000, enough=lambda _heard: False)

    assert ended.cut == "timeout"


def test_stopping_ends_what_runs_and_begins_nothing_more(person, tmp_path):
    bench, children = person("hanging"), Children(clock=SystemClock())
    found = []

    def begin():
        found.append(
            children.run(
                [str(bench.command), "hooks", "x"], cwd=tmp_path, env=os.environ, deadline=LONG
            )
        )

    thread = threading.Thread(target=begin)
    thread.start()
    children.stop()
    thread.join(LONG)

    assert found[0].cut == "stopped"
    assert children.run(["true"], cwd=tmp_path, env={}, deadline=LONG).cut == "stopped"


def test_bytes_that_are_no_text_are_shown_as_such(run):
    ended = run(*python("import sys; sys.stdout.buffer.write(bytes([0xff, 0x41]))"))

    assert ended.out == "\ufffdA"
