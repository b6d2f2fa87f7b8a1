import asyncio
import logging
import subprocess
import sys
import threading

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import ConfigError, TransientError
from tgewatch.settings import SwarmSettings
from tgewatch.swarm import Script, open_swarm, swarm_line
from tgewatch.swarm.link import LONGEST_NAME, Link

COUNT = Script("return redis.call('INCR', KEYS[1])")


def events(caplog):
    return [r.message for r in caplog.records if r.levelno >= logging.WARNING]


async def test_says_what_it_is_connected_to(server, gated):
    async with gated(server, instance="one") as (swarm, _):
        assert repr(swarm.link).startswith("<Link one up, Valkey ")
        assert swarm.instance == "one"


async def test_two_processes_of_one_name_are_still_two():
    settings = SwarmSettings(redis_url="redis://a.example", instance="one")
    one, other = (Link(settings, clock=SystemClock()) for _ in range(2))

    assert one.instance == other.instance
    assert one.identity != other.identity


async def test_an_instance_without_a_name_takes_that_of_its_process():
    swarm = SwarmSettings(redis_url="redis://a.example")

    assert "-" in Link(swarm, clock=SystemClock()).instance


@pytest.mark.parametrize("way", ["close", "hold", "refuse"])
async def test_a_server_that_goes_costs_one_warning_and_comes_back_by_itself(
    server, gated, until, caplog, way
):
    async with gated(server, operation=0.2, connect=0.2) as (swarm, gate):
        if way == "close":
            await gate.close()
        elif way == "hold":
            gate.hold()
        else:
            gate.refuse("LOADING Redis is loading the dataset in memory")
        for _ in range(5):
            with pytest.raises(TransientError) as caught:
                await swarm.link.run(COUNT, ["n"])
            assert caught.value.cause == "swarm_down"
        assert not swarm.up
        assert events(caplog) == ["swarm_down"]
        await gate.open()
        gate.break_off()
        await until(lambda: swarm.up)
        assert await swarm.link.run(COUNT, ["n"]) >= 1
        assert events(caplog) == ["swarm_down", "swarm_up"]


async def test_asking_a_server_that_is_gone_sends_nothing(server, gated, until):
    async with gated(server, probe=3_600, heartbeat=3_600) as (swarm, gate):
        await until(lambda: swarm.shared.presence.count == 1)
        gate.refuse("LOADING")
        with pytest.raises(TransientError):
            await swarm.link.call("GET", "x")
        await gate.open()
        before = gate.commands

        for _ in range(100):
            with pytest.raises(TransientError):
                await swarm.link.call("GET", "x")

        assert gate.commands == before
        assert swarm.link.counts.skipped == 100


async def test_connections_that_were_closed_meanwhile_are_no_outage(server, gated, caplog):
    async with gated(server) as (swarm, gate):
        await asyncio.gather(*(swarm.link.call("GET", "x") for _ in range(4)))
        gate.break_off()
        await asyncio.gather(*(swarm.link.call("GET", "x") for _ in range(4)))

    assert events(caplog) == []


async def test_a_server_that_is_not_there_at_the_start_is_joined_when_it_comes(
    own_server, join_own, until, caplog
):
    own_server.kill()

    async with join_own() as swarm:
        assert not swarm.up
        assert events(caplog) == ["swarm_down"]
        own_server.start()
        await until(lambda: swarm.up)
        assert await swarm.leases.take("scheduler", seconds=60)


async def test_a_server_that_was_killed_and_has_lost_everything_is_gone_on_with(
    own_server, join_own, until
):
    async with join_own() as swarm:
        before = await swarm.leases.take("scheduler", seconds=60)
        own_server.kill()
        with pytest.raises(TransientError):
            await swarm.link.run(COUNT, ["n"])
        own_server.start()
        await until(lambda: swarm.up)

        assert await swarm.link.run(COUNT, ["n"]) == 1
        after = await swarm.leases.take("scheduler", seconds=60)
        assert after.token > before.token


async def test_a_server_that_became_a_replica_is_gone_until_it_may_be_written_to(
    own_server, join_own, until
):
    async with join_own() as swarm:
        own_server.say("REPLICAOF", "127.0.0.1", 1)
        with pytest.raises(TransientError) as caught:
            await swarm.link.run(COUNT, ["n"])
        assert caught.value.cause == "swarm_down"
        assert not swarm.up
        assert "read only replica" in swarm.link.why
        own_server.say("REPLICAOF", "NO", "ONE")
        await until(lambda: swarm.up)


async def test_a_server_without_room_is_gone_until_it_has_some(own_server, join_own, until):
    async with join_own() as swarm:
        own_server.say("CONFIG", "SET", "maxmemory", 1)
        with pytest.raises(TransientError) as caught:
            await swarm.link.call("SET", "x", "y")
        assert caught.value.cause == "swarm_down"
        own_server.say("CONFIG", "SET", "maxmemory", 0)
        await until(lambda: swarm.up)


async def test_scripts_that_the_server_forgot_are_sent_again(server, gated):
    async with gated(server) as (swarm, _):
        assert await swarm.link.run(COUNT, ["n"]) == 1
        server.say("SCRIPT", "FLUSH")
        assert await swarm.link.run(COUNT, ["n"]) == 2


async def test_a_command_that_makes_no_sense_to_the_server_is_not_an_outage(server, gated, caplog):
    server.say("SET", "n", "no number")

    async with gated(server) as (swarm, _):
        with pytest.raises(TransientError) as caught:
            await swarm.link.run(COUNT, ["n"])
        assert caught.value.cause == "swarm_refused"
        assert swarm.up
    assert events(caplog) == []


async def test_who_is_cancelled_leaves_no_answer_behind_for_others(server, gated, until):
    server.say("SET", "one", "1")
    server.say("SET", "two", "2")

    async with gated(server, connections=2) as (swarm, gate):
        gate.hold()
        asked = gate.commands
        waiting = asyncio.ensure_future(swarm.link.call("GET", "one"))
        await until(lambda: gate.commands > asked)
        waiting.cancel()
        await asyncio.wait({waiting})
        await gate.open()

        assert [await swarm.link.call("GET", "two") for _ in range(4)] == [b"2"] * 4


async def test_many_at_once_share_a_few_connections(server, gated):
    async with gated(server, connections=3) as (swarm, gate):
        counts = await asyncio.gather(*(swarm.link.run(COUNT, ["n"]) for _ in range(300)))

        assert sorted(counts) == list(range(1, 301))
        assert gate.connections <= 3


async def test_a_wrong_password_is_an_outage_that_says_so_and_not_what_it_is(
    own_server, join_own, caplog
):
    own_server.say("CONFIG", "SET", "requirepass", "right")

    async with join_own(query="?password=swordfish") as swarm:
        assert not swarm.up

    assert "swordfish" not in caplog.text
    assert "WRONGPASS" in swarm.link.why or "invalid username" in swarm.link.why


async def test_a_server_too_old_is_told_at_the_start(server, gated):
    class Old(Link):
        async def _send(self, *command):
            if command[0] == "INFO":
                return b"redis_version:5.0.14\r\n"
            return await super()._send(*command)

    async with gated(server) as (_, gate):
        link = Old(SwarmSettings(redis_url=gate.url), clock=SystemClock())
        with pytest.raises(ConfigError, match=r"Redis 5\.0\.14: it must be 6 or later"):
            await link.look()
        await link.close()


@pytest.mark.parametrize(
    "url", ["http://a.example", "a.example", "redis://a:b:c", "redis://a/x?db=y"]
)
async def test_an_url_that_is_none_is_told_without_its_secrets(url):
    with pytest.raises(ConfigError) as caught:
        async with open_swarm(SwarmSettings(redis_url=url), clock=SystemClock()):
            pass

    assert "redis://host:6379/0" in str(caught.value)
    assert "a.example" not in str(caught.value)


def test_the_line_of_the_settings_shows_no_password():
    url = "valkeys://me:swordfish@cache.example:6380/1"

    assert swarm_line(SwarmSettings()) == "none: this instance is alone"
    assert swarm_line(SwarmSettings(redis_url=url, instance="one")) == (
        "valkeys://cache.example:6380, prefix tgewatch, as one"
    )


def test_long_names_make_short_keys_that_differ():
    link = Link(SwarmSettings(redis_url="redis://a.example"), clock=SystemClock())
    names = ["x" * (LONGEST_NAME + n) for n in range(3)]

    keys = [link.key("once", name) for name in names]

    assert len(set(keys)) == 3
    assert max(map(len, keys)) < LONGEST_NAME + 30


async def test_who_closes_in_the_middle_of_an_operation_is_not_held_up(join_shared):
    for _ in range(50):
        async with join_shared(heartbeat=0.001) as swarm:
            await swarm.link.call("GET", "x")


async def test_a_loop_that_stood_still_is_not_taken_for_an_outage(join_shared, caplog):
    async with join_shared(operation=0.5, heartbeat=3_600, connections=2) as swarm:
        asked = [asyncio.ensure_future(swarm.link.run(COUNT, ["n"])) for _ in range(9)]
        await asyncio.wait(asked, timeout=0)
        threading.Event().wait(1.2)
        await asyncio.gather(*asked)

        assert swarm.up
    assert events(caplog) == []


async def test_without_the_package_the_operator_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(ConfigError, match=r"pip install tgewatch\[redis\]"):
        async with open_swarm(SwarmSettings(redis_url="redis://a"), clock=SystemClock()):
            pass


def test_the_package_is_loaded_only_when_it_is_needed():
    code = "import sys, tgewatch.app, tgewatch.swarm; sys.exit('redis' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own words

    assert ended.returncode == 0


async def test_a_connection_that_will_not_be_closed_keeps_nobody_from_coming_back(
    join_shared, monkeypatch
):
    from redis.exceptions import TimeoutError as ClosingTimedOut  # noqa: PLC0415 - as in the link

    async def stuck(**_):
        raise ClosingTimedOut("Timed out closing connection")

    async with join_shared() as swarm:
        with monkeypatch.context() as patch:
            patch.setattr(swarm.link._redis.connection_pool, "disconnect", stuck)
            swarm.link._fall("no answer")
            assert await swarm.link.look()
        assert swarm.link.up
