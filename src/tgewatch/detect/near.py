"""Which texts are copies of one another, and how many independent voices remain."""

import re
from collections.abc import Iterable, Sequence
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
TEXT_LIMIT = 1_000
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=4_096)
def normal(text: str) -> str:
    """Return the words of `text` in lower case, one space between; bounded."""
    return " ".join(_WORD.findall(text[:TEXT_LIMIT].casefold()))


@lru_cache(maxsize=4_096)
def sorted_words(text: str) -> str:
    """Return the words of a normal text in order of the alphabet."""
    return " ".join(sorted(text.split()))


def _signature(text: str) -> RMinHash:
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    width = max(1, len(text) - SHINGLE + 1)
    signature.update([text[i : i + SHINGLE] for i in range(width)])
    return signature


def copies(first: Claim, second: Claim) -> bool:
    """Return whether the two carry one text: by all of it where both have more than a title."""
    if _bare(first) or _bare(second):
        one, other = normal(first.title), normal(second.title)
    else:
        one, other = normal(first.text), normal(second.text)
    if min(one.count(" "), other.count(" ")) + 1 < FEWEST:
        return False
    score = fuzz.ratio(sorted_words(one), sorted_words(other), score_cutoff=COPY)
    return bool(score >= COPY)


def _bare(claim: Claim) -> bool:
    return len(normal(claim.text)) <= len(normal(claim.title)) + SHINGLE


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


def _candidates(claims: Sequence[Claim]) -> Iterable[tuple[int, int]]:
    """Yield pairs whose texts or titles share a band of their signatures."""
    for texts in ([normal(c.title) for c in claims], [normal(c.text) for c in claims]):
        index = RMinHashLSH(threshold=0.5, num_perm=PERMUTATIONS, num_bands=BANDS)
        for position, text in enumerate(texts):
            if not text:
                continue
            signature = _signature(text)
            for other in index.query(signature):
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
    for one, other in _candidates(claims):
        if groups.root(one) != groups.root(other) and copies(claims[one], claims[other]):
            groups.join(one, other)
    return tuple(groups.root(position) for position in range(len(claims)))
