"""Events that the writer read or wrote lately, so that the next transaction need not read them again."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tgewatch.model import Event
from tgewatch.store.schema import events

MOST = 4_000
"""Claims in all events that are kept: about 4 kB each with what was found of them."""

_VERSION: sa.ColumnElement[str] = sa.literal_column("xmin::text").label("version")
_NONE: sa.ColumnElement[str] = sa.literal_column("''")
_VERSIONS = sa.select(events.c.id, _VERSION).where(
    events.c.id.in_(sa.bindparam("ids", expanding=True))
)
_OURS = "SELECT mod(txid_current(), 4294967296)::text"
"""What PostgreSQL writes into xmin of the rows that this transaction changes."""


class Recent:
    """Keeps events from one transaction of the writer to the next, the last used longest.

    Never returns one that somebody else has changed meanwhile. On PostgreSQL the version of its
    row says so: whoever changes evidence also writes the row of its event. A SQLite connection
    tells whether any other has written since; then nothing is kept. Belongs to the thread that
    writes.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[str, Event]] = OrderedDict()
        self._claims = 0
        self._changed: dict[str, Event | None] = {}
        """What the transaction under way has made of events; None of one that is gone."""
        self._version = ""
        self._transaction: sa.Transaction | None = None
        self._writer: Any = None
        """The SQLite connection, and what it last said of the others."""
        self._seen = 0

    def __repr__(self) -> str:
        return f"<Recent {len(self._kept)} events, {self._claims} of {self._most} claims>"

    def begin(self, connection: sa.Connection) -> None:
        """Begin to serve a transaction; may be said again within it.

        What an earlier one has changed is forgotten if nobody said how that ended.
        """
        transaction = connection.get_transaction()
        if transaction is not self._transaction and self._changed:
            self.forget()
        self._transaction = transaction
        if connection.dialect.name != "sqlite":
            return
        writer = connection.connection.dbapi_connection
        seen = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        if (writer, seen) != (self._writer, self._seen):
            self._forget_all()
        self._writer, self._seen = writer, seen

    def find(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Event]:
        """Return those of the events that are kept and have not been changed by others."""
        found = {one: event for one in ids if (event := self._changed.get(one)) is not None}
        kept = [one for one in ids if one in self._kept and one not in self._changed]
        if not kept:
            return found
        if connection.dialect.name != "sqlite":
            rows = connection.execute(_VERSIONS, {"ids": kept}).all()
            versions: dict[str, str] = {row.id: row.version for row in rows}
            for one in kept:
                if versions.get(one) != self._kept[one][0]:
                    self._drop(one)
        for one in kept:
            if one in self._kept:
                self._kept.move_to_end(one)
                found[one] = self._kept[one][1]
        return found

    def read(self, version: str, event: Event) -> None:
        """Keep an event as it is stored."""
        if event.id not in self._changed:
            self._keep(version, event)

    def write(self, connection: sa.Connection, one: str, event: Event | None) -> None:
        """Note what the transaction makes of an event; None where it removes it."""
        if not self._changed and connection.dialect.name != "sqlite":
            self._version = str(connection.exec_driver_sql(_OURS).scalar_one())
        self._changed[one] = event

    def settle(self) -> None:
        """Keep what the transaction has changed: it is stored for good."""
        for one, event in self._changed.items():
            self._drop(one)
            if event is not None:
                self._keep(self._version, event)
        self._changed = {}
        self._version = ""

    def forget(self) -> None:
        """Keep nothing: the transaction failed, and what became of it need not be known."""
        self._changed = {}
        self._version = ""
        self._forget_all()

    def _keep(self, version: str, event: Event) -> None:
        self._drop(event.id)
        self._kept[event.id] = version, event
        self._claims += len(event.claims) + 1
        while self._claims > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, one: str) -> None:
        gone = self._kept.pop(one, None)
        if gone is not None:
            self._claims -= len(gone[1].claims) + 1

    def _forget_all(self) -> None:
        self._kept.clear()
        self._claims = 0


def versioned(connection: sa.Connection, query: sa.Select[Any]) -> sa.Select[Any]:
    """Return a query of events with the column by which `Recent` will know what was changed."""
    return query.add_columns(_NONE if connection.dialect.name == "sqlite" else _VERSION)
