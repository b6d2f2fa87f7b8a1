"""What is measured: who does how many rounds in which world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgewatch.bench import peer
from tgewatch.bench.process import started
from tgewatch.bench.rounds import Round, Stage, staged
from tgewatch.errors import TransientError

Say = Callable[[str], None]
SEED = 7
SMALL = 200
"""Feeds up to which the naive client and peers take part: at 1,000 they need minutes a round."""
READ_EVERY = 120.0
"""Simulated seconds between two readings by the cache's users."""
HERD = 100
"""Readers that ask for one feed at the same moment."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it."""

    sizes: tuple[int, ...] = (60, 1_000, 10_000)
    """Feeds."""
    steady: int = 3
    """Rounds over everything, beside the first."""
    due: int = 5
    """Rounds over what is due, in the smallest world."""
    readings: int = 12
    naive: bool = True
    peer_python: str = ""
    """An interpreter that can import `reader`; empty skips it."""
    trace: str = ""
    """A log of publications for the replay of policies; empty takes a made-up one."""

    def quick(self) -> "Plan":
        """Return the same in about a minute: figures that show that it works, and little else."""
        return Plan(
            sizes=(min(self.sizes),), steady=3, due=2, readings=6, naive=False, trace=self.trace
        )


def world_of(feeds: int, *, latency: float = 0.15, faults: bool = True) -> tuple[str, ...]:
    """Return the arguments of a world; large ones publish half as much, and still fill each feed."""
    per_day = 60 if feeds <= SMALL else 30
    return (
        *("--feeds", str(feeds), "--seed", str(SEED), "--per-day", str(per_day)),
        *("--days", "0.7", "--latency", str(latency)),
        *(() if faults else ("--no-faults",)),
    )


async def versus(feeds: int, plan: Plan, folder: Path, say: Say) -> list[Round]:
    """Let the program, the bare client and the baselines do rounds in turn."""
    small = feeds <= SMALL
    async with staged(folder, *world_of(feeds)) as stage:
        await stage.enter("ours", "tgewatch.bench.ours")
        await stage.enter("bare", "tgewatch.bench.bare")
        if small and plan.naive:
            await stage.enter("naive", "tgewatch.bench.naive")
        with_peer = small and bool(plan.peer_python) and await _enter_peer(stage, plan, say)
        for number in range(1 + (plan.steady if small else min(2, plan.steady))):
            kind = "all" if number else "first"
            if number:
                await stage.move_on()
            done = await stage.turn("ours", kind, everything=True)
            bare = await stage.turn("bare", kind)
            say(f"{feeds} feeds, {kind}: {done.seconds:.1f} s, a bare client {bare.seconds:.1f} s")
            if number < 2 and "naive" in stage.clients:  # noqa: PLR2004 - once each way
                naive = await stage.turn("naive", kind, remember=bool(number))
                say(f"{feeds} feeds, {kind}: the naive client {naive.seconds:.1f} s")
            if number < 2 and with_peer:  # noqa: PLR2004 - as above
                done = await stage.turn("reader", kind)
                say(f"{feeds} feeds, {kind}: lemon24/reader {done.seconds:.1f} s")
        for _ in range(plan.due if small else 0):
            await stage.move_on()
            await stage.turn("ours", "due")
        return stage.rounds


async def _enter_peer(stage: Stage, plan: Plan, say: Say) -> bool:
    try:
        ready = await stage.enter("reader", peer.__file__, python=plan.peer_python)
    except (OSError, TransientError) as error:
        ready = {"absent": str(error)}
    if "absent" in ready:
        say(f"lemon24/reader is left out: {ready['absent']}")
    return "absent" not in ready


async def switches(feeds: int, folder: Path, say: Say) -> list[Round]:
    """Let the program do its first rounds with features on and off.

    Without the filter every article is fetched, which is also what shows the use of pooling; the
    politeness towards single hosts is off in these, or else it is all that would be measured.
    """
    free = {"fetch": {"allow_private": True, "spacing": 0}}
    unpooled = {"fetch": {"allow_private": True, "spacing": 0, "keep_alive": 0}}
    async with staged(folder, *world_of(feeds, faults=False)) as stage:
        variants: dict[str, dict[str, Any]] = {
            "filtered": {"settings": free},
            "unfiltered": {"settings": free, "off": ["filter"]},
            "unpooled": {"settings": unpooled, "off": ["filter"]},
            "unconditional": {"settings": free, "off": ["validators"]},
        }
        for name, options in variants.items():
            await stage.enter(name, "tgewatch.bench.ours", **options)
        for number in range(2):
            if number:
                await stage.move_on()
            for name in stage.clients:
                done = await stage.turn(name, "all" if number else "first", everything=True)
                say(f"switches, {name}: {done.seconds:.1f} s, {done.requests} requests")
        return stage.rounds


async def reads(feeds: int, plan: Plan, folder: Path) -> list[Round]:
    """Let users of the cache read every feed every two minutes, with the cache and without."""
    async with staged(folder, *world_of(feeds, latency=0.02, faults=False)) as stage:
        await stage.enter("cached", "tgewatch.bench.reads")
        await stage.enter("uncached", "tgewatch.bench.reads", off=["cache"])
        for number in range(plan.readings):
            if number:
                await stage.move_on(READ_EVERY)
            for name in stage.clients:
                await stage.turn(name, "warm" if number else "first")
        await stage.move_on(3_600.0)
        for name in stage.clients:
            await stage.turn(name, "herd", herd=HERD)
        return stage.rounds


async def alone(
    module: str, folder: Path, orders: Mapping[str, dict[str, Any]], **options: Any
) -> list[Any]:
    """Return the answers of a client that needs no world."""
    async with started(module, f"tgewatch.bench.{module}") as client:
        await client.ask({"folder": str(folder / module), **options})
        return [await client.ask(order) for order in orders.values()]
