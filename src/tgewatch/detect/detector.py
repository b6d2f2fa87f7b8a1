"""Judges items: the one object that the engine needs of this room."""

import math
import re
from collections.abc import Sequence

from tgewatch.detect import lexicon
from tgewatch.detect.match import Matcher
from tgewatch.detect.text import fields_of, tokens
from tgewatch.model import Company, Contribution, Item, Kind, Match, Source, Span, Verdict
from tgewatch.settings.detecting import DetectionSettings

FIRST_WEIGHTS = {
    "TGE": 3.0, "AIRDROP": 2.0, "NEWTOKEN": 2.0, "SALE": 0.8, "TOKENOMICS": 0.8, "LAUNCH": 1.0,
    "CLAIM": 1.0, "ANNOUNCE": 0.6, "LISTING": 0.8, "TRANSFER": 2.0, "DELAY": 0.8, "SOON": 0.5,
    "PRICE": -1.5, "UNLOCK": -1.5, "FUND": -2.0, "STABLE": -1.5, "NFT": -1.2, "GUIDE": -1.2,
    "RUMOUR": -1.0, "TROUBLE": -1.2, "COURT": -2.0, "PROMO": -1.0, "PROMO_PRESALE": -1.5,
    "POSTLAUNCH": -1.0, "NOT": -0.6, "QUERY": -0.6,
}  # fmt: skip
BIAS = -3.0


class Detector:
    """Judges items against a watchlist (or any project, in discover mode). Holds no state."""

    def __init__(self, companies: Sequence[Company], settings: DetectionSettings) -> None:
        self._lexicon = lexicon.shipped()
        self._companies = {c.name: c for c in companies}
        self._settings = settings
        self._matcher = Matcher(companies, settings, lexicon=self._lexicon)

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
        fields = fields_of(item, article)
        found = self._matcher.find(fields) if matches is None or article else matches
        official = source.company if source else ""
        company = official or next((m.company for m in found if m.company), "")
        why = [Contribution(name="bias", value=BIAS)]
        seen: set[str] = set()
        for field in fields[:2]:
            for token in tokens(field):
                name = self._lexicon.words.get(token.low, "")
                if name in FIRST_WEIGHTS and name not in seen:
                    seen.add(name)
                    span = Span(field.name, token.start, token.end)
                    why.append(Contribution(name, FIRST_WEIGHTS[name], token.text, span))
        score = sum(c.value for c in why)
        confidence = 1 / (1 + math.exp(-score))
        relevant = confidence >= self._settings.threshold
        if self._settings.mode == "watch" and not company:
            relevant = False
        ticker = re.search(r"\$([A-Z][A-Z0-9]{1,9})\b", item.title)
        return Verdict(
            relevant=relevant,
            score=score,
            confidence=confidence,
            why=tuple(why),
            kind=Kind.ANNOUNCED if relevant else None,
            project=company,
            company=company if company in self._companies else "",
            ticker=ticker.group(1) if ticker else "",
        )

    def wants_article(self, item: Item, matches: Sequence[Match], verdict: Verdict) -> bool:
        """Return whether the full text could change what is made of the item."""
        if item.content or not matches:
            return False
        return 0.1 < verdict.confidence < 0.9 or (verdict.relevant and verdict.date is None)  # noqa: PLR2004 - to be fitted
