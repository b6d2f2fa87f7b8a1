"""The published packages, and the stand-ins beside them, so that these cannot lie.

`make test-claude-flow` installs the packages once, and runs these tests; from then on `make test` runs
those of 3.x too. TGEWATCH_TEST_CLAUDE_FLOW=install makes the tests themselves install what is missing.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from tgewatch.clock import SystemClock
from tgewatch.swarm.claude_flow import Place, Tool
from tgewatch.swarm.claude_flow.child import Children
from tgewatch.swarm.claude_flow.message import (
    Notify,
    PostEdit,
    PostTask,
    PreTask,
    Remember,
    SessionEnd,
)
from tgewatch.swarm.claude_flow.policy import rotate
from tgewatch.testing import ManualClock
from tgewatch.testing.executable import executable, has_ended

SCRIPT = Path(__file__).parents[3] / "scripts" / "install_claude_flow.py"
KEY = "performance/optimization/2026-11-28T00:00:00.000000Z"
DAY = 86_400.0
ROUND = [
    PreTask("tge-20261128T000000-7-1", "12"),
    PostEdit(Path("/state/cache.db"), "swarm/cache/updated"),
    PostTask("tge-20261128T000000-7-1", success=True, seconds=2.5),
    PostTask("tge-20261128T000000-7-2", success=False, seconds=0.0),
    Notify("true", "warning"),
    Remember(KEY, {"cycle": 45.2, "targets": [{"passed": None}]}, DAY),
    Remember("performance/optimization/latest", {"cycle": 45.2}, DAY, replaces=True),
    SessionEnd(),
]
WHO = [("3.43.0", 3), ("2.5.0-alpha.139", 2), ("v3", 3), ("v2", 2)]
"""Versions of the package, and persons of the stand-in."""


@dataclass
class Flow:
    """One claude-flow, published or played, in a folder of its own."""

    command: Path
    folder: Path
    major: int
    played: bool

    @property
    def root(self):
        return self.folder / "own"

    @property
    def place(self):
        return Place(self.command, self.root, own=True, folder=self.root)

    def new(self, clock=None):
        """Return the tool before it is probed."""
        children, clock = Children(clock=SystemClock()), clock or SystemClock()
        return Tool(self.place, children=children, clock=clock, around=os.environ)

    def probed(self, clock=None):
        """Return the tool after it was, by a client of its own."""
        tool = self.new(clock)
        assert tool.probe() == ""
        return tool

    @cached_property
    def tool(self):
        """Return the one that most tests share: each process of the published ones takes long."""
        return self.probed()

    def elsewhere(self, folder):
        """Return the same command in another folder."""
        return replace(self, folder=folder)

    def naive(self, *arguments):
        """Return what a client believes that looks at the exit code."""
        ended = subprocess.run(  # noqa: S603 - a tool that was installed for this
            [self.command, *arguments],
            cwd=self.root,
            env=self.place.environment(os.environ),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return ended.returncode == 0

    def left_behind(self):
        """Return the processes that go on working in the folder."""
        here = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").readlink() == self.root:
                    here.append(int(process.name))
            except OSError:
                continue
        return [pid for pid in here if not has_ended(pid)]


def installed(version):
    """Return the command of a published version; install it where that is asked for."""
    told = [sys.executable, str(SCRIPT), version]
    if os.environ.get("TGEWATCH_TEST_CLAUDE_FLOW") != "install":
        told.append("--folder")
    ended = subprocess.run(told, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return Path(ended.stdout.strip().partition(": ")[2])


@pytest.fixture(params=WHO, ids=lambda who: who[0], scope="module")
def flow(request, tmp_path_factory):
    name, major = request.param
    folder = tmp_path_factory.mktemp("flow")
    if name.startswith("v"):
        stand_in = Path(__file__).with_name("stand_in.py")
        command = executable(folder / "claude-flow", stand_in, name, folder / "log")
        return Flow(command, folder, major, played=True)
    if major == 2 and not os.environ.get("TGEWATCH_TEST_CLAUDE_FLOW"):
        pytest.skip(f"claude-flow {name} is left to `make test-claude-flow`: it takes a minute")
    command = installed(name)
    if not command.exists():
        pytest.skip(f"CLAUDE-FLOW {name} IS NOT INSTALLED: `make test-claude-flow` does it once")
    return Flow(command, folder, major, played=False)


def test_a_whole_round_is_done_and_read_back_by_another_client(flow):
    tool = flow.tool
    assert tool.major == flow.major

    assert [tool.tell(message).why for message in ROUND] == [""] * len(ROUND)
    again = flow.probed()
    assert again.retrieve(KEY) == {"cycle": 45.2, "targets": [{"passed": None}]}
    assert again.retrieve("performance/optimization/latest") == {"cycle": 45.2}
    assert again.retrieve("performance/optimization/never") is None
    assert flow.left_behind() == []


def test_what_has_expired_is_nothing_though_the_tool_still_has_it(flow):
    clock = ManualClock(SystemClock().now())
    tool = flow.probed(clock)
    assert tool.store("expiring", {"cycle": 1}, ttl=DAY).done
    clock.advance(DAY - 1.0)
    assert tool.retrieve("expiring") == {"cycle": 1}
    clock.advance(1.0)

    assert tool.retrieve("expiring") is None


def test_the_later_value_of_a_key_is_the_one_however_large_and_strange(flow):
    value = {"cycles": ["x" * 500] * 100, "text": "quotes \" ' $(x) `x` \\ é\n--value=1"}
    for told in ({"n": 1}, value):
        assert flow.tool.store("again", told, ttl=DAY).done

    assert flow.tool.retrieve("again") == value


def test_a_naive_client_believes_what_is_not_so(flow):
    """The traps are real, and ours steps into none."""
    tool = flow.tool

    assert flow.naive("hooks", "memory-store", "--key", "k", "--value", "v")
    assert not tool._run(("hooks", "memory-store", "--key", "k"), 60.0).done
    if flow.major == 3:
        quiet = ("--format", "json", "-Q")
        trapped = ("hooks", "pre-task", "--task-id", "t-1", "--description", "12", *quiet)
        assert flow.naive(*trapped)
        assert not tool._run(trapped, 60.0).done
        assert flow.naive("memory", "store", "--key=n", "--value=12", "--namespace=tgewatch")
        assert tool.retrieve("n") is None
        assert not flow.naive("hooks", "session-end")
    else:
        assert flow.naive("memory", "retrieve", "k")
        assert flow.naive("hooks", "session-start")


def test_metrics_of_the_drop_ins_reach_its_memory(flow, tmp_path):
    code = (
        "from performance_hooks import execute_performance_cycle_with_hooks as run\n"
        "run('Scraping TGE data', sorted, [2, 1])\n"
    )
    told = {"COMMAND": flow.command, "ROOT": flow.tool.place.root, "DRAIN": 60}
    around = {k: v for k, v in os.environ.items() if not k.startswith("TGEWATCH_")}
    ended = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**around, **{f"TGEWATCH_CLAUDE_FLOW__{k}": str(v) for k, v in told.items()}},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    kept = flow.tool.retrieve("performance/optimization/latest")
    assert kept["cycle_stats"]["total_cycles"] == 1
    assert set(kept) >= {"cycle_stats", "cache_stats", "session_stats", "targets"}


def test_a_memory_that_is_broken_is_found_out_or_done_without(flow, tmp_path):
    if flow.played:
        return  # its memory has no format that could be broken
    broken = flow.elsewhere(tmp_path)
    (broken.root / ".swarm").mkdir(parents=True)
    (broken.root / ".swarm" / "memory.db").write_bytes(b"not a database at all" * 100)
    tool = broken.new()

    wrong = tool.probe()

    assert tool.memory is not bool(wrong)
    assert tool.memory is (flow.major == 2)  # it has a second one, in a file
    assert tool.store(KEY, {"a": 1}, ttl=DAY).done is tool.memory
    assert tool.retrieve(KEY) == ({"a": 1} if tool.memory else None)


def test_the_record_of_calls_is_cut_without_harm(flow):
    if flow.major == 2:
        return  # it keeps none
    tool = flow.tool
    policy = flow.root / ".claude-flow" / "policy"
    assert tool.tell(Notify("one")).done
    state = json.loads((policy / "state.json").read_text())
    assert state["mode"] == "legacy"
    (policy / "state.json").write_text(json.dumps(state) + " " * 1_000_001)

    assert rotate(flow.root)
    assert tool.tell(Notify("two")).done
