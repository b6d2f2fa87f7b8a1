"""What the tests of this room share: a client against a server that follows a script."""

import asyncio
import contextlib
from collections.abc import Callable
from random import Random

import pytest

from tgewatch.clock import SystemClock
from tgewatch.fetch.client import Client
from tgewatch.fetch.transport import Transport
from tgewatch.settings import FetchSettings, Pool
from tgewatch.testing.loopback import LoopbackServer

LOOPBACK = ("127.0.0.0/8",)
QUICK = Pool(total=5.0, connect=2.0, stalled=2.0, max_bytes=100_000)


def settings_for_tests(**changes) -> FetchSettings:
    base = {"allow_addresses": LOOPBACK, "spacing": 0.0, "default": QUICK, "rss": QUICK}
    return FetchSettings(**{**base, **changes})


@contextlib.asynccontextmanager
async def opened(script, *, clock=None, tls=None, resolver=None, server_tls=None, **changes):
    settings = settings_for_tests(**changes)
    clock = clock or SystemClock()
    async with (
        LoopbackServer(script, tls=server_tls) as server,
        Transport(settings, clock=clock, resolver=resolver, tls=tls) as transport,
        Client(transport, settings, clock=clock, random=Random(1)) as client,  # noqa: S311 - jitter
    ):
        yield server, client, transport


@pytest.fixture
def against() -> Callable[..., None]:
    """Run `scene(server, client, transport)` against a server that follows `script`."""

    def run(script, scene, **options) -> None:
        async def main() -> None:
            async with opened(script, **options) as stage:
                await scene(*stage)

        asyncio.run(main())

    return run
