"""What an instance's requests cost Valkey: `python benchmarks/valkey.py [--json]`, some seconds.

Starts a real server from a wheel and lets the program's own adapters speak to it, so many at once:
prints what one operation took of the server's processor (by its own `INFO cpu`), of this process, and
how much memory what it leaves behind takes. `scripts/growth.py` reckons with these.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from tgewatch.clock import SystemClock
from tgewatch.settings import SwarmSettings
from tgewatch.swarm.opening import open_swarm
from tgewatch.testing.valkey import Valkey, valkey

AT_ONCE = 64


def used(server: Valkey) -> tuple[float, int, int]:
    """Return the server's processor time in seconds, its commands so far, and its memory."""
    found = server.say("INFO")
    text = found.decode() if isinstance(found, bytes) else found
    if isinstance(text, dict):
        info = text
    else:
        info = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    seconds = float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
    return seconds, int(info["total_commands_processed"]), int(info["used_memory"])


async def spread(work: Callable[[int], Awaitable[object]], times: int) -> None:
    numbers = iter(range(times))

    async def one() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def measure(server: Valkey, times: int) -> dict[str, dict[str, float]]:
    found = {}
    settings = SwarmSettings(redis_url=server.url, operation=60.0, connect=60.0)
    async with open_swarm(settings, clock=SystemClock()) as swarm:
        tenure = await swarm.leases.take("bench", seconds=600.0)
        works: dict[str, Callable[[int], Awaitable[object]]] = {
            "reserve": lambda n: swarm.reservations.reserve(f"source {n}", seconds=600.0),
            "keep a lease": lambda _n: swarm.leases.keep(tenure, seconds=600.0),
        }
        for name, work in works.items():
            before, cpu, wall = used(server), time.process_time(), time.perf_counter()
            await spread(work, times)
            wall = time.perf_counter() - wall
            cpu = time.process_time() - cpu
            after = used(server)
            if not swarm.up:
                sys.exit("the server was given up meanwhile: the machine is too busy to measure on")
            found[name] = {
                "server_us": 1e6 * (after[0] - before[0]) / times,
                "client_us": 1e6 * cpu / times,
                "per_second": times / wall,
                "commands": (after[1] - before[1]) / times,
                "bytes": (after[2] - before[2]) / times,
            }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with valkey() as server:
        found = asyncio.run(measure(server, given.times))
    if given.json:
        print(json.dumps(found))
        return 0
    print(f"{given.times:,} of each, {AT_ONCE} at once, one process")
    print(f"{'operation':<16}{'server us':>10}{'client us':>10}{'a second':>10}{'bytes':>8}")
    for name, one in found.items():
        print(
            f"{name:<16}{one['server_us']:>10.1f}{one['client_us']:>10.1f}"
            f"{one['per_second']:>10.0f}{one['bytes']:>8.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
