"""What `tgewatch queue` shows, and what it says where there is no queue."""

import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.model import Batch, Due, Pulse
from tgewatch.settings import SwarmSettings
from tgewatch.swarm import open_swarm
from tgewatch.swarm.queue_stream import StreamQueue
from tgewatch.testing.valkey import valkey

URL = "https://bad.example/feed"


@pytest.fixture(scope="module")
def server():
    try:
        with valkey() as running:
            yield running
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


async def fill(url):
    """Send two batches, one of which fails with every worker."""
    async with open_swarm(SwarmSettings(redis_url=url, operation=30), clock=SystemClock()) as swarm:
        queue = StreamQueue(swarm.link, clock=SystemClock(), idle=0.02)
        await queue.send(Batch("bad", 1, (Due(URL, 0),), Pulse(1.0, 1, (0,) * 48, 0, ())))
        stop = asyncio.Event()

        async def fail(taken):
            if taken.tries == 3:
                stop.set()
            raise ZeroDivisionError

        async def room():
            return

        await queue.serve(fail, stop=stop, room=room)
        await queue.send(Batch("good", 1, (Due(URL, 0),), Pulse(1.0, 1, (0,) * 48, 0, ())))


@pytest.fixture
def settings(server, shell):
    server.say("FLUSHALL")
    asyncio.run(fill(server.url))
    shell.write(f'[swarm]\nredis_url = "{server.url}"\noperation = 30\n[[source]]\nurl = "{URL}"\n')


@pytest.mark.usefixtures("settings")
def test_it_counts_batches_and_names_the_sources_of_those_set_aside(shell):
    ended = shell.run("queue")

    assert ended.code == 0
    assert ended.out.splitlines() == [
        "1 batches wait, 0 are in hand, 1 set aside",
        f"set aside: {URL}",
    ]
    assert shell.run("queue", "--json").json == {
        "waiting": 1, "held": 0, "aside": 1, "set_aside": [[URL]],
    }  # fmt: skip


def test_without_a_server_between_instances_there_is_no_queue(shell):
    shell.write(f'[[source]]\nurl = "{URL}"\n')

    ended = shell.run("queue")

    assert ended.code == 2
    assert "swarm.redis_url: there is no queue between instances" in ended.err
