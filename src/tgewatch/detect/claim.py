"""From a verdict to a statement about an event."""

from hashlib import sha256

from tgewatch.model import Claim, Item, Kind, Source, Verdict

TEXT_LIMIT = 600


def claim_of(item: Item, verdict: Verdict, source: Source, *, seen: float, baseline: bool) -> Claim:
    """Return what a relevant item states; its id depends on source and item key alone."""
    text = f"{item.title}\n{item.summary}" if item.summary else item.title
    return Claim(
        id=sha256(f"{item.source}\n{item.key}".encode()).hexdigest(),
        source=item.source,
        item=item.key,
        url=item.url,
        title=item.title,
        project=verdict.project or verdict.company,
        kind=verdict.kind or Kind.OTHER,
        confidence=verdict.confidence,
        at=seen if item.published is None else item.published,
        seen=seen,
        company=verdict.company,
        ticker=verdict.ticker,
        date=verdict.date,
        official=bool(source.company) and source.company == verdict.company,
        rumour=verdict.rumour,
        baseline=baseline,
        why=verdict.why,
        flags=verdict.flags,
        text=text[:TEXT_LIMIT],
    )
