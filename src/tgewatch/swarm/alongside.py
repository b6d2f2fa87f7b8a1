"""Work that goes on for as long as something is open."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def alongside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.TaskGroup]:
    """Run `work`, and what is added to the group, beside the body, and cancel it at the end.

    What the body raises leaves as it is; what the work raises ends the body, in an ExceptionGroup.
    """
    raised: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield group
        except BaseException as error:  # noqa: BLE001 - raised again, outside the group
            raised = error
        finally:
            for task in tasks:
                task.cancel()
    if raised is not None:
        raise raised
