"""The tool, in the persons that it has come in."""

import json
import os
from pathlib import Path

import pytest

from tgewatch.errors import TransientError
from tgewatch.swarm.claude_flow import Place
from tgewatch.swarm.claude_flow.message import (
    Notify,
    PostEdit,
    PostTask,
    PreTask,
    Remember,
    SessionEnd,
)
from tgewatch.swarm.claude_flow.tool import REPAIR
from tgewatch.testing import ManualClock

BOTH = pytest.mark.parametrize("name", ["v2", "v2-file", "v3"])
KEY = "performance/optimization/2026-11-28T00:00:00.000000Z"
ROUND = [
    PreTask("tge-1", "12"),
    PostEdit(Path("/s/cache.db"), "swarm/cache"),
    PostTask("tge-1", success=True, seconds=2.0),
    PostTask("tge-2", success=False, seconds=0.0),
    Notify("true"),
    Remember(KEY, {"cycle": 1}, 60.0),
    SessionEnd(),
]


@BOTH
def test_it_is_known_by_what_it_says_of_itself(person, name):
    tool = person(name).tool()

    assert tool.probe() == ""
    assert (tool.major, tool.memory) == (3 if name == "v3" else 2, True)


@BOTH
@pytest.mark.parametrize("message", ROUND, ids=lambda m: type(m).__name__)
def test_every_message_is_done(person, name, message):
    assert person(name).probed().tell(message).why == ""


@BOTH
def test_what_is_stored_is_read_back_by_another_process(person, name):
    bench = person(name)
    bench.probed().tell(Remember(KEY, {"cycle": 45.2, "deep": {"a": [1]}}, 60.0))

    assert bench.probed().retrieve(KEY) == {"cycle": 45.2, "deep": {"a": [1]}}


@BOTH
def test_it_is_forgotten_at_its_time_though_the_tool_remembers(person, name):
    bench, clock = person(name), ManualClock()
    tool = bench.probed(clock=clock)
    tool.store(KEY, {"cycle": 1}, ttl=86_400.0)
    clock.advance(86_399.0)
    assert tool.retrieve(KEY) == {"cycle": 1}
    clock.advance(1.0)

    assert tool.retrieve(KEY) is None


@BOTH
def test_what_was_never_stored_is_nothing(person, name):
    assert person(name).probed().retrieve("nobody/knows") is None


def test_a_naive_client_believes_a_number_was_stored_and_ours_stores_it(person):
    bench = person("v3")
    tool = bench.probed()

    assert bench.naive("memory", "store", "--key=k", "--value=12", "--namespace=tgewatch")
    assert tool.retrieve("k") is None
    assert tool.store("k", {"n": 12}, ttl=60.0).done
    assert tool.retrieve("k") == {"n": 12}


def test_a_naive_client_believes_that_an_unknown_command_was_heard(person):
    for name in ("v2", "v3"):
        bench = person(name)
        bench.place.prepare()
        assert bench.naive("hooks", "memory-store", "--key", "k")
    assert bench.heard[-1] == "hooks memory-store"


def test_a_naive_client_announces_nothing_when_the_description_is_a_number(person):
    bench = person("v3")
    tool = bench.probed()

    told = ("--task-id", "t-1", "--description", "12", "--format", "json", "-Q")
    assert bench.naive("hooks", "pre-task", *told)
    assert tool.tell(PreTask("t-1", "12")).done
    assert bench.argument(bench.calls[-1], "--description") == "tgewatch: 12"


def test_one_that_forgets_is_found_out_and_asked_to_remember_nothing(person):
    bench = person("forgetful")
    tool = bench.tool()

    assert REPAIR in tool.probe()
    assert bench.naive("memory", "store", "--key=k", '--value={"a":1}')
    asked = len(bench.calls)
    assert tool.tell(Remember(KEY, {"cycle": 1}, 60.0)).done
    assert len(bench.calls) == asked
    assert tool.tell(Notify("hooks go on")).done


def test_its_memory_is_made_once_and_before_it_is_used(person):
    bench = person("v3")
    bench.probed()
    bench.probed()

    assert bench.heard.count("memory init") == 1


def test_the_test_of_its_memory_takes_two_processes(person):
    bench = person("v3")
    bench.probed()

    assert bench.heard == ["--version", "memory init", "memory store", "memory retrieve"]


@pytest.mark.parametrize(
    ("name", "why"), [("future", "4.0.0 is not spoken here"), ("mute", "no version")]
)
def test_what_is_not_spoken_is_said_so(person, name, why):
    with pytest.raises(TransientError, match=why):
        person(name).tool().probe()


def test_a_command_that_is_gone_is_said_so(person, tmp_path):
    place = Place(tmp_path / "gone", tmp_path / "own", own=True, folder=tmp_path / "own")

    with pytest.raises(TransientError, match="No such file"):
        person().tool(place).probe()


def test_a_folder_that_cannot_be_made_is_said_so(person, tmp_path):
    (tmp_path / "file").write_text("")
    place = Place(tmp_path / "x", tmp_path / "file" / "a", own=True, folder=tmp_path / "file" / "b")

    with pytest.raises(TransientError, match="cannot be written"):
        person().tool(place).probe()


@pytest.mark.parametrize(
    ("name", "why"), [("hanging", "timeout"), ("flooding", "flood"), ("crashing", "exit code -11")]
)
def test_one_that_is_broken_costs_a_bounded_time_and_says_how(person, name, why, short):
    bench = person(name)
    tool = bench.tool(deadlines=short if name == "hanging" else None)

    assert why in tool.probe()
    assert not tool.memory
    assert tool.tell(Notify("x")).why.startswith(why)


def test_no_variable_of_ours_reaches_it(person):
    bench = person("v3")
    bench.probed(around={**os.environ, "TGEWATCH_X__TOKEN": "secret", "AWS_SECRET": "secret"})

    assert "secret" not in bench.log.read_text()
    assert {call["env"]["RUFLO_DAEMON_AUTOSTART"] for call in bench.calls} == {"0"}
    assert {call["cwd"] for call in bench.calls} == {str(bench.place.root)}


# --- the end of a session ---------------------------------------------------------------------


def test_the_session_of_the_new_major_needs_a_file_which_is_there_only_meanwhile(person):
    bench = person("v3")
    tool = bench.probed()
    sessions = bench.place.root / ".claude-flow" / "sessions"

    assert not bench.naive("hooks", "session-end")
    assert tool.tell(SessionEnd()).done
    assert list(sessions.iterdir()) == []


def test_a_session_of_somebody_else_stays_theirs(person):
    bench = person("v3")
    tool = bench.probed()
    current = bench.place.root / ".claude-flow" / "sessions" / "current.json"
    current.parent.mkdir(parents=True)
    theirs = json.dumps({"id": "theirs", "startedAt": "2026-11-28T00:00:00Z"})
    current.write_text(theirs)

    assert tool.tell(SessionEnd()).done
    assert current.read_text() == theirs


def test_where_others_work_no_session_is_ended(person):
    bench = person("v3")
    tool = bench.probed(bench.shared)

    assert tool.tell(SessionEnd()).done
    assert "hooks session-end" not in bench.heard


# --- the record of calls ------------------------------------------------------------------------


def test_the_record_of_calls_is_cut_where_only_we_work(person):
    bench = person("v3")
    for place, cut in ((bench.place, True), (bench.shared, False)):
        tool = bench.probed(place)
        policy = place.root / ".claude-flow" / "policy"
        policy.mkdir(parents=True)
        (policy / "state.json").write_text(json.dumps({"mode": "legacy", "ledger": ["x" * 10**6]}))
        assert tool.tell(Notify("x")).done

        assert (policy / "state.json").exists() is not cut


def test_a_lock_of_the_dead_costs_one_message_where_only_we_work(person):
    bench = person("v3")
    for place, free in ((bench.place, True), (bench.shared, False)):
        tool = bench.probed(place)
        lock = place.root / ".claude-flow" / "policy" / "state.lock"
        lock.parent.mkdir(parents=True)
        lock.write_text(json.dumps({"pid": 2**22 + 1}))

        assert tool.tell(Notify("x")).why == "[ERROR] policy-state-lock-timeout"
        assert tool.tell(Notify("x")).done is free


# --- edges of 2.x -------------------------------------------------------------------------------


def test_the_old_major_remembers_by_a_session_and_without_one_in_its_file(person):
    by_session = person("v2")
    by_session.probed().store(KEY, {"a": 1}, ttl=60.0)
    assert "memory store" not in by_session.heard
    by_file = person("v2-file")
    by_file.probed().store(KEY, {"a": 1}, ttl=60.0)

    assert by_file.heard[-1] == "memory store"


def test_no_npx_of_the_old_major_gets_to_run(person, tmp_path):
    bench = person("v2")
    npx = tmp_path / "real" / "npx"
    npx.parent.mkdir()
    npx.write_text(f"#!/bin/sh\ntouch {tmp_path}/downloaded\n")
    npx.chmod(0o755)
    around = {**os.environ, "PATH": f"{npx.parent}{os.pathsep}{os.environ['PATH']}"}

    assert bench.probed(around=around).tell(PreTask("t-1", "x")).done
    assert not (tmp_path / "downloaded").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"tgewatch": 7}', '{"tgewatch": [7, {"key": "k"}]}']
)
def test_a_file_that_makes_no_sense_remembers_nothing(person, text):
    bench = person("v2-file")
    tool = bench.probed()
    (bench.place.root / "memory" / "memory-store.json").write_text(text)

    assert tool.retrieve("k") is None
