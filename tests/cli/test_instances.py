"""`tgewatch metrics --all`."""

import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.settings import SwarmSettings
from tgewatch.swarm import open_swarm
from tgewatch.testing.valkey import valkey


@pytest.fixture
def server():
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


def present(server, shell, *words):
    """Run a command while two instances are there."""

    async def scenario():
        def settings(name):
            return SwarmSettings(redis_url=server.url, instance=name, heartbeat=60)

        clock = SystemClock()
        async with (
            open_swarm(settings("a"), clock=clock) as one,
            open_swarm(settings("b"), clock=clock) as two,
        ):
            one.shared.presence.measured = lambda: ({"polls": 3}, {"memory_megabytes": 80.0})
            two.shared.presence.measured = lambda: ({"polls": 4}, {"memory_megabytes": 70.0})
            for each in (one, two):
                await each.shared.presence.show()
            return await asyncio.to_thread(shell.run, *words)

    shell.write(f'[swarm]\nredis_url = "{server.url}"\n')
    return asyncio.run(scenario())


def test_lists_the_instances_and_sums_them(server, shell):
    found = present(server, shell, "metrics", "--all", "--json").json

    assert [each["instance"] for each in found["instances"]] == ["a", "b"]
    assert found["counts"] == {"polls": 7}


def test_the_text_says_the_same(server, shell):
    shown = present(server, shell, "metrics", "--all").out.splitlines()

    assert [line.split("\t")[0] for line in shown[-3:]] == ["a", "b", "all 2"]
    assert shown[-1].split("\t")[3] == "7"
    assert shown[-1].split("\t")[-1] == "150"


def test_an_instance_that_is_alone_is_told_what_to_change(shell):
    ended = shell.run("metrics", "--all")

    assert ended.code == 2
    assert "swarm.redis_url" in ended.err


def test_a_server_that_does_not_answer_is_an_error_of_one_line(shell):
    shell.write('[swarm]\nredis_url = "redis://127.0.0.1:1"\nconnect = 0.5\n')

    ended = shell.run("metrics", "--all")

    assert ended.code != 0
    assert "the shared server is gone" in ended.err
    assert "Traceback" not in ended.err
