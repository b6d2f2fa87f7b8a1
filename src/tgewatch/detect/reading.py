"""A text as the features see it: every word replaced by its class, names masked."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from ahocorasick_rs import AhoCorasick
from msgspec import structs

from tgewatch.detect.lexicon import Lexicon
from tgewatch.detect.match import is_edge
from tgewatch.detect.text import Field
from tgewatch.detect.vocabulary import NEVER, Established, Vocabulary

SENTENCE_CASE = 0.4
"""Share of long words in lower case from which capitals mean something."""
TITLE_TOKENS, BODY_TOKENS = 80, 160


class Mark(msgspec.Struct, frozen=True, gc=False):
    """One word or phrase with its class. A struct: a verdict makes dozens of them."""

    tag: str
    """Class of the lexicon, NAME, OLD, TICKER, CAPS, HANDLE, PCT, MONEY, NUM, or the word."""
    text: str
    low: str
    start: int
    end: int


class Reading(msgspec.Struct, frozen=True):
    """One field, read."""

    field: Field
    marks: Sequence[Mark]
    sentence_case: bool
    """Capitals tell names from words."""


class Reader:
    """Reads fields with a lexicon, a list of established tokens and one of common words."""

    def __init__(self, lexicon: Lexicon, old: Established, common: frozenset[str]) -> None:
        self._vocabulary = Vocabulary(lexicon, old, common)
        self._hosts = lexicon.hosts
        self._old = old
        phrases = dict(lexicon.phrases)
        phrases.update({name: "OLD" for name in old.names if " " in name or "." in name})
        self._tags = list(phrases.values())
        self._texts = list(phrases)
        self._phrases = AhoCorasick(self._texts)

    def read(self, field: Field, published: float | None) -> Reading:
        """Return the marks of a field, bounded in number."""
        month = _month(published)
        limit = TITLE_TOKENS if field.name == "title" else BODY_TOKENS
        words = self._vocabulary.words(field, limit)
        small = sum([word.small for _, word in words])
        sentence = small >= SENTENCE_CASE * sum([word.long for _, word in words])
        loud = sum([word.loud for _, word in words]) * 2 > len(words)
        starts = {m.start: m for m in self._phrase_marks(field, month)}
        marks: list[Mark] = []
        ordinary: list[int] = []
        old: list[int] = []
        skip = -1
        case, usual = int(loud), 2 * sentence + loud  # the first word has a capital in any case
        for at, word in words:
            start = at + word.start
            sense = word.senses[case]
            case = usual
            if start < skip:
                continue
            if start in starts:
                phrase = starts[start]
                skip = phrase.end
                if phrase.tag == "OLD":
                    old.append(len(marks))
                marks.append(phrase)
                continue
            tag = sense.tag
            if sense.since <= month:
                tag = "OLD"
                old.append(len(marks))
            elif sense.ordinary:
                ordinary.append(len(marks))
            if tag:
                marks.append(Mark(tag, word.text, word.low, start, at + word.end))
        if "mar" in field.low or "may" in field.low:
            _months(marks)
        _name_by_position(marks, ordinary)
        _recipients(marks)
        _places(marks, old, self._hosts)
        return Reading(field, _whole_names(field, marks), sentence)

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
                self._old.names.get(low, NEVER) > month or not field.text[start].isupper()
            ):
                continue
            marks.append(Mark(tag, field.text[start:end], low, start, end))
            past = end
        return marks


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
                marks[index] = structs.replace(mark, tag="SOON")


def _name_by_position(marks: list[Mark], ordinary: Iterable[int]) -> None:
    """Take an ordinary word with a capital for a name where only a name can stand."""
    for index in ordinary:
        mark = marks[index]
        follows = marks[index + 1].tag if index + 1 < len(marks) else ""
        if mark.tag.islower():
            ticker = follows == "(" and index + 2 < len(marks) and marks[index + 2].tag == "CAPS"
            placed = index == 0 or (marks[index - 1].tag in LABELS and follows in ACTS)
            if ticker or (placed and follows in DOERS):
                marks[index] = structs.replace(mark, tag="NAME")


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


RECIPIENTS = frozenset({"holders", "holder", "stakers", "staker", "creditors"})
BEFORE_RECIPIENTS = frozenset({"to", "for", "all", "eligible", "existing"})
ENTITIES = frozenset({"OLD", "TICKER", "CAPS", "NAME", "CHAIN"})


def _recipients(marks: list[Mark]) -> None:
    """Take the holders of a token for those that something is given to: “to OGN holders”."""
    for index in range(2, len(marks)):
        before, mark, after = marks[index - 2 : index + 1]
        if after.low in RECIPIENTS and mark.tag in ENTITIES and before.low in BEFORE_RECIPIENTS:
            marks[index - 1] = structs.replace(mark, tag="CHAIN")
            marks[index] = structs.replace(after, tag="users")


def _places(marks: list[Mark], old: Iterable[int], hosts: frozenset[str]) -> None:
    """Take an old token for a place where it is where something happens: “on Solana”, “Solana DEX”.

    And take a ticker that an old token bears for another one where a name not known before bears
    it too: “Lumora (LIT)”.
    """
    for index in old:
        mark = marks[index]
        if mark.tag != "OLD":
            continue
        before = marks[index - 1] if index else None
        after = marks[index + 1] if index + 1 < len(marks) else None
        if before and before.tag == "(":
            owner = marks[index - 2] if index > 1 else None
            if owner and owner.tag == "NAME" and mark.text.isupper():
                marks[index] = structs.replace(mark, tag="CAPS")
        elif mark.text.lstrip("$").isupper() and _abbreviates(mark, marks):
            marks[index] = structs.replace(mark, tag="TICKER" if mark.text[0] == "$" else "CAPS")
        elif mark.low in hosts and (
            (before and before.low in WHERE)
            or (after and (after.low in DWELLERS or after.low == "'s" or after.tag == "NAME"))
        ):
            marks[index] = structs.replace(mark, tag="CHAIN")


NAME_TAILS = frozenset(
    "chain network protocol finance labs foundation dao games game swap exchange ai coin world "
    "kingdom money capital club app bot".split()
)
"""Capitalised words that belong to the name before them."""


def _whole_names(field: Field, marks: Sequence[Mark]) -> list[Mark]:
    """Join the words of a name into one mark."""
    joined: list[Mark] = []
    named, end = False, 0
    for mark in marks:
        if (
            named
            and mark.start - end <= 1
            and (mark.tag == "NAME" or (mark.low in NAME_TAILS and mark.text[0].isupper()))
        ):
            span = slice(joined[-1].start, mark.end)
            joined[-1] = Mark("NAME", field.text[span], field.low[span], span.start, span.stop)
        else:
            joined.append(mark)
            named = mark.tag == "NAME"
        end = mark.end
    return joined


def _month(published: float | None) -> int:
    if published is None:
        return NEVER - 1
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
