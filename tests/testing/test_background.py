import http.client

import pytest

from tgewatch.testing.background import in_background
from tgewatch.testing.loopback import LoopbackServer, reply


async def hello(_asked, _line):
    return reply(200, b"hello", Connection="close")


def ask(server):
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        line.request("GET", "/")
        return line.getresponse().read()
    finally:
        line.close()


class Broken:
    async def __aenter__(self):
        raise OSError("no port is free")

    async def __aexit__(self, *_):
        raise AssertionError


def test_servers_answer_until_the_block_ends():
    servers = LoopbackServer(hello), LoopbackServer(hello)
    with in_background(*servers):
        assert [ask(server) for server in servers] == [b"hello", b"hello"]

    with pytest.raises(ConnectionRefusedError):
        ask(servers[0])


def test_a_server_that_does_not_come_up_says_why():
    with pytest.raises(OSError, match="no port is free"), in_background(Broken()):
        raise AssertionError
