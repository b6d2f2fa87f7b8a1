"""A text as the features see it: every word replaced by its class, names masked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from tgewatch.detect.lexicon import Lexicon
from tgewatch.detect.match import is_edge
from tgewatch.detect.text import Field, Token, tokens

FUNCTION_WORDS = frozenset(
    "a an the of to for in on at by with from as and or after before ahead following its their his "
    "our we i you my it this that will be is are was were has have been can could now new first "
    "second next more just ready into over amid despite against than up down out off via".split()
)
SHOUTED = frozenset({"PRICE", "PROMO", "NETWORK", "FILLER", "GUIDE", "UNLOCK", "PEOPLE"})
"""Classes whose words, in capitals, are tickers: “PUMP token”, “TREAT airdrop”."""
ACRONYMS = frozenset(
    "ath rsi macd ema fomo roi ai l1 l2 l3 dex dao dapp sdk api llm ceo cto xp ama vs depin gamefi defi".split()
)
PLACES = frozenset("US USA U.S UK EU UAE NY NYC DC LA UN NATO AI CEO CTO CFO COO".split())
"""In capitals these are no tickers."""
MARKS = frozenset("?!:(),")
SENTENCE_CASE = 0.4
"""Share of long words in lower case from which capitals mean something."""
LONG = 4
TITLE_TOKENS, BODY_TOKENS = 80, 160


class Mark(NamedTuple):
    """One word or phrase with its class. A tuple: a verdict makes dozens of them."""

    tag: str
    """Class of the lexicon, NAME, OLD, TICKER, CAPS, HANDLE, PCT, MONEY, NUM, or the word."""
    text: str
    low: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One field, read."""

    field: Field
    marks: Sequence[Mark]
    sentence_case: bool
    """Capitals tell names from words."""


@dataclass(frozen=True, slots=True)
class Established:
    """Tokens that have traded for long, by lower-case name and by ticker."""

    names: Mapping[str, int]
    tickers: Mapping[str, int]
    """To the month (years x 12 + month) from which they count as established."""


GRACE_MONTHS = 2
ALWAYS = 10**6


def established(text: str) -> Established:
    """Return the list that a data file of name|ticker|YYYY-MM lines describes."""
    names: dict[str, int] = {}
    tickers: dict[str, int] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, ticker, since = line.split("|")
        month = int(since[:4]) * 12 + int(since[5:]) + GRACE_MONTHS
        for book, key in ((names, name.lower()), (tickers, ticker)):
            book[key] = min(month, book.get(key, month))
    return Established(names, tickers)


class Reader:
    """Reads fields with a lexicon, a list of established tokens and one of common words."""

    def __init__(self, lexicon: Lexicon, old: Established, common: frozenset[str]) -> None:
        self._words = lexicon.words
        self._hosts = lexicon.hosts
        self._old = old
        self._common = common
        phrases = dict(lexicon.phrases)
        phrases.update({name: "OLD" for name in old.names if " " in name or "." in name})
        self._tags = list(phrases.values())
        self._texts = list(phrases)
        self._phrases = AhoCorasick(self._texts)
        self._starts = _starts(lexicon.words)

    def read(self, field: Field, published: float | None) -> Reading:
        """Return the marks of a field, bounded in number."""
        limit = TITLE_TOKENS if field.name == "title" else BODY_TOKENS
        month = _month(published)
        phrases = self._phrase_marks(field, month)
        starts = {m.start: m for m in phrases}
        words: list[Token] = []
        marks: list[Mark] = []
        long_words = lower_words = 0
        for token in tokens(field):
            if token.text[0].isalpha() and len(token.text) >= LONG:
                long_words += 1
                lower_words += token.text[0].islower()
            words.append(token)
            if len(words) >= limit:
                break
        sentence = lower_words >= SENTENCE_CASE * long_words
        loud = sum(t.text.isupper() for t in words) * 2 > len(words)
        skip = -1
        for index, token in enumerate(words):
            if token.start < skip:
                continue
            phrase = starts.get(token.start)
            if phrase:
                marks.append(phrase)
                skip = phrase.end
                continue
            tag = self._cut_off(field, token) or self._tag(
                token, month, first=index == 0, sentence=sentence, loud=loud
            )
            if tag:
                marks.append(Mark(tag, token.text, token.low, token.start, token.end))
        _months(marks)
        _name_by_position(marks)
        _places(marks, self._hosts)
        return Reading(field, _whole_names(field, marks), sentence)

    def _cut_off(self, field: Field, token: Token) -> str:
        """Return the class of a word that a post breaks off: “distribu…”, “Decemb…”."""
        if (
            field.text[token.end : token.end + 1] != "…"
            and field.text[token.end : token.end + 3] != "..."
        ):
            return ""
        if token.low in self._words or token.low in self._common:
            return ""
        return self._starts.get(token.low, "")

    def _phrase_marks(self, field: Field, month: int) -> list[Mark]:
        found = [
            (start, -end, index)
            for index, start, end in self._phrases.find_matches_as_indexes(
                field.low, overlapping=True
            )
            if is_edge(field.low, start, end)
        ]
        found.sort()
        marks: list[Mark] = []
        past = -1
        for place, (start, minus_end, index) in enumerate(found):
            end = -minus_end
            if start < past or _gives_way(found, place):
                continue
            tag, low = self._tags[index], self._texts[index]
            if tag == "OLD" and (
                self._old.names.get(low, ALWAYS) > month or not field.text[start].isupper()
            ):
                continue
            marks.append(Mark(tag, field.text[start:end], low, start, end))
            past = end
        return marks

    def _tag(self, token: Token, month: int, *, first: bool, sentence: bool, loud: bool) -> str:
        text, low = token.text, token.low
        lead = text[0]
        if not lead.isalnum():
            return self._marked(text, low, month)
        if lead.isdigit():
            return _number(low)
        if lead.isupper() and low not in self._common and self._is_established(text, month, loud):
            return "OLD"
        tag = self._words.get(low)
        if tag in SHOUTED and text.isupper() and not loud and low not in ACRONYMS:
            return "CAPS"
        return tag or self._other(text, low, first, sentence, loud)

    def _is_established(self, text: str, month: int, loud: bool) -> bool:  # noqa: FBT001 - as found
        if self._old.names.get(text.lower(), ALWAYS) <= month:
            return True
        return len(text) > 1 and not loud and self._old.tickers.get(text, ALWAYS) <= month

    def _other(self, text: str, low: str, first: bool, sentence: bool, loud: bool) -> str:  # noqa: FBT001 - as above
        """Return the tag of a word of no class: itself, CAPS or NAME."""
        if text in PLACES:
            return "PLACE"
        if low in FUNCTION_WORDS:
            return low
        if text.isupper() and len(text) > 1 and not loud:
            return "CAPS"
        capital = text[0].isupper()
        if low in self._common or low.removesuffix("s") in self._common:
            return "NAME" if capital and sentence and not first else low
        return "NAME" if capital or not text.islower() or "." in text else low

    def _marked(self, text: str, low: str, month: int) -> str:
        lead, rest = text[0], text[1:]
        if lead == "$":
            if rest[:1].isdigit():
                return "MONEY"
            return "OLD" if self._old.tickers.get(rest.upper(), ALWAYS) <= month else "TICKER"
        if lead == "@" and rest:
            return "HANDLE"
        if lead == "#" and rest:
            return self._words.get(low[1:], "HASHTAG")
        return text if text in MARKS else ""


DOERS = frozenset(
    "LAUNCH UNVEIL LAUNCHED WILL RELEASE ANNOUNCE PLAN HINT DELAY RAISE AIRDROP AIRDROPS TOKEN TGE NETWORK "
    "LISTING DATED TOKENOMICS CLAIM SALE MIGRATE ( CAPS".split()
)
"""What may follow a name that is an ordinary word: “Scroll announces”, “Grass airdrop”."""


LABELS = frozenset({"FILLER", "NETWORK", "CHAIN"})
ACTS = frozenset(
    "LAUNCH UNVEIL LAUNCHED WILL RELEASE ANNOUNCE PLAN HINT DELAY AIRDROPS TOKEN TGE DATED".split()
)
"""Before and after a name that is an ordinary word, within a headline: “Layer 2 Scroll announces”."""
MONTH_OR_VERB = frozenset({"march", "may", "mar"})
BEFORE_MONTHS = frozenset({"in", "by", "of", "for", "this", "until", "before", "since", "early", "late", "mid", "on", "to", "from", "till", "next", "last"})  # fmt: skip


def _months(marks: list[Mark]) -> None:
    """Take “March 18” and “in May” for dates, and leave “may” and “march” alone."""
    for index, mark in enumerate(marks):
        if mark.low in MONTH_OR_VERB and mark.text[0].isupper():
            after = marks[index + 1].tag if index + 1 < len(marks) else ""
            before = marks[index - 1] if index else None
            if after in ("NUM", "YEAR") or (
                before and (before.tag == "NUM" or before.low in BEFORE_MONTHS)
            ):
                marks[index] = mark._replace(tag="SOON")


def _name_by_position(marks: list[Mark]) -> None:
    """Take an ordinary word for a name where only a name can stand."""
    for index, mark in enumerate(marks[:-1]):
        follows = marks[index + 1].tag
        if mark.tag.islower() and mark.text[0].isupper() and mark.tag not in FUNCTION_WORDS:
            ticker = follows == "(" and index + 2 < len(marks) and marks[index + 2].tag == "CAPS"
            placed = index == 0 or (marks[index - 1].tag in LABELS and follows in ACTS)
            if ticker or (placed and follows in DOERS):
                marks[index] = mark._replace(tag="NAME")


SHORT = 3
"""Letters of a ticker from which it is told to be the beginning of a name."""


def _abbreviates(ticker: Mark, marks: Sequence[Mark]) -> bool:
    """Return whether a name of the text begins with the letters of the ticker."""
    letters = ticker.low.lstrip("$")
    return len(letters) >= SHORT and any(
        m is not ticker
        and (m.tag == "NAME" or (m.tag.islower() and m.text[0].isupper()))
        and m.low.replace(" ", "").startswith(letters)
        for m in marks
    )


WHERE = frozenset({"on", "via", "using", "in", "across", "for", "to", "from", "through"})
DWELLERS = frozenset(
    "users user holders stakers community ecosystem dex defi depin l2 layer-2 rollup blockchain chain mev "
    "wallet wallets liquid lending restaking bridge gamefi sidechain validator validators developer developers "
    "builder network game games marketplace protocol staker".split()
)
"""After the name of a network: what lives there, or the place itself."""


def _places(marks: list[Mark], hosts: frozenset[str]) -> None:
    """Take an old token for a place where it is where something happens: “on Solana”, “Solana DEX”.

    And take a ticker that an old token bears for another one where a name not known before bears
    it too: “Lumora (LIT)”.
    """
    for index, mark in enumerate(marks):
        if mark.tag != "OLD":
            continue
        before = marks[index - 1] if index else None
        after = marks[index + 1] if index + 1 < len(marks) else None
        if before and before.tag == "(":
            owner = marks[index - 2] if index > 1 else None
            if owner and owner.tag == "NAME" and mark.text.isupper():
                marks[index] = mark._replace(tag="CAPS")
        elif mark.text.lstrip("$").isupper() and _abbreviates(mark, marks):
            marks[index] = mark._replace(tag="TICKER" if mark.text[0] == "$" else "CAPS")
        elif mark.low in hosts and (
            (before and before.low in WHERE)
            or (after and (after.low in DWELLERS or after.low == "'s" or after.tag == "NAME"))
        ):
            marks[index] = mark._replace(tag="CHAIN")


NAME_TAILS = frozenset(
    "chain network protocol finance labs foundation dao games game swap exchange ai coin world "
    "kingdom money capital club app bot".split()
)
"""Capitalised words that belong to the name before them."""


def _whole_names(field: Field, marks: Sequence[Mark]) -> list[Mark]:
    """Join the words of a name into one mark."""
    joined: list[Mark] = []
    for mark in marks:
        last = joined[-1] if joined else None
        if (
            last
            and last.tag == "NAME"
            and mark.start - last.end <= 1
            and (mark.tag == "NAME" or (mark.low in NAME_TAILS and mark.text[0].isupper()))
        ):
            span = slice(last.start, mark.end)
            joined[-1] = Mark("NAME", field.text[span], field.low[span], last.start, mark.end)
        else:
            joined.append(mark)
    return joined


SHORTEST_START = 4
"""Letters of a cut-off word from which it can be told."""


def _starts(words: Mapping[str, str]) -> Mapping[str, str]:
    """Return beginning → class, for the beginnings that belong to words of one class alone."""
    found: dict[str, str] = {}
    for word, name in words.items():
        for length in range(SHORTEST_START, len(word)):
            start = word[:length]
            found[start] = name if found.get(start, name) == name else ""
    return found


_YEAR = re.compile(r"20[12]\d")


def _number(low: str) -> str:
    if low.endswith("%"):
        return "PCT"
    if low.endswith("x"):
        return "TIMES"
    return "YEAR" if _YEAR.fullmatch(low) else "NUM"


def _month(published: float | None) -> int:
    if published is None:
        return ALWAYS - 1
    day = datetime.fromtimestamp(published, UTC)
    return day.year * 12 + day.month


def _gives_way(found: Sequence[tuple[int, int, int]], place: int) -> bool:
    """Return whether a phrase twice as long begins within this one: “AI token generation event”."""
    start, end = found[place][0], -found[place][1]
    for later, minus_end, _ in found[place + 1 :]:
        if later >= end:
            return False
        if later > start and -minus_end - later >= 2 * (end - start):
            return True
    return False
