"""`tgewatch export`."""

import asyncio
import csv
import io

import pytest

from tgewatch.app import open_archive
from tgewatch.cli.exporting import COLUMNS, What
from tgewatch.model import Claim, Item, Judged, Kind, Poll, SourceState
from tgewatch.parse.opml import parse_opml
from tgewatch.settings.load import load_settings
from tgewatch.store import Access
from tgewatch.testing.clock import ManualClock

OWN = """\
[[company]]
name = "Mine"
tickers = ["MINE"]
[[source]]
url = "https://a.example/feed"
name = "=HYPERLINK(1)"
company = "Mine"
why = "said \\"so\\""
interval = "10m"
headers = { Key = "hush" }
"""


def test_sources_as_opml_read_back(shell):
    shell.write(OWN)

    (outline,) = parse_opml(shell.run("export", "-f", "opml").out.encode())

    assert (outline.url, outline.title, outline.folder) == (
        "https://a.example/feed",
        "=HYPERLINK(1)",
        "Mine",
    )


def test_no_cell_of_a_csv_is_a_formula(shell):
    shell.write(OWN)

    rows = list(csv.DictReader(io.StringIO(shell.run("export", "-f", "csv").out)))

    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["interval"] == "600.0"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_exported_can_be_imported(shell, form):
    shell.write(OWN)
    shell.run("export", "--what", "companies", "-f", form, "-o", f"companies.{form}")
    shell.run("export", "--what", "sources", "-f", form, "-o", f"sources.{form}")
    shell.write("", "other.toml")

    for name in ("companies", "sources"):
        assert shell.run("import", f"{name}.{form}", "-s", "other.toml").code == 0, name

    assert shell.run("export", "-s", "other.toml").json == shell.run("export").json


def test_headers_stay_at_home(shell):
    shell.write(OWN)

    for form in ("csv", "json", "opml"):
        assert "hush" not in shell.run("export", "-f", form).out


def test_the_shipped_watchlist_survives_the_round_trip(shell):
    before = shell.run("export", "-o", "all.json")
    assert before.code == 0
    shell.run("export", "--what", "companies", "-o", "companies.json")
    shell.write("", "other.toml")
    shell.run("import", "companies.json", "-s", "other.toml")

    ended = shell.run("import", "all.json", "-s", "other.toml", "--json")

    assert (ended.code, ended.json["refused"]) == (0, 0)
    assert shell.run("export", "-s", "other.toml").json == shell.run("export").json


def test_companies_are_no_opml(shell):
    assert shell.run("export", "--what", "companies", "-f", "opml").code == 2


def test_nothing_is_an_empty_list(shell):
    shell.write("")

    assert shell.run("export").json == []
    assert shell.run("export", "-f", "csv").out.strip() == ",".join(COLUMNS[What.SOURCES])
    assert parse_opml(shell.run("export", "-f", "opml").out.encode()) == ()


def test_a_store_that_is_not_there_holds_nothing(shell):
    shell.write(OWN)

    assert shell.run("export", "--what", "events").json == []
    assert shell.run("export", "--what", "items", "-f", "csv").out.startswith("source,source_url,")
    assert not (shell.folder / "state").exists()


def test_events_and_items_come_from_the_store(shell):
    shell.write(OWN)
    asyncio.run(filled(load_settings(shell.folder / "tgewatch.toml", environ={}, cwd=shell.folder)))

    (event,) = shell.run("export", "--what", "events").json
    assert (event["company"], event["ticker"], event["kind"]) == ("Mine", "MINE", "tge_announced")
    assert list(event) == list(COLUMNS[What.EVENTS])
    items = shell.run("export", "--what", "items").json
    assert list(items[0]) == list(COLUMNS[What.ITEMS])
    assert [(i["title"], i["stage"], i["reason"]) for i in items] == [
        ("=cmd|' /C calc'!A0", "match", "no_term"),
        ("Mine will launch MINE", "event", ""),
    ]
    rows = list(
        csv.DictReader(io.StringIO(shell.run("export", "--what", "items", "-f", "csv").out))
    )
    assert rows[0]["title"] == "'=cmd|' /C calc'!A0"


def test_only_what_is_newer_is_exported_on_demand(shell):
    shell.write(OWN)
    asyncio.run(filled(load_settings(shell.folder / "tgewatch.toml", environ={}, cwd=shell.folder)))

    assert len(shell.run("export", "--what", "items", "--since", "1000").json) == 2
    assert shell.run("export", "--what", "items", "--since", "2026-01-01").json == []
    assert shell.run("export", "--what", "items", "--since", "soon").code == 2


async def filled(settings):
    """Store one poll: an item that was dropped and one that made an event."""
    (source,) = settings.sources
    dropped = Item(
        source=source.url, key="a" * 64, url="https://a.example/1", title="=cmd|' /C calc'!A0"
    )
    kept = Item(
        source=source.url, key="b" * 64, url="https://a.example/2", title="Mine will launch MINE"
    )
    claim = Claim(
        id="c1",
        source=source.url,
        item=kept.key,
        url=kept.url,
        title=kept.title,
        project="Mine",
        company="Mine",
        ticker="MINE",
        kind=Kind.ANNOUNCED,
        confidence=0.9,
        at=1_000.0,
        seen=1_000.0,
        official=True,
    )
    poll = Poll(
        source=source,
        at=1_000.0,
        state=SourceState(url=source.url, polled_at=1_000.0),
        outcome="changed",
        judged=(
            Judged(dropped, stage="match", reason="no_term"),
            Judged(kept, stage="event", reason="", claim=claim),
        ),
    )
    async with open_archive(settings, clock=ManualClock(1_000.0), access=Access.OWN) as store:
        await store.commit_poll(poll)
