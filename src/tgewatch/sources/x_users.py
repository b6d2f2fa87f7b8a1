"""Who is who on X: handles to ids, asked once and kept, also that nobody has a name."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tgewatch.clock import Clock
from tgewatch.errors import RefusedError, TgewatchError
from tgewatch.rules.ledger import Urgency
from tgewatch.sources.x_client import BATCH, XClient
from tgewatch.sources.x_ports import Notes

log = logging.getLogger(__name__)

NOTE = "x.users"
LEAST = 3_600.0
"""Seconds; whoever asks for fresher names gets these: X bills a user once in a UTC day anyway."""
NOBODY = 86_400.0
"""Seconds for which a name that nobody has is not asked for again."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was found for a handle, and when."""

    id: str
    """Empty when nobody has the name."""
    at: float


class Users:
    """The map of accounts. One owner, one loop."""

    def __init__(self, client: XClient, *, notes: Notes, clock: Clock, fresh: float) -> None:
        """`fresh` is the seconds until a name is asked for again; meanwhile the old id serves."""
        self._client = client
        self._notes = notes
        self._clock = clock
        self._fresh = fresh
        self._known: dict[str, Known] | None = None
        self._handles: dict[str, str] = {}
        self._asking = asyncio.Lock()
        self.hits = 0
        """Names that were known."""
        self.misses = 0

    def __repr__(self) -> str:
        return f"<Users {len(self._known or ())} known>"

    def handle(self, user: str) -> str:
        """Return the handle of an id, in lower case; empty when it is not known."""
        return self._handles.get(user, "")

    async def lookup(
        self,
        handles: Iterable[str],
        *,
        age: float | None = None,
        urgency: Urgency = Urgency.NORMAL,
    ) -> Mapping[str, str]:
        """Return ids by handle in lower case; names that nobody has are left out.

        Asks for those it does not know, at most 100 in a call. `age` is how old an answer may be,
        in seconds, and never less than an hour; without it, what is due for a refresh is answered
        from memory and refreshed by `refresh`. Raises what the client raises; what was found before
        that is kept.
        """
        wanted = list(dict.fromkeys(h.strip().lstrip("@").lower() for h in handles))
        async with self._asking:
            known = await self._loaded()
            now = self._clock.now()
            oldest = now - max(LEAST, age) if age is not None else None
            missing = [
                name for name in wanted if name and self._stale(known.get(name), now, oldest)
            ]
            self.hits += len(wanted) - len(missing)
            self.misses += len(missing)
            await self._ask(missing, known, urgency)
        return {name: known[name].id for name in wanted if name in known and known[name].id}

    async def refresh(self) -> None:
        """Ask again for what is due, out of turn; what fails is tried again the next time."""
        async with self._asking:
            known = await self._loaded()
            due = [n for n, k in known.items() if k.id and self._clock.now() - k.at > self._fresh]
            try:
                await self._ask(due[:BATCH], known, Urgency.BACKGROUND)
            except TgewatchError as error:
                log.info("x_users_not_refreshed", extra={"why": str(error)})

    @staticmethod
    def _stale(known: Known | None, now: float, oldest: float | None) -> bool:
        if known is None:
            return True
        if not known.id:
            return now - known.at > NOBODY
        return oldest is not None and known.at < oldest

    async def _ask(self, names: Sequence[str], known: dict[str, Known], urgency: Urgency) -> None:
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            answer = await self._client.users(batch, urgency=urgency)
            now = self._clock.now()
            found = {account.handle.lower(): account.id for account in answer.found}
            for name in batch:
                before = known.get(name)
                known[name] = Known(found.get(name, ""), now)
                if not found.get(name) and before is not None and before.id:
                    log.warning("x_account_gone", extra={"handle": name})
            self._index(known)
            await self._notes.write_note(NOTE, _dump(known), at=now)

    async def _loaded(self) -> dict[str, Known]:
        if self._known is None:
            self._known = _load(await self._notes.note(NOTE))
            self._index(self._known)
        return self._known

    def _index(self, known: Mapping[str, Known]) -> None:
        self._handles = {one.id: name for name, one in known.items() if one.id}


async def ids_for(users: Users, handles: Iterable[str]) -> Mapping[str, str]:
    """Return ids by handle, or none where this app may not look users up."""
    try:
        return await users.lookup(handles)
    except RefusedError as error:
        if error.cause == "x_unauthorized":
            raise
        log.warning("x_users_refused", extra={"why": str(error)})
        return {}


def _dump(known: Mapping[str, Known]) -> bytes:
    return orjson.dumps({name: [one.id, one.at] for name, one in known.items()})


def _load(data: bytes | None) -> dict[str, Known]:
    try:
        document: Any = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        return {}
    found: dict[str, Known] = {}
    for name, row in document.items() if isinstance(document, dict) else ():
        match row:
            case [str(identity), int() | float() as at]:
                found[name] = Known(identity, float(at))
            case _:
                pass
    return found
