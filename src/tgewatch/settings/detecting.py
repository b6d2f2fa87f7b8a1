"""What counts, and how much."""

from collections.abc import Iterator

import re2  # type: ignore[import-untyped]  # ships no types
from pydantic import Field

from tgewatch.model import Company
from tgewatch.settings.section import Section

HEAVIEST = 20.0
"""Log-odds; a weight beyond it would drown everything else."""


class Terms(Section):
    """One tier of terms: `[[detection.terms]]`."""

    tier: str
    """Name of the tier."""
    weight: float
    """Log-odds that a term of this tier adds; counted once per tier and item."""
    phrases: tuple[str, ...] = ()
    """Words and phrases, matched whole and in any case."""
    patterns: tuple[str, ...] = ()
    """Regular expressions in RE2's syntax, matched against title and summary in lower case."""


class CompanyRules(Section):
    """What is different for one company: `[[detection.company]]`."""

    name: str
    """As on the watchlist."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Confidence from which its items are relevant; None keeps the general one."""
    weight: float = 0.0
    """Log-odds added to every item about it."""
    mute: tuple[str, ...] = ()
    """Kinds of event that are not relevant for it."""


class DetectionSettings(Section):
    """`[detection]`."""

    mode: str = Field(default="watch", pattern="^(watch|discover)$")
    """watch: listed companies only; discover: any named project."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Confidence from which an item is relevant."""
    terms: tuple[Terms, ...] = ()
    """Added to those that ship with the program."""
    company: tuple[CompanyRules, ...] = ()
    """Rules for single companies."""


KINDS = frozenset(
    {"tge_announced", "date_set", "live", "airdrop_claim", "token_sale", "listing", "postponed",
     "cancelled", "other"}
)  # fmt: skip


def problems(
    settings: DetectionSettings, companies: tuple[Company, ...] = ()
) -> list[tuple[tuple[str | int, ...], str]]:
    """Return path and message of everything in `settings` that cannot work, all of it at once.

    Paths are keys and indices below `[detection]`. `companies` is the watchlist; without it, names
    in company rules are not checked.
    """
    return [
        *_term_problems(settings),
        *_tier_problems(settings),
        *_company_problems(settings, companies),
    ]


def _term_problems(settings: DetectionSettings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    options = re2.Options()
    options.log_errors = False
    for index, terms in enumerate(settings.terms):
        here = ("terms", index)
        if not terms.tier.strip():
            yield (*here, "tier"), "a tier needs a name"
        if abs(terms.weight) > HEAVIEST:
            yield (*here, "weight"), f"a weight lies between -{HEAVIEST:g} and {HEAVIEST:g}"
        if not terms.phrases and not terms.patterns:
            yield here, "a tier needs phrases or patterns"
        for place, phrase in enumerate(terms.phrases):
            if not phrase.strip():
                yield (*here, "phrases", place), "an empty phrase matches nothing"
        for place, pattern in enumerate(terms.patterns):
            try:
                compiled = re2.compile(pattern, options=options)
            except re2.error as error:
                reason = error.args[0] if error.args else "not valid"
                shown = reason.decode() if isinstance(reason, bytes) else reason
                yield (*here, "patterns", place), f"not a pattern of RE2's syntax: {shown}"
                continue
            if compiled.search("") is not None:
                yield (
                    (*here, "patterns", place),
                    "a pattern that matches nothing at all is everywhere",
                )


def _tier_problems(settings: DetectionSettings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield tiers that are there twice, of which only one weight could count."""
    seen: set[str] = set()
    for index, terms in enumerate(settings.terms):
        if terms.tier.strip() and terms.tier in seen:
            said = f"there is a tier {terms.tier!r} already: put both into one"
            yield ("terms", index, "tier"), said
        seen.add(terms.tier)


def _company_problems(
    settings: DetectionSettings, companies: tuple[Company, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    known = {c.name for c in companies}
    seen: set[str] = set()
    for index, rules in enumerate(settings.company):
        here = ("company", index)
        if companies and rules.name not in known:
            yield (*here, "name"), f"no company on the watchlist is called {rules.name!r}"
        if rules.name in seen:
            yield (*here, "name"), f"{rules.name!r} has rules already"
        seen.add(rules.name)
        if abs(rules.weight) > HEAVIEST:
            yield (*here, "weight"), f"a weight lies between -{HEAVIEST:g} and {HEAVIEST:g}"
        for place, kind in enumerate(rules.mute):
            if kind not in KINDS:
                yield (*here, "mute", place), f"{kind!r} is no kind of event"
