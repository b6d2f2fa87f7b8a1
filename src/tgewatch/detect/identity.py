"""When two names mean the same project, and when two tickers mean the same token."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rapidfuzz import fuzz

from tgewatch.detect.voice import words

ORGANISATION = words("""
labs lab foundation dao team official inc ltd limited llc gmbh corp corporation company
association ecosystem community org hq project projects studio studios collective
""")
"""Words for who is behind a project: X, X Labs and the X Foundation are one."""

PRODUCT = words("""
protocol network finance chain ai games game gaming dex swap exchange markets market capital
layer bridge wallet app platform systems system technologies tech l1 l2 layer1 layer2 mainnet
blockchain rollup world verse metaverse pay money cash bank social music sports fi defi nft
""")
"""Words for what a project is: X and X Protocol are one; X Finance and X Chain are not."""

TOKEN = words("token coin tokens coins memecoin crypto tge airdrop ico ido ieo")
"""Words for its token."""

COMMON = words("""
alpha apex arc atlas aurora base beacon blast bridge core cosmos delta echo edge espresso
essential fabric flow flux fuel fusion genesis grass halo horizon hub infinity ink ion launchpad
launchpool matrix meta midnight mint moon nexus nova oasis omega open orbit origin prime pulse
quantum safe saga save scroll shift sky spark spectrum star swarm the treasure unity vault
venture vision wave x zero zeta bitcoin ethereum solana binance coinbase
""")
"""Names that are ordinary words: several projects bear each of them, so a clash of tickers
keeps them apart and a likeness of names is not enough."""

QUOTES = words("USDT USDC USD EUR KRW TRY BTC ETH BNB SOL FDUSD DAI TUSD USDE WETH")
"""What tokens are paid and priced in; named beside a token far more often than launched."""

NAME_LIMIT = 120
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"[\u2019'`]s?\s*$")
_APOSTROPHE = re.compile(r"[\u2019'`]")
_DOTS = re.compile(r"(?<=\w)\.(?=\w)")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,9}")
_MULTIPLE = re.compile(r"^1(?:0{3,7}|M|K)(?=[A-Z])")
STEM = 4
"""Letters from which one name with the same ticker may be the beginning of another."""
TYPO = 88.0
"""Likeness (0 to 100) from which names with the same ticker are one name, spelt twice."""


class Likeness(IntEnum):
    """How alike two namings are, strangers first."""

    STRANGER = 0
    CLASH = 1
    """The same ticker or the same first word, yet different projects: kept apart with a note."""
    PARTLY = 2
    """The ticker says so and the name does not contradict."""
    NAME = 3
    COMPANY = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A project's name, taken apart."""

    full: str
    """Words in lower case with spaces between, without marks and apostrophes."""
    core: str
    """Without spaces and without words that say who is behind it or what it is."""
    compact: str
    """Full, without spaces."""
    product: frozenset[str]
    """Words that say what it is."""

    @property
    def generic(self) -> bool:
        """Nothing but words that any project bears."""
        return self.core in ORGANISATION | PRODUCT | TOKEN

    @property
    def common(self) -> bool:
        """An ordinary word, alone or with words that any project bears."""
        return self.core in COMMON


@lru_cache(maxsize=8_192)
def name_of(text: str) -> Name:
    """Return `text` as a name: case, marks, accents and spacing do not count."""
    folded = unicodedata.normalize("NFKD", text[:NAME_LIMIT])
    plain = "".join(c for c in folded if not unicodedata.combining(c)).casefold()
    found = _WORD.findall(_DOTS.sub("", _APOSTROPHE.sub("", _POSSESSIVE.sub("", plain))))
    if len(found) > 1 and found[0] == "the":
        found = found[1:]
    kept = [w for w in found if w not in ORGANISATION and w not in TOKEN] or found
    product = frozenset(kept[1:]) & PRODUCT
    core = [kept[0], *(w for w in kept[1:] if w not in PRODUCT)] if kept else []
    return Name(full=" ".join(found), core="".join(core), compact="".join(found), product=product)


def ticker_of(text: str) -> str:
    """Return a ticker in its plain form, or nothing for one that names a means of payment."""
    ticker = _MULTIPLE.sub("", text.strip().lstrip("$#").upper())
    return "" if ticker in QUOTES else ticker


@dataclass(frozen=True, slots=True)
class Naming:
    """Everything by which a claim or an event says which project and token it means."""

    names: tuple[Name, ...]
    company: str = ""
    """In lower case; the watchlist's word on who it is."""
    tickers: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    """Names that are spelt as tickers are; each may be the ticker of another name."""

    @property
    def empty(self) -> bool:
        return not (self.names or self.company or self.tickers)


def symbol_of(name: str, title: str) -> str:
    """Return `name` as a ticker if it is spelt as one, or an empty string.

    In a title without lower case everything is spelt so, and an ordinary word that is (NOVA) is as
    likely a name; neither counts.
    """
    if not _SYMBOL.fullmatch(name) or title.isupper() or name.casefold() in COMMON:
        return ""
    return ticker_of(name)


def naming(
    names: Iterable[str], company: str, tickers: Iterable[str], symbols: Iterable[str] = ()
) -> Naming:
    """Return what these say together; empty ones say nothing."""
    found = {name.full: name for name in map(name_of, names) if name.full}
    return Naming(
        names=tuple(found.values()),
        company=name_of(company).compact,
        tickers=frozenset(filter(None, map(ticker_of, tickers))),
        symbols=frozenset(filter(None, symbols)),
    )


def keys(named: Naming) -> frozenset[str]:
    """Return what an event is found by."""
    return frozenset(
        {f"name:{key}" for name in named.names for key in (name.core, name.compact)}
        | {f"ticker:{ticker}" for ticker in named.tickers}
        | ({f"company:{named.company}"} if named.company else set())
    )


def sought(named: Naming) -> frozenset[str]:
    """Return what a claim's event is looked up by: without a key in common they are strangers.

    Besides its own keys, those of events that know its ticker as a name, or its name as a ticker.
    """
    return keys(named) | frozenset(
        {f"name:{ticker.casefold()}" for ticker in named.tickers}
        | {f"ticker:{symbol}" for symbol in named.symbols}
    )


def likeness(claim: Naming, event: Naming) -> tuple[Likeness, str]:  # noqa: PLR0911 - a ladder, read from the top
    """Return how alike the two are and why; two tokens of one project are not one.

    The watchlist's company decides first. Then the name: equal but for words about who is behind
    it. Words about what it is have to agree where both have them. The ticker confirms a part of a
    name or a misspelling; alone, and against a name, it does not merge.
    """
    tickers = _tickers(claim, event)
    if claim.company and event.company:
        if claim.company != event.company:
            return Likeness.STRANGER, "another company"
        if tickers is False:
            return Likeness.CLASH, "another token of the same company"
        return Likeness.COMPANY, "same company"
    if _same_name(claim, event):
        if tickers is False:
            return Likeness.CLASH, "the same name with another ticker"
        if tickers is None and _doubtful(claim, event):
            return Likeness.CLASH, "a common word, and no ticker to confirm it"
        return Likeness.NAME, "same name"
    if tickers:
        return _by_ticker(claim, event)
    if tickers is None and (claim.symbols & event.tickers or event.symbols & claim.tickers):
        return Likeness.PARTLY, "its ticker, used as a name"
    return Likeness.STRANGER, "another name"


def _tickers(claim: Naming, event: Naming) -> bool | None:
    """Return whether tickers agree; None when one side names none."""
    if not claim.tickers or not event.tickers:
        return None
    return bool(claim.tickers & event.tickers)


def _same_name(claim: Naming, event: Naming) -> bool:
    if not claim.names or not event.names:
        return False
    known = frozenset().union(*(name.product for name in event.names))
    for name in claim.names:
        if any(name.compact == other.compact for other in event.names):
            return True
        cores = {name.core, name.compact}
        if any(cores & {other.core, other.compact} for other in event.names):
            return not (name.product and known and not name.product & known)
    return False


def _doubtful(claim: Naming, event: Naming) -> bool:
    """Return whether the names are alike only as two projects of an ordinary name would be."""
    if all(name.generic for name in claim.names):
        return True
    return all(name.common for name in claim.names) and not any(
        name.product == other.product for name in claim.names for other in event.names
    )


def _by_ticker(claim: Naming, event: Naming) -> tuple[Likeness, str]:
    if not claim.names or not event.names:
        return Likeness.PARTLY, "same ticker"
    shared = claim.tickers & event.tickers
    symbols = {symbol.casefold() for symbol in (claim.symbols | event.symbols) & shared}
    for name in claim.names:
        for other in event.names:
            if name.compact in symbols or other.compact in symbols:
                return Likeness.PARTLY, "same ticker, used as a name"
            if _part(name, other) or _part(other, name):
                return Likeness.PARTLY, "same ticker and a part of the name"
            if _begins(name, other) or _begins(other, name):
                return Likeness.PARTLY, "same ticker and the beginning of the name"
            if fuzz.ratio(name.compact, other.compact) >= TYPO:
                return Likeness.PARTLY, "same ticker and nearly the same name"
    return Likeness.CLASH, "the same ticker with another name"


def _begins(name: Name, other: Name) -> bool:
    """Return whether `other` begins with `name`, as pump.fun does with Pump."""
    enough = len(name.compact) >= STEM and not name.common
    return enough and other.compact.startswith(name.compact)


def _part(name: Name, other: Name) -> bool:
    """Return whether all words of `name` stand in `other`, or are its initials."""
    whole = other.full.split()
    initials = "".join(word[0] for word in whole)
    return set(name.full.split()) <= set(whole) or (len(initials) > 2 and name.compact == initials)  # noqa: PLR2004
