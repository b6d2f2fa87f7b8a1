import asyncio

import pytest

from tgewatch.testing.gate import Gate
from tgewatch.testing.valkey import valkey

PING = b"*1\r\n$4\r\nPING\r\n"


@pytest.fixture
def server():
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


async def asked(gate):
    """Return what one command is answered; empty when the connection is broken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(PING)
    try:
        return await reader.readline()
    except OSError:
        return b""
    finally:
        writer.close()


def test_passes_everything_on_while_it_is_open(server):
    async def scenario():
        async with Gate(server.socket) as gate:
            return await asked(gate), gate.commands, gate.connections

    assert asyncio.run(scenario()) == (b"+PONG\r\n", 1, 1)


def test_says_no_in_the_words_it_was_given(server):
    async def scenario():
        async with Gate(server.socket) as gate:
            gate.refuse("LOADING later")
            no = await asked(gate)
            await gate.open()
            return no, await asked(gate)

    assert asyncio.run(scenario()) == (b"-LOADING later\r\n", b"+PONG\r\n")


def test_is_on_the_same_port_when_it_opens_again(server):
    async def scenario():
        async with Gate(server.socket) as gate:
            port = gate.port
            await gate.close()
            with pytest.raises(OSError, match=r"refused|Connect"):
                await asyncio.open_connection("127.0.0.1", port)
            await gate.open()
            return gate.port == port, await asked(gate)

    assert asyncio.run(scenario()) == (True, b"+PONG\r\n")


def test_holds_answers_up_until_it_is_opened(server):
    async def scenario():
        async with Gate(server.socket) as gate:
            gate.hold()
            waiting = asyncio.ensure_future(asked(gate))
            done, _ = await asyncio.wait({waiting}, timeout=0.2)
            assert not done
            await gate.open()
            return await waiting

    assert asyncio.run(scenario()) == b"+PONG\r\n"


def test_a_server_that_was_killed_begins_with_nothing(server):
    server.say("SET", "a", "1")
    server.kill()
    server.start()

    assert server.say("GET", "a") is None
