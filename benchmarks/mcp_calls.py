"""How long the MCP server takes: `python benchmarks/mcp_calls.py` (a server of its own, over pipes).

Fills a store with events, starts `tgewatch mcp` as a client would, and prints the median and the
95th percentile of each tool's calls, as the official client sees them.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from mcp.client.stdio import StdioServerParameters, stdio_client

from mcp import Client
from tgewatch.clock import SystemClock
from tgewatch.settings import StoreSettings
from tgewatch.store import open_store
from tgewatch.testing.polls import NOW, claimed, poll, simple_merge, simple_route

CALLS = {
    "search_events": {"limit": 20},
    "get_event": {"event": "project1-"},
    "upcoming": {},
    "why": {"url": "https://news.example/item7"},
    "performance_summary": {},
    "rate_limits": {},
}


async def fill(folder: Path, events: int) -> None:
    async with open_store(
        StoreSettings(), root=folder, clock=SystemClock(), merge=simple_merge, route=simple_route
    ) as store:
        for start in range(0, events, 100):
            some = range(start, min(start + 100, events))
            await store.commit_poll(
                poll(*(claimed(f"item{n}", f"Project{n}") for n in some), at=NOW + start)
            )


async def measure(folder: Path, calls: int) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tgewatch", "mcp"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"]},
    )
    begun = time.perf_counter()
    async with Client(stdio_client(parameters), read_timeout_seconds=60.0) as client:
        await client.list_tools()
        print(f"ready to answer after {time.perf_counter() - begun:.2f} s")
        print(f"{'tool':<22}{'median ms':>10}{'p95 ms':>10}")
        for tool, arguments in CALLS.items():
            await timed(client, tool, lambda _n, given=arguments: given, calls)
        await timed(client, "reserve_content", lambda n: {"content": f"text {n}"}, calls)
        await timed(client, "why", lambda n: {"text": f"Project {n} announces its TGE"}, calls)


async def timed(client, tool, arguments, calls) -> None:
    took = []
    for number in range(calls):
        begun = time.perf_counter()
        result = await client.call_tool(tool, arguments(number))
        took.append(1e3 * (time.perf_counter() - begun))
        if result.is_error:
            sys.exit(f"{tool}: {result.content}")
    took.sort()
    name = f"{tool} (text)" if "text" in arguments(0) else tool
    print(f"{name:<22}{statistics.median(took):>10.1f}{took[int(0.95 * len(took))]:>10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--calls", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tgewatch.toml").write_text('[detection]\nmode = "discover"\n')
        asyncio.run(fill(Path(folder), given.events))
        print(f"{given.events} events, {given.calls} calls of each tool")
        asyncio.run(measure(Path(folder), given.calls))


if __name__ == "__main__":
    main()
