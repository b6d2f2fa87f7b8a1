"""Named features of a judged text: what is said, in which words, about what kind of thing."""

from collections.abc import Iterator, Mapping, Sequence

from tgewatch.detect.frames import Frame, line_of, main_clause
from tgewatch.detect.reading import Mark, Reading
from tgewatch.model import DateClaim, Span

Features = Mapping[str, Mark | None]
"""Name → the mark that caused it first; None where no single one did."""

NAMED = frozenset(
    {"NAME", "OLD", "TICKER", "CAPS", "EXCHANGE", "HANDLE", "HASHTAG", "CHAIN", "PCT", "MONEY",
     "NUM", "TIMES", "YEAR"}
)  # fmt: skip
"""Classes whose words are not to be learnt."""
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
EVENTS = frozenset(
    {"TOKEN", "NEWTOKEN", "AIRDROP", "AIRDROPS", "TGE", "SALE", "POOL", "TOKENOMICS", "CLAIM",
     "LISTING", "TRADING", "DATED"}
)  # fmt: skip
"""Without a word of these nothing is said to happen to a token."""


def features(
    readings: Sequence[Reading],
    *,
    frames: Sequence[Frame],
    kinds: Sequence[Frame],
    dates: Sequence[DateClaim],
    post: bool,
) -> Features:
    """Return the features of an item whose title comes first in `readings`."""
    found: dict[str, Mark | None] = {}
    title = readings[0]
    for name, mark in _title(title.marks):
        found.setdefault(name, mark)
    for name, mark in _frames(title.marks, frames, kinds):
        found.setdefault(name, mark)
    for name in _shape(title, post=post):
        found.setdefault(name, None)
    for date in dates:
        found.setdefault(f"date {date.precision}", None)
        if date.basis == "relative":
            found.setdefault("date relative", None)
    for reading in readings[1:2]:
        for name, mark in _body(reading.marks):
            found.setdefault(name, mark)
    if post:
        own = [(f"post {n}", m) for n, m in found.items() if n.startswith(("t:", "shape ", "f:"))]
        found.update(own)
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


def _frames(
    marks: Sequence[Mark], frames: Sequence[Frame], kinds: Sequence[Frame]
) -> Iterator[tuple[str, Mark]]:
    verb = next((m for m in marks if m.tag in VERBS), None)
    if verb:
        yield f"shape verb {verb.tag}", verb
    named = next((m for m in marks if m.tag in ("NAME", "OLD", "TICKER", "CAPS", "EXCHANGE")), None)
    if named:
        yield f"shape first name {named.tag}", named
    line = line_of([m.tag for m in marks])
    last = len(marks) - 1
    for name, pattern in frames:
        match = pattern.search(line)
        if match:
            yield name, marks[min(max(match.start() - 1, 0), last)]
    head = main_clause(line)
    for name, pattern in kinds:
        match = pattern.search(head)
        if match:
            yield name, marks[min(max(match.start() - 1, 0), last)]
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
    tags = {m.tag for m in marks}
    if not tags & EVENTS and not ("TICKER" in tags and tags & BIRTHS):
        yield "shape no event"
    old = sum(m.tag == "OLD" for m in marks)
    if old > 1:
        yield "shape several old tokens"
    if old and not any(m.tag in ("NAME", "TICKER", "CAPS") for m in marks):
        yield "shape only old tokens"
    if not any(m.tag in ("NAME", "TICKER", "CAPS", "OLD", "HANDLE") for m in marks):
        yield "shape nobody named"
    if post:
        yield from _post_shape(title)


def _post_shape(title: Reading) -> Iterator[str]:
    marks, text = title.marks, title.field.text
    if text.startswith("@"):
        yield "shape reply"
    if text.startswith("RT "):
        yield "shape retweet"
    if any(m.low in ("i", "my", "i'm", "im") for m in marks):
        yield "shape speaks of oneself"
    if any(m.low in ("we", "our", "we're") for m in marks):
        yield "shape speaks for a project"
    if sum(m.tag in ("TICKER", "OLD") and m.text.startswith("$") for m in marks) > 3:  # noqa: PLR2004 - a spray
        yield "shape many tickers"
    if len(text) > 280:  # noqa: PLR2004 - longer than a post used to be
        yield "shape long post"


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
