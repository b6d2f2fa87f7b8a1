"""Read the X of another hand's world with the whole program, and compare with what was posted there.

    python benchmarks/world_x.py PATH/world.py [--cycles 12] [--step 600] [--strategy packed] [--kills 3]

PATH/world.py is the program that benchmarks/world.py starts, too. Each cycle is one `tgewatch scan
--json --now` at the time that the world says it is; then the world moves on by `--step` seconds.
What is posted is everything but reposts, of the accounts that the world's list has. Exit code 1 when
a post was missed or came twice, or the world saw a call too many.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import tomlkit

from tgewatch.parse.x_items import key_of
from world import Watch, World, running

LIST = 900_001
HISTORY = 6 * 3_600.0


def members(world: World) -> list[str]:
    """Return the accounts of the world's list that have posted lately."""
    address = f"http://127.0.0.1:{world.port}/2/lists/{LIST}/tweets?max_results=100"
    request = urllib.request.Request(address, headers={"Authorization": "Bearer of-a-world"})
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        shown = {post["id"] for post in orjson.loads(answer.read())["data"]}
    return sorted({post["author"] for post in world.ask("xtruth") if post["id"] in shown})


def write_settings(folder: Path, world: World, handles: list[str], strategy: str) -> None:
    content = {
        "fetch": {"allow_private": True},
        "x": {
            "token": "of-a-world",
            "base_url": f"http://127.0.0.1:{world.port}",
            "strategy": strategy,
            **({"list_id": str(LIST)} if strategy == "list" else {}),
            "clause_for": [],
            "exclude": "-is:retweet",
            "history": HISTORY,
            "recheck": 0,
        },
        "company": [{"name": handle, "x_handle": handle} for handle in handles],
    }
    (folder / "tgewatch.toml").write_text(tomlkit.dumps(content))


def stored(folder: Path) -> tuple[list[str], int]:
    """Return the keys of the posts that are stored, and how many events there are."""
    with closing(sqlite3.connect(folder / "state" / "tgewatch.db")) as base:
        keys = [key for (key,) in base.execute("SELECT key FROM items WHERE kind = 'post'")]
        (events,) = base.execute("SELECT count(*) FROM events").fetchone()
    return keys, events


async def play(chosen: argparse.Namespace, folder: Path, world: World) -> dict[str, Any]:
    handles = members(world)
    write_settings(folder, world, handles, chosen.strategy)
    begun = world.ask("now")["now"]
    watch = Watch(folder, world, ("--all",))
    chance = random.Random(chosen.seed)
    kills = set(chance.sample(range(1, chosen.cycles), min(chosen.kills, chosen.cycles - 1)))
    new = 0
    for cycle in range(chosen.cycles):
        if cycle in kills:
            await watch.scan_until_killed(chance)
        new += (await watch.scan()).get("items", {}).get("new", 0)
        world.ask("advance", s=chosen.step)
    ended = world.ask("now")["now"] - chosen.step
    truth = world.ask("xtruth")
    offset = begun - _since_start(world, begun)
    wanted = {
        key_of(int(post["id"])): post
        for post in truth
        if post["author"] in handles
        and not post["rt"]
        and begun - HISTORY <= offset + post["t"] <= ended - 35.0
    }
    keys, events = stored(folder)
    statuses: dict[int, int] = {}
    for line in world.ask("log"):
        if line["path"].startswith("/2/"):
            statuses[line["status"]] = statuses.get(line["status"], 0) + 1
    return {
        "strategy": chosen.strategy,
        "accounts": len(handles),
        "cycles": chosen.cycles,
        "killed": watch.killed,
        "wanted": len(wanted),
        "missed": len(wanted.keys() - set(keys)),
        "stored": len(keys),
        "twice": len(keys) - len(set(keys)),
        "events": events,
        "new": new,
        "calls": sum(statuses.values()),
        "statuses": {str(status): number for status, number in sorted(statuses.items())},
        "failed": dict(watch.failed),
    }


def _since_start(world: World, now: float) -> float:
    """Return how far the world's own time has come, from a post and the id that tells when it was."""
    post = world.ask("xtruth")[-1]
    at = ((int(post["id"]) >> 22) + 1_288_834_974_657) / 1_000.0
    return now - (at - post["t"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", type=Path)
    parser.add_argument("--cycles", type=int, default=12)
    parser.add_argument("--step", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--strategy", choices=("packed", "list", "timelines"), default="packed")
    chosen = parser.parse_args()
    with (
        TemporaryDirectory() as folder,
        running(chosen.world.resolve(), feeds=3, seed=chosen.seed, rest=("--profile", "clean"))
        as world,
    ):  # fmt: skip
        found = asyncio.run(play(chosen, Path(folder), world))
        errors = (Path(folder) / "err").read_text(errors="replace")
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())
    if "Traceback" in errors or found["failed"]:
        print(errors[-3_000:], file=sys.stderr)
        return 1
    return int(bool(found["missed"] or found["twice"] or "429" in found["statuses"]))


if __name__ == "__main__":
    sys.exit(main())
