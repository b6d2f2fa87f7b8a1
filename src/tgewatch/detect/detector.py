"""Judges items: the one object that the engine needs of this room."""

import re
from collections.abc import Iterator, Sequence

from tgewatch.detect import lexicon, scam
from tgewatch.detect.companies import Companies
from tgewatch.detect.evidence import Evidence, Examiner
from tgewatch.detect.match import Matcher
from tgewatch.detect.naming import Naming, naming
from tgewatch.detect.reading import Mark
from tgewatch.detect.score import Model, probability, shipped
from tgewatch.detect.timing import date_of
from tgewatch.model import Company, Contribution, Item, Kind, Match, Source, Verdict
from tgewatch.rules.lifecycle import concrete
from tgewatch.settings.detecting import CompanyRules, DetectionSettings

CANCELLING = ("cancel", "scrap", "call", "abandon", "shelve", "rug pull", "axe")
DENYING = re.compile(
    r"(?:\b(?:not|no|never|without|den(?:y|ies|ied)|dismiss(?:es|ed)|rul(?:es|ed) out)|n't)"
    r"(?:\s+(?:be|been|being|get|to|any|a|an|the|its|further|more|of|rumou?rs?|reports?|talk|tge|token"
    r"|launch))*\s*$"
)
NEAR = 60
"""Characters before a word of delay in which it may be denied."""
OWN_VOICE = 1.5
"""Log-odds for a project's own source: it speaks of its own token, and knows."""
UNSURE = (0.08, 0.92)
"""Confidence between which the full text of an entry may change the judgement."""
LONG_SUMMARY = 300
"""Characters from which a summary tells what an article's lead would."""
STRANGERS = frozenset({"frame perhaps", "frame event_perhaps"})
"""Signs that somebody else than the project says so."""


class Detector:
    """Judges items against a watchlist, or for any project in discover mode. Holds no state.

    Reads the data that ships with the package when it is built, and nothing later.
    """

    def __init__(
        self,
        companies: Sequence[Company],
        settings: DetectionSettings,
        *,
        model: Model | None = None,
    ) -> None:
        self._settings = settings
        self._matcher = Matcher(companies, settings, lexicon=lexicon.shipped())
        self._companies = Companies(companies, lexicon.shipped(), lexicon.common_words())
        self._rules = {r.name: r for r in settings.company}
        self._weights = {t.tier: t.weight for t in settings.terms}
        self._examiner = Examiner()
        self._model = model or shipped()
        self._officials = scam.Officials(companies)

    def __repr__(self) -> str:
        return f"<Detector {self._settings.mode}, {len(self._model.weights)} weights>"

    @property
    def settings(self) -> DetectionSettings:
        """What it judges by."""
        return self._settings

    def scan(self, item: Item, *, source: Source | None = None) -> tuple[Match, ...]:
        """Return the terms and companies of an item worth judging; nothing means it is dropped."""
        return self._matcher.scan(item, official=source.company if source else "")

    def judge(
        self,
        item: Item,
        *,
        source: Source | None = None,
        article: str = "",
        matches: Sequence[Match] | None = None,
    ) -> Verdict:
        """Return what the item says of a token and why; `article` is its full text if known."""
        evidence = self._examiner.examine(item, article)
        found = self._matcher.find(evidence.fields) if matches is None or article else matches
        named = naming(evidence.readings)
        company = self._company(item, source, found, evidence, named)
        rules = self._rules.get(company)
        own = bool(company) and company == self._speaker(item, source)
        why = tuple(self._why(evidence, found, rules, own=own))
        score = sum([c.value for c in why])
        confidence = probability(score)
        limit = (rules.threshold if rules else None) or self._settings.threshold
        relevant = confidence >= limit and (bool(company) or self._settings.mode == "discover")
        kind = self._kind(evidence) if relevant else None
        if rules and kind is not None and kind.value in rules.mute:
            relevant, kind = False, None
        return Verdict(
            relevant=relevant,
            score=score,
            confidence=confidence,
            why=why,
            kind=kind,
            project=company or named.project,
            company=company,
            ticker=named.ticker or self._ticker(company),
            date=date_of(evidence, kind, item.published) if kind else None,
            flags=scam.flags(item, evidence.fields, self._officials),
            rumour=relevant and any(name in evidence.features for name in STRANGERS),
        )

    def wants_article(
        self, item: Item, matches: Sequence[Match], verdict: Verdict, *, history: bool = False
    ) -> bool:
        """Return whether the full text could change what is made of the item.

        Of `history` only what reports something is worth it: what may is looked into while it is news.
        """
        if item.kind == "post" or item.content or not matches or len(item.summary) > LONG_SUMMARY:
            return False
        if history and not verdict.relevant:
            return False
        low, high = UNSURE
        if low < verdict.confidence < high:
            return True
        return verdict.relevant and verdict.date is None

    def _company(
        self,
        item: Item,
        source: Source | None,
        found: Sequence[Match],
        evidence: Evidence,
        named: Naming,
    ) -> str:
        least = 1.0 if self._settings.mode == "discover" else 0.0
        meant = self._companies.meant(evidence.fields, found, evidence.readings, named, least=least)
        if meant:
            return meant
        own = self._speaker(item, source)
        return own if self._companies.get(own) else ""

    def _speaker(self, item: Item, source: Source | None) -> str:
        """Return the company whose own source it is, or an empty string."""
        return (source.company if source else "") or self._matcher.home(item.source, item.url)

    def _ticker(self, company: str) -> str:
        known = self._companies.get(company)
        return known.tickers[0] if known and len(known.tickers) == 1 else ""

    def _why(
        self,
        evidence: Evidence,
        found: Sequence[Match],
        rules: CompanyRules | None,
        *,
        own: bool,
    ) -> Iterator[Contribution]:
        title, last = evidence.readings[0].field.name, evidence.readings[-1].field.name
        yield from self._model.contributions(evidence.features, title=title, summary=last)
        tiers: set[str] = set()
        for match in found:
            weight = self._weights.get(match.tier)
            if weight is not None and match.tier not in tiers and not match.company:
                tiers.add(match.tier)
                yield Contribution(f"term {match.tier}", weight, match.term, match.span)
        if own:
            yield Contribution("own voice", OWN_VOICE)
        if rules and rules.weight:
            yield Contribution(f"company {rules.name}", rules.weight)

    def _kind(self, evidence: Evidence) -> Kind:
        kind = Kind(self._model.kind(evidence.features))
        if kind is not Kind.POSTPONED:
            return kind
        title = evidence.readings[0]
        delays = [m for m in title.marks if m.tag == "DELAY"]
        if delays and all(_denied(title.field.low, m) for m in delays):
            return Kind.DATE_SET if any(map(concrete, evidence.dates[0])) else Kind.ANNOUNCED
        return Kind.CANCELLED if any(map(_cancels, delays)) else kind


def _cancels(mark: Mark) -> bool:
    return mark.low.startswith(CANCELLING)


def _denied(low: str, mark: Mark) -> bool:
    """Return whether a title says that there is no such delay: “will not be delayed”."""
    return DENYING.search(low, max(0, mark.start - NEAR), mark.start) is not None
