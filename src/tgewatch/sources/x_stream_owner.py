"""The filtered stream of several instances with one token: X allows one connection, so one keeps it."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from tgewatch.clock import Clock
from tgewatch.ports import Leases, Tenure
from tgewatch.rules.x_plan import StreamRule
from tgewatch.sources.x_client import XClient
from tgewatch.sources.x_stream import Listener, StreamReader

LEASE = 30.0
"""Seconds that nobody else gets the stream after its owner was last heard of."""
LOOK = 10.0
"""Seconds between two looks: is the lease still ours, or is it free?"""
WITHOUT = 900.0
"""Seconds for which a stream that another keeps counts as refused; said again at each look."""


class OwnedStreamReader(StreamReader):
    """A StreamReader that connects only while it holds the lease; its listener searches meanwhile.

    Two that connect by themselves would end each other's connection and take away each other's
    rules, again and again.
    """

    def __init__(self, client: XClient, *, leases: Leases, token: str, clock: Clock) -> None:
        """Take one lease for the `token`, which cannot be read from its name."""
        super().__init__(client, clock=clock)
        self._leases = leases
        self._name = f"x.stream.{hashlib.sha256(token.encode()).hexdigest()[:16]}"

    async def run(self, rules: Callable[[], Sequence[StreamRule]], listener: Listener) -> None:
        """Wait for the lease, listen while it lasts, wait again. Never returns."""
        while True:
            tenure = await self._leases.take(self._name, seconds=LEASE)
            if tenure is None:
                listener.dropped("another instance keeps it", WITHOUT)
                await self._clock.sleep(LOOK)
                continue
            try:
                await self._listen_while_ours(tenure, rules, listener)
            finally:
                await self._leases.give(tenure)
            listener.dropped("another instance took it over", WITHOUT)

    async def _listen_while_ours(
        self,
        tenure: Tenure,
        rules: Callable[[], Sequence[StreamRule]],
        listener: Listener,
    ) -> None:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(super().run(rules, listener))
            while await self._leases.keep(tenure, seconds=LEASE):
                await self._clock.sleep(LOOK)
            listening.cancel()
