"""A verdict in words, for `why`."""

from collections.abc import Iterator, Mapping

from tgewatch.model import Contribution, DateClaim, Verdict
from tgewatch.rules.dates import shown


def lines(verdict: Verdict, *, limit: int = 40) -> Iterator[str]:
    """Yield the verdict and its contributions, the heaviest first, as lines without mark-up."""
    word = "relevant" if verdict.relevant else "not relevant"
    yield f"{word}: confidence {verdict.confidence:.2f}, score {verdict.score:+.2f}"
    for label, value in facts(verdict).items():
        yield f"  {label}: {value}"
    ranked = sorted(verdict.why, key=lambda c: -abs(c.value))
    for contribution in ranked[:limit]:
        yield f"  {contribution.value:+7.3f}  {contribution.name}{_cause(contribution)}"
    if len(ranked) > limit:
        rest = sum(c.value for c in ranked[limit:])
        yield f"  {rest:+7.3f}  {len(ranked) - limit} smaller ones"


def facts(verdict: Verdict) -> Mapping[str, str]:
    """Return what was read from the text, by name; only what was found."""
    found = {
        "kind": verdict.kind.value if verdict.kind else "",
        "project": verdict.project,
        "company": verdict.company,
        "ticker": verdict.ticker,
        "date": _when(verdict.date) if verdict.date else "",
        "rumour": "yes" if verdict.rumour else "",
        "flags": ", ".join(f"{f.name}: {f.detail}" for f in verdict.flags),
    }
    return {name: value for name, value in found.items() if value}


def _when(date: DateClaim) -> str:
    said = f"“{date.text}”" if date.text else "the day of publication"
    return f"{shown(date)} ({date.precision}; {said})"


def _cause(contribution: Contribution) -> str:
    return f"  “{contribution.detail}”" if contribution.detail else ""
