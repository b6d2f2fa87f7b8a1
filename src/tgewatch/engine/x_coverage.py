"""Which queries cover the watchlist now, and how far each has been read."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tgewatch.model import Company
from tgewatch.rules import x_cursor, x_plan
from tgewatch.rules.packing import Bins
from tgewatch.rules.spending import Level
from tgewatch.rules.x_cursor import Cursor
from tgewatch.rules.x_plan import Packed, Shard
from tgewatch.rules.x_strategy import Strategy
from tgewatch.settings import XSettings


class Coverage:
    """Shards and their cursors. An account that moves to another shard takes its place along."""

    def __init__(self, settings: XSettings, companies: Sequence[Company]) -> None:
        self._settings = settings
        self._companies = companies
        self._bins: dict[str, Bins] = {}
        self._homes: dict[str, str] = {}
        """Handle → shard that covered it last."""
        self._members: dict[str, tuple[str, ...]] = {}
        """Shard → handles, as its cursor stands for them."""
        self.cursors: dict[str, Cursor] = {}

    def __repr__(self) -> str:
        return f"<Coverage {len(self._homes)} accounts in {len(self._members)} shards>"

    def plan(
        self,
        strategy: Strategy,
        *,
        level: Level,
        keywords: bool,
        refused: Mapping[str, str],
    ) -> tuple[Shard, ...]:
        """Return the shards for a strategy, those of high priority first."""
        settings = self._settings
        companies = x_plan.covered(self._companies, level)
        extra = x_plan.keyword_shard(settings) if keywords else ()
        packed = self._packed(companies, strategy, refused, extra=len(extra))
        self._bins.update(packed.bins)
        self._move_in(packed.shards)
        return (*packed.shards, *extra)

    def _packed(
        self,
        companies: Sequence[Company],
        strategy: Strategy,
        refused: Mapping[str, str],
        *,
        extra: int,
    ) -> Packed:
        settings = self._settings
        if not x_plan.accounts(companies):
            return Packed()
        if strategy.search == "list":
            return x_plan.by_list(companies, settings, self._bins)
        if strategy.search == "timelines":
            return Packed(x_plan.by_timeline(companies))
        pace = settings.audit if strategy.stream else settings.cycle
        return x_plan.by_search(
            companies,
            settings,
            self._bins,
            search_all=settings.search_all == "auto" and "all" not in refused,
            pace=pace,
            extra=extra,
        )

    def _move_in(self, shards: Sequence[Shard]) -> None:
        """Let each shard begin where the least read of its accounts was left."""
        before, homes = dict(self.cursors), dict(self._homes)
        for shard in shards:
            if self._members.get(shard.name) != shard.handles:
                former = {homes[h] for h in shard.handles if h in homes}
                known = [before[name] for name in sorted(former) if name in before]
                self.cursors.pop(shard.name, None)
                if known:
                    self.cursors[shard.name] = x_cursor.earliest(
                        known, overlap=self._settings.overlap
                    )
                self._members[shard.name] = shard.handles
            self._homes.update(dict.fromkeys(shard.handles, shard.name))

    def settle(self, shards: Sequence[Shard]) -> None:
        """Forget the cursors of shards that are no more; accounts left out keep theirs."""
        kept = {shard.name for shard in shards} | set(self._homes.values())
        self.cursors = {name: c for name, c in self.cursors.items() if name in kept}
        self._members = {name: h for name, h in self._members.items() if name in kept}

    def dump(self) -> bytes:
        """Return what is needed to go on after a restart, without the cursors."""
        return orjson.dumps({"bins": self._bins, "homes": self._homes})

    def load(self, data: bytes | None) -> None:
        """Take over what `dump` returned; what cannot be read is nothing."""
        try:
            document: Any = orjson.loads(data or b"{}")
        except orjson.JSONDecodeError:
            return
        match document:
            case {"bins": dict(bins), "homes": dict(homes)}:
                self._homes = {str(h): str(name) for h, name in homes.items()}
                self._bins = {str(key): _bins(value) for key, value in bins.items()}
            case _:
                return
        members: dict[str, list[str]] = {}
        for handle, name in self._homes.items():
            members.setdefault(name, []).append(handle)
        self._members = {name: tuple(sorted(handles)) for name, handles in members.items()}


def _bins(value: Any) -> Bins:
    if not isinstance(value, list):
        return ()
    return tuple(tuple(str(h) for h in names) for names in value if isinstance(names, list))
