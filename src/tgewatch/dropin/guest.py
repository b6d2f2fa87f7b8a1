"""What a pipeline gives us to call: scrapers, monitors and functions, plain or async."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any

from tgewatch.dropin.bridge import Bridge
from tgewatch.dropin.process import process
from tgewatch.errors import TransientError

GRACE = 30.0
"""Seconds beyond its timeout in which a scraper may still return what it has."""
LONGEST = 3_600.0
"""Seconds that anybody waits for what another function promised."""


def called(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Return what a function of the pipeline's returns; what it promises is awaited.

    Async functions run on a loop of their own, one for all of the process, not on the caller's:
    what they open there stays open from call to call. Async generators become lists. Raises what
    the function raises.
    """
    return _finished(function(*args, **kwargs))


def _finished(value: Any, *, seconds: float = LONGEST) -> Any:
    if not (inspect.isasyncgen(value) or inspect.isawaitable(value)):
        return value
    promise = _listed(value) if inspect.isasyncgen(value) else _awaited(value)
    bridge = _loop()
    try:
        return bridge.run(_bounded(promise, seconds), timeout=seconds + GRACE)
    except _LateError:
        raise TransientError(f"no answer within {seconds:.0f} s", cause="timeout") from None


def found_by(fetch: Callable[..., Any], *, timeout: float) -> list[Any]:
    """Return what a scraper finds; it is told the timeout in seconds if it takes one.

    None is nothing. Raises what it raises, and TransientError when an async one does not end.
    """
    told = {"timeout": timeout} if _takes_timeout(fetch) else {}
    found: Iterable[Any] | None = _finished(fetch(**told), seconds=timeout + GRACE)
    return list(found or ())


def _takes_timeout(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # not every callable has one
        return False
    kinds = {one.kind for one in signature.parameters.values()}
    named = signature.parameters.get("timeout")
    return inspect.Parameter.VAR_KEYWORD in kinds or (
        named is not None and named.kind is not inspect.Parameter.POSITIONAL_ONLY
    )


async def _awaited(promise: Awaitable[Any]) -> Any:
    return await promise


async def _listed(found: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in found]


async def _bounded(promise: Coroutine[Any, Any, Any], seconds: float) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await promise
    except TimeoutError as error:
        if limit.expired():
            raise _LateError from error
        raise


class _LateError(Exception):
    """Our own deadline passed, not one of the guest's."""


def _loop() -> Bridge:
    """Return the guests' loop, apart from the drop-ins' own: a guest may call those and wait."""

    def make() -> Bridge:
        made = Bridge()
        process().closing.append(made.close)
        return made

    return process().part("guests", make)
