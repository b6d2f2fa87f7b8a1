"""An event's evidence in order, which remembers what was found of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tgewatch.detect.identity import symbol_of, ticker_of
from tgewatch.detect.near import SILENCE, Voices
from tgewatch.detect.phase import moment, statement
from tgewatch.detect.timeline import Course
from tgewatch.detect.track import Said
from tgewatch.model import Claim


@dataclass(frozen=True, slots=True)
class Reading:
    """What claims say, who says it and what comes of it."""

    voices: Voices
    placed: tuple[Said, ...]
    course: Course


class Dossier(tuple[Claim, ...]):  # noqa: SLOT001 - its dictionary is where it remembers
    """The claims about one event in the order in which they were made.

    A tuple of claims to everybody else. What is found of them is found when it is first asked for
    and kept for as long as the dossier: nothing of it depends on time. `dossier` makes one, and
    lets it begin with what an earlier one of the same event has found, of which it keeps no hold.
    """

    @cached_property
    def reading(self) -> Reading:
        """The claims read as one story."""
        return _read(self, None)

    @property
    def placed(self) -> tuple[Said, ...]:
        """Return each claim with what it says and whose voice it is."""
        return self.reading.placed

    @property
    def course(self) -> Course:
        """Return what the claims add up to, before time has its say."""
        return self.reading.course

    @cached_property
    def tickers(self) -> frozenset[str]:
        """As the claims spell them."""
        return frozenset(claim.ticker for claim in self)

    @cached_property
    def symbols(self) -> frozenset[str]:
        """What the claims call their project by, where that is a ticker."""
        return frozenset(map(symbol, self))

    def __reduce__(self) -> tuple[Any, ...]:
        return dossier, (tuple(self),)


def dossier(claims: Iterable[Claim], known: Sequence[Claim] = ()) -> Dossier:
    """Return the claims in order, found out about with the help of what is `known` of most of them.

    The help saves time and changes nothing.
    """
    if isinstance(claims, Dossier):
        return claims
    made = Dossier(sorted(claims, key=_order))
    if isinstance(known, Dossier):
        if made == known:
            return known
        made.__dict__["reading"] = _read(made, known.reading)
    return made


def symbol(claim: Claim) -> str:
    """Return what `claim` calls its project by, if that is a ticker."""
    if claim.project or claim.company:
        return symbol_of(claim.project, claim.title)
    return ticker_of(claim.ticker)


def _order(claim: Claim) -> tuple[float, str]:
    return moment(claim), claim.id


def _read(claims: Sequence[Claim], before: Reading | None) -> Reading:
    voices = (SILENCE if before is None else before.voices).heard(claims)
    read = {} if before is None else {id(one.claim): one for one in before.placed}
    placed = []
    for claim, number in zip(claims, voices.numbers, strict=True):
        voice = claims[number].id
        one = read.get(id(claim))
        if one is None:
            one = Said(claim, statement(claim), voice, moment(claim))
        elif one.voice != voice:
            one = Said(claim, one.statement, voice, one.at)
        placed.append(one)
    told = tuple(placed)
    return Reading(voices, told, Course(told, None if before is None else before.course))
