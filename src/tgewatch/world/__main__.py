"""The world in a process of its own.

    python -m tgewatch.world --feeds 60 --seed 7

Prints one JSON line when it is ready: address, port, time, feeds, companies. Then takes one JSON
object a line on standard input and answers each with one line:

    {"advance": SECONDS}    move time on and write the documents of then; it also flows by itself
    {"page": "NAME"}        return the log, close all connections, begin another log for this client
    {"truth": true}         say where every project stands

Ends with its input.
"""

import argparse
import asyncio
import gc
import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tgewatch.world import Plan, WorldServer, make_plan

START = 1_790_035_200.0
"""Midnight of a Tuesday."""
DAY = 86_400.0


class Hands:
    """Time that flows, and can be moved on."""

    def __init__(self, start: float) -> None:
        self._offset = start - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self._offset

    def turn(self, seconds: float) -> None:
        self._offset += seconds


def ready(plan: Plan, world: WorldServer, hands: Hands) -> dict[str, Any]:
    """Return what a client has to know."""
    names = {number: project.name for number, project in enumerate(plan.projects)}
    return {
        "address": world.address,
        "port": world.port,
        "now": hands.now(),
        "letters": world.letter_box,
        "sources": [
            {
                "url": world.url(outlet),
                "name": outlet.name,
                "fault": outlet.fault,
                "number": outlet.number,
                "company": names[outlet.project]
                if outlet.project >= 0 and plan.projects[outlet.project].watched
                else "",
            }
            for outlet in plan.outlets
        ],
        "companies": [
            {"name": project.name, "tickers": [project.ticker], "domains": [project.host]}
            for project in plan.projects
            if project.watched
        ],
    }


def obey(order: dict[str, Any], plan: Plan, world: WorldServer, hands: Hands) -> dict[str, Any]:
    """Do what a line of input says, and return the answer."""
    if "advance" in order:
        hands.turn(float(order["advance"]))
        world.render()
        return {"now": hands.now()}
    if "page" in order:
        return {"now": hands.now(), **world.turn_page(str(order["page"])).summary()}
    if "truth" in order:
        return {"now": hands.now(), "truth": [asdict(one) for one in plan.truth(hands.now())]}
    return {"problem": "no such order"}


async def serve(plan: Plan, *, port: int, after: float, slow: float, set_up: float) -> None:
    """Serve the world until the input ends."""
    hands = Hands(plan.start + after)
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[str] = asyncio.Queue(1_000)
    async with WorldServer(plan, now=hands.now, port=port, slow=slow, set_up=set_up) as world:
        world.render()
        gc.freeze()
        _say(ready(plan, world, hands))
        threading.Thread(target=_listen, args=(loop, orders), daemon=True).start()
        while line := await orders.get():
            try:
                answer = obey(json.loads(line), plan, world, hands)
            except (ValueError, TypeError) as error:
                answer = {"problem": str(error)}
            _say(answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _listen(loop: asyncio.AbstractEventLoop, orders: "asyncio.Queue[str]") -> None:
    """Pass on the lines of standard input, which may be anything; an empty one at its end."""
    for line in sys.stdin:
        if line.strip():
            loop.call_soon_threadsafe(orders.put_nowait, line)
    loop.call_soon_threadsafe(orders.put_nowait, "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a world as the arguments, or those of the process, describe it."""
    parser = argparse.ArgumentParser(
        "python -m tgewatch.world",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--projects", type=int, default=20, help="with a token to come")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--start", type=float, default=START, help="Unix time, a midnight UTC")
    parser.add_argument("--after", type=float, default=0.5, help="days into it at first")
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--per-day", type=float, default=60.0, help="entries a feed and day")
    parser.add_argument("--latency", type=float, default=0.15, help="median seconds of an answer")
    parser.add_argument("--slow", type=float, default=8.0, help="seconds that slow hosts take")
    parser.add_argument("--set-up", type=float, default=2.0, help="round trips of a new connection")
    parser.add_argument("--no-faults", action="store_true")
    chosen = parser.parse_args(arguments)
    plan = make_plan(
        seed=chosen.seed,
        start=chosen.start,
        outlets=chosen.feeds,
        projects=chosen.projects,
        days=chosen.days,
        per_day=chosen.per_day,
        faults=not chosen.no_faults,
        latency=chosen.latency,
    )
    serving = serve(
        plan,
        port=chosen.port,
        after=chosen.after * DAY,
        slow=chosen.slow,
        set_up=chosen.set_up,
    )
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


if __name__ == "__main__":
    main()
