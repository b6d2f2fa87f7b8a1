"""Who has to go when a tier of the cache is full."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

_HALVED = bytes(count // 2 for count in range(256))
_MOST = 15
_ROWS = 3
_WIDEST = 1 << 20


class Sketch:
    """Remembers roughly how often keys were used lately, in bytes that do not grow with the keys.

    A count-min sketch of three rows over bits of the key's hash, whose counters stop at 15 and are halved every ten uses a key (Einziger,
    Friedman, Manes: TinyLFU, 2017). It never says less than the truth of the present period.
    """

    def __init__(self, keys: int = 64) -> None:
        self._width = 1
        while self._width < min(2 * keys, _WIDEST):
            self._width *= 2
        self._mask = self._width - 1
        self._counters = bytearray(_ROWS * self._width)
        self._uses = 0

    @property
    def keys(self) -> int:
        """Return for how many keys it is wide enough."""
        return self._width if self._width == _WIDEST else self._width // 2

    def use(self, key: str) -> None:
        """Count one use."""
        counters, width, mask = self._counters, self._width, self._mask
        bits = hash(key)
        cell = bits & mask
        if counters[cell] < _MOST:
            counters[cell] += 1
        cell = width + (bits >> 20 & mask)
        if counters[cell] < _MOST:
            counters[cell] += 1
        cell = 2 * width + (bits >> 40 & mask)
        if counters[cell] < _MOST:
            counters[cell] += 1
        self._uses += 1
        if self._uses >= 5 * width:
            self._counters = bytearray(counters.translate(_HALVED))
            self._uses //= 2

    def uses(self, key: str) -> int:
        """Return about how often the key was used."""
        counters, width, mask = self._counters, self._width, self._mask
        bits = hash(key)
        return min(
            counters[bits & mask],
            counters[width + (bits >> 20 & mask)],
            counters[2 * width + (bits >> 40 & mask)],
        )


class Eviction(Protocol):
    """An order of leaving. Knows keys and their cost in bytes, not values; not thread-safe."""

    def touch(self, key: str) -> None:
        """Note that a key was read."""

    def make_room(self, key: str, cost: int, free: int) -> Sequence[str] | None:
        """Return the keys that leave so that a new one fits, or None when it had better not come.

        `free` is the number of bytes that are unused. The keys that are returned are forgotten.
        """

    def add(self, key: str, cost: int) -> None:
        """Take in a key for which there is room."""

    def remove(self, key: str) -> None:
        """Forget a key."""


class LeastRecent:
    """What was read longest ago goes first (LRU)."""

    def __init__(self) -> None:
        self._costs: OrderedDict[str, int] = OrderedDict()

    def touch(self, key: str) -> None:
        self._costs.move_to_end(key)

    def make_room(self, key: str, cost: int, free: int) -> Sequence[str] | None:  # noqa: ARG002 - the port's shape
        leaving = []
        while free < cost:
            old, freed = self._costs.popitem(last=False)
            leaving.append(old)
            free += freed
        return leaving

    def add(self, key: str, cost: int) -> None:
        self._costs[key] = cost

    def remove(self, key: str) -> None:
        del self._costs[key]


class LeastFrequent:
    """What is read rarely goes first, and a newcomer must be wanted more than those it displaces.

    W-TinyLFU with aggregated victims for entries of different sizes (Einziger, Eytan, Friedman,
    Manes: Lightweight Robust Size Aware Cache Management, 2021): one per cent is a window for
    newcomers in order of reading, the rest a probation and a protected part (4/5).
    """

    def __init__(self, budget: int) -> None:
        self._window_budget = budget // 100
        self._protected_budget = (budget - self._window_budget) * 4 // 5
        self._window: OrderedDict[str, int] = OrderedDict()
        self._probation: OrderedDict[str, int] = OrderedDict()
        self._protected: OrderedDict[str, int] = OrderedDict()
        self._window_used = 0
        self._protected_used = 0
        self._sketch = Sketch()

    def touch(self, key: str) -> None:
        self._sketch.use(key)
        if key in self._protected:
            self._protected.move_to_end(key)
        elif key in self._window:
            self._window.move_to_end(key)
        else:
            cost = self._probation.pop(key)
            self._protected[key] = cost
            self._protected_used += cost
            while self._protected_used > self._protected_budget and len(self._protected) > 1:
                old, cost = self._protected.popitem(last=False)
                self._protected_used -= cost
                self._probation[old] = cost

    def make_room(self, key: str, cost: int, free: int) -> Sequence[str] | None:
        self._sketch.use(key)
        if free >= cost:
            return ()
        if cost > self._window_budget:
            victims, freed = self._victims(cost - free)
            if freed < cost - free or not self._wanted_more(key, victims):
                return None
            return self._forget(victims)
        leaving: list[str] = []
        while free < cost:
            if self._window_used + cost > self._window_budget:
                gone, freed = self._contest()
            else:
                gone, freed = self._victims(cost - free)
                self._forget(gone)
            leaving.extend(gone)
            free += freed
        return leaving

    def _contest(self) -> tuple[Sequence[str], int]:
        """Let the oldest newcomer win its place or leave; return who left and the bytes freed."""
        key, cost = self._window.popitem(last=False)
        self._window_used -= cost
        victims, freed = self._victims(cost)
        if freed < cost or not self._wanted_more(key, victims):
            return (key,), cost
        self._probation[key] = cost
        return self._forget(victims), freed

    def _victims(self, needed: int) -> tuple[list[str], int]:
        """Return those next to leave and their bytes: `needed` or more, or all that there are."""
        victims: list[str] = []
        freed = 0
        for part in (self._probation, self._protected):
            for key, cost in part.items():
                if freed >= needed:
                    return victims, freed
                victims.append(key)
                freed += cost
        return victims, freed

    def _wanted_more(self, key: str, victims: Iterable[str]) -> bool:
        """Compare past uses. The present one is left out, or any round trip would beat the rest."""
        uses = self._sketch.uses(key) - 1
        for victim in victims:
            uses -= self._sketch.uses(victim)
            if uses <= 0:
                return False
        return True

    def _forget(self, keys: Sequence[str]) -> Sequence[str]:
        for key in keys:
            self.remove(key)
        return keys

    def add(self, key: str, cost: int) -> None:
        count = len(self._window) + len(self._probation) + len(self._protected) + 1
        if count > self._sketch.keys:
            self._sketch = Sketch(2 * count)
            self._sketch.use(key)
        if cost > self._window_budget:
            self._probation[key] = cost
            return
        self._window[key] = cost
        self._window_used += cost
        while self._window_used > self._window_budget:
            old, moved = self._window.popitem(last=False)
            self._window_used -= moved
            self._probation[old] = moved

    def remove(self, key: str) -> None:
        if key in self._window:
            self._window_used -= self._window.pop(key)
        elif key in self._protected:
            self._protected_used -= self._protected.pop(key)
        else:
            del self._probation[key]
