import asyncio

import pytest

from tgewatch.swarm.alongside import alongside


async def forever():
    await asyncio.Event().wait()


async def fails():
    raise ValueError("broken")


async def test_work_ends_with_the_body():
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def work():
        try:
            begun.set()
            await forever()
        finally:
            ended.set()

    async with alongside(work()):
        await begun.wait()
        assert not ended.is_set()

    assert ended.is_set()


async def test_what_the_body_raises_leaves_as_it_is():
    with pytest.raises(KeyError):
        async with alongside(forever()):
            raise KeyError


async def test_who_cancels_the_body_sees_it_cancelled():
    async def body():
        async with alongside(forever()):
            await forever()

    task = asyncio.ensure_future(body())
    await asyncio.wait({task}, timeout=0.01)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()


async def test_work_that_breaks_ends_the_body():
    with pytest.raises(ExceptionGroup) as caught:
        async with alongside(fails()):
            await forever()

    assert isinstance(caught.value.exceptions[0], ValueError)
