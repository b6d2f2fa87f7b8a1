"""Reads bodies made to hurt, and reports what that cost.

Run as a script with the names of bodies, or none for all, and `--threads` to keep all work in this
process. Prints one JSON object with, for each body, its outcome, the seconds it took and the longest
time the event loop stood still, and the peak memory of this process and of its children in
megabytes. A child counts with at least what this process had when it was started.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable

from tgewatch.clock import SystemClock
from tgewatch.engine.offload import Offload
from tgewatch.errors import TgewatchError
from tgewatch.model import SourceState
from tgewatch.sources.feed import FeedReader
from tgewatch.sources.page import PageReader
from tgewatch.testing.fetcher import ScriptedFetcher, answer
from tgewatch.testing.memory_peak import peak_megabytes

URL = "https://hostile.example/"


def rss(items: str, prolog: str = "") -> bytes:
    return f"{prolog}<rss version='2.0'><channel><title>c</title>{items}</channel></rss>".encode()


def doctype(*entities: str) -> str:
    return "<!DOCTYPE rss [" + "".join(f"<!ENTITY {entity}>" for entity in entities) + "]>"


def titled(text: str) -> str:
    return f"<item><title>{text}</title><guid>1</guid></item>"


def many(count: int, form: str) -> str:
    return "".join(form.format(n) for n in range(count))


def json_feed(items: str) -> bytes:
    return f'{{"version":"https://jsonfeed.org/version/1.1","items":{items}'.encode()


LAUGHS = ['a0 "lol"'] + [f'a{n} "{f"&a{n - 1};" * 10}"' for n in range(1, 10)]
WORDS = "word " * 200

FEEDS: dict[str, Callable[[], bytes]] = {
    "billion_laughs": lambda: rss(titled("&a9;"), doctype(*LAUGHS)),
    "quadratic_blow_up": lambda: rss(titled("&a;" * 100_000), doctype(f'a "{"x" * 1_500}"')),
    "external_entity": lambda: rss(titled("&x;"), doctype('x SYSTEM "file:///etc/passwd"')),
    "parameter_entity": lambda: rss(titled("x"), doctype('% p SYSTEM "http://x.example/"')),
    "deep_nesting": lambda: rss(titled("<a>" * 200_000 + "</a>" * 200_000)),
    "deeper_nesting": lambda: b"<a>" * 3_000_000,
    "entries_200k": lambda: rss(many(200_000, "<item><title>t{0}</title><guid>g{0}</guid></item>")),
    "one_line_10mb": lambda: rss(
        many(
            9_500,
            f"<item><title>t{{0}}</title><guid>g{{0}}</guid><description>{WORDS}</description></item>",
        )
    ),
    "text_20mb": lambda: b"<rss><channel><item><title>" + b"A" * 20_000_000 + b"</title>",
    "less_than_signs": lambda: rss(titled("<![CDATA[" + "<" * 100_000 + "]]>")),
    "bare_less_than_signs": lambda: rss(titled("<" * 100_000)),
    "huge_attribute": lambda: rss(f"<item a='{'A' * 9_000_000}'><title>t</title></item>"),
    "many_attributes": lambda: rss(
        "<item " + many(300_000, "a{0}='x' ") + "><title>t</title></item>"
    ),
    "many_guids": lambda: rss("<item><title>t</title>" + "<guid>g</guid>" * 150_000 + "</item>"),
    "many_tags": lambda: rss("<item><title>t</title></item>" + "<a>x</a>" * 240_000),
    "too_many_tags": lambda: rss("<a/>" * 2_000_000),
    "ampersands": lambda: rss(titled("&" * 4_000_000)),
    "open_cdata": lambda: rss(titled("<![CDATA[" * 400_000)),
    "open_comments": lambda: b"<!--" * 1_000_000,
    "unclosed_entries": lambda: rss("<item><title>x" * 300_000),
    "broken_entries": lambda: rss(many(20_000, "<item><title>t{0} & <b>b</title></item>")),
    "dates_of_prose": lambda: rss(
        many(1_000, "<item><title>t{0}</title><pubDate>{0} hours ago</pubDate></item>")
    ),
    "escapes": lambda: rss(titled("\x1b[31m" * 800_000)),
    "json_nested_100k": lambda: json_feed("[" * 100_000),
    "json_200k": lambda: json_feed("[" + many(200_000, '{{"id":"{0}","title":"t"}},') + "{}]}"),
    "json_of_lists": lambda: json_feed("[" + "[]," * 3_000_000 + "1]}"),
    "nuls": lambda: b"\x00" * 10_000_000,
    "nuls_in_a_feed": lambda: rss(titled("a" + "\x00" * 5_000_000)),
    "binary": lambda: bytes(range(256)) * 20_000,
    "truncated_gzip": lambda: b"\x1f\x8b\x08\x00" + bytes(range(256)) * 4_000,
    "stray_bytes": lambda: b"<rss>" + b"\xe9x" * 2_000_000,
    "lying_utf16": lambda: b"\xff\xfe" + b"<rss>" * 1_000_000,
}
PAGES: dict[str, Callable[[], bytes]] = {
    "page_of_links": lambda: b"<article><p>" + b"<a href='/x'>link</a> " * 100_000,
    "page_of_paragraphs": lambda: b"<article>" + b"<p>word</p>" * 200_000,
    "page_of_divs": lambda: b"<div>" * 200_000 + b"word",
    "page_of_cells": lambda: b"<article><table><tr>" + b"<td>word</td>" * 11_000,
    "page_of_scripts": lambda: b"<body>" + b"<script>" * 300_000,
    "page_of_text": lambda: b"<article><p>" + b"word " * 900_000,
}


async def watch_the_loop(longest: list[float]) -> None:
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)  # noqa: TID251 - what is measured is the real loop
        now = time.perf_counter()
        longest[0] = max(longest[0], now - last)
        last = now


async def read(name: str, offload: Offload) -> dict[str, object]:
    body = (FEEDS | PAGES)[name]()
    fetcher = ScriptedFetcher([answer(body, url=URL, content_type="")])
    reader = (
        FeedReader(fetcher, clock=SystemClock(), offload=offload)
        if name in FEEDS
        else PageReader(fetcher, offload=offload)
    )
    longest = [0.0]
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch_the_loop(longest))
        await asyncio.sleep(0)  # noqa: TID251 - let it take its first look
        begun = time.perf_counter()
        try:
            outcome: object = len((await reader.read(URL, SourceState(url=URL), ())).items)
        except TgewatchError as error:
            outcome = getattr(error, "cause", repr(error))
        took = time.perf_counter() - begun
        await asyncio.sleep(0.002)  # noqa: TID251 - and its last
        watcher.cancel()
    return {"outcome": outcome, "seconds": round(took, 3), "blocked": round(longest[0], 3)}


async def main(names: list[str], *, threads: bool) -> dict[str, object]:
    async with Offload(heavy_bytes=10**12) if threads else Offload() as offload:
        bodies = {name: await read(name, offload) for name in names or [*FEEDS, *PAGES]}
    unit = 1_000_000 if sys.platform == "darwin" else 1_000
    return {
        "bodies": bodies,
        "own_megabytes": peak_megabytes(),
        "child_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit,
    }


if __name__ == "__main__":
    in_threads = "--threads" in sys.argv
    names = [name for name in sys.argv[1:] if name != "--threads"]
    sys.stdout.write(json.dumps(asyncio.run(main(names, threads=in_threads)), indent=1) + "\n")
