"""Scan real bytes: saved feeds, and feeds made of labelled headlines, from a server on loopback.

    python benchmarks/saved.py --feeds FOLDER --corpus FILE.jsonl
    python benchmarks/saved.py --feeds FOLDER --events 40 --now 2026-01-15

FOLDER holds feeds as `*.xml`, each served as it is. FILE holds a JSON object a line with `id`,
`source`, `published`, `title`, `text`, `url` and `tge_relevant`; the lines of one source are served
as one RSS feed. `tgewatch scan` then reads everything once, with the companies that ship with the
program, in discover mode. Articles are not fetched: their pages are elsewhere.

Prints what was found, what was dropped at which stage and why, how long it took, the entries of
each saved feed beside those that feedparser finds, and what became of the labelled headlines.
"""

import argparse
import asyncio
import io
import json
import os
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import feedparser
import tomlkit
from aiohttp import web

from tgewatch.parse.feed import parse_feed

ILLEGAL = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])
"""Characters that no XML may hold."""


def made_feeds(corpus: Path, address: str) -> tuple[dict[str, bytes], dict[str, dict[str, Any]]]:
    """Return name → RSS document for each source of the corpus, and link → labelled line."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    labelled = {}
    for text in corpus.read_text().splitlines():
        line = json.loads(text)
        line["link"] = f"{address}/labelled/{line['id']}"
        labelled[line["link"]] = line
        lines[line["source"]].append(line)
    return {source: _rss(source, found) for source, found in lines.items()}, labelled


def _rss(source: str, lines: list[dict[str, Any]]) -> bytes:
    items = "".join(
        f"<item><title>{_text(line['title'])}</title><link>{line['link']}</link>"
        f"<guid isPermaLink='false'>{line['id']}</guid>"
        f"<description>{_text(line['text'])}</description>"
        f"<pubDate>{format_datetime(datetime.fromisoformat(line['published']))}</pubDate></item>"
        for line in sorted(lines, key=lambda line: line["published"], reverse=True)
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>'
    return f"{head}{_text(source)}</title>{items}</channel></rss>".encode()


def _text(text: str) -> str:
    return escape(text.translate(ILLEGAL))


async def scan(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    documents: dict[str, bytes] = {}
    app = web.Application()

    async def answer(request: web.Request) -> web.Response:
        body = documents.get(request.path)
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="application/xml")

    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    saved = {}
    for file in sorted(chosen.feeds.glob("*.xml")) if chosen.feeds else ():
        saved[f"{address}/saved/{file.name}"] = documents[f"/saved/{file.name}"] = file.read_bytes()
    made, labelled = made_feeds(chosen.corpus, address) if chosen.corpus else ({}, {})
    names = {f"{address}/saved/{file.split('/')[-1]}": file.split("/")[-1] for file in saved}
    for source, body in made.items():
        documents[f"/made/{source}"] = body
        names[f"{address}/made/{quote(source)}"] = source
    write_settings(folder, names)
    begun = time.perf_counter()
    report = await tgewatch(folder, "scan", "--all", *(("--now", chosen.now) if chosen.now else ()))
    seconds = time.perf_counter() - begun
    items = await tgewatch(folder, "export", "--what", "items")
    await runner.cleanup()
    return {
        "report": report,
        "seconds": seconds,
        "entries": compare(saved, items),
        "labelled": hold_against(labelled, items) if labelled else {},
    }


def write_settings(folder: Path, names: dict[str, str]) -> None:
    shipped = files("tgewatch.settings") / "data" / "default.toml"
    content = {
        "company": tomlkit.parse(shipped.read_text()).unwrap()["company"],
        "fetch": {"allow_private": True, "spacing": 0},
        "cycle": {"articles": 0},
        "detection": {"mode": "discover"},
        "source": [{"url": url, "name": name} for url, name in names.items()],
    }
    (folder / "tgewatch.toml").write_text(tomlkit.dumps(content))


async def tgewatch(folder: Path, command: str, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tgewatch", command, *arguments,
        "--json" if command == "scan" else "--format=json",
        cwd=folder, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode not in (0, 1):
        raise SystemExit(f"tgewatch {command} ended with {process.returncode}")
    return json.loads(out)


def compare(
    saved: dict[str, bytes], items: list[dict[str, Any]]
) -> list[tuple[str, int, int, int]]:
    """Return for each saved feed: name, entries by feedparser, by us, and stored."""
    stored = Counter(item["source_url"] for item in items)
    found = []
    for url, body in saved.items():
        theirs = len(feedparser.parse(io.BytesIO(body)).entries)
        ours = len(parse_feed(body, url=url).entries)
        found.append((url.rpartition("/")[2], theirs, ours, stored[url]))
    return found


def hold_against(
    labelled: dict[str, dict[str, Any]], items: list[dict[str, Any]]
) -> dict[str, Counter[str]]:
    """Return (sure or unsure; positive or negative) → stage → lines."""
    stage = {item["url"]: item["stage"] for item in items}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for link, line in labelled.items():
        sure = "sure" if line["confidence"] == "hi" else "unsure"
        name = f"{sure} {'positive' if line['tge_relevant'] else 'negative'}"
        found[name][stage.get(link, "not stored")] += 1
    return found


def say(found: dict[str, Any], events: int) -> None:
    report = found["report"]
    sources, items = report["sources"], report["items"]
    print(
        f"{sources['polled']} feeds read in {report['seconds']:.1f} s ({found['seconds']:.1f} s with"
        f" start-up): {sources['changed']} changed, failed: {sources['failed'] or 'none'}"
    )
    for problem in sources["failures"].values():
        print(f"  {problem}")
    print(f"{items['seen']} entries, {items['new']} stored; dropped:")
    for stage, reasons in items["dropped"].items():
        for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]):
            print(f"  {count:5d} at {stage:6s} {reason}")
    states = Counter(event["state"] for event in report["events"])
    print(f"{len(report['events'])} events: {dict(states)}; deliveries {report['deliveries']}")
    for event in sorted(report["events"], key=lambda e: (-e["sources"], -e["score"]))[:events]:
        print(
            f"  {event['state']:10s} {event['project'][:28]:28s} {event['ticker']:8s}"
            f" {event['date'] or '-':16s} {event['score']:.2f} {event['sources']} sources"
        )
    fewer = [row for row in found["entries"] if row[2] < row[1]]
    theirs, ours, stored = (sum(row[n] for row in found["entries"]) for n in (1, 2, 3))
    print(
        f"{len(found['entries'])} saved feeds: feedparser {theirs} entries, tgewatch {ours},"
        f" stored {stored}; fewer than feedparser in {len(fewer)}"
    )
    for row in fewer:
        print(f"  {row[0]}: feedparser {row[1]}, tgewatch {row[2]}, stored {row[3]}")
    for name, stages in sorted(found["labelled"].items()):
        print(f"  labelled {name}: {dict(stages)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--feeds", type=Path, help="folder of *.xml")
    parser.add_argument("--corpus", type=Path, help="labelled lines, as JSON")
    parser.add_argument("--events", type=int, default=15, help="events shown")
    parser.add_argument("--now", help="read as if it were then")
    chosen = parser.parse_args()
    if not (chosen.feeds or chosen.corpus):
        parser.error("give --feeds or --corpus")
    for name in [name for name in os.environ if name.startswith("TGEWATCH_")]:
        del os.environ[name]
    with TemporaryDirectory() as folder:
        found = asyncio.run(scan(chosen, Path(folder)))
    say(found, chosen.events)
    sys.exit(any(ours < theirs for _, theirs, ours, _ in found["entries"]))


if __name__ == "__main__":
    main()
