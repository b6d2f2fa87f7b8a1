"""The ledgers as JSON, so that a restart keeps what the server said."""

import logging
from collections.abc import Mapping

import msgspec

from tgewatch.rules.ledger import Ledger, LedgerPolicy, Window
from tgewatch.rules.server_clock import ServerClock

log = logging.getLogger(__name__)


class _Saved(msgspec.Struct, frozen=True):
    """What of one ledger is worth keeping."""

    clock: ServerClock
    windows: tuple[Window, ...]
    blocked_until: float
    capped_until: float


class _File(msgspec.Struct, frozen=True):
    version: int
    ledgers: dict[str, _Saved]


def dump(ledgers: Mapping[str, Ledger]) -> bytes:
    """Return the ledgers as JSON."""
    saved = {
        name: _Saved(each.clock, each.windows, each.blocked_until, each.capped_until)
        for name, each in ledgers.items()
    }
    return msgspec.json.encode(_File(1, saved))


def load(data: bytes, *, policy: LedgerPolicy) -> dict[str, Ledger]:
    """Return the ledgers to go on with; none of what makes no sense."""
    if not data:
        return {}
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.DecodeError as error:
        log.warning("ledger_state_unreadable", extra={"why": str(error)})
        return {}
    if file.version != 1:
        return {}
    return {
        name: Ledger(
            policy=policy,
            clock=each.clock,
            windows=each.windows,
            blocked_until=each.blocked_until,
            capped_until=each.capped_until,
        ).resumed()
        for name, each in file.ledgers.items()
    }
