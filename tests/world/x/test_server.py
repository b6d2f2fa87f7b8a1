import asyncio
import json
from contextlib import suppress

from tgewatch.world.x.server import XServer

ASK = (
    b"GET /2/tweets/search/recent?query=news%20-is%3Aretweet HTTP/1.1\r\nHost: x\r\n"
    b"Authorization: Bearer token\r\n\r\n"
)
LISTEN = b"GET /2/tweets/search/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n"


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split(" ")[1]), headers, body


async def until_ended(connection, meanwhile=lambda: None):
    """Wait for the server, whose own pace is a few milliseconds."""
    while not connection.ended:
        meanwhile()
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop


def on_server(stage, talk):
    async def run():
        async with XServer(stage.x) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                async with asyncio.timeout(5):
                    return await talk(reader, writer)
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    return asyncio.run(run())


def test_requests_on_one_connection_are_answered_in_turn(stage):
    stage.post("news")

    async def talk(reader, writer):
        writer.write(ASK + ASK)
        return [await read_answer(reader) for _ in range(2)]

    (status, headers, body), (_, later, _) = on_server(stage, talk)
    assert status == 200
    assert json.loads(body)["data"][0]["text"] == "news"
    assert (headers["x-rate-limit-remaining"], later["x-rate-limit-remaining"]) == ("449", "448")


def test_rules_are_posted_as_a_body(stage):
    body = b'{"add":[{"value":"cat"}]}'

    async def talk(reader, writer):
        writer.write(
            b"POST /2/tweets/search/stream/rules HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token"
            b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
        )
        answer = await read_answer(reader)
        return answer, await reader.read()

    (status, _, made), rest = on_server(stage, talk)
    assert (status, json.loads(made)["data"][0]["value"]) == (201, "cat")
    assert rest == b""


def test_a_lost_answer_is_a_connection_that_breaks(stage):
    stage.x.faults.plant("GET /2/tweets/search/recent", "lost")

    async def talk(reader, writer):
        writer.write(ASK)
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    assert on_server(stage, talk) == b""


def test_a_stream_sends_what_comes_and_ends_with_a_last_chunk(stage):
    stage.add_rules("from:AliceProtocol")

    async def talk(reader, writer):
        writer.write(LISTEN)
        await reader.readuntil(b"\r\n\r\n")
        stage.post("TGE", ago=0)
        stage.now += 10
        first = await reader.readuntil(b"\r\n\r\n")
        stage.x.streams.filtered.drop("operational")
        return first, await reader.read()

    first, rest = on_server(stage, talk)
    assert b'"text":"TGE"' in first
    assert b"operational-disconnect" in rest
    assert rest.endswith(b"0\r\n\r\n")


def test_a_stream_that_is_reset_has_no_last_chunk(stage):
    stage.add_rules("from:AliceProtocol")

    async def talk(reader, writer):
        writer.write(LISTEN)
        await reader.readuntil(b"\r\n\r\n")
        stage.x.streams.filtered.drop("reset")
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    assert on_server(stage, talk) == b""


def test_a_client_that_leaves_frees_its_place(stage):
    stage.add_rules("from:AliceProtocol")

    async def talk(reader, writer):
        writer.write(LISTEN)
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = stage.x.streams.filtered.connections
        assert not connection.ended
        writer.close()
        await until_ended(connection)
        return connection.ended

    assert on_server(stage, talk) == "closed"


def test_a_client_that_does_not_read_is_cut_off(set_stage):
    stage = set_stage(product=set_stage.product(stream_buffer=200_000))
    stage.add_rules("from:AliceProtocol")

    async def talk(reader, writer):
        writer.write(LISTEN)
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = stage.x.streams.filtered.connections

        def flood():
            for _ in range(400):
                stage.post("word " * 50, ago=0)
            stage.now += 30

        await until_ended(connection, flood)
        return connection.ended

    assert on_server(stage, talk) == "full"


def test_nonsense_closes_the_connection_and_nothing_else(stage):
    async def talk(reader, writer):
        writer.write(b"nonsense\r\n\r\n")
        return await reader.read()

    assert on_server(stage, talk) == b""

    async def too_much(reader, writer):
        writer.write(b"POST /x HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        return await reader.read()

    assert on_server(stage, too_much).startswith(b"HTTP/1.1 413")
