"""Clients of one world, turn by turn, and what the servers saw of each turn."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tgewatch.bench.process import Process, started

STEP = 600.0
"""Simulated seconds between two rounds."""
PATIENT = 600.0
"""Seconds that a round of the program may take at most."""


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of one client."""

    client: str
    kind: str
    """first, all (every source, not for the first time), due (only what is due) …"""
    found: dict[str, Any]
    """What the client says."""
    log: dict[str, Any]
    """What the servers saw."""

    @property
    def seconds(self) -> float:
        return float(self.found["seconds"])

    @property
    def cpu(self) -> float:
        return float(self.found.get("cpu", 0.0))

    def since(self, times: Sequence[float]) -> list[float]:
        """Return times of the machine's monotonic clock as seconds since the turn began."""
        begun = float(self.found["begun"])
        return sorted(time - begun for time in times)

    @property
    def answered(self) -> list[float]:
        """Seconds until each source that answered was in: stored, or else read."""
        return self.since(self.found["answered_at"])

    @property
    def told(self) -> list[float]:
        """Seconds until each message had arrived."""
        return self.since(self.log["told"])

    @property
    def requests(self) -> int:
        """Requests to feeds and pages, as the servers count them."""
        return int(self.log["received"]) - len(self.log["told"])


@dataclass(slots=True)
class Stage:
    """A running world and its clients."""

    world: Process
    place: dict[str, Any]
    folder: Path
    stack: AsyncExitStack
    rounds: list[Round] = field(default_factory=list)
    clients: dict[str, Process] = field(default_factory=dict)

    async def enter(
        self, name: str, module: str, *, python: str = sys.executable, **options: Any
    ) -> dict[str, Any]:
        """Start a client under a name and return what it says when it is ready."""
        client = await self.stack.enter_async_context(started(name, module, python=python))
        given = {**self.place, "folder": str(self.folder / name), **options}
        self.clients[name] = client
        return await client.ask(given)

    async def turn(self, name: str, kind: str, **order: Any) -> Round:
        """Let one client do a round, and keep it."""
        page = await self.world.ask({"page": name})
        found = await self.clients[name].ask({"now": page["now"], "deadline": PATIENT, **order})
        log = await self.world.ask({"page": ""})
        done = Round(name, kind, found, log)
        self.rounds.append(done)
        return done

    async def move_on(self, seconds: float = STEP) -> None:
        """Let simulated time pass."""
        await self.world.ask({"advance": seconds})


@asynccontextmanager
async def staged(folder: Path, *arguments: str) -> AsyncIterator[Stage]:
    """Start a world with these arguments; it ends with the block, as do its clients."""
    async with started("world", "tgewatch.world", *arguments) as world:
        place = await world.listen()
        async with AsyncExitStack() as stack:
            yield Stage(world, place, folder, stack)
