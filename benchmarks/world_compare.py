"""Put the program beside a bare client, in a simulated web that lives in a program of its own.

    python benchmarks/world_compare.py PATH/world.py                  # 60 and 1,000 feeds
    python benchmarks/world_compare.py PATH/world.py --feeds 60 --naive
    python benchmarks/world_compare.py PATH/world.py --feeds 10000 --rounds 2 --json

PATH/world.py is as for `world.py`. The clients are those of `tgewatch bench`, each in a process that
stays from round to round, and take turns: the program as shipped; aiohttp with as many connections
as there are feeds, which reads and forgets; with `--naive` ten threads that fetch every feed and the
page of every entry. Between two rounds `--step` seconds pass. Seconds until a source is in are the
server's where it answers, and ours where the poll is stored.
"""

import argparse
import asyncio
import json
import statistics
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tgewatch.bench.process import Process, started
from world import World, running

MODULES = {"ours": "ours", "bare": "bare", "naive": "naive"}
PATIENCE = {"bare": 16.0}
"""Seconds after which the bare client gives up: the slowest that answers takes 15."""


def place(world: World, folder: Path) -> dict[str, Any]:
    """Return what the clients are told of the world."""
    truth = world.ask("truth", until=86_400)["entries"]
    known = {e["company"] for e in truth if e["company"] and e["kind"] != "unknown"}
    return {
        "now": world.ask("now")["now"],
        "folder": str(folder),
        "sources": [{"url": feed["url"]} for feed in world.ask("feeds")],
        "companies": [{"name": name} for name in sorted(known)],
    }


async def turn(world: World, client: Process, *, kind: str, number: int) -> dict[str, Any]:
    """Let one client do a round; return what it says and what the world saw."""
    label = f"{client.name}-{number}"
    await asyncio.to_thread(world.ask, "label", name=label, group=client.name)
    now = (await asyncio.to_thread(world.ask, "now"))["now"]
    found = await client.ask({"now": now, "everything": True, "deadline": 280.0})
    seen = await asyncio.to_thread(world.ask, "stats", label=label)
    answered = sorted(time - found["begun"] for time in found["answered_at"])
    return {
        "client": client.name,
        "kind": kind,
        "seconds": round(found["seconds"], 2),
        "cpu": round(found["cpu"], 2),
        "rss": round(found.get("rss", 0.0)),
        "answered": len(answered),
        "p50": _at(answered, 0.5),
        "p95": _at(answered, 0.95),
        "last": _at(answered, 1.0),
        "requests": seen["requests"],
        "reuse": seen.get("connection_reuse"),
        "share_304": seen.get("share_304"),
        "violations": seen["violations_429"],
        "unfinished": found.get("unfinished", 0),
        "new": found.get("new", 0),
    }


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[max(0, round(share * len(ordered)) - 1)], 2) if ordered else 0.0


async def compare(chosen: argparse.Namespace, feeds: int, folder: Path) -> list[dict[str, Any]]:
    """Let the clients take turns in one world."""
    rows = []
    with running(chosen.script.resolve(), feeds=feeds, seed=chosen.seed, rest=()) as world:
        given = place(world, folder)
        async with AsyncExitStack() as stack:
            names = ["ours", "bare", *(["naive"] if chosen.naive else [])]
            clients = []
            for name in names:
                client = await stack.enter_async_context(
                    started(name, f"tgewatch.bench.{MODULES[name]}")
                )
                patience = {"patience": PATIENCE[name]} if name in PATIENCE else {}
                await client.ask({**given, "folder": str(folder / name), **patience})
                clients.append(client)
            for number in range(chosen.rounds):
                if number:
                    step = {"s": chosen.step, "prewarm": 1}
                    await asyncio.to_thread(lambda step=step: world.ask("advance", **step))
                for client in clients:
                    kind = "steady" if number else "first"
                    rows.append(await turn(world, client, kind=kind, number=number))
                    if not chosen.json:
                        print(f"{feeds} feeds, round {number + 1}: {said(rows[-1])}", flush=True)
    return rows


def said(row: dict[str, Any]) -> str:
    return (
        f"{row['client']:5} {row['seconds']:6.1f} s, {row['cpu']:6.2f} CPU-s, {row['answered']} in,"
        f" p95 {row['p95']:.2f} s, last {row['last']:.1f} s, {row['rss']} MB,"
        f" reuse {row['reuse']}, 304 {row['share_304']}, violations {row['violations']}"
    )


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of each client and kind, and ours over the bare client's."""
    found: dict[str, Any] = {}
    for kind in ("first", "steady"):
        for name in MODULES:
            some = [row for row in rows if (row["client"], row["kind"]) == (name, kind)]
            if some:
                found[f"{kind} {name}"] = {
                    measure: statistics.median(row[measure] for row in some)
                    for measure in ("seconds", "p95", "last", "cpu", "rss")
                }
        ours, bare = found.get(f"{kind} ours"), found.get(f"{kind} bare")
        if ours and bare:
            found[f"{kind} ratio"] = {
                "seconds": round(ours["seconds"] / bare["last"], 2) if bare["last"] else None,
                "p95": round(ours["p95"] / bare["p95"], 2) if bare["p95"] else None,
            }
    found["violations"] = sum(row["violations"] for row in rows if row["client"] == "ours")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("script", type=Path, help="path of world.py")
    parser.add_argument("--feeds", type=int, nargs="+", default=[60, 1_000])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--step", type=int, default=600, help="seconds between two rounds")
    parser.add_argument("--naive", action="store_true", help="also the naive client")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = {}
    for feeds in chosen.feeds:
        with TemporaryDirectory() as folder:
            rows = asyncio.run(compare(chosen, feeds, Path(folder)))
        found[str(feeds)] = {**summary(rows), "rounds": rows}
    if chosen.json:
        print(json.dumps(found))
        return
    for size, figures in found.items():
        for name, value in figures.items():
            if name != "rounds":
                print(f"{size} feeds, {name}: {value}")


if __name__ == "__main__":
    main()
