"""A ledger as it is kept for all instances, and what makes one that was lost or is old fit to go on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from tgewatch.rules.ledger import Doubt, Lease, Ledger, LedgerPolicy, Window
from tgewatch.rules.server_clock import ServerClock

SET_BACK = 1.0
"""Seconds by which the time of the server may run backwards before it counts as another clock."""
MOST = 10_000
"""Calls under way in one ledger that make sense."""


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    version: int
    at: float
    clock: ServerClock
    windows: tuple[Window, ...]
    leases: dict[int, float]
    doubts: tuple[Doubt, ...]
    probe: int
    sure: bool
    blocked_until: float
    capped_until: float
    paced_until: float


def encode(ledger: Ledger, *, at: float) -> bytes:
    """Return the ledger as bytes; `at` is the time of the shelf."""
    return msgspec.msgpack.encode(
        _Saved(
            1,
            at,
            ledger.clock,
            ledger.windows,
            dict(ledger.leases),
            ledger.doubts,
            ledger.probe,
            ledger.sure,
            ledger.blocked_until,
            ledger.capped_until,
            ledger.paced_until,
        )
    )


def decode(data: bytes, *, policy: LedgerPolicy, at: float) -> Ledger | None:
    """Return the ledger as it stands at `at`, or None for bytes that are none.

    When the shelf's clock was set back meanwhile, nothing that was timed by it is believed.
    """
    try:
        saved = msgspec.msgpack.decode(data, type=_Saved)
    except msgspec.DecodeError:
        return None
    if saved.version != 1 or len(saved.leases) > MOST or len(saved.doubts) > MOST:
        return None
    ledger = Ledger(
        policy=policy,
        clock=saved.clock,
        windows=saved.windows,
        leases=saved.leases,
        doubts=saved.doubts,
        probe=saved.probe,
        sure=saved.sure,
        blocked_until=saved.blocked_until,
        capped_until=saved.capped_until,
        paced_until=saved.paced_until,
    )
    return ledger if at > saved.at - SET_BACK else ledger.resumed()


def adopted(
    ledger: Ledger, ours: Mapping[int, Lease], settled: Iterable[int], now: float
) -> Ledger:
    """Return the ledger with exactly those of our calls in it that are still on their way.

    They are missing when the shelf has forgotten them, or when they were permitted apart.
    """
    gone = {number for number in settled if number in ledger.leases}
    missing = {
        number: lease.taken
        for number, lease in ours.items()
        if number not in ledger.leases and now - lease.taken <= ledger.policy.lease
    }
    if not gone and not missing:
        return ledger
    kept = {number: at for number, at in ledger.leases.items() if number not in gone}
    return replace(ledger, leases={**kept, **missing})
