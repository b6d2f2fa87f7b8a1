"""Score date reading on a CSV of dated events: `python scripts/score_dates.py FILE [--errors N]`.

The columns are coin, ticker, title, detail, added and event_date (ISO days; for a period the last
day of it). A row counts as stating a date when its text holds a day or month name, a quarter, a
numeric date or a relative one; it is right when a date that was read starts on the day or ends
with it.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tgewatch.model import DateClaim, Precision
from tgewatch.parse import dates

STATES = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|december|Q[1-4]|[1-4]Q|(?:first|second|third|fourth) quarter|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow|tonight|"
    r"(?:this|next|end of(?: the)?) (?:week|month|year)|in \d+ (?:days|hours|weeks))\b"
    r"|\bMay\b|\d{1,2}[./]\d{1,2}[./](?:20)?\d\d\b|\b20\d\d-\d\d-\d\d\b",
    re.IGNORECASE,
)


def states_a_date(text: str) -> bool:
    return any(m.group() != "may" for m in STATES.finditer(text))


def right(claim: DateClaim, day: date) -> bool:
    start = datetime.fromtimestamp(claim.start, UTC).date()
    end = datetime.fromtimestamp(claim.end, UTC).date()
    if claim.precision is Precision.WEEK and start <= day < end:
        return True
    return day in (start, end - timedelta(days=1), end if claim.start == claim.end else start)


def judged(rows: Iterator[Mapping[str, str]]) -> Iterator[tuple[bool, bool, Mapping[str, str]]]:
    """Yield for each row that states a date whether one was read and whether it is right."""
    for row in rows:
        text = f"{row['title']}. {row['detail']}"
        if not states_a_date(text):
            continue
        added = datetime.fromisoformat(row["added"]).replace(hour=12, tzinfo=UTC).timestamp()
        found = dates.find(text, published=added)
        day = date.fromisoformat(row["event_date"])
        yield bool(found), any(right(c, day) for c in found), row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--errors", type=int, default=0)
    options = parser.parse_args()
    with options.file.open(encoding="utf-8", newline="") as lines:
        results = list(judged(iter(csv.DictReader(lines))))
    read = sum(found for found, _, _ in results)
    correct = sum(good for _, good, _ in results)
    total = len(results) or 1
    sys.stdout.write(
        f"{len(results)} rows state a date: read {read} ({read / total:.3f}),"
        f" right {correct} ({correct / total:.3f})\n"
    )
    for _, good, row in results:
        if not good and options.errors > 0:
            options.errors -= 1
            sys.stdout.write(
                f"{row['added']} {row['event_date']} | {row['title']} | {row['detail']}\n"
            )


if __name__ == "__main__":
    main()
