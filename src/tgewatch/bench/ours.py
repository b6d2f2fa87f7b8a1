"""The program as the bench runs it: `python -m tgewatch.bench.ours`.

As shipped, but for what the order of the bench switches off, time that is moved on between the
rounds, and names that all live on loopback.
"""

import asyncio
import json
import os
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tgewatch.app import Program, open_program, open_web, run_loop
from tgewatch.bench.child import converse
from tgewatch.bench.switches import Switched
from tgewatch.settings import Settings
from tgewatch.settings.load import load_settings


class SteppedClock:
    """Flows with the machine's clock, and is moved on between rounds."""

    def __init__(self, now: float) -> None:
        self._now = now - time.monotonic()
        self._moved = 0.0

    def now(self) -> float:
        return self._now + time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() + self._moved

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - a clock of its own

    def move(self, now: float) -> None:
        """Let it be `now`."""
        ahead = now - self.now()
        self._now += ahead
        self._moved += max(0.0, ahead)


class Arrivals:
    """Progress that remembers when each source was stored."""

    def __init__(self) -> None:
        self.stored: dict[str, float] = {}

    def started(self, sources: int) -> None:
        del sources
        self.stored = {}

    def polled(self, source: str, outcome: str, new: int, found: int, seconds: float) -> None:
        del new, found, seconds
        if outcome in {"changed", "unchanged"}:
            self.stored[source] = time.monotonic()


def settings_of(given: dict[str, Any]) -> Settings:
    """Write the settings file that a user of these sources would have, and load it."""
    folder = Path(given["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tgewatch.toml"
    tables = {
        "fetch": {"allow_private": True},
        "detection": {"mode": "discover"},
        **given.get("settings", {}),
    }
    text = [_table(name, values) for name, values in tables.items()]
    for name, rows in (
        ("company", given.get("companies", [])),
        ("source", [_source(row) for row in given["sources"]]),
        ("channel", _channels(given)),
    ):
        text += [f"[[{name}]]\n{_lines(row)}" for row in rows]
    file.write_text("\n".join(text), encoding="utf-8")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TGEWATCH_")}
    return load_settings(file, environ=environ, cwd=folder)


def _source(row: dict[str, Any]) -> dict[str, Any]:
    company = {"company": row["company"]} if row.get("company") else {}
    return {"url": row["url"], "name": row.get("name", ""), **company}


def _channels(given: dict[str, Any]) -> list[dict[str, Any]]:
    if not given.get("letters"):
        return []
    return [{"name": "letters", "kind": "webhook", "url": given["letters"]}]


def _table(name: str, values: dict[str, Any]) -> str:
    flat = {k: v for k, v in values.items() if not isinstance(v, dict)}
    nested = [_table(f"{name}.{k}", v) for k, v in values.items() if isinstance(v, dict)]
    return "\n".join([f"[{name}]\n{_lines(flat)}", *nested])


def _lines(values: dict[str, Any]) -> str:
    # A JSON string, number, truth value or list of these is one in TOML too.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def lookup_at(address: str) -> Callable[..., Any] | None:
    """Return a name look-up under which every name lives at `address`; None without one."""
    if not address:
        return None

    def lookup(_host: str, *rest: Any, **named: Any) -> Any:
        return socket.getaddrinfo(address, *rest, **named)

    return lookup


class Ours:
    """The running program."""

    def __init__(
        self, program: Program, metering: Switched, clock: SteppedClock, arrivals: Arrivals
    ) -> None:
        self.program = program
        self._metering = metering
        self._clock = clock
        self._arrivals = arrivals

    async def cycle(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one round at `now`: over what is due, or `everything`."""
        self._clock.move(order["now"])
        before = self.counts()
        report = await self.program.scan(
            everything=bool(order.get("everything")), deadline=order.get("deadline")
        )
        counts = self.counts()
        counts.subtract(before)
        tiers = self.program.cache.stats()
        return {
            "answered_at": list(self._arrivals.stored.values()),
            "polled": report.polled,
            "changed": report.changed,
            "unchanged": report.unchanged,
            "failed": dict(report.failed),
            "deferred": report.deferred,
            "unfinished": report.unfinished,
            "crashed": dict(report.crashed),
            "seen": report.seen,
            "new": report.new,
            "articles": dict(report.articles),
            "dropped": {stage: sum(why.values()) for stage, why in report.dropped.items()},
            "events": len(report.events),
            "deliveries": dict(report.deliveries),
            "counts": dict(counts),
            "cache_bytes": sum(tier.bytes for tier in tiers.values()),
        }

    def counts(self) -> "Counter[str]":
        """Return what the pools have counted so far, and the milliseconds on the network."""
        found: Counter[str] = Counter()
        for pool in self.program.client.metrics().values():
            found["requests"] += pool.requests
            found["reused"] += pool.reused
            found["opened"] += pool.opened
        for name, seconds in self._metering.network.items():
            found[f"network {name}"] += seconds
        return found


@asynccontextmanager
async def opened(given: dict[str, Any]) -> AsyncIterator[Ours]:
    """Open the program for the sources that the bench names."""
    settings = settings_of(given)
    clock, arrivals = SteppedClock(given["now"]), Arrivals()
    lookup = lookup_at(given.get("address", ""))
    async with open_web(settings, clock=clock, lookup=lookup) as web:
        metering = Switched(settings, clock=clock, off=frozenset(given.get("off", ())))
        metering.attach(pools=web.client.metrics, tiers=web.cache.stats)
        async with open_program(
            settings,
            clock=clock,
            progress=arrivals,
            console_to_stderr=True,
            web=web,
            metering=metering,
        ) as program:
            yield Ours(program, metering, clock, arrivals)


if __name__ == "__main__":
    run_loop(converse(opened))
