"""The way to the one server that instances share, which may be slow or gone at any time."""

import asyncio
import hashlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tgewatch.clock import Clock
from tgewatch.errors import ConfigError, TransientError
from tgewatch.settings import SwarmSettings
from tgewatch.swarm.alongside import alongside

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

OLDEST = 6
"""Major version of the oldest server that will do: its scripts may ask for the time and write."""
LONGEST_NAME = 200
"""Characters of a name that stand in a key as they are."""
LATE = 1.5
"""Times its deadline after which an operation that ends shows that the loop stood still."""
CLOSING = 2.0
"""Seconds to close the connections."""
NOT_NOW = ("BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "UNKILLABLE")
"""Beginnings of answers by a server that cannot serve at the moment, besides those with a class."""

PROBE = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)
local time = redis.call('TIME')
return {time[1], time[2]}
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A step that the server takes whole or not at all."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


@dataclass(slots=True)
class LinkCounts:
    """What a link has done."""

    operations: int = 0
    failures: int = 0
    """Operations that failed, while the server was thought to be there."""
    skipped: int = 0
    """Operations that were not tried, as the server was known to be gone."""
    outages: int = 0


class Subscribed:
    """A subscription that is open."""

    def __init__(self, pubsub: Any, *, seconds: float) -> None:
        self._pubsub = pubsub
        self._seconds = seconds

    async def next(self, seconds: float) -> bytes | None:
        """Return a message, empty for an answer to a ping; None when there was none in time."""
        with _cancellable():
            said = await self._pubsub.get_message(timeout=seconds)
        if said is None:
            return None
        data = said.get("data") if said.get("type") == "message" else b""
        return data if isinstance(data, bytes) else b""

    async def ping(self) -> None:
        """Ask for a sign of life."""
        with _cancellable():
            async with asyncio.timeout(self._seconds):
                await self._pubsub.ping()


class Link:
    """A bounded number of connections to one server, and the knowledge of whether it is there.

    Every operation ends within `operation` seconds. One that fails means that the server is gone:
    from then on operations fail at once, without a packet, until a probe of the link's own finds the
    server there, ready to write, and of a version that will do. One warning says that it is gone,
    one line that it is back. It has no opinion on what to do meanwhile.
    """

    def __init__(self, settings: SwarmSettings, *, clock: Clock) -> None:
        self.settings = settings
        self.instance = settings.instance or f"{socket.gethostname()[:48]}-{os.getpid()}"
        """The name that people read."""
        self.identity = f"{self.instance}.{secrets.token_hex(4)}"
        """The name that no two processes have in common."""
        self.counts = LinkCounts()
        self.up = False
        self.why = "not asked yet"
        """Why the server counts as gone."""
        self.server = ""
        """What the server calls itself, such as `Valkey 9.1.2`."""
        self._clock = clock
        self._offset = 0.0
        """The server's Unix time less our monotonic clock, as it was last seen."""
        self._down = asyncio.Event()
        self._down.set()
        self._raised = asyncio.Event()
        self._redis = connect(settings)
        self._execute: Callable[..., Awaitable[Any]] = self._redis.execute_command

    def __repr__(self) -> str:
        state = f"up, {self.server}" if self.up else f"down: {self.why}"
        return f"<Link {self.instance} {state}>"

    def key(self, kind: str, name: str = "") -> str:
        """Return the key of something of that kind; a long name is replaced by its digest."""
        if len(name) > LONGEST_NAME:
            name = hashlib.sha256(name.encode()).hexdigest()
        return f"{self.settings.prefix}:{kind}:{name}" if name else f"{self.settings.prefix}:{kind}"

    def time(self) -> float:
        """Return the server's Unix time as far as it was seen: the same for all instances."""
        return self._clock.monotonic() + self._offset

    def saw_time(self, seconds: float) -> None:
        """Learn the server's Unix time from an answer of it that is just here."""
        self._offset = seconds - self._clock.monotonic()

    async def until_back(self) -> None:
        """Return once the server is there."""
        while not self.up:
            await self._raised.wait()

    async def run(self, script: Script, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """Let the server take a step. Raises TransientError (`swarm_down`, `swarm_refused`)."""
        head = (len(keys), *keys, *args)
        try:
            return await self._ask("EVALSHA", script.digest, *head)
        except TransientError as error:
            if error.cause != "swarm_noscript":
                raise
        return await self._ask("EVAL", script.text, *head)

    async def call(self, *command: str | bytes | float) -> Any:
        """Send one command. Raises TransientError (`swarm_down`, `swarm_refused`)."""
        return await self._ask(*command)

    async def _ask(self, *command: str | bytes | float) -> Any:
        if not self.up:
            self.counts.skipped += 1
            raise TransientError(f"the shared server is gone: {self.why}", cause="swarm_down")
        try:
            return await self._send(*command)
        except TransientError as error:
            if error.cause == "swarm_down":
                self.counts.failures += 1
                self._fall(str(error))
            raise

    async def _send(self, *command: str | bytes | float) -> Any:
        """Send and read within the deadline.

        Once more when our own loop stood still meanwhile: the server may have answered long ago.
        """
        begun = self._clock.monotonic()
        with _cancellable():
            try:
                return await self._exchange(*command)
            except TransientError as error:
                in_time = self._clock.monotonic() - begun < LATE * self.settings.operation
                if in_time or error.cause != "swarm_down":
                    raise
            return await self._exchange(*command)

    async def _exchange(self, *command: str | bytes | float) -> Any:
        """Do it once; once more when a kept connection was found closed."""
        import redis.exceptions as errors  # noqa: PLC0415 - an optional dependency

        self.counts.operations += 1
        seconds = self.settings.operation
        try:
            async with asyncio.timeout(seconds):
                try:
                    return await self._execute(*command)
                except errors.TimeoutError:
                    raise
                except (errors.BusyLoadingError, errors.AuthenticationError):
                    raise
                except errors.ConnectionError:
                    return await self._execute(*command)
        except (TimeoutError, errors.TimeoutError):
            raise TransientError(f"no answer within {seconds:g} s", cause="swarm_down") from None
        except errors.NoScriptError as error:
            raise TransientError(str(error), cause="swarm_noscript") from error
        except (errors.ConnectionError, OSError) as error:
            raise TransientError(_said(error), cause="swarm_down") from error
        except (errors.ReadOnlyError, errors.OutOfMemoryError, errors.MasterDownError) as error:
            raise TransientError(_said(error), cause="swarm_down") from error
        except errors.RedisError as error:
            said = _said(error)
            cause = "swarm_down" if said.startswith(NOT_NOW) else "swarm_refused"
            raise TransientError(said, cause=cause) from error

    def _fall(self, why: str) -> None:
        self.why = why
        if not self.up:
            return
        self.up = False
        self.counts.outages += 1
        self._raised.clear()
        self._down.set()
        log.warning("swarm_down", extra={"why": why, "instance": self.instance})

    async def look(self) -> bool:
        """Ask the server whether it is there and will do. Raises ConfigError for one that never will."""
        try:
            if not self.up:  # connections may lead to where the server was before
                with suppress(Exception):  # whatever a broken connection says at its end
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
            version = await self._version()
            second, micro = await self._send("EVAL", PROBE, 1, self.key("probe"), self.instance)
        except (TransientError, OSError) as error:
            self.why = str(error)
            return False
        self.saw_time(int(second) + int(micro) / 1e6)
        self.server = version
        self._rise()
        return True

    async def _version(self) -> str:
        try:
            info = await self._send("INFO", "server")
        except TransientError as error:
            if error.cause == "swarm_refused":  # a user who may not ask
                return "a server that does not say what it is"
            raise
        facts = _facts(info)
        name, version = "Redis", facts.get("redis_version", "")
        if int(version.partition(".")[0] or OLDEST) < OLDEST:
            raise ConfigError(
                [f"[swarm] redis_url: the server is Redis {version}: it must be {OLDEST} or later"]
            )
        if "valkey_version" in facts:
            name, version = "Valkey", facts["valkey_version"]
        return f"{name} {version}".strip()

    def _rise(self) -> None:
        if self.up:
            return
        first, self.up = not self.counts.outages, True
        self._down.clear()
        self._raised.set()
        say = log.debug if first else log.warning
        say("swarm_up", extra={"server": self.server, "instance": self.instance})

    @asynccontextmanager
    async def subscription(self, channel: str) -> AsyncIterator[Subscribed]:
        """Hear a channel on a connection of its own. Raises TransientError when it breaks."""
        import redis.exceptions as errors  # noqa: PLC0415 - an optional dependency

        pubsub = self._redis.pubsub()
        try:
            with _cancellable():
                async with asyncio.timeout(self.settings.operation + self.settings.connect):
                    await pubsub.subscribe(channel)
                    await pubsub.get_message(timeout=self.settings.operation)
            yield Subscribed(pubsub, seconds=self.settings.operation)
        except (TimeoutError, errors.RedisError, OSError) as error:
            raise TransientError(_said(error), cause="swarm_down") from error
        finally:
            with suppress(Exception):  # whatever a broken connection says at its end
                async with asyncio.timeout(CLOSING):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def watch(self) -> None:
        """Look, as long as the server is gone, whether it is back. Never returns."""
        while True:
            await self._down.wait()
            await self._clock.sleep(self.settings.probe)
            try:
                await self.look()
            except ConfigError as error:  # replaced by one that will not do: gone, for us
                self.why = str(error)

    async def close(self) -> None:
        """Close all connections."""
        self.up = False
        with suppress(Exception):  # whatever a broken connection says at its end
            async with asyncio.timeout(CLOSING):
                await self._redis.aclose()
                await self._redis.connection_pool.disconnect()


def connect(settings: SwarmSettings) -> "Redis":
    """Return a client with a bounded pool; it opens nothing yet. Raises ConfigError."""
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - optional
        from redis.asyncio.retry import Retry  # noqa: PLC0415 - optional
        from redis.backoff import NoBackoff  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ConfigError(["[swarm] redis_url: needs `pip install tgewatch[redis]`"]) from error
    try:
        pool = BlockingConnectionPool.from_url(
            plain_url(settings.redis_url),
            max_connections=settings.connections,
            timeout=2 * settings.operation,  # our own deadline ends it first
            socket_connect_timeout=settings.connect,
            socket_timeout=settings.operation,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            client_name="tgewatch",
        )
        return Redis(connection_pool=pool)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            ["[swarm] redis_url: is not a URL such as redis://host:6379/0 or rediss://host"]
        ) from error


def plain_url(url: str) -> str:
    """Return the URL with the scheme that all clients know: Valkey's are the same protocol."""
    for scheme, known in (("valkey:", "redis:"), ("valkeys:", "rediss:")):
        if url.startswith(scheme):
            return known + url.removeprefix(scheme)
    return url


def shown_url(url: str) -> str:
    """Return scheme, host and port: what may be shown of the URL."""
    try:
        parts = urlsplit(url)
        where = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "a URL that cannot be read"
    return f"{parts.scheme}://{where or parts.path}"


@asynccontextmanager
async def open_link(settings: SwarmSettings, *, clock: Clock) -> AsyncIterator[Link]:
    """Open the link, and close it. A server that is not there yet is no error.

    Raises ConfigError for a server that will not do, and where the package is missing.
    """
    link = Link(settings, clock=clock)
    try:
        if not await link.look():
            log.warning("swarm_down", extra={"why": link.why, "instance": link.instance})
            link.counts.outages += 1
        async with alongside(link.watch()):
            yield link
    finally:
        await link.close()


@contextmanager
def _cancellable() -> Iterator[None]:
    """Let who is cancelled in the body be cancelled: redis-py now and then answers all the same."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _facts(info: Any) -> dict[str, str]:
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}
    lines = bytes(info).decode("utf-8", "replace").splitlines()
    return {name: value for name, colon, value in (line.partition(":") for line in lines) if colon}
