"""Labelled text: what is published and what is true about it."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tgewatch.errors import MalformedError
from tgewatch.model import Item, Label

T = TypeVar("T")
_TYPES = {"news": False, "tweet": True}
_ANSWERS = {"1": True, "0": False, "True": True, "False": False}
READ_DATES = frozenset({"stated", "relative"})
"""Bases of dates that a reader finds in the text."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One text with its labels."""

    item: Item
    id: str
    relevant: bool
    sure: bool = True
    """A second careful reader should agree."""
    kind: str = ""
    project: str = ""
    ticker: str = ""
    date: str = ""
    """ISO day, YYYY-MM or YYYY-Qn, where the text states it or it follows from the text."""

    @property
    def post(self) -> bool:
        return self.item.kind == "post"


def truth_of(row: Mapping[str, object], *, number: int = 0) -> Truth:
    """Return the text and labels of one row with the fields of the labelled corpus.

    No label is part of the item. Raises MalformedError when a needed field is missing or wrong.
    """
    post = _field(row, number, "type", _TYPES.__getitem__, "news or tweet")
    title = _field(row, number, "title", html.unescape, "text")
    text = html.unescape(str(row.get("text") or ""))
    published = _field(row, number, "published", _time, "a time such as 2026-05-12T15:00:00Z")
    relevant = _field(row, number, "tge_relevant", _ANSWERS.__getitem__, "1 or 0")
    stated = str(row.get("date_basis") or "") in READ_DATES
    item = Item(
        source="", key=str(row.get("id") or number), url=str(row.get("url") or ""), title=title,
        summary="" if post and text == title else text, published=published,
        kind="post" if post else "entry",
    )  # fmt: skip
    return Truth(
        item=item, id=item.key, relevant=relevant, sure=str(row.get("confidence", "hi")) == "hi",
        kind=str(row.get("event_kind") or ""), project=str(row.get("project") or ""),
        ticker=str(row.get("ticker") or ""), date=str(row.get("event_date") or "") if stated else "",
    )  # fmt: skip


def _field(
    row: Mapping[str, object], number: int, name: str, read: Callable[[str], T], wanted: str
) -> T:
    """Return a needed field as it is read. Raises MalformedError that says what it must be."""
    if name not in row:
        raise MalformedError(f"line {number}: {name} is missing", cause="not_labelled")
    value = row[name]
    wrong = f"line {number}: {name} must be {wanted}; it is "
    if value is None:
        raise MalformedError(f"{wrong}null", cause="not_labelled")
    try:
        return read(str(value))
    except (KeyError, ValueError) as error:
        raise MalformedError(f"{wrong}{str(value)[:40]!r}", cause="not_labelled") from error


def truth_of_label(label: Label, *, item: Item | None = None) -> Truth:
    """Return what the user said of a text as truth about `item`, or about the text it keeps."""
    title, _, rest = label.text.partition("\n")
    kept = Item(
        source="", key=label.url or title, url=label.url, title=title, summary=rest,
        published=label.published, kind="post" if label.post else "entry",
    )  # fmt: skip
    about = item or kept
    return Truth(
        item=about, id=label.url or title, relevant=label.relevant,
        kind=str(label.kind or ""), project=label.project or label.company,
        ticker=label.ticker, date=label.date,
    )  # fmt: skip


def row_of_label(label: Label) -> dict[str, object]:
    """Return a label as a row that `truth_of` reads."""
    title, _, rest = label.text.partition("\n")
    at = label.at if label.published is None else label.published
    return {
        "type": "tweet" if label.post else "news",
        "published": datetime.fromtimestamp(at, UTC).isoformat(),
        "title": title,
        "text": rest,
        "url": label.url,
        "tge_relevant": int(label.relevant),
        "confidence": "hi",
        "event_kind": str(label.kind or ("" if label.relevant else "none")),
        "project": label.project or label.company,
        "ticker": label.ticker,
        "event_date": label.date,
        "date_basis": "stated" if label.date else "",
        "id": label.url or title,
    }


def _time(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
