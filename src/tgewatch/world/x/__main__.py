"""X on a port of its own.

    python -m tgewatch.world.x --accounts 100 --port 0

Prints one JSON line when it is ready: base_url, token, now, list_id, accounts. Then takes one JSON
object a line on standard input and answers each with one line:

    {"advance": SECONDS}                       move time on; it also flows by itself
    {"publish": {"username": U, "text": T}}    post something now
    {"edit": {"id": I, "text": T}}             replace a post
    {"delete": ID}                             remove a post
    {"drop": "reset"}                          end the streams: reset, operational or stall
    {"plant": {"endpoint": E, "kinds": [K]}}   let the next requests fail
    {"report": true}                           the bill, calls and refusals so far

Ends with its input.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from tgewatch.world.x.fake import FakeX
from tgewatch.world.x.faults import Faults
from tgewatch.world.x.population import Population, Rates, make_population
from tgewatch.world.x.posts import Post
from tgewatch.world.x.server import XServer

START = 1_790_035_200.0
"""Midnight of a Tuesday."""
LIST = 1_700_000_000_000_000_001


class Hands:
    """Time that flows, at a pace, and can be moved on."""

    def __init__(self, start: float, pace: float) -> None:
        self._begun = time.monotonic()
        self._start = start
        self._pace = pace

    def now(self) -> float:
        return self._start + (time.monotonic() - self._begun) * self._pace

    def turn(self, seconds: float) -> None:
        self._start += seconds


def ready(population: Population, server: XServer, token: str) -> dict[str, Any]:
    """Return what a client has to know."""
    return {
        "base_url": server.base_url,
        "token": token,
        "now": server.fake.time(),
        "list_id": str(LIST),
        "accounts": [
            {"id": str(one.id), "username": one.username, "name": one.name}
            for one in population.accounts
        ],
    }


def report(fake: FakeX) -> dict[str, Any]:
    """Return the bill and what was asked."""
    return {
        "posts": fake.meter.billed_posts,
        "users": fake.meter.billed_users,
        "dollars": fake.meter.dollars,
        "returned": dict(fake.meter.returned),
        "calls": dict(fake.log.calls),
        "too_many": dict(fake.log.too_many),
        "capped": dict(fake.log.capped),
        "connections": dict(fake.log.connections),
        "statuses": {str(status): number for status, number in fake.log.statuses.items()},
    }


def obey(order: dict[str, Any], fake: FakeX, hands: Hands) -> dict[str, Any]:
    """Do what a line of input says, and return the answer. Raises ValueError, KeyError."""
    archive = fake.archive
    if "advance" in order:
        hands.turn(float(order["advance"]))
    elif "publish" in order:
        account = archive.named(order["publish"]["username"])
        if account is None:
            return {"problem": "no such account"}
        at = round(fake.time(), 3)
        post = Post(archive.next_id(at), account.id, str(order["publish"]["text"]), at)
        archive.add(post)
        return {"now": fake.time(), "id": str(post.id)}
    elif "edit" in order:
        text = str(order["edit"]["text"])
        changed = archive.edit(int(order["edit"]["id"]), text, at=round(fake.time(), 3))
        return {"now": fake.time(), "id": str(changed.id)}
    elif "delete" in order:
        archive.delete(int(order["delete"]), at=fake.time())
    elif "drop" in order:
        for stream in (fake.streams.filtered, fake.streams.activity):
            stream.drop(str(order["drop"]))
    elif "plant" in order:
        fake.faults.plant(str(order["plant"]["endpoint"]), *order["plant"]["kinds"])
    elif "report" in order:
        return {"now": fake.time(), **report(fake)}
    else:
        return {"problem": "no such order"}
    return {"now": fake.time()}


async def serve(
    population: Population, *, faults: Faults, port: int, pace: float, token: str, start: float
) -> None:
    """Serve until the input ends."""
    hands = Hands(start, pace)
    fake = FakeX(population.archive, now=hands.now, tokens={token: "app"}, faults=faults)
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[str] = asyncio.Queue(1_000)
    async with XServer(fake, port=port) as server:
        _say(ready(population, server, token))
        threading.Thread(target=_listen, args=(loop, orders), daemon=True).start()
        while line := await orders.get():
            try:
                answer = obey(json.loads(line), fake, hands)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                answer = {"problem": f"{type(error).__name__}: {error}"}
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
    """Serve X as the arguments, or those of the process, describe it."""
    parser = argparse.ArgumentParser(
        "python -m tgewatch.world.x",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="token")
    parser.add_argument("--start", type=float, default=START, help="Unix time at first")
    parser.add_argument("--days", type=float, default=2.0, help="of posts to come")
    parser.add_argument("--before", type=float, default=1.0, help="days of posts before")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds that pass in a second")
    parser.add_argument("--relevant", type=float, default=0.1, help="share about a token")
    parser.add_argument("--crowd", type=int, default=0, help="strangers who post, too")
    parser.add_argument("--skew", type=float, default=0.0, help="seconds X's clock is ahead")
    parser.add_argument("--latency", type=float, default=0.0, help="median seconds of an answer")
    parser.add_argument("--unavailable", type=float, default=0.0, help="share of 503s")
    parser.add_argument("--lost", type=float, default=0.0, help="share of lost answers")
    parser.add_argument("--partial", type=float, default=0.0, help="share of partial errors")
    parser.add_argument("--disconnect", type=float, default=0.0, help="mean seconds of a stream")
    chosen = parser.parse_args(arguments)
    population = make_population(
        seed=chosen.seed,
        accounts=chosen.accounts,
        start=chosen.start,
        days=chosen.days,
        before=chosen.before,
        rates=Rates(relevant=chosen.relevant),
        crowd=chosen.crowd,
        list_id=LIST,
    )
    faults = Faults(
        seed=chosen.seed,
        skew=chosen.skew,
        latency=chosen.latency,
        unavailable=chosen.unavailable,
        lost=chosen.lost,
        partial=chosen.partial,
        disconnect=chosen.disconnect,
    )
    asyncio.run(
        serve(
            population,
            faults=faults,
            port=chosen.port,
            pace=chosen.pace,
            token=chosen.token,
            start=chosen.start,
        )
    )


if __name__ == "__main__":
    main()
