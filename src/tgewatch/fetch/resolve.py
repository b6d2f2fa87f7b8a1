"""Names to addresses, many at a time."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 32
"""Look-ups at once. The loop's own executor has a handful of threads, uvloop's four."""


Lookup = Callable[..., Any]
"""What `socket.getaddrinfo` is."""


class Resolver(AbstractResolver):
    """Asks the system's resolver from threads of its own. Caches nothing; the connector does."""

    def __init__(self, lookup: Lookup | None = None, *, deadline: float = 10.0) -> None:
        """`deadline` is in seconds for one look-up; systems may take half a minute to give up."""
        self._deadline = deadline
        self._lookup = lookup or socket.getaddrinfo
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises OSError when there are none."""
        flags = socket.AI_ADDRCONFIG
        try:
            async with asyncio.timeout(self._deadline):
                infos = await asyncio.get_running_loop().run_in_executor(
                    self._threads, self._lookup, host, port, family, socket.SOCK_STREAM, 0, flags
                )
        except TimeoutError as error:
            raise OSError(f"{host[:80]} was not looked up within {self._deadline:g} s") from error
        except UnicodeError as error:
            raise OSError(f"{host[:80]!r} is no name") from error
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for found, _, proto, _, address in infos
        ]

    async def close(self) -> None:
        """Stop asking. A look-up that hangs ends on its own."""
        self._threads.shutdown(wait=False, cancel_futures=True)
