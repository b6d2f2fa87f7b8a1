"""What instances tell each other at once, on one channel, and what is to be done when it was missed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import msgspec

from tgewatch.clock import Clock
from tgewatch.errors import TransientError
from tgewatch.swarm.link import Link

log = logging.getLogger(__name__)

LARGEST = 100_000
"""Bytes of a message that is read."""
MISSED = 3
"""Heartbeats without a sound after which the connection counts as dead."""

Hear: TypeAlias = Callable[[list[Any]], None]
CatchUp: TypeAlias = Callable[[float | None], Awaitable[None]]
"""Is given the server's time until which nothing was missed; None for the first time."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One message; what is not of this shape is somebody else's."""

    sender: str
    kind: str
    words: list[Any]


class Bulletin:
    """Listens to the channel of the swarm, and knows since when it may have missed something.

    Telling is the business of the scripts that change what is told, with `message` as their text.
    """

    def __init__(self, link: Link, *, clock: Clock) -> None:
        self.channel = link.key("told")
        self.listening = False
        self.heard = 0
        self.foreign = 0
        """Messages that made no sense."""
        self._link = link
        self._clock = clock
        self._caught_up = asyncio.Event()
        self._hearers: dict[str, Hear] = {}
        self._catching_up: list[CatchUp] = []
        self._complete_until: float | None = None

    def __repr__(self) -> str:
        return f"<Bulletin {'listening' if self.listening else 'deaf'}, {self.heard} heard>"

    def on(self, kind: str, hear: Hear) -> None:
        """Call `hear` with the words of each message of that kind from another instance."""
        self._hearers[kind] = hear

    def on_gap(self, catch_up: CatchUp) -> None:
        """Call `catch_up` whenever messages may have been missed, once they are heard again."""
        self._catching_up.append(catch_up)

    def message(self, kind: str, *words: object) -> bytes:
        """Return what a script is to publish."""
        return msgspec.msgpack.encode(Message(self._link.identity, kind, list(words)))

    async def ready(self) -> None:
        """Return once what was told before is known, or cannot be known soon."""
        if not self._link.up:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._link.settings.operation):
                await self._caught_up.wait()

    async def listen(self) -> None:
        """Listen as long as the server is there, and again when it is back. Never returns."""
        while True:
            await self._link.until_back()
            try:
                await self._session()
            except (TransientError, OSError) as error:
                log.debug("swarm_deaf", extra={"why": str(error)})
            self.listening = False
            await self._clock.sleep(self._link.settings.probe)

    async def _session(self) -> None:
        async with self._link.subscription(self.channel) as subscribed:
            for catch_up in self._catching_up:
                await catch_up(self._complete_until)
            self.listening = True
            self._caught_up.set()
            silent = 0
            while silent < MISSED:
                data = await subscribed.next(self._link.settings.heartbeat)
                silent = 0 if data is not None else silent + 1
                if data is None:
                    await subscribed.ping()
                elif data:
                    self.take(data)
                if not silent:
                    self._complete_until = self._link.time()

    def take(self, data: bytes) -> None:
        """Take in one message, as it came or as it was remembered."""
        try:
            message = msgspec.msgpack.decode(data[: LARGEST + 1], type=Message)
        except msgspec.DecodeError:
            self.foreign += 1
            return
        if message.sender == self._link.identity:
            return
        self.heard += 1
        hear = self._hearers.get(message.kind)
        if hear is not None:
            with suppress(TypeError, ValueError, KeyError, IndexError):  # words of another version
                hear(message.words)
                return
            self.foreign += 1
