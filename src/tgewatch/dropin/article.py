"""An item as the dict that existing pipelines know."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tgewatch.model import Company, DateClaim, Judged, Source, Verdict

SNIPPETS = 5
AROUND = 100
"""Characters on either side of what a snippet shows."""


class Terms:
    """What the user watches for, to say which of it an article names."""

    def __init__(self, companies: Sequence[Company], keywords: Sequence[str]) -> None:
        self._companies = [
            (
                company.name,
                _pattern([company.name, *company.aliases, *(f"${t}" for t in company.tickers)]),
            )
            for company in companies
        ]
        self._keywords = [(keyword, _pattern([keyword])) for keyword in keywords]

    def companies(self, text: str) -> list[str]:
        return [name for name, pattern in self._companies if pattern.search(text)]

    def keywords(self, text: str) -> list[str]:
        return [keyword for keyword, pattern in self._keywords if pattern.search(text)]

    def snippets(self, text: str) -> list[str]:
        """Return the words around the first places where something watched is named."""
        places = sorted(
            found.span()
            for _, pattern in (*self._companies, *self._keywords)
            if (found := pattern.search(text))
        )
        shown: list[str] = []
        end = -1
        for start, stop in places:
            if start < end or len(shown) == SNIPPETS:
                continue
            end = min(len(text), stop + AROUND)
            shown.append(" ".join(text[max(0, start - AROUND) : end].split()))
        return shown


def article_of(judged: Judged, source: Source, *, feed_title: str, terms: Terms) -> dict[str, Any]:
    """Return an item that made a claim as a dict; every value of it has a form in JSON."""
    item, verdict = judged.item, judged.verdict
    content = judged.article_text or item.content or item.summary
    confidence = round(verdict.confidence, 4) if verdict else 0.0
    return {
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "content": content,
        "published": _iso(item.published),
        "source": source.url,
        "feed_title": feed_title or source.name,
        "confidence": confidence,
        "relevance_info": _relevance(
            verdict, f"{item.title}\n{item.summary}\n{content}", terms, confidence
        ),
    }


def best_first(articles: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort by confidence, then the newest first."""
    return sorted(
        articles, key=lambda one: (one["confidence"], one["published"] or ""), reverse=True
    )


def _relevance(
    verdict: Verdict | None, text: str, terms: Terms, confidence: float
) -> dict[str, Any]:
    companies = terms.companies(text)
    if verdict and verdict.company and verdict.company not in companies:
        companies.insert(0, verdict.company)
    why = verdict.why if verdict else ()
    return {
        "matched_companies": companies,
        "matched_keywords": terms.keywords(text),
        "confidence": confidence,
        "signals": [one.name for one in why if one.value > 0],
        "context_snippets": terms.snippets(text),
        "kind": str(verdict.kind) if verdict and verdict.kind else "",
        "project": verdict.project if verdict else "",
        "ticker": verdict.ticker if verdict else "",
        "date": _date(verdict.date) if verdict else None,
        "flags": [flag.name for flag in verdict.flags] if verdict else [],
    }


def _date(date: DateClaim | None) -> dict[str, Any] | None:
    if date is None:
        return None
    return {
        "start": _iso(date.start),
        "end": _iso(date.end),
        "precision": str(date.precision),
        "text": date.text,
    }


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Return what finds any of the words, whole and in any case."""
    choices = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word)
    return re.compile(rf"(?<!\w)(?:{choices or '(?!)'})(?!\w)", re.IGNORECASE)
