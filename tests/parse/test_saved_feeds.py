"""Real feeds, where they lie beside the project: feedparser is the judge."""

import calendar
import html
import io
import re
from pathlib import Path

import feedparser
import pytest

from tgewatch.parse.feed import parse_feed
from tgewatch.parse.timestamps import EARLIEST

FOLDER = Path(__file__).parents[3] / "shared" / "feeds"
FILES = sorted(FOLDER.glob("*.xml"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"no saved feeds in {FOLDER}: nothing compared")


def judged(body):
    return feedparser.parse(
        io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False
    ).entries


def bare(text):
    """Only the letters count: what is compared is not how mark-up becomes space."""
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", html.unescape(text or ""))))


def moment(entry):
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    seconds = calendar.timegm(parsed) if parsed else None
    return seconds if seconds is None or seconds >= EARLIEST else None


def pairs():
    for path in FILES:
        body = path.read_bytes()
        ours, theirs = parse_feed(body, url="https://feed.example/").entries, judged(body)
        if len(ours) == len(theirs):
            yield from zip(ours, theirs, strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_entry_is_missed(path):
    body = path.read_bytes()

    assert len(parse_feed(body, url="https://feed.example/").entries) >= len(judged(body))


def test_titles_and_dates_agree():
    compared = [
        (
            bare(our.title) == bare(their.get("title")),
            our.published and int(our.published),
            moment(their),
        )
        for our, their in pairs()
    ]

    assert len(compared) > 500
    assert sum(same for same, _, _ in compared) >= 0.99 * len(compared)
    assert sum(ours == theirs for _, ours, theirs in compared) >= 0.99 * len(compared)
