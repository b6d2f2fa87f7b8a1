"""Which texts are copies of one another, and how many independent voices remain."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rensa import RMinHash  # type: ignore[import-untyped]  # ships no stubs

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

_BAND = 32 * PERMUTATIONS // BANDS
"""Bits of one band in a signature."""
_TOPS = sum(1 << (_BAND * (band + 1) - 1) for band in range(BANDS))
"""The highest bit of each band."""
_REST = (1 << _BAND * BANDS) - 1 - _TOPS


@dataclass(frozen=True, slots=True)
class _Wording:
    """A text or title, prepared for comparison."""

    ordered: str
    """Its words in lower case in the order of the alphabet, one space between; bounded."""
    words: int
    length: int
    """Characters of the words, with the spaces."""
    signature: int
    """MinHash of its shingles, band by band; 0 without words."""


@lru_cache(maxsize=512)
def _wording(text: str) -> _Wording:
    words = _WORD.findall(text[:TEXT_LIMIT].casefold())
    plain = " ".join(words)
    return _Wording(" ".join(sorted(words)), len(words), len(plain), _signature(plain))


def _signature(plain: str) -> int:
    if not plain:
        return 0
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    width = max(1, len(plain) - SHINGLE + 1)
    signature.update([plain[i : i + SHINGLE] for i in range(width)])
    return int.from_bytes(struct.pack(f"<{PERMUTATIONS}I", *signature.digest()), "little")


@dataclass(frozen=True, slots=True)
class _Copy:
    """What of a claim may be a copy of another's."""

    title: _Wording
    text: _Wording
    bare: bool
    """Holds no more than a title."""


def _copy(claim: Claim) -> _Copy:
    title, text = _wording(claim.title), _wording(claim.text)
    return _Copy(title, text, bare=text.length <= title.length + SHINGLE)


def copies(first: Claim, second: Claim) -> bool:
    """Return whether the two carry one text: by all of it where both have more than a title."""
    return _same(_copy(first), _copy(second))


def _same(first: _Copy, second: _Copy) -> bool:
    bare = first.bare or second.bare
    one, other = (first.title, second.title) if bare else (first.text, second.text)
    if min(one.words, other.words) < FEWEST:
        return False
    return bool(fuzz.ratio(one.ordered, other.ordered, score_cutoff=COPY))


def _sound_alike(one: Claim, other: Claim) -> bool:
    """Return whether two are the same to whoever listens for voices."""
    return one is other or (
        (one.title, one.text, one.url, one.source)
        == (other.title, other.text, other.url, other.source)
    )


def _near(one: int, other: int) -> bool:
    """Return whether two signatures have a band in common: whether one of the difference is 0."""
    apart = one ^ other
    return one != 0 != other and (((apart & _REST) + _REST) | apart) & _TOPS != _TOPS


def independent(claims: Sequence[Claim]) -> tuple[int, ...]:
    """Return for each claim the number of its voice; claims of one voice have the same one.

    One voice are: claims by one outlet or account, and syndicated copies wherever they appear.
    """
    return SILENCE.heard(claims).numbers


class Voices:
    """The voices of some claims, in an order; those of nearly the same claims follow quickly.

    What was compared once is not compared again. A row is a set of places, as bits. Nothing
    changes once it is made.
    """

    __slots__ = ("claims", "copies", "differ", "numbers", "own", "same", "texts", "titles")

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.copies: list[_Copy] = []
        self.own: list[tuple[str, ...]] = []
        """Voices of each claim by its addresses alone."""
        self.titles: list[int] = []
        """Row of those whose title shares a band with the claim's."""
        self.texts: list[int] = []
        self.same: list[int] = []
        """Row of those that were compared with the claim and are copies."""
        self.differ: list[int] = []
        self.numbers: tuple[int, ...] = ()
        """For each claim the place of the first one of its voice."""

    def __repr__(self) -> str:
        return f"<Voices {len(set(self.numbers))} in {len(self.numbers)} claims>"

    def heard(self, claims: Sequence[Claim]) -> "Voices":
        """Return the voices of `claims`; it costs little where they are nearly the same ones."""
        after = Voices()
        after._take(self, claims)
        if len(after.claims) == len(self.claims) == len(claims):
            after.numbers = self.numbers
            return after
        for place, claim in enumerate(claims):
            if place == len(after.claims) or after.claims[place] is not claim:
                after._insert(place, claim)
        after.numbers = after._grouped()
        return after

    @property
    def rows(self) -> tuple[list[int], ...]:
        """Return the rows of every kind."""
        return self.titles, self.texts, self.same, self.differ

    def _take(self, before: "Voices", claims: Sequence[Claim]) -> None:
        """Take over all of `before` that is among `claims`, as far as the order is the same."""
        places = {claim.id: place for place, claim in enumerate(before.claims)}
        last, kept = -1, []
        for claim in claims:
            place = places.get(claim.id, -1)
            if place > last and _sound_alike(before.claims[place], claim):
                kept.append(place)
                self.claims.append(claim)
                last = place
        self.copies = [before.copies[place] for place in kept]
        self.own = [before.own[place] for place in kept]
        lost = sorted(set(range(len(before.claims))) - set(kept), reverse=True)
        for mine, its in zip(self.rows, before.rows, strict=True):
            mine[:] = its if not lost else [_without(its[place], lost) for place in kept]

    def _insert(self, place: int, claim: Claim) -> None:
        """Take in one more claim, and see which are near it."""
        copy, bit = _copy(claim), 1 << place
        below = bit - 1
        for rows in self.rows:
            if place < len(rows):
                rows[:] = [(row & ~below) << 1 | row & below for row in rows]
            rows.insert(place, 0)
        self.claims.insert(place, claim)
        self.own.insert(place, voices_of(claim))
        title, text = copy.title.signature, copy.text.signature
        for other, its in enumerate(self.copies):
            at = other + (other >= place)
            if _near(title, its.title.signature):
                self.titles[place] |= 1 << at
                self.titles[at] |= bit
            if _near(text, its.text.signature):
                self.texts[place] |= 1 << at
                self.texts[at] |= bit
        self.copies.insert(place, copy)

    def _grouped(self) -> tuple[int, ...]:
        """Join what is of one voice. Of a crowd of like texts the earliest stand for all."""
        groups = _Groups(len(self.claims))
        first: dict[str, int] = {}
        for place, own in enumerate(self.own):
            bit = 1 << place
            below = bit - 1
            like = _crowd(self.titles[place] & below) | _crowd(self.texts[place] & below)
            linked = like & self.same[place]
            for voice in own:
                linked |= first.setdefault(voice, bit)
            group = groups.join(bit | linked)
            like &= ~(self.differ[place] | group)
            while like:
                other = like & -like
                if self._is_copy(place, other):
                    group = groups.join(bit | other)
                    like &= ~group
                else:
                    like ^= other
        return groups.firsts()

    def _is_copy(self, place: int, bit: int) -> bool:
        if self.same[place] & bit:
            return True
        other = bit.bit_length() - 1
        same = _same(self.copies[place], self.copies[other])
        rows = self.same if same else self.differ
        rows[place] |= bit
        rows[other] |= 1 << place
        return same


class _Groups:
    """Places as bits, each in the group of the first it is joined with."""

    def __init__(self, size: int) -> None:
        self._group = [1 << place for place in range(size)]
        """Under the first place of a group all of its places."""
        self._root = list(range(size))

    def _first(self, place: int) -> int:
        while self._root[place] != place:
            self._root[place] = self._root[self._root[place]]
            place = self._root[place]
        return place

    def join(self, places: int) -> int:
        """Make one group of the groups of these places, at least one, and return all of it."""
        whole, firsts = 0, []
        while places:
            first = self._first((places & -places).bit_length() - 1)
            firsts.append(first)
            whole |= self._group[first]
            places &= ~whole
        if len(firsts) > 1:
            lead = min(firsts)
            for first in firsts:
                self._root[first] = lead
            self._group[lead] = whole
        return whole

    def firsts(self) -> tuple[int, ...]:
        """Return for each place the first of its group."""
        return tuple(map(self._first, range(len(self._root))))


def _without(row: int, places: Sequence[int]) -> int:
    """Return a row from which `places`, the last one first, are taken out."""
    for place in places:
        row = row >> (place + 1) << place | row & ((1 << place) - 1)
    return row


def _crowd(row: int) -> int:
    """Return the first `CROWD` of a row."""
    if row.bit_count() <= CROWD:
        return row
    low, high = CROWD, row.bit_length()
    while low < high:
        middle = (low + high) // 2
        if (row & ((1 << middle) - 1)).bit_count() < CROWD:
            low = middle + 1
        else:
            high = middle
    return row & ((1 << low) - 1)


SILENCE = Voices()
"""Nobody's voice: where a hearing begins."""
