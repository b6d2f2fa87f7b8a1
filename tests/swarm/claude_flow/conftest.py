"""Stand-ins for claude-flow, each in a folder of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tgewatch.clock import SystemClock
from tgewatch.swarm.claude_flow import Mirror, Place, Tool
from tgewatch.swarm.claude_flow.child import Children
from tgewatch.swarm.claude_flow.tool import Deadlines
from tgewatch.testing.executable import executable, has_ended

STAND_IN = Path(__file__).with_name("stand_in.py")
SHORT = Deadlines(version=60.0, hook=0.2, memory=0.2, init=0.2, session=0.2)
"""For a person that never answers, but to say which version it is."""
AMPLE = Deadlines(version=60.0, hook=60.0, memory=60.0, init=60.0, session=60.0)
"""For all others: a busy machine fails no test."""


@dataclass(frozen=True)
class Bench:
    """One stand-in, and what it was told."""

    folder: Path
    person: str

    @property
    def command(self) -> Path:
        return self.folder / "bin" / "claude-flow"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def place(self) -> Place:
        own = self.folder / "own"
        return Place(self.command, own, own=True, folder=own)

    @property
    def shared(self) -> Place:
        return Place(self.command, self.folder / "root", own=False, folder=self.folder / "own")

    def tool(self, place=None, *, clock=None, around=None, children=None, deadlines=None):
        """Return the tool as it is before it was probed."""
        return Tool(
            place or self.place,
            children=children or Children(clock=SystemClock()),
            clock=clock or SystemClock(),
            around=around or dict(os.environ),
            deadlines=deadlines or AMPLE,
        )

    def probed(self, place=None, **ways):
        tool = self.tool(place, **ways)
        tool.probe()
        return tool

    def naive(self, *arguments):
        """Return what a client believes that looks at the exit code."""
        ended = subprocess.run(  # noqa: S603 - our own stand-in
            [self.command, *arguments], cwd=self.place.root, capture_output=True, check=False
        )
        return ended.returncode == 0

    @property
    def calls(self):
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    @property
    def heard(self):
        """Return room and command of every call."""
        return [" ".join(call["arguments"][:2]) for call in self.calls]

    def argument(self, call, name):
        """Return what stands after an option in one call, or behind its `=`."""
        told = call["arguments"]
        joined = [one.partition("=")[2] for one in told if one.startswith(f"{name}=")]
        return joined[0] if joined else told[told.index(name) + 1]

    @property
    def left_behind(self):
        """Return the processes that live on, of those that the stand-in named."""
        named = (self.folder / "children").read_text().split()
        return [pid for pid in map(int, named) if not has_ended(pid)]


@pytest.fixture
def short():
    return SHORT


@pytest.fixture
def person(tmp_path):
    """Return what makes a stand-in by name."""

    def make(name="v3"):
        bench = Bench(tmp_path, name)
        executable(bench.command, STAND_IN, name, bench.log)
        return bench

    return make


@pytest.fixture
def mirrors():
    """Return what makes a mirror over a stand-in; it is closed after the test."""
    made = []

    def make(bench, *, clock=None, queue=64, deadlines=None, place=None):
        def connect(children):
            tool = bench.tool(place, children=children, deadlines=deadlines)
            tool.probe()
            return tool

        mirror = Mirror(connect, clock=clock or SystemClock(), queue=queue)
        made.append(mirror)
        return mirror

    yield make
    for mirror in made:
        mirror.close(0.0)
