"""The early filter: which terms and companies an item names, by exact matching with boundaries."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import re2  # type: ignore[import-untyped]  # ships no types
from ahocorasick_rs import AhoCorasick

from tgewatch.detect.lexicon import Lexicon
from tgewatch.detect.text import Field, fields_of
from tgewatch.model import Company, Item, Match
from tgewatch.settings.detecting import DetectionSettings


def is_edge(text: str, start: int, end: int) -> bool:
    """Return whether `text[start:end]` stands as words of its own; scripts without spaces do.

    A sign at the end, as in “launch $”, is an edge by itself.
    """
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    first, last = text[start], text[end - 1]
    return not (
        (before.isalnum() and first < "\u2e80")
        or (after.isalnum() and last.isalnum() and last < "\u2e80")
    )


class Matcher:
    """Finds terms and companies in one pass over the text."""

    def __init__(
        self, companies: Sequence[Company], settings: DetectionSettings, *, lexicon: Lexicon
    ) -> None:
        self._discover = settings.mode == "discover"
        self._entries: list[tuple[str, str, Company | None, bool]] = []
        """Term as configured, tier, company, whether the case must agree."""
        self._homes: dict[str, str] = {}
        patterns: list[str] = []

        def add(pattern: str, tier: str, company: Company | None, *, exact: bool = False) -> None:
            if pattern.strip():
                patterns.append(pattern.lower())
                self._entries.append((pattern, tier, company, exact))

        own = {p.lower(): t.tier for t in settings.terms for p in t.phrases}
        for term, tier in {**lexicon.terms(), **own}.items():
            add(term, tier, None)
        for company in companies:
            for name in dict.fromkeys((company.name, *company.aliases)):
                add(name, "company", company, exact=is_common(name))
            for ticker in company.tickers:
                add(ticker, "ticker", company, exact=True)
            if company.x_handle:
                add("@" + company.x_handle, "company", company)
            for domain in company.domains:
                self._homes[domain] = company.name
        self._automaton = AhoCorasick(patterns) if patterns else None
        self._patterns = [
            (t.tier, pattern, re2.compile(pattern))
            for t in settings.terms
            for pattern in t.patterns
        ]

    def home(self, *urls: str) -> str:
        """Return the company whose official domain one of `urls` lies on, or an empty string."""
        for url in urls:
            host = (urlsplit(url).hostname or "") if self._homes else ""
            while host:
                if host in self._homes:
                    return self._homes[host]
                host = host.partition(".")[2]
        return ""

    def find(self, fields: Iterable[Field]) -> tuple[Match, ...]:
        """Return every term and company in `fields`, in order; exclusions are not applied."""
        found: list[Match] = []
        if self._automaton is None:
            return ()
        fields = tuple(fields)
        for field in fields:
            for index, start, end in self._automaton.find_matches_as_indexes(
                field.low, overlapping=True
            ):
                if not is_edge(field.low, start, end):
                    continue
                term, tier, company, exact = self._entries[index]
                if exact and field.text[start:end] != term:
                    continue
                span = field.span(start, end)
                name = company.name if company else ""
                found.append(Match(term=term, tier=tier, span=span, company=name))
        for tier, pattern, compiled in self._patterns:
            for field in fields[:2]:
                hit = compiled.search(field.low)
                if hit and hit.end() > hit.start():
                    found.append(Match(pattern, tier, field.span(hit.start(), hit.end())))
        return tuple(found)

    def scan(self, item: Item, *, official: str = "") -> tuple[Match, ...]:
        """Return the matches of an item that deserves a judgement, or nothing.

        `official` names the company whose voice the item's source is; without it the item must
        hold a company as well as a term, unless any project will do.
        """
        found = self.find(fields_of(item))
        if not any(m.company == "" for m in found):
            return ()
        if self._discover or official or any(m.company for m in found):
            return found
        return found if self.home(item.source, item.url) else ()


def is_common(name: str) -> bool:
    """Return whether `name` could be an ordinary word, so that its case must agree."""
    return name.isalpha() and len(name) <= 12  # noqa: PLR2004 - longer words are names
