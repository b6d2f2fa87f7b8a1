"""Named features of a judged text: what is said, in which words, about what kind of thing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise

from tgewatch.detect.frames import ENTITY, Frames, line_of, main_clause
from tgewatch.detect.reading import Mark, Reading
from tgewatch.model import DateClaim, Span

IN_POSTS = ("title ", "shape ", "frame ")
"""Features that may mean something else in a post, and are counted there once more."""
_THREAD = re.compile(r"^\s*\(?\d{1,2}(?:/\d{0,2}\)?|\.)(?:\s|$)|\(\d{1,2}/\d{0,2}\)\s*$")
_HIGH = re.compile("[\u2191-\U0010ffff]")
Features = Mapping[str, Mark | None]
"""Name → the mark that caused it first; None where no single one did."""

NAMED = frozenset(
    {"NAME", "OLD", "TICKER", "CAPS", "EXCHANGE", "HANDLE", "HASHTAG", "CHAIN", "PCT", "MONEY",
     "NUM", "TIMES", "YEAR"}
)  # fmt: skip
"""Classes whose words are not to be learnt."""
NEW = frozenset(ENTITY)
"""Classes of a word that may name what is new."""
VERBS = frozenset(
    {"LAUNCH", "UNVEIL", "LAUNCHED", "RELEASE", "WILL", "PLAN", "ANNOUNCE", "HINT", "PRICE", "LISTING", "RAISE", "DELAY", "CLAIM", "UNLOCK",
     "MIGRATE", "RUMOUR", "TROUBLE", "NOT"}
)  # fmt: skip
OBJECTS = frozenset(
    {"TOKEN", "NEWTOKEN", "AIRDROP", "TGE", "SALE", "TOKENOMICS", "NETWORK", "NFT", "FUND",
     "STABLE", "TICKER", "LISTING", "TOKENS", "POOL", "CLAIM"}
)  # fmt: skip
BIRTHS = frozenset({"LAUNCH", "UNVEIL", "LAUNCHED", "WILL"})
"""With a ticker, these say as much as the word token would: “$ABC is live”."""
UNKNOWN = NEW - {"HANDLE"}
"""Classes of what may be new, in any text."""
NAMERS = UNKNOWN | {"OLD", "EXCHANGE"}
GIVING = BIRTHS | {"RELEASE", "AIRDROPS"}
"""Right before “tokens”, these speak of one project's: “Lumora to distribute tokens”."""
NO_PAIRS = frozenset(
    "a an the of to for in on at by with from as and or its their his our ( ) , : ? !".split()
)
"""Stand between two classes without parting them."""
REACH, PAIRED = 3, 40
"""How far apart, in words that count, a pair may stand; marks of a title that are paired."""
ONESELF = frozenset({"i", "my", "i'm", "im", "me", "i've", "mine"})
READER = frozenset({"you", "your", "u", "ur", "yours", "y'all", "tag", "follow", "join", "retweet", "rt", "like", "comment", "dm"})  # fmt: skip
PROJECT = frozenset({"we", "our", "we're", "us", "we've", "ours"})
CHAT = frozenset({"lol", "lmao", "ser", "sers", "gm", "gn", "wen", "imo", "ngl", "tbh", "fam", "bro", "frens", "idk", "lfg", "wagmi", "ngmi", "szn", "aped", "ape", "pls", "btw", "af"})  # fmt: skip
SHORTEST_REPORT, LONGEST_REPORT = 4, 240
"""Marks and characters of a post that can be a headline."""
FEW, MANY, OLD_LENGTH = 3, 4, 280
"""Hashtags or signs that decorate; tickers that are a spray; what a post could hold for long."""
EVENTS = frozenset(
    {"TOKEN", "NEWTOKEN", "AIRDROP", "AIRDROPS", "TGE", "SALE", "POOL", "TOKENOMICS", "CLAIM",
     "LISTING", "TRADING", "DATED"}
)  # fmt: skip
"""Without a word of these nothing is said to happen to a token."""


def features(
    readings: Sequence[Reading],
    *,
    frames: Frames,
    kinds: Frames,
    dates: Sequence[DateClaim],
    post: bool,
) -> Features:
    """Return the features of an item whose title comes first in `readings`."""
    found: dict[str, Mark | None] = {}
    title = readings[0]
    talk = post and not reads_as_news(title)
    told = (
        _title(title.marks),
        _frames(title.marks, frames, kinds),
        _pairs(title.marks),
        () if talk else _asides(title),
    )
    for name, mark in chain.from_iterable(told):
        found.setdefault(name, mark)
    for name in _shape(title, post=post):
        found.setdefault(name, None)
    for name in _dates(dates):
        found.setdefault(name, None)
    for reading in readings[1:2]:
        for name, mark in _body(reading.marks):
            found.setdefault(name, mark)
    if post and not talk:
        found["report"] = None
    elif post:
        found.update([(f"post {n}", m) for n, m in found.items() if n.startswith(IN_POSTS)])
        found["post"] = None
    return found


def _title(marks: Sequence[Mark]) -> Iterator[tuple[str, Mark]]:
    for mark in marks:
        tag = mark.tag
        if not tag.isupper():
            yield f"word {tag}", mark
            continue
        yield f"title {tag}", mark
        if tag not in NAMED:
            yield f"word {mark.low}", mark


def _frames(marks: Sequence[Mark], frames: Frames, kinds: Frames) -> Iterator[tuple[str, Mark]]:
    verb = next((m for m in marks if m.tag in VERBS), None)
    if verb:
        yield f"shape verb {verb.tag}", verb
    named = next((m for m in marks if m.tag in NAMERS), None)
    if named:
        yield f"shape first name {named.tag}", named
    line = line_of([m.tag for m in marks])
    signs = frozenset(line)
    last = len(marks) - 1
    for frame in frames.likely(signs):
        match = frame.pattern.search(line)
        if match:
            yield frame.name, marks[min(max(match.start() - 1, 0), last)]
    head = main_clause(line)
    for frame in kinds.likely(signs):
        match = frame.pattern.search(head)
        if match:
            yield frame.name, marks[min(max(match.start() - 1, 0), last)]
            break


def _shape(title: Reading, *, post: bool) -> Iterator[str]:
    marks = title.marks
    if not marks:
        return
    text = title.field.text.rstrip()
    if text.endswith("?") or marks[0].tag == "QUERY":
        yield "shape question"
    if marks[0].tag == "NUM" or marks[0].low in ("top", "best"):
        yield "shape list"
    tags = frozenset([m.tag for m in marks])
    if not _has_event(marks, tags):
        yield "shape no event"
    if "OLD" in tags:
        if sum(m.tag == "OLD" for m in marks) > 1:
            yield "shape several old tokens"
        if tags.isdisjoint(UNKNOWN):
            yield "shape only old tokens"
    elif "HANDLE" not in tags and tags.isdisjoint(UNKNOWN):
        yield "shape nobody named"
    if post:
        yield from _post_shape(title)


def _has_event(marks: Sequence[Mark], tags: frozenset[str]) -> bool:
    """Return whether something is said to happen to a token, in a word for it or in two."""
    if not tags.isdisjoint(EVENTS):
        return True
    if not tags.isdisjoint(BIRTHS) and ("TICKER" in tags or {"DELAY", "CAPS"} <= tags):
        return True
    return "TOKENS" in tags and any(
        m.tag in GIVING and n.tag == "TOKENS" for m, n in pairwise(marks)
    )


def _dates(dates: Sequence[DateClaim]) -> Iterator[str]:
    for date in dates:
        yield f"date {date.precision}"
        if date.basis == "relative":
            yield "date relative"


def _pairs(marks: Sequence[Mark]) -> Iterator[tuple[str, Mark]]:
    """Yield which class comes before which other, near it: who does what to which thing.

    Words of no class take their place, and are paired with nothing.
    """
    line = [m for m in marks[:PAIRED] if m.tag not in NO_PAIRS]
    if not line:
        return
    tags = ["^", *[m.tag if m.tag.isupper() else "" for m in line], "$"]
    for index, (first, cause) in enumerate(zip(tags, [line[0], *line], strict=False), start=1):
        if not first:
            continue
        near = f"pair {first} "
        for second in tags[index : index + REACH]:
            if second:
                yield f"{near}{second}", cause
            near = f"pair .. {first} "


BREAKS = frozenset({":", "?", "!"})
TURNS = frozenset({"as", "while", "amid", "after", "following", "despite"})
"""Words that begin another clause, unless an article follows: “as a token”."""
ARTICLES = frozenset({"a", "an", "the", "part", "its", "well"})
_PARTED = re.compile(r"[.;|]|\s-\s")


def clauses(title: Reading) -> Sequence[Sequence[Mark]]:
    """Return the marks of a title clause by clause."""
    marks, text = title.marks, title.field.text
    stops = _PARTED.search(text) is not None
    found: list[list[Mark]] = [[]]
    for index, mark in enumerate(marks):
        clause = found[-1]
        turn = (
            mark.low in TURNS
            and len(clause) > 1
            and index + 1 < len(marks)
            and marks[index + 1].low not in ARTICLES
        )
        parted = stops and clause and _PARTED.search(text, clause[-1].end, mark.start)
        if turn or parted:
            found.append([mark])
            continue
        clause.append(mark)
        if mark.tag in BREAKS:
            found.append([])
    return [c for c in found if c]


def _asides(title: Reading) -> Iterator[tuple[str, Mark]]:
    """Yield the classes that stand outside of the clause that tells the event."""
    parts = clauses(title)
    if len(parts) < 2:  # noqa: PLR2004 - nothing beside it
        return
    told = max(parts, key=_tells)
    if not _tells(told):
        return
    for part in parts:
        if part is not told:
            for mark in part:
                if mark.tag.isupper():
                    yield f"aside {mark.tag}", mark


def _tells(clause: Sequence[Mark]) -> int:
    tags = {m.tag for m in clause}
    if not tags & EVENTS:
        return 0
    return 2 + (not tags.isdisjoint(NEW)) + (not tags.isdisjoint(VERBS))


def reads_as_news(title: Reading) -> bool:
    """Return whether a post is told as a headline would be: one plain line, of others, to nobody.

    Such a post is judged as a headline. Who passes news on speaks neither of himself nor to the
    reader, asks nothing and does not shout.
    """
    text = title.field.text.strip()
    words = {m.low for m in title.marks}
    return (
        len(title.marks) >= SHORTEST_REPORT
        and text[:1] not in "@("
        and not text.startswith("RT ")
        and not text[:1].islower()
        and words.isdisjoint(ONESELF | READER | CHAT | PROJECT)
        and len(text) <= LONGEST_REPORT
        and not any(c in text for c in ("?", "!", "  "))
        and text.count("#") + text.count("@") <= 1
        and _decoration(text) <= 1
    )


def _decoration(text: str) -> int:
    return sum([not c.isalnum() for c in _HIGH.findall(text)])


def _post_shape(title: Reading) -> Iterator[str]:
    """Yield what tells an announcement or a report from talk: who speaks, to whom, how."""
    text = title.field.text
    words = {m.low for m in title.marks}
    cashtags = sum(m.tag in ("TICKER", "OLD") and m.text.startswith("$") for m in title.marks)
    hashtags = text.count("#")
    shapes = {
        "reply": text.startswith("@"),
        "retweet": text.startswith("RT "),
        "speaks of oneself": not words.isdisjoint(ONESELF),
        "speaks to the reader": not words.isdisjoint(READER),
        "speaks for a project": not words.isdisjoint(PROJECT),
        "chat": not words.isdisjoint(CHAT),
        "small letter first": text[:1].islower(),
        "part of a thread": _THREAD.search(text) is not None,
        "many tickers": cashtags >= MANY,
        "hashtag": 0 < hashtags < FEW,
        "hashtags": hashtags >= FEW,
        "decorated": _decoration(text) >= FEW,
        "several paragraphs": "  " in text.strip(),
        "long post": len(text) > OLD_LENGTH,
    }
    for name, there in shapes.items():
        if there:
            yield f"shape {name}"


def _body(marks: Sequence[Mark]) -> Iterator[tuple[str, Mark]]:
    for index, mark in enumerate(marks):
        if not mark.tag.isupper():
            continue
        yield f"summary {mark.tag}", mark
        if mark.tag in VERBS:
            for other in marks[index + 1 : index + 6]:
                if other.tag in OBJECTS:
                    yield f"summary {mark.tag} {other.tag}", mark


def span(mark: Mark | None, reading: Reading) -> Span | None:
    """Return where a mark stands."""
    return reading.field.span(mark.start, mark.end) if mark else None
