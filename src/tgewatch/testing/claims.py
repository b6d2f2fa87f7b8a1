"""Claims and dates in few words, for tests of what becomes of them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tgewatch.model import Claim, DateClaim, Flag, Kind, Precision


def at(text: str) -> float:
    """Return the Unix time of `2026-05-12` or `2026-05-12T15:00`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def instant(text: str, basis: str = "stated") -> DateClaim:
    return DateClaim(at(text), at(text), Precision.INSTANT, basis)


def day(text: str, basis: str = "stated") -> DateClaim:
    return DateClaim(at(text), at(text) + 86_400.0, Precision.DAY, basis)


def week(text: str) -> DateClaim:
    """Return the week that begins on this day."""
    return DateClaim(at(text), at(text) + 7 * 86_400.0, Precision.WEEK)


def month(text: str) -> DateClaim:
    """Return the month `2026-05`."""
    begin = datetime.fromisoformat(f"{text}-01").replace(tzinfo=UTC)
    end = (begin + timedelta(days=32)).replace(day=1)
    return DateClaim(begin.timestamp(), end.timestamp(), Precision.MONTH)


def quarter(text: str) -> DateClaim:
    """Return the quarter `2026-Q2`."""
    year, number = text.split("-Q")
    begin = month(f"{year}-{int(number) * 3 - 2:02}")
    return DateClaim(begin.start, month(f"{year}-{int(number) * 3:02}").end, Precision.QUARTER)


def soon(text: str = "2026-01-01") -> DateClaim:
    return DateClaim(at(text), at(text) + 90 * 86_400.0, Precision.SOON)


def claim(
    title: str,
    kind: Kind = Kind.ANNOUNCED,
    when: str = "2026-01-01",
    *,
    date: DateClaim | None = None,
    outlet: str = "outlet.example",
    project: str = "Curvance",
    company: str = "",
    ticker: str = "",
    confidence: float = 0.8,
    official: bool = False,
    rumour: bool = False,
    baseline: bool = False,
    flags: tuple[str, ...] = (),
    summary: str = "",
    name: str = "",
) -> Claim:
    """Return a claim whose id follows from its outlet and title (or from `name`)."""
    mark = sha256(f"{outlet}|{name or title}|{when if not name else ''}".encode()).hexdigest()
    return Claim(
        id=mark,
        source=f"https://{outlet}/feed.xml",
        item=mark[:16],
        url=f"https://{outlet}/{mark[:8]}",
        title=title,
        project=project,
        kind=kind,
        confidence=confidence,
        at=at(when),
        seen=at(when) + 60.0,
        company=company,
        ticker=ticker,
        date=date,
        official=official,
        rumour=rumour,
        baseline=baseline,
        flags=tuple(Flag(flag, "for the test") for flag in flags),
        text=f"{title}\n{summary}" if summary else title,
    )
