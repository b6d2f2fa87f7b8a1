"""What claude-flow takes for each message, and what telling it costs a scan. Prints two tables.

    python scripts/install_claude_flow.py
    python benchmarks/hooks.py                        # both versions that the script installs
    python benchmarks/hooks.py --latencies            # the first table alone
    python benchmarks/hooks.py --command PATH --rounds 40 --feeds 60 --json

First table: every message of a round, told to the real tool in a process each, and metrics read
back by another one. Second table: rounds over the simulated web that ships with the program, in one
process over one world, with hooks and without in turn (which comes first changes from pair to
pair). Words:

  calm       the tool has heard everything before the next round begins, as between rounds minutes
             apart
  busy       the tool is still at work on the round before, for all of the round
  wall       seconds of `Program.scan`: the median over pairs of with / without, and the 95 %
             interval of that median by bootstrap
  processor  milliseconds of the program's own threads in a round, its thread that tells included,
             the tool not: medians without and with
  own        seconds within the round that are spent in the hooks themselves, per round, and their
             share of it: what is left of the overhead when the machine has a core to spare
  told       messages that the tool has heard and done, of all; the rest were replaced or left out

Last, whole runs of `tgewatch scan` over the same world, in turn: until the report is there, and
until the command ends, which waits up to `[claude_flow] drain` for the tool to hear the rest.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from prefetch import world

from tgewatch.app import Hooks, open_program, open_web, run_loop
from tgewatch.bench.ours import Arrivals, SteppedClock, lookup_at, settings_of
from tgewatch.clock import SystemClock
from tgewatch.swarm.claude_flow import Herald, Mirror, Place, Tool
from tgewatch.swarm.claude_flow.child import Children
from tgewatch.swarm.claude_flow.message import (
    Notify,
    PostEdit,
    PostTask,
    PreTask,
    Remember,
    SessionEnd,
)

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.43.0", "2.5.0-alpha.139")
PATIENCE = 600.0


def installed(version):
    script = ROOT / "scripts" / "install_claude_flow.py"
    told = [sys.executable, str(script), "--folder", version]
    found = subprocess.run(told, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return Path(found.strip().partition(": ")[2])


def tool_at(command, folder, children=None):
    place = Place(command, folder, own=True, folder=folder)
    children = children or Children(clock=SystemClock())
    return Tool(place, children=children, clock=SystemClock(), around=os.environ)


# --- latencies ----------------------------------------------------------------------------


def latencies(command, times):
    """Return the median milliseconds by message, and whether all of it was done and read back."""
    metrics = {"cycle_stats": {"seconds": 45.2}, "targets": [{"passed": True}] * 6}
    took, done = {}, True

    def timed(name, function):
        begun = time.perf_counter()
        found = function()
        took.setdefault(name, []).append(1_000 * (time.perf_counter() - begun))
        return found

    with TemporaryDirectory() as folder:
        tool = tool_at(command, Path(folder))
        done &= timed("probe, first", tool.probe) == ""
        done &= timed("probe, later", tool_at(command, Path(folder)).probe) == ""
        for number in range(times):
            key = f"performance/optimization/{number}"
            for message in (
                PreTask(f"tge-{number}", "Scraping TGE data"), PostEdit(Path("/c.db"), "swarm/cache"),
                PostTask(f"tge-{number}", success=True, seconds=2.0), Notify("scan done"),
                Remember(key, metrics, 86_400.0),
            ):  # fmt: skip
                name = type(message).__name__
                done &= timed(name, lambda message=message: tool.tell(message)).done
            reader = tool_at(command, Path(folder))
            reader.probe()
            done &= timed("read back", lambda key=key, who=reader: who.retrieve(key)) == metrics
        done &= timed("SessionEnd", lambda: tool.tell(SessionEnd())).done
    return {name: statistics.median(found) for name, found in took.items()}, done, tool.version


# --- overhead -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A round without hooks and one with; all in seconds."""

    off: float
    off_processor: float
    on: float
    on_processor: float
    own: float


class Switched(Hooks):
    """Hooks that can be off for a round, and know what they took."""

    on = False
    own = 0.0

    @contextmanager
    def task(self, kind, measured):
        if not self.on:
            yield
            return
        begun = time.perf_counter()
        inner = super().task(kind, measured)
        inner.__enter__()
        self.own = time.perf_counter() - begun
        try:
            yield
        finally:
            begun = time.perf_counter()
            inner.__exit__(None, None, None)
            self.own += time.perf_counter() - begun


async def rounds(chosen, command, *, busy):
    """Return the pairs, and what became of the messages."""
    flow = SimpleNamespace(days=400.0, teasing=False, **vars(chosen))
    with TemporaryDirectory() as folder, world(flow, teasing=False) as (place, ask):
        settings = settings_of({**place, "folder": folder})
        clock, lookup = SteppedClock(place["now"]), lookup_at(place["address"])

        def connect(children):
            tool = tool_at(command, Path(folder) / "flow", children)
            if wrong := tool.probe():
                sys.exit(wrong)
            return tool

        mirror = Mirror(connect, clock=SystemClock(), queue=settings.claude_flow.queue)
        herald = Herald(mirror, keep=86_400.0, clock=clock)
        hooks = Switched(herald, every=600.0, cache=settings.cache.path, clock=clock)
        pairs = []
        async with (
            open_web(settings, clock=clock, lookup=lookup) as web,
            open_program(
                settings,
                clock=clock,
                progress=Arrivals(),
                console_to_stderr=True,
                web=web,
                hooks=hooks,
            ) as program,
        ):

            async def round_of(on):
                clock.move(ask(advance=chosen.step)["now"])
                hooks.on = on
                if on and busy:
                    for number in range(3):
                        herald.post_task(f"tge-{number}", program.measured())
                begun, worked = time.perf_counter(), time.process_time()
                await program.scan(everything=True)
                took = time.perf_counter() - begun, time.process_time() - worked
                mirror.flush(PATIENCE)
                return took

            for warm in (False, True):
                await round_of(warm)
            for number in range(chosen.rounds):
                order = (True, False) if number % 2 else (False, True)
                took = {on: await round_of(on) for on in order}
                pairs.append(Pair(*took[False], *took[True], hooks.own))
                print(f"pair {number + 1} of {chosen.rounds}", file=sys.stderr, flush=True)
        mirror.close(PATIENCE)
        return pairs, mirror.counts


def interval(values):
    """Return median and the 95 % interval of the median by bootstrap."""
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(2_000))
    return statistics.median(values), medians[50], medians[-51]


def summed_up(pairs, counts):
    ratio, low, high = interval([one.on / one.off for one in pairs])
    return {
        "seconds without": statistics.median(one.off for one in pairs),
        "seconds with": statistics.median(one.on for one in pairs),
        "wall, with / without": ratio,
        "wall, from": low,
        "wall, to": high,
        "processor without, ms": 1_000 * statistics.median(one.off_processor for one in pairs),
        "processor with, ms": 1_000 * statistics.median(one.on_processor for one in pairs),
        "own, ms": 1_000 * statistics.median(one.own for one in pairs),
        "own, % of the round": 100 * statistics.median(one.own / one.on for one in pairs),
        "told": counts.told,
        "failed": counts.failed,
        "replaced or left out": counts.replaced + counts.left_out,
    }


# --- whole commands -----------------------------------------------------------------------


def commands(chosen, command):
    """Return seconds until the report and until the end of `tgewatch scan`, without and with."""
    flow = SimpleNamespace(days=400.0, teasing=False, **vars(chosen))
    found = {"report": {False: [], True: []}, "end": {False: [], True: []}}
    with TemporaryDirectory() as folder, world(flow, teasing=False) as (place, ask):
        told = {"claude_flow": {"command": str(command)}, "fetch": {"allow_private": True}}
        settings_of({**place, "folder": folder, "settings": told})
        program = (
            f"from tgewatch.app import program; from tgewatch.bench.ours import lookup_at\n"
            f"real = program.open_web\n"
            f"def near(settings, **ways): return real(settings, **{{**ways, 'lookup': "
            f"lookup_at({place['address']!r})}})\n"
            f"program.open_web = near\n"
            f"from tgewatch.cli import main; main()\n"
        )
        for number in range(chosen.scans + 1):
            for on in (True, False) if number % 2 else (False, True):
                now = str(ask(advance=chosen.step)["now"])
                environ = {**os.environ, "TGEWATCH_CLAUDE_FLOW__ENABLED": str(on).lower()}
                begun = time.perf_counter()
                with subprocess.Popen(  # noqa: S603 - ourselves
                    [sys.executable, "-c", program, "scan", "--all", "--json", "--now", now],
                    cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                ) as process:  # fmt: skip
                    process.stdout.readline()
                    report = time.perf_counter() - begun
                end = time.perf_counter() - begun
                if number:  # the first of each opens the store and the tool's folder
                    found["report"][on].append(report)
                    found["end"][on].append(end)
    return {
        f"{what}, {'with' if on else 'without'}": statistics.median(values)
        for what, both in found.items()
        for on, values in both.items()
    } | {
        "report, with / without": statistics.median(
            on / off for off, on in zip(*found["report"].values(), strict=True)
        )
    }


# --- the page -----------------------------------------------------------------------------


def show(title, rows):
    print(f"\n{title}")
    for name, value in rows.items():
        shown = f"{value:,.3f}" if isinstance(value, float) else str(value)
        print(f"  {name:26s}{shown:>14s}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--command", type=Path, action="append", help="a claude-flow; may repeat")
    parser.add_argument("--times", type=int, default=5, help="each message is told")
    parser.add_argument("--rounds", type=int, default=20, help="pairs of rounds")
    parser.add_argument("--scans", type=int, default=5, help="pairs of whole commands")
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--step", type=float, default=600.0, help="seconds between two rounds")
    parser.add_argument("--per-day", type=float, default=6.0, help="ordinary entries of a feed")
    parser.add_argument("--latency", type=float, default=0.5, help="median seconds of an answer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latencies", action="store_true", help="measure no rounds")
    parser.add_argument("--calm", action="store_true", help="measure calm rounds alone")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    commands_of = chosen.command or [installed(version) for version in VERSIONS]
    there = [one for one in commands_of if one.exists()]
    if not there:
        sys.exit("no claude-flow here: python scripts/install_claude_flow.py")
    results = {}

    def found(title, rows):
        results[title] = rows
        if not chosen.json:
            show(title, rows)

    for one in there if not chosen.calm else ():
        took, done, version = latencies(one, chosen.times)
        found(f"claude-flow {version}, ms a message", {**took, "all done and read back": done})
    if not chosen.latencies:
        for name, busy in (("calm", False), ("busy", True))[: 1 if chosen.calm else 2]:
            pairs, counts = run_loop(rounds(chosen, there[0], busy=busy))
            found(f"rounds, {name}", summed_up(pairs, counts))
        if not chosen.calm:
            found("tgewatch scan, seconds", commands(chosen, there[0]))
    if chosen.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
