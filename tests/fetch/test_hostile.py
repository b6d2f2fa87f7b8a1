# ruff: noqa: ARG001 - scripts have one shape
"""Hostile servers against the real client in a process of its own, whose memory and loop are watched.

The servers run here, the client in a child, so that only the client is measured.
"""

import asyncio
import contextlib
import functools
import gzip
import itertools
import json
import sys
import zlib
from collections.abc import AsyncIterator

import brotli
import pytest
import zstandard

from tgewatch.clock import SystemClock
from tgewatch.testing.loopback import Asked, Line, LoopbackServer, reply

MEGABYTE = 1_000_000
MOST_MEMORY = 300.0
"""Megabytes at the peak."""
LONGEST_BLOCK = 1.0
"""Seconds in which the loop did nothing else."""

CHILD = """
import asyncio, json, random, resource, sys, time
from pathlib import Path
import uvloop
from tgewatch.clock import SystemClock
from tgewatch.errors import TgewatchError
from tgewatch.fetch.client import Client
from tgewatch.fetch.transport import Transport
from tgewatch.ports import Request
from tgewatch.settings import FetchSettings, Pool

async def watch(gaps):
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.01)
        gaps.append(time.perf_counter() - before - 0.01)

async def outcome(client, url):
    try:
        response = await client.fetch(Request(url, pool="rss"))
    except TgewatchError as error:
        return error.cause
    return f"{response.status}:{len(response.body)}"

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

async def main(urls):
    pool = Pool(total=4.0, connect=1.0, stalled=1.0, attempts=1, per_host=100)
    settings = FetchSettings(allow_addresses=("127.0.0.1",), spacing=0.0, rss=pool)
    clock, gaps = SystemClock(), []
    watcher = asyncio.ensure_future(watch(gaps))
    async with (
        Transport(settings, clock=clock) as transport,
        Client(transport, settings, clock=clock, random=random.Random(1)) as client,
    ):
        outcomes = await asyncio.gather(*(outcome(client, url) for url in urls))
        left = repr(transport)
    watcher.cancel()
    return {"outcomes": outcomes, "gap": max(gaps), "peak": peak(), "left": left}

print(json.dumps(uvloop.run(main(sys.argv[1:]))))
"""


async def endless(asked: Asked, line: Line) -> None:
    await line.write(b"HTTP/1.1 200 OK\r\n\r\n<rss>")
    while True:
        await line.write(b"<item>hello</item>" * 4000)


async def chunk_by_chunk(line: Line, encoding: str, pieces: AsyncIterator[bytes]) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: {encoding}\r\n\r\n"
    await line.write(head.encode())
    async for piece in pieces:
        await line.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await line.write(b"0\r\n\r\n")


async def gigabyte_of_gzip() -> AsyncIterator[bytes]:
    squeezer = zlib.compressobj(9, wbits=31)
    first = squeezer.compress(bytes(MEGABYTE)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    block = squeezer.compress(bytes(MEGABYTE)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    yield first
    for _ in range(999):  # after a full flush a block stands for itself, so it may be repeated
        yield block
    yield squeezer.flush()


async def gzip_bomb(asked: Asked, line: Line) -> None:
    await chunk_by_chunk(line, "gzip", gigabyte_of_gzip())


async def drip(line: Line, data: bytes) -> None:
    for byte in itertools.chain(data, itertools.repeat(0x79)):
        await line.write(bytes([byte]))
        await SystemClock().sleep(0.05)


async def slow_head(asked: Asked, line: Line) -> None:
    await drip(line, b"HTTP/1.1 200 OK\r\nX-Slow: ")


async def slow_body(asked: Asked, line: Line) -> None:
    await line.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await drip(line, b"<rss>")


async def silent(asked: Asked, line: Line) -> None:
    await SystemClock().sleep(60)


async def endless_chunks(asked: Asked, line: Line) -> None:
    await line.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await line.write(b"1\r\nx\r\n" * 10_000)


async def endless_head(asked: Asked, line: Line) -> None:
    await line.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        await line.write(b"X-%d: y\r\n" % number * 100)


async def endless_continue(asked: Asked, line: Line) -> None:
    while True:
        await line.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def packed(encoding: str, data: bytes):
    async def script(asked: Asked, line: Line) -> bytes:
        return reply(200, data, Content_Encoding=encoding)

    return script


@functools.cache
def hostile() -> dict[str, tuple[object, set[str]]]:
    """Return name → script, acceptable outcomes."""
    zeros = bytes(30 * MEGABYTE)
    nested = gzip.compress(gzip.compress(zeros, 1), 6)
    tiny_members = gzip.compress(b"") * 10_000
    return {
        "endless": (endless, {"too_large"}),
        "gzip": (gzip_bomb, {"bomb"}),
        "nested": (packed("gzip, gzip", nested), {"bomb"}),
        "members": (packed("gzip", tiny_members), {"bomb"}),
        "deflate": (packed("deflate", zlib.compress(zeros, 1)), {"bomb"}),
        "brotli": (packed("br", brotli.compress(zeros, quality=2)), {"bomb"}),
        "zstd": (packed("zstd", zstandard.compress(zeros)), {"bomb"}),
        "slow-head": (slow_head, {"timeout"}),
        "slow-body": (slow_body, {"timeout"}),
        "silent": (silent, {"stalled"}),
        "chunks": (endless_chunks, {"too_large", "timeout"}),
        "head": (endless_head, {"bad_http"}),
        "continue": (endless_continue, {"bad_http"}),
    }


async def measured() -> tuple[dict[str, str], dict[str, object]]:
    servers = {name: LoopbackServer(script) for name, (script, _) in hostile().items()}
    async with contextlib.AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server)
        urls = [server.url("/feed") for server in servers.values()]
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", CHILD, *urls, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            out, _ = await child.communicate()
    assert child.returncode == 0
    report = json.loads(out)
    return dict(zip(servers, report["outcomes"], strict=True)), report


@pytest.fixture(scope="module")
def run():
    return asyncio.run(measured())


def test_every_hostile_answer_ends_in_its_own_error(run):
    outcomes, _ = run
    wrong = {n: got for n, got in outcomes.items() if got not in hostile()[n][1]}

    assert not wrong


def test_memory_stays_small(run):
    assert run[1]["peak"] < MOST_MEMORY


def test_the_loop_is_never_blocked_for_long(run):
    assert run[1]["gap"] < LONGEST_BLOCK


def test_nothing_is_left_under_way(run):
    assert "0 active" in run[1]["left"]
