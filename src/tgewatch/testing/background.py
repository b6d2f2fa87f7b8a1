"""Servers on an event loop in a thread, for programs that bring a loop of their own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager

PATIENCE = 10.0
"""Seconds for the servers to come up."""


@contextmanager
def in_background(*servers: AbstractAsyncContextManager[object]) -> Iterator[None]:
    """Keep the servers open until the block ends. Their logs may be read when nobody asks them.

    Raises what a server raises when it does not come up.
    """
    loop = asyncio.new_event_loop()
    up, over = threading.Event(), asyncio.Event()
    failed: list[BaseException] = []

    async def serve() -> None:
        try:
            async with AsyncExitStack() as stack:
                for server in servers:
                    await stack.enter_async_context(server)
                up.set()
                await over.wait()
        except BaseException as error:  # noqa: BLE001 - goes to whoever wants the servers
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        if not up.wait(PATIENCE):
            raise TimeoutError("the servers did not come up")
        if failed:
            raise failed[0]
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)
        if not thread.is_alive():
            loop.close()
