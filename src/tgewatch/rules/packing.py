"""Accounts into as few queries as the length of a query allows, and staying where they are."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WASTE = 0.10
"""Share of queries beyond the least number from which everything is packed anew."""
Bins = tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Bin:
    room: int
    names: list[str] = field(default_factory=list)


def least(costs: Iterable[int], capacity: int) -> int:
    """Return the number of bins below which nothing can be packed."""
    return math.ceil(sum(costs) / capacity) if capacity > 0 else 0


def pack(costs: Mapping[str, int], capacity: int) -> Bins:
    """Return names in bins whose costs stay within `capacity`: best fit, dearest first.

    The same names give the same bins, whatever their order. Raises ValueError for a name that fits
    in no bin.
    """
    return _filled([], costs, capacity)


def repack(
    before: Sequence[Sequence[str]],
    costs: Mapping[str, int],
    capacity: int,
    *,
    waste: float = WASTE,
) -> Bins:
    """Return bins in which names stay where they were, as long as that costs little.

    Bins keep their place, so that a place means the same names as long as possible; an emptied one
    stays empty until something new comes. When more than `waste` of the queries that are used could
    be saved, everything is packed anew. Raises ValueError as `pack` does.
    """
    bins = []
    taken: set[str] = set()
    for names in before:
        kept = _Bin(capacity)
        for name in names:
            cost = costs.get(name)
            if cost is not None and name not in taken and cost <= kept.room:
                taken.add(name)
                kept.names.append(name)
                kept.room -= cost
        bins.append(kept)
    while bins and not bins[-1].names:
        bins.pop()
    settled = _filled(bins, {n: c for n, c in costs.items() if n not in taken}, capacity)
    used = sum(1 for names in settled if names)
    anew = pack(costs, capacity)
    return anew if used - len(anew) > waste * used else settled


def _filled(bins: list[_Bin], costs: Mapping[str, int], capacity: int) -> Bins:
    for name in sorted(costs, key=lambda name: (-costs[name], name)):
        cost = costs[name]
        if not 0 < cost <= capacity:
            raise ValueError(f"{name!r} does not fit into a query")
        place = min((b for b in bins if b.room >= cost), key=lambda b: b.room, default=None)
        if place is None:
            place = _Bin(capacity)
            bins.append(place)
        place.names.append(name)
        place.room -= cost
    return tuple(tuple(b.names) for b in bins)
