"""Feeds read by us and by others: time, agreement, and dates that nobody wrote. Prints tables.

    python benchmarks/parsing.py [FOLDER] [--json]

FOLDER holds feeds (*.xml); without it, synthetic ones are read. fastfeedparser is compared with
when it is installed. All readers run in turn, in one process; each time is the best of its rounds.
"""

import argparse
import importlib
import io
import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import feedparser

from tgewatch.parse.entry import Entry, FeedLimits
from tgewatch.parse.feed import parse_feed
from tgewatch.parse.items import read_items
from tgewatch.parse.links import web_link
from tgewatch.parse.text import plain_text
from tgewatch.parse.timestamps import parse_timestamp

URL = "https://feed.example/rss"
LIMITS = FeedLimits()
ROUNDS = 7
HOSTILE = 1_000


def synthetic(entries: int, words: int) -> bytes:
    items = "".join(
        f"<item><title>Project {n} says when its token will launch &amp; trade</title>"
        f"<link>https://a.example/{n}</link><guid isPermaLink='false'>p-{n}</guid>"
        f"<pubDate>Tue, 05 Mar 2024 {n % 24:02}:00:00 GMT</pubDate><description><![CDATA[<p>"
        f"{'word ' * words}<a href='https://a.example/'>more</a></p>]]></description></item>"
        for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>F</title>{items}</channel></rss>".encode()


def undated(form: str) -> bytes:
    items = "".join(
        f"<item><title>t</title>{form.format(n + 71_000)}</item>" for n in range(HOSTILE)
    )
    return f"<rss version='2.0'><channel><title>F</title>{items}</channel></rss>".encode()


def by_feedparser(body: bytes) -> list:
    found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    return found.entries


def entry_of(found: dict) -> Entry:
    """Make the same values, with the same care, of what fastfeedparser returns."""
    content = (found.get("content") or [{}])[0].get("value") or ""
    return Entry(
        id=found.get("id") or "",
        url=web_link(found.get("link") or "", URL),
        title=plain_text(found.get("title") or "", LIMITS.title),
        summary=plain_text(found.get("description") or "", LIMITS.summary),
        content=plain_text(content, LIMITS.content),
        published=parse_timestamp(found.get("published") or ""),
        author=plain_text(found.get("author") or "", 200),
    )


def readers() -> dict:
    found = {
        "parse_feed": lambda body: parse_feed(body, url=URL).entries,
        "read_items": lambda body: read_items(body, source=URL, url=URL).items,
        "feedparser": by_feedparser,
    }
    try:
        fast = importlib.import_module("fastfeedparser")
    except ImportError:
        return found
    parse = partial(fast.parse, include_tags=False, include_media=False, include_enclosures=False)
    found["fastfeedparser"] = lambda body: parse(body).entries
    found["fastfeedparser, same values"] = lambda body: [entry_of(e) for e in parse(body).entries]
    return found


def best(read, body: bytes, rounds: int) -> tuple[float, int]:
    times, count = [], 0
    for _ in range(rounds):
        begun = time.perf_counter()
        count = len(read(body))
        times.append(time.perf_counter() - begun)
    return min(times), count


def timed(bodies: list[bytes]) -> dict:
    table = {}
    for name, read in readers().items():
        rounds = 2 if name == "feedparser" else ROUNDS
        results = [best(read, body, rounds) for body in bodies]
        seconds = [took for took, _ in results]
        table[name] = {
            "median_us": round(statistics.median(seconds) * 1e6),
            "mean_us": round(statistics.mean(seconds) * 1e6),
            "entries": sum(count for _, count in results),
        }
    for row in table.values():
        row["times_feedparser"] = round(table["feedparser"]["mean_us"] / row["mean_us"], 1)
    return table


def invented() -> dict:
    """Count the dates that readers find where there is none, and what looking for them costs."""
    bodies = {
        "numbers as guid, no date": undated("<guid>{0}</guid>"),
        "prose as date": undated("<pubDate>{0} hours ago</pubDate>"),
    }
    table = {}
    for kind, body in bodies.items():
        for name, read in readers().items():
            begun = time.perf_counter()
            entries = read(body)
            table[f"{name}: {kind}"] = {
                "kilobytes": round(len(body) / 1_000),
                "milliseconds": round((time.perf_counter() - begun) * 1e3, 1),
                "dated": sum(1 for e in entries if dated(e)),
            }
    return table


def dated(entry) -> bool:
    if isinstance(entry, feedparser.FeedParserDict):
        return bool(entry.get("published_parsed"))
    return bool(entry.get("published") if isinstance(entry, dict) else entry.published)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    bodies = {"20 entries": [synthetic(20, 40)], "50 entries": [synthetic(50, 100)]}
    if given.folder is not None:
        bodies[given.folder.name] = [p.read_bytes() for p in sorted(given.folder.glob("*.xml"))]
    report = {name: timed(some) for name, some in bodies.items()} | {"dates": invented()}
    if given.json:
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
        return
    for title, table in report.items():
        size = sum(map(len, bodies[title])) / len(bodies[title]) if title in bodies else 0
        print(f"\n{title}" + (f" ({size / 1e3:.0f} kB each)" if size else ""))
        for name, row in table.items():
            print(f"  {name:45}", *(f"{key} {value:<9}" for key, value in row.items()))


if __name__ == "__main__":
    main()
