"""All of it in one run, and the file that it leaves."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from tgewatch.bench import figures
from tgewatch.bench.plans import SMALL, Plan, alone, reads, switches, versus
from tgewatch.clock import SystemClock
from tgewatch.errors import MalformedError

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Results:
    """What a run found, comparable between commits."""

    machine: dict[str, str]
    program: dict[str, str]
    plan: dict[str, Any]
    figures: dict[str, float] = field(repr=False)

    def dump(self) -> bytes:
        """Return JSON with sorted names, as it is kept under version control."""
        rounded = {name: round(value, 4) for name, value in self.figures.items()}
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps({**asdict(self), "figures": rounded}, option=options)

    @classmethod
    def load(cls, text: bytes) -> "Results":
        """Read what `dump` wrote. Raises MalformedError."""
        try:
            return cls(**orjson.loads(text))
        except (ValueError, TypeError) as error:
            raise MalformedError(f"no results of the bench: {error}") from error


async def run(plan: Plan, say: Callable[[str], None]) -> Results:
    """Do the whole plan. Raises TransientError when one of its processes ends too early."""
    clock = SystemClock()
    begun = clock.monotonic()

    def told(line: str) -> None:
        say(f"{clock.monotonic() - begun:5.0f} s  {line}")

    found: figures.Figures = {}
    with TemporaryDirectory(prefix="tgewatch-bench-") as temporary:
        folder = Path(temporary)
        small = min(*plan.sizes, SMALL)
        found |= await _alone(plan, folder, told)
        found |= figures.of_reads(await reads(small, plan, folder / "reads"))
        told("readers of the cache done")
        found |= figures.of_switches(await switches(small, folder / "switches", told))
        for feeds in plan.sizes:
            rounds = await versus(feeds, plan, folder / str(feeds), told)
            found |= figures.of_size(feeds, rounds)
            if feeds == min(plan.sizes):
                found |= figures.of_smallest(feeds, rounds)
    found |= figures.of_scale(plan.sizes, found)
    found["limits.violations"] = sum(found[f"size.{n}.violations"] for n in plan.sizes)
    found["bench.seconds"] = clock.monotonic() - begun
    return Results(machine(), program(), recorded(plan), found)


def recorded(plan: Plan) -> dict[str, Any]:
    """Return the plan as results keep it: files by their names, since where they lie is no figure."""
    files = {"peer_python": plan.peer_python, "trace": plan.trace}
    return {**asdict(plan), **{name: Path(path).name for name, path in files.items()}}


async def _alone(plan: Plan, folder: Path, say: Callable[[str], None]) -> figures.Figures:
    what = {"steps": {"what": "steps"}, "delays": {"what": "delays"}}
    steps, delays = await alone("micro", folder, what, trace=plan.trace)
    say("single steps and delays done")
    (on,) = await alone("lookups", folder / "on", {"round": {}})
    (off,) = await alone("lookups", folder / "off", {"round": {}}, off=["batching"])
    return {
        **figures.of_steps(steps),
        **figures.of_delays(delays),
        **figures.of_lookups(on, off),
    }


def machine() -> dict[str, str]:
    """Return where it ran, as far as it matters."""
    model = ""
    if CPUINFO.exists():
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), ""
        )
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model or platform.processor(),
        "cores": str(os.cpu_count() or ""),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def program() -> dict[str, str]:
    """Return what ran: the version, and the commit where it is run from one."""
    return {
        "version": version("tgewatch"),
        "commit": _commit(),
        "aiohttp": version("aiohttp"),
        "command": "tgewatch " + " ".join(["bench", *_arguments()]),
    }


def _arguments() -> list[str]:
    given = sys.argv[1:]
    return given[given.index("bench") + 1 :] if "bench" in given else []


def _commit() -> str:
    git = which("git")
    if git is None:
        return ""
    asked = subprocess.run(  # noqa: S603 - a fixed command
        [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
