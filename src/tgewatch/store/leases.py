"""Leases that last as long as a connection to the PostgreSQL database.

Whoever polls and delivers needs the database anyway. A lease of it needs no clock and no second
server, and is free in the moment in which its holder dies.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import sqlalchemy as sa

from tgewatch.errors import TransientError
from tgewatch.ports import Tenure
from tgewatch.settings import StoreSettings
from tgewatch.store.database import explaining, open_leases_engine
from tgewatch.store.lock import identity

T = TypeVar("T")

SPACE = 0x7467_6C65
"""First half of the keys of the advisory locks that are leases."""
DEADLINE = 10.0
"""Seconds for one question; a server that takes longer counts as gone."""

_TAKE = sa.text("SELECT pg_try_advisory_lock(:space, hashtext(:name))")
_GIVE = sa.text("SELECT pg_advisory_unlock(:space, hashtext(:name))")
_TOKEN = sa.text(
    "INSERT INTO notes (name, at, value) VALUES (:note, 0, convert_to('1', 'UTF8')) "
    "ON CONFLICT (name) DO UPDATE SET value = "
    "convert_to((convert_from(notes.value, 'UTF8')::bigint + 1)::text, 'UTF8') "
    "RETURNING convert_from(value, 'UTF8')::bigint"
)
_TIME = sa.text("SELECT extract(epoch FROM clock_timestamp())::float8")


class StoreLeases:
    """Leases among all who share a database; the port `ports.Leases`.

    `seconds` do not count: a lease ends with the connection that took it. One that is lost is seen
    by `keep`. All are lost when the server goes away, and can be taken when it is back.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._held: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<StoreLeases {', '.join(sorted(self._held)) or 'none'} held>"

    async def take(self, name: str, *, seconds: float) -> Tenure | None:
        """Return the lease if nobody holds it; None also while the database cannot be asked."""
        del seconds
        try:
            token = await self._ask(lambda connection: self._take(connection, name))
        except TransientError:
            return None
        return None if token is None else Tenure(name, token)

    async def keep(self, tenure: Tenure, *, seconds: float) -> bool:
        """Return whether it is still ours."""
        del seconds
        if self._held.get(tenure.name) != tenure.token:
            return False
        try:
            await self._ask(lambda connection: connection.scalar(sa.text("SELECT 1")))
        except TransientError:
            return False
        return self._held.get(tenure.name) == tenure.token

    async def give(self, tenure: Tenure) -> None:
        """Let others have it; one that was lost already is no error."""
        if self._held.get(tenure.name) != tenure.token:
            return
        del self._held[tenure.name]
        words = {"space": SPACE, "name": tenure.name}
        try:
            await self._ask(lambda connection: connection.execute(_GIVE, words).scalar())
        except TransientError:
            return

    async def time(self) -> float:
        """Return the database's Unix time, which is the same for all. Raises TransientError."""
        return float(await self._ask(lambda connection: connection.scalar(_TIME)))

    async def close(self) -> None:
        """Let go of all of them."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._forget)

    def _take(self, connection: sa.Connection, name: str) -> int | None:
        if name in self._held:  # the server would give it to us twice
            return None
        if not connection.scalar(_TAKE, {"space": SPACE, "name": name}):
            return None
        token = int(connection.scalar(_TOKEN, {"note": f"lease {name}"}))
        self._held[name] = token
        return token

    async def _ask(self, question: Callable[[sa.Connection], T]) -> T:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(DEADLINE):
                    return await asyncio.to_thread(self._asked, question)
            except TimeoutError:
                # The thread still waits; it closes what is no longer ours when it is done.
                self._held.clear()
                self._connection = None
                raise TransientError(
                    f"no answer of the database within {DEADLINE:.0f} s", cause="database"
                ) from None

    def _asked(self, question: Callable[[sa.Connection], T]) -> T:
        connection = self._connection
        try:
            with explaining("store"):
                if connection is None:
                    self._held.clear()  # they were another connection's
                    connection = self._connection = self._engine.connect()
                answer = question(connection)
        except TransientError:
            self._forget()
            raise
        except sa.exc.SQLAlchemyError as error:  # of the pool, or of a connection that is broken
            self._forget()
            raise TransientError(f"store: {error}; nothing was stored", cause="database") from error
        if connection is not self._connection:
            _close(connection)
            raise TransientError("store: the answer came too late", cause="database")
        return answer

    def _forget(self) -> None:
        self._held.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection)


def _close(connection: sa.Connection) -> None:
    """Close it for good: the server lets go of what it held."""
    connection.invalidate()
    connection.close()


@asynccontextmanager
async def open_leases(settings: StoreSettings) -> AsyncIterator[StoreLeases]:
    """Open the leases of a PostgreSQL database whose tables are there, and give them all back."""
    engine = open_leases_engine(settings.database_url, name=identity(), deadline=DEADLINE)
    leases = StoreLeases(engine)
    try:
        yield leases
    finally:
        await leases.close()
        engine.dispose()
