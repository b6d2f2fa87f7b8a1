"""Which texts are copies of one another, and how many independent voices remain."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rensa import (  # type: ignore[import-untyped]  # ships no stubs
    RMinHash,
    RMinHashLSH,
)

from tgewatch.detect.voice import voices_of
from tgewatch.model import Claim

PERMUTATIONS = 128
BANDS = 32
"""With 128 permutations a pair of likeness 0.5 is found with probability 0.87, of 0.7 with 0.9998
(1 - (1 - s^4)^32)."""
SEED = 42
SHINGLE = 5
"""Characters; headlines are too short for shingles of words."""
COPY = 88.0
"""Likeness (0 to 100, rapidfuzz ratio of sorted words) from which two texts are one."""
FEWEST = 6
"""Words; shorter titles are alike by chance."""
CROWD = 32
"""Like texts with which one more is compared."""
TEXT_LIMIT = 1_000
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Wording:
    """A text or title, prepared for comparison."""

    plain: str
    """Its words in lower case, one space between; bounded."""
    ordered: str
    """The same in the order of the alphabet."""
    words: int


@lru_cache(maxsize=1_024)
def _wording(text: str) -> _Wording:
    words = _WORD.findall(text[:TEXT_LIMIT].casefold())
    return _Wording(" ".join(words), " ".join(sorted(words)), len(words))


@dataclass(frozen=True, slots=True)
class _Copy:
    """What of a claim may be a copy of another's."""

    title: _Wording
    text: _Wording

    @property
    def bare(self) -> bool:
        """Holds no more than a title."""
        return len(self.text.plain) <= len(self.title.plain) + SHINGLE


def _copy(claim: Claim) -> _Copy:
    return _Copy(_wording(claim.title), _wording(claim.text))


@lru_cache(maxsize=1_024)
def _signature(text: str) -> RMinHash:
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    width = max(1, len(text) - SHINGLE + 1)
    signature.update([text[i : i + SHINGLE] for i in range(width)])
    return signature


def copies(first: Claim, second: Claim) -> bool:
    """Return whether the two carry one text: by all of it where both have more than a title."""
    return _same(_copy(first), _copy(second))


def _same(first: _Copy, second: _Copy) -> bool:
    bare = first.bare or second.bare
    one, other = (first.title, second.title) if bare else (first.text, second.text)
    if min(one.words, other.words) < FEWEST:
        return False
    return bool(fuzz.ratio(one.ordered, other.ordered, score_cutoff=COPY))


class _Groups:
    """Union-find over positions."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first


def _candidates(shapes: Sequence[_Copy]) -> Iterator[tuple[int, int]]:
    """Yield pairs whose texts or titles share a band of their signatures.

    Of a crowd of like texts the earliest `CROWD` stand for all.
    """
    for texts in ([one.title.plain for one in shapes], [one.text.plain for one in shapes]):
        index = RMinHashLSH(threshold=0.5, num_perm=PERMUTATIONS, num_bands=BANDS)
        for position, text in enumerate(texts):
            if not text:
                continue
            signature = _signature(text)
            for other in sorted(index.query(signature))[:CROWD]:
                yield int(other), position
            index.insert(position, signature)


def independent(claims: Sequence[Claim]) -> tuple[int, ...]:
    """Return for each claim the number of its voice; claims of one voice have the same one.

    One voice are: claims by one outlet or account, and syndicated copies wherever they appear.
    """
    groups = _Groups(len(claims))
    first: dict[str, int] = {}
    for position, claim in enumerate(claims):
        for voice in voices_of(claim):
            groups.join(first.setdefault(voice, position), position)
    shapes = [_copy(claim) for claim in claims]
    for one, other in _candidates(shapes):
        if groups.root(one) != groups.root(other) and _same(shapes[one], shapes[other]):
            groups.join(one, other)
    return tuple(groups.root(position) for position in range(len(claims)))
