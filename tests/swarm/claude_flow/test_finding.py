"""What a probe found is kept, for as long as it is the same tool that is well."""

import json
import shutil

import pytest

from tgewatch.swarm.claude_flow import Place
from tgewatch.swarm.claude_flow.finding import HOLDS
from tgewatch.swarm.claude_flow.message import Notify
from tgewatch.testing import ManualClock

PROBE = ["--version", "memory init", "memory store", "memory retrieve"]
BOTH = pytest.mark.parametrize("name", ["v3", "v2", "v2-file"])


@pytest.fixture
def clock():
    return ManualClock()


@BOTH
def test_the_second_probe_runs_nothing_and_knows_the_same(person, clock, name):
    bench = person(name)
    first = bench.probed(clock=clock)
    asked = len(bench.calls)
    clock.advance(HOLDS - 1.0)
    second = bench.probed(clock=clock)

    assert len(bench.calls) == asked
    assert repr(second) == repr(first)
    second.store("k", {"a": 1}, ttl=60.0)
    assert second.retrieve("k") == {"a": 1}


def probes_again(bench, clock, place=None):
    asked = len(bench.calls)
    bench.probed(place, clock=clock)
    return bench.heard[asked:][:1] == ["--version"]


def test_it_is_probed_again_in_time_and_when_the_clock_was_set_back(person, clock):
    bench = person("v3")
    bench.probed(clock=clock)
    clock.advance(HOLDS)
    assert probes_again(bench, clock)
    clock.advance(-1.0)
    assert probes_again(bench, clock)


def test_another_installation_folder_or_namespace_is_probed(person, clock):
    bench = person("v3")
    bench.probed(clock=clock)
    assert not probes_again(bench, clock)
    copy = bench.command.with_name("copy")
    shutil.copy2(bench.command, copy)
    copy.replace(bench.command)
    assert probes_again(bench, clock)
    own = bench.place
    assert probes_again(bench, clock, bench.shared)
    other = Place(own.command, own.root, own=True, folder=own.folder, namespace="other")
    assert probes_again(bench, clock, other)


def test_a_memory_that_is_gone_is_made_again(person, clock):
    bench = person("v3")
    bench.probed(clock=clock)
    shutil.rmtree(bench.place.root / ".swarm")

    bench.probed(clock=clock)

    assert bench.heard == PROBE * 2


def test_a_message_that_failed_makes_it_probed_again(person, clock):
    bench = person("v3")
    tool = bench.probed(clock=clock)
    lock = bench.place.root / ".claude-flow" / "policy" / "state.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")
    assert not tool.tell(Notify("x")).done

    assert probes_again(bench, clock)


def test_what_was_not_well_is_never_kept(person, clock):
    bench = person("forgetful")
    bench.probed(clock=clock)

    assert probes_again(bench, clock)


@pytest.mark.parametrize(
    "change", [{"at": "now"}, {"version": 3}, {"version": "4.0.0"}, {"memory": 7}, {"of": []}]
)
def test_a_file_of_strange_values_means_a_probe(person, clock, change):
    bench = person("v3")
    bench.probed(clock=clock)
    file = bench.place.folder / "found.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))

    assert probes_again(bench, clock)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "[" * 100_000])
def test_a_file_that_makes_no_sense_means_a_probe(person, clock, text):
    bench = person("v3")
    bench.probed(clock=clock)
    (bench.place.folder / "found.json").write_text(text)

    assert probes_again(bench, clock)


def test_a_folder_that_cannot_be_written_to_keeps_nothing_and_says_nothing(person, clock):
    bench = person("v3")
    bench.place.prepare()
    (bench.place.folder / "found.json").mkdir()

    assert bench.tool(clock=clock).probe() == ""
    assert probes_again(bench, clock)
