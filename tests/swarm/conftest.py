"""What is shared, on a real Valkey behind a gate, and alone."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from tgewatch.clock import SystemClock
from tgewatch.settings import SwarmSettings
from tgewatch.swarm import Swarm, open_swarm
from tgewatch.swarm.alongside import alongside
from tgewatch.testing.gate import Gate
from tgewatch.testing.valkey import Valkey, valkey

QUICK = {"connect": 1.0, "operation": 5.0, "probe": 0.01, "heartbeat": 0.05}


@pytest.fixture(scope="session")
def _server() -> Iterator[Valkey]:
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


@pytest.fixture
def server(_server: Valkey) -> Valkey:
    """Yield a server with nothing in it."""
    _server.say("FLUSHALL")
    return _server


@pytest.fixture
def own_server(_server: Valkey) -> Iterator[Valkey]:
    """Yield a server that may be killed."""
    with valkey() as server:
        yield server


def settings(url: str, **changes: Any) -> SwarmSettings:
    return SwarmSettings(redis_url=url, **{**QUICK, **changes})


Join = Callable[..., Any]


@pytest.fixture(params=["alone", "shared"])
def join(request: pytest.FixtureRequest) -> Join:
    """Return what opens one more instance: of one that is alone there can be but one."""
    url = "" if request.param == "alone" else request.getfixturevalue("server").url

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Swarm]:
        async with open_swarm(settings(url, **changes), clock=SystemClock()) as swarm:
            yield swarm

    return opened


@pytest.fixture
def join_shared(server: Valkey) -> Join:
    """Return what opens one more instance of a swarm."""
    return partial(_joined, server)


@pytest.fixture
def join_own(own_server: Valkey) -> Join:
    """Return what opens one more instance of a swarm whose server may be killed."""
    return partial(_joined, own_server)


@asynccontextmanager
async def _joined(server: Valkey, query: str = "", **changes: Any) -> AsyncIterator[Swarm]:
    async with open_swarm(settings(server.url + query, **changes), clock=SystemClock()) as swarm:
        yield swarm


@pytest.fixture
def gated() -> Join:
    """Return what opens an instance behind a gate."""

    @asynccontextmanager
    async def opened(server: Valkey, **changes: Any) -> AsyncIterator[tuple[Swarm, Gate]]:
        async with (
            Gate(server.socket) as gate,
            open_swarm(settings(gate.url, **changes), clock=SystemClock()) as swarm,
        ):
            yield swarm, gate

    return opened


@pytest.fixture
def listening() -> Join:
    """Return what lets a bulletin listen."""
    return lambda bulletin: alongside(bulletin.listen())


@pytest.fixture
def until() -> Callable[..., Any]:
    """Return what waits for a condition; a test that waits in vain fails."""

    async def held(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while True:
                found = condition()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await SystemClock().sleep(0.005)

    return held


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True
