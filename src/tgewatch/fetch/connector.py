"""Connections: guarded before they are made, counted while they are open, closed on a flood."""

import asyncio
import functools
import socket
import weakref
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from tgewatch.errors import MalformedError
from tgewatch.fetch.guard import Guard

MOST_ANSWERS = 32
"""Answers unread on one connection, informational ones (1xx) included, before it is ended."""


class Connector(aiohttp.TCPConnector):
    """Opens connections and keeps some. How many are in use at once is the pools' business."""

    def __init__(self, *, guard: Guard, crowded: Callable[[], bool], **options: Any) -> None:
        """Close a connection after use, rather than keep it, while `crowded` says so."""
        self._guard = guard
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        super().__init__(limit=0, socket_factory=self._open_socket, **options)
        # aiohttp reads all that a server says before it asks whether anybody wants it.
        self._factory = functools.partial(_Handler, loop=self._loop, crowded=crowded)  # type: ignore[assignment]

    @property
    def open_sockets(self) -> int:
        """Connections that are open or being opened."""
        return len(self._sockets)

    def _open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one address of a name; the guard's last word."""
        family, kind, proto, _, address = info
        self._guard.check(str(address[0]))
        return _Socket(family, kind, proto, among=self._sockets)


class _Socket(socket.socket):
    """Counts itself while it is open: exact, also for one that lingers in a traceback."""

    def __init__(
        self, family: int, kind: int, proto: int, *, among: weakref.WeakSet[socket.socket]
    ) -> None:
        super().__init__(family, kind, proto)
        self._among = among
        among.add(self)

    def close(self) -> None:
        self._among.discard(self)
        super().close()


class _Handler(ResponseHandler):
    """Ends a connection on which answers pile up: each request has one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, crowded: Callable[[], bool]) -> None:
        super().__init__(loop)
        self._crowded = crowded

    @property
    def should_close(self) -> bool:
        return super().should_close or self._crowded()

    def feed_data(self, data: Any, size: int = 0) -> None:
        if len(self) < MOST_ANSWERS:
            super().feed_data(data, size)
        elif self.transport is not None and not self.transport.is_closing():
            self.set_exception(MalformedError("a flood of answers", cause="bad_http"))
            self.transport.abort()
