"""Which company of the watchlist an item is about, and whether the name means it at all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tgewatch.detect.lexicon import Lexicon
from tgewatch.detect.match import is_edge
from tgewatch.detect.naming import EVENTS, PLACES, VERBS, Naming
from tgewatch.detect.reading import NAME_TAILS, Mark, Reading
from tgewatch.detect.text import Field
from tgewatch.model import Company, Match

NEAR = 24
"""Characters after a name within which a word about tokens vouches for it."""


@dataclass(frozen=True, slots=True)
class _Senses:
    """What a company's name may also mean."""

    inside: tuple[str, ...]
    """Lower-case phrases around the name in which it means something else."""
    anywhere: tuple[str, ...]
    """Lower-case phrases that, wherever they stand, give the bare name another sense."""
    context: tuple[str, ...]


class Companies:
    """The watchlist, by name, with the senses of its names."""

    def __init__(
        self, companies: Sequence[Company], lexicon: Lexicon, common: frozenset[str]
    ) -> None:
        self._known = {c.name: c for c in companies}
        self._lexicon, self._common = lexicon, common
        self._senses = {c.name: _senses(c) for c in companies}

    def get(self, name: str) -> Company | None:
        """Return the company of that name."""
        return self._known.get(name)

    def meant(
        self,
        fields: Sequence[Field],
        matches: Sequence[Match],
        readings: Sequence[Reading],
        named: Naming,
        *,
        least: float = 0.0,
    ) -> str:
        """Return the company that the item is about, or an empty string.

        `least` is how much must speak for it: 1 where another project may be the subject.
        """
        hits = [match for match in matches if match.company]
        if not hits:
            return ""
        texts = {f.name: f for f in fields}
        scores: dict[str, float] = {}
        for match in hits:
            field = texts.get(match.span.field)
            if field is None:
                continue
            if self._is_other_sense(match, field, fields):
                continue
            value = self._weight(match, field, readings, named)
            if value > 0 and value >= least:
                scores[match.company] = max(value, scores.get(match.company, 0.0))
        return max(scores, key=lambda n: scores[n]) if scores else ""

    def _is_other_sense(self, match: Match, field: Field, fields: Sequence[Field]) -> bool:
        senses = self._senses.get(match.company)
        if senses is None:
            return True
        start, end = match.span.start, match.span.end
        if any(a <= start and end <= b for p in senses.inside for a, b in _places(field.low, p)):
            return True
        bare = match.tier == "company" and not match.term.startswith("@")
        if not bare:
            return False
        if any(_holds(f.low, p) for p in senses.anywhere for f in fields):
            return True
        return bool(senses.context) and not any(
            _holds(f.low, p) for p in senses.context for f in fields
        )

    def _weight(
        self, match: Match, field: Field, readings: Sequence[Reading], named: Naming
    ) -> float:
        """Return how much a match speaks for its company being the subject; 0 for not at all."""
        start, end = match.span.start, match.span.end
        reading = next((r for r in readings if r.field.name == field.name), None)
        marks = reading.marks if reading else ()
        value = 2.0 if field.name == "title" else 1.0
        if match.tier == "ticker":
            marked = field.text[start - 1 : start] in ("$", "(", "#")
            return value if marked or self._vouched(marks, end) else 0.0
        if match.term.startswith("@"):
            return value + 0.5
        subject = bool(
            named.mark and named.mark.start <= start < named.mark.start + max(len(named.project), 1)
        )
        if subject:
            return value + 1.0
        if self._ordinary(match.term) and not self._vouched(marks, end):
            return 0.0
        before = next((m for m in reversed(marks) if m.end <= start), None)
        if before and before.low in PLACES and start - before.end <= 2 and named.project:  # noqa: PLR2004 - one space
            return 0.2 if field.name == "title" else 0.1
        return value

    def _ordinary(self, name: str) -> bool:
        low = name.lower()
        return low in self._common or low in self._lexicon.words

    @staticmethod
    def _vouched(marks: Sequence[Mark], end: int) -> bool:
        """Return whether a word that only stands beside projects follows."""
        for mark in marks:
            if mark.start >= end and mark.start - end <= NEAR:
                return (
                    mark.tag in EVENTS
                    or mark.tag in VERBS
                    or mark.tag in ("(", "TICKER", "CAPS")
                    or (mark.low in NAME_TAILS and mark.text[0].isupper())
                )
        return False


def _senses(company: Company) -> _Senses:
    names = [n.lower() for n in (company.name, *company.aliases)]
    phrases = [p.lower() for p in company.exclusions if p.strip()]
    inside = tuple(p for p in phrases if any(n in p for n in names))
    anywhere = tuple(p for p in phrases if p not in inside)
    return _Senses(inside, anywhere, tuple(w.lower() for w in company.context if w.strip()))


def _places(low: str, phrase: str) -> Iterator[tuple[int, int]]:
    for found in re.finditer(re.escape(phrase), low):
        if is_edge(low, *found.span()):
            yield found.span()


def _holds(low: str, phrase: str) -> bool:
    return any(True for _ in _places(low, phrase))
