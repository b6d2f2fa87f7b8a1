"""Whose token it is: the project and ticker that a text names, whether on a list or not."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tgewatch.detect.lexicon import common_words
from tgewatch.detect.reading import NAME_TAILS, Mark, Reading
from tgewatch.detect.vocabulary import FUNCTION_WORDS

EVENTS = frozenset(
    "TOKEN NEWTOKEN AIRDROP TGE LISTING DATED TOKENOMICS SALE CLAIM TRADING PRESALE POOL".split()
)
VERBS = frozenset(
    "LAUNCH UNVEIL LAUNCHED WILL RELEASE ANNOUNCE PLAN HINT DELAY MIGRATE RAISE AIRDROPS "
    "LISTING".split()
)
PLACES = frozenset({"on", "via", "with", "by", "from", "against", "to", "at", "amid", "despite"})
"""Before a name these say where or by whom, not whose token."""
NO_NAMES = frozenset(
    "your yours my mine this that these those there here everyone everything anyone all any every each some most "
    "check reminder remember update updates announcement alert attention notice news info details supply treasury "
    "get see read watch meet join don't do does did let let's save mark make take find use try start stay hold buy "
    "sell ready tune big huge good great happy excited proud thank thanks congratulations congrats welcome hello "
    "dear finally officially yes also still only but so if because while until today's "
    "el la los las un una unos nuestro nuestra der die das ein eine unser unsere den dem le les une des notre il lo "
    "gli uno o os um uma nosso nossa de del du da do".split()
)
"""Words that begin sentences and headlines and never a name."""
NAMES = frozenset({"NAME", "OLD"})
LINKS = ("http://", "https://", "www.")
ENOUGH, CLEAR = 0.5, 2.0
"""Fitness of a candidate that is better than the bare ticker, and of an old name that is."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A run of marks that may be the project's name."""

    text: str
    first: int
    """Index of its first mark."""
    last: int
    score: float
    old: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """What a text calls the project and its token; empty where it does not."""

    project: str = ""
    ticker: str = ""
    mark: Mark | None = None


def naming(readings: Sequence[Reading]) -> Naming:
    """Return the project and ticker of the event that `readings` tell; the title comes first."""
    best: Candidate | None = None
    mark: Mark | None = None
    best_score, ticker = 0.0, ""
    for depth, reading in enumerate(readings[:2]):
        ticker = ticker or _ticker(reading)
        for candidate in _candidates(reading):
            score = candidate.score - depth * 1.5
            if best is None or _fitter(candidate, score, best, best_score):
                best, best_score, mark = candidate, score, reading.marks[candidate.first]
    if best is None and not ticker:
        handle = next((m for m in readings[0].marks if m.tag == "HANDLE"), None)
        if handle:
            return Naming(handle.text[1:], "", handle)
        small = _small(readings[0])
        return Naming(small.text, "", small) if small else Naming()
    if best is None or (best_score < ENOUGH and ticker):
        return Naming(ticker, ticker)
    if best.old and ticker and best_score < CLEAR:  # a chain beside a token without a name
        return Naming(ticker, ticker, mark)
    return Naming(best.text, ticker, mark)


def _fitter(one: Candidate, score: float, other: Candidate, least: float) -> bool:
    """Return whether `one` is more likely the name than `other`, whose score is `least`."""
    if _borrowed(other, one, score):
        return True
    return score > least and not _borrowed(one, other, least)


def _borrowed(old: Candidate, new: Candidate, score: float) -> bool:
    """Return whether `old` is the ticker of an old token that the token of `new` bears as well.

    As in “UNI TGE set for May, Quarvo says”: no old token has its TGE before it.
    """
    return old.old and not new.old and score >= ENOUGH and old.text.isupper()


def _runs(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield first and last index of each run of words that could be a name."""
    marks, start, end = reading.marks, -1, 0
    for index, mark in enumerate(marks):
        tag = mark.tag
        if tag in NAMES:
            good = mark.low not in NO_NAMES and not mark.low.startswith(LINKS)
        elif tag.isupper() or not mark.text[0].isupper():
            good = False
        else:
            good = _ordinary_name(marks, index, sentence=reading.sentence_case)
        if start >= 0:
            tail = mark.low in NAME_TAILS and mark.text[0].isupper()
            if not (good or tail) or mark.start - end > 1:
                yield start, index - 1
                start = -1
        if good and start < 0:
            start = index
        end = mark.end
    if start >= 0:
        yield start, len(marks) - 1


def _small(reading: Reading) -> Mark | None:
    """Return the name that begins a text without capitals: “lumora tge december 12”."""
    if reading.field.text != reading.field.low or len(reading.marks) < 2:  # noqa: PLR2004 - and its event
        return None
    first, event = reading.marks[:2]
    known = first.tag != first.low or first.low in NO_NAMES | FUNCTION_WORDS
    if known or event.tag not in EVENTS or event.start - first.end > 1:
        return None
    return first if first.low.isalpha() and first.low not in common_words() else None


def _ordinary_name(marks: Sequence[Mark], index: int, *, sentence: bool) -> bool:
    """Return whether an ordinary word with a capital may be part of a name.

    One that has its capital from beginning the sentence needs a name right after it: “Magic
    Lantern”, not “Supply details”.
    """
    mark = marks[index]
    if mark.low in NO_NAMES or mark.tag in FUNCTION_WORDS:
        return False
    if not sentence:
        return True
    after = marks[index + 1] if index == 0 and len(marks) > 1 else None
    return after is not None and after.tag == "NAME" and after.start - mark.end <= 1


def _one_script(words: str) -> str:
    """Return a name without the sentence of a script without spaces that it stands in."""
    if words.isascii():
        return words
    kept = [word for word in words.split() if word[-1] < "\u2e80"]
    return " ".join(kept) or words


def _candidates(reading: Reading) -> Iterator[Candidate]:
    marks, text = reading.marks, reading.field.text
    for start, last in _runs(reading):
        first = start
        words = text[marks[first].start : marks[last].end]
        tags = [m.tag for m in marks[first : last + 1]]
        old = all(t == "OLD" for t in tags)
        if not old and tags[0] == "OLD" and len(tags) > 1:
            first += 1  # “Cardano Midnight”: the chain stands before the name
            words = text[marks[first].start : marks[last].end]
        score = _fitness(reading, first, last) + (-1.2 if old else 0.0)
        if "NAME" in tags:
            score += 0.8
        elif not old and first:
            score -= 0.7  # ordinary words with capitals, in the middle of a headline
        yield Candidate(_one_script(words.strip("'\" ")), first, last, score, old)


def _fitness(reading: Reading, first: int, last: int) -> float:
    marks = reading.marks
    after = [m.tag for m in marks[last + 1 : last + 4]]
    before = marks[first - 1] if first else None
    score = 1.0 - 0.06 * first
    if after[:1] == ["("] and len(after) > 1 and after[1] in ("CAPS", "TICKER", "HANDLE"):
        score += 2.5
    if after and after[0] in EVENTS:
        score += 1.6
    elif after[:2] and after[0] in ("CAPS", "TICKER") and after[1:2] and after[1] in EVENTS:
        score += 1.8
    if after and after[0] in VERBS:
        score += 1.8
    elif len(after) > 1 and after[1] in VERBS:
        score += 0.5
    if before:
        score += _before(marks, first, before)
    text = reading.field.text
    start, end = marks[first].start, marks[last].end
    if text[start - 1 : start] in ("'", '"') and text[end : end + 1] in ("'", '"'):
        score += 0.8
    return score


def _before(marks: Sequence[Mark], first: int, before: Mark) -> float:
    if before.low in PLACES:
        return -1.6
    if before.low == "for":
        return -0.7
    if before.tag == "LISTING" or before.low in ("dubbed", "called", "named"):
        return 1.5
    if before.tag in ("ANNOUNCE", "WILL", "UNVEIL", "LAUNCH", "PLAN", "POOL", "ON") and any(
        m.tag == "EXCHANGE" for m in marks[max(0, first - 4) : first]
    ):
        return 1.5
    if before.tag in ("LAUNCH", "UNVEIL", "RELEASE", "ANNOUNCE"):
        return 0.4
    return 0.3 if before.tag in ("FILLER", ":", "CHAIN", "AHEAD", "PEOPLE") else 0.0


_IN_BRACKETS = re.compile(r"\(\s*\$?([A-Z0-9]*[A-Z][A-Z0-9]{0,9})\s*\)")
NOT_TICKERS = frozenset(
    "TGE IDO ICO IEO AI NFT NFTS CEO CTO US USA UK EU SEC CFTC DAO DEX CEX DEFI TON USD USDT USDC BTC "
    "ETH AMA UTC GMT PM AM JUST IN BREAKING LIVE FDV TVL API L1 L2 L3 Q1 Q2 Q3 Q4 H1 H2 ETF IPO EVM "
    "RWA VC ZK FAQ NEW CA RT DM KYC AND THE FOR".split()
)


def _ticker(reading: Reading) -> str:
    text = reading.field.text
    for mark in reading.marks:
        if mark.tag == "TICKER":
            return mark.text[1:].upper()
    for match in _IN_BRACKETS.finditer(text):
        if match[1] not in NOT_TICKERS and len(match[1]) > 1:
            return match[1]
    marks = reading.marks
    for index, mark in enumerate(marks):
        if mark.tag != "CAPS" or mark.text in NOT_TICKERS or not mark.text.isalnum():
            continue
        after = marks[index + 1].tag if index + 1 < len(marks) else ""
        after_next = marks[index + 2].tag if index + 2 < len(marks) else ""
        before = marks[index - 1].tag if index else ""
        if (
            after in EVENTS
            or after == "TOKENS"
            or (after in ("LAUNCH", "TRADING") and index == 0)
            or before in ("CLAIM", "NEWTOKEN", "TOKEN")
            or (after == "NAME" and after_next in EVENTS)
        ):
            return mark.text
    return ""
