"""One store, three ways: on SQLite, on PostgreSQL, and in memory."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tgewatch.settings import StoreSettings
from tgewatch.store import Access, open_store
from tgewatch.testing import ManualClock, MemoryStore
from tgewatch.testing.polls import simple_merge, simple_route
from tgewatch.testing.postgres import database, emptied, postgres


@dataclass
class Home:
    """Where a store lives: opening it again finds what was stored before."""

    settings: StoreSettings
    root: Path
    clock: ManualClock = field(default_factory=ManualClock)
    memory: MemoryStore | None = None
    blank: Path | None = None
    """An empty store to begin with."""

    @asynccontextmanager
    async def open(self, access: Access = Access.OWN, **ways: Any) -> AsyncIterator[Any]:
        """Open the store with the simplest merge and route, or others."""
        ways = {"merge": simple_merge, "route": simple_route, **ways}
        if self.memory is not None:
            for name, way in ways.items():
                self.memory.uses(**{name: way})
            yield self.memory
            return
        async with open_store(
            self.settings, root=self.root, clock=self.clock, access=access, **ways
        ) as store:
            yield store

    def clear(self) -> None:
        """Begin anew."""
        if self.settings.database_url:
            emptied(self.settings.database_url)
        elif self.path.parent.exists():
            shutil.rmtree(self.path.parent)
            if self.blank is not None:
                self.path.parent.mkdir()
                shutil.copy(self.blank, self.path)

    @property
    def path(self) -> Path:
        return self.root / self.settings.path


Open = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(scope="session")
def server(testrun_uid: str) -> Iterator[str]:
    try:
        with postgres(testrun_uid[:16]) as url:
            yield url
    except ImportError as error:
        pytest.skip(f"no PostgreSQL here: {error}")


@pytest.fixture(scope="session")
def own_database(server: str, worker_id: str) -> str:
    return database(server, f"store_{worker_id}")


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yield an empty SQLite store: copying it is faster than making it."""
    home = Home(StoreSettings(), tmp_path_factory.mktemp("blank"))

    async def make() -> None:
        async with home.open():
            pass

    asyncio.run(make())
    return home.path


@pytest.fixture
def sqlite(tmp_path: Path, blank: Path) -> Home:
    home = Home(StoreSettings(), tmp_path, blank=blank)
    home.path.parent.mkdir()
    home.clear()
    return home


@pytest.fixture
def unmade(tmp_path: Path) -> Home:
    """Yield a SQLite store that is not there yet."""
    return Home(StoreSettings(), tmp_path)


@pytest.fixture
def pg(own_database: str, tmp_path: Path) -> Home:
    return Home(StoreSettings(database_url=emptied(own_database)), tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def sql(request: pytest.FixtureRequest) -> Home:
    """Yield a store in a database."""
    return request.getfixturevalue({"sqlite": "sqlite", "postgres": "pg"}[request.param])


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """Yield any store, the fake among them."""
    if request.param == "memory":
        memory = MemoryStore(merge=simple_merge, route=simple_route)
        return Home(StoreSettings(), tmp_path, memory=memory)
    return request.getfixturevalue({"sqlite": "sqlite", "postgres": "pg"}[request.param])
