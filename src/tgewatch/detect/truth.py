"""Labelled text: what is published and what is true about it."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tgewatch.errors import MalformedError
from tgewatch.model import Item, Label

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
    try:
        post = str(row["type"]) == "tweet"
        title, text = html.unescape(str(row["title"])), html.unescape(str(row.get("text") or ""))
        published = _time(str(row["published"]))
        relevant = bool(int(str(row["tge_relevant"])))
    except (KeyError, ValueError) as error:
        raise MalformedError(f"line {number}: {error!r}", cause="not_labelled") from error
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
        "event_kind": str(label.kind or ("other" if label.relevant else "none")),
        "project": label.project or label.company,
        "ticker": label.ticker,
        "event_date": label.date,
        "date_basis": "stated" if label.date else "",
        "id": label.url or title,
    }


def _time(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
