"""The way of an item: match, judge, perhaps read the article, judge again."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from tgewatch.detect.advice import moved
from tgewatch.detect.claim import claim_of
from tgewatch.detect.detector import Detector
from tgewatch.engine.articles import Articles, article_retry_delay
from tgewatch.errors import TgewatchError
from tgewatch.model import Contribution, Item, Judged, Kind, Source, Verdict

HISTORY = 14 * 86_400.0
"""Seconds; on first sight of a source, no article older than this is fetched."""

ARTICLE_KEPT = 20_000
"""Characters of an article that are stored with its item."""


class Pipeline:
    """Decides what becomes of an item. Stores nothing and tells nobody."""

    def __init__(
        self,
        detector: Detector,
        articles: Articles,
        *,
        voices: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`voices` names the company of each account, by handle in lower case."""
        self._detector = detector
        self._articles = articles
        self._voices = voices

    def judge(
        self,
        source: Source,
        item: Item,
        *,
        now: float,
        baseline: bool = False,
        edited: bool = False,
    ) -> Judged:
        """Judge on what the source itself said: the cheap match first, then the verdict.

        An item whose article could change the outcome is marked to be read at once
        (`article_retry_at` is `now`); until then it counts as what it is known to be.
        """
        if item.gone:
            return Judged(item=item, stage="gone", reason="removed", edited=edited)
        source = self._voice(source, item)
        matches = self._detector.scan(item, source=source)
        if not matches:
            return Judged(item=item, stage="match", reason="no_term", edited=edited)
        verdict = self._detector.judge(item, source=source, matches=matches)
        judged = self._settled(source, item, verdict, now=now, baseline=baseline)
        wanted = self._detector.wants_article(item, matches, verdict, history=baseline) and not (
            baseline and item.published is not None and now - item.published > HISTORY
        )
        return replace(
            judged,
            edited=edited,
            article="wanted" if wanted else "not_needed",
            article_retry_at=now if wanted else None,
        )

    async def read_article(
        self, source: Source, judged: Judged, *, now: float, deadline: float, baseline: bool
    ) -> Judged:
        """Judge again with the article's text; where it cannot be had, say when to try again."""
        try:
            text = await self._articles.text(judged.item.url, deadline=deadline)
        except TgewatchError as error:
            tries = judged.article_tries + 1
            delay = article_retry_delay(error, tries)
            cause = getattr(error, "cause", "error")
            return replace(
                judged,
                article=f"failed: {cause}",
                article_tries=tries,
                article_retry_at=None if delay is None else now + delay,
            )
        return self.with_article(source, judged, text, now=now, baseline=baseline)

    def with_article(
        self, source: Source, judged: Judged, text: str, *, now: float, baseline: bool
    ) -> Judged:
        """Judge again with the text of the article that was wanted."""
        verdict = self._detector.judge(judged.item, source=source, article=text)
        again = self._settled(source, judged.item, verdict, now=now, baseline=baseline)
        return replace(
            again, article="fetched", article_text=text[:ARTICLE_KEPT], edited=judged.edited
        )

    def advised(
        self,
        source: Source,
        judged: Judged,
        given: Contribution,
        kind: Kind | None,
        *,
        now: float,
        baseline: bool,
    ) -> Judged:
        """Judge again with what somebody else has said of the item."""
        if judged.verdict is None:
            return judged
        verdict = moved(judged.verdict, given, kind, self._detector.settings)
        voice = self._voice(source, judged.item)
        return self.with_verdict(voice, judged, verdict, now=now, baseline=baseline)

    def _voice(self, source: Source, item: Item) -> Source:
        return voiced(source, item, self._voices)

    @staticmethod
    def _settled(
        source: Source, item: Item, verdict: Verdict, *, now: float, baseline: bool
    ) -> Judged:
        if not verdict.relevant:
            return Judged(item=item, stage="score", reason=_weakest(verdict), verdict=verdict)
        claim = claim_of(item, verdict, source, seen=now, baseline=baseline)
        return Judged(
            item=item, stage="event", reason=str(claim.kind), verdict=verdict, claim=claim
        )

    @classmethod
    def with_verdict(
        cls, source: Source, judged: Judged, verdict: Verdict, *, now: float, baseline: bool
    ) -> Judged:
        """Return what becomes of an item by another verdict; its article counts as it did.

        `source` is the voice that the item is.
        """
        return replace(
            cls._settled(source, judged.item, verdict, now=now, baseline=baseline),
            article=judged.article,
            article_text=judged.article_text,
            article_tries=judged.article_tries,
            edited=judged.edited,
        )


def voiced(source: Source, item: Item, voices: Mapping[str, str]) -> Source:
    """Return the source as the voice of whose account a post is."""
    if item.kind != "post" or source.company or not item.author:
        return source
    company = voices.get(item.author.lstrip("@").lower(), "")
    return replace(source, company=company) if company else source


def _weakest(verdict: Verdict) -> str:
    """Return the name of what spoke most against it."""
    against = [c for c in verdict.why if c.value < 0 and c.name != "bias"]
    return min(against, key=lambda c: c.value).name if against else "too_little"
