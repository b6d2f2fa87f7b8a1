import asyncio
import subprocess
import sys

import aiohttp

from tgewatch.testing.channel_server import ChannelServer, read_log


async def posts(url, key, body=b"{}"):
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers={"Idempotency-Key": key}) as answer,
    ):
        return answer.status, dict(answer.headers)


def test_what_arrives_is_in_the_log_before_it_is_answered(tmp_path):
    log = tmp_path / "log.jsonl"

    async def story():
        async with ChannelServer(log=log) as server:
            server.answers(429, retry_after="7")
            status, headers = await posts(server.url, "a", b'{"x": 1}')
            assert (status, headers["Retry-After"]) == (429, "7")
            assert (await posts(server.url, "a", b"no json"))[0] == 204
            assert server.keys == ["a"]
            assert "2 received" in repr(server)

    asyncio.run(story())
    assert read_log(log) == [
        {"path": "/hook", "key": "a", "answered": 429, "body": {"x": 1}},
        {"path": "/hook", "key": "a", "answered": 204, "body": "no json"},
    ]


def test_a_log_that_was_never_written_is_empty(tmp_path):
    assert read_log(tmp_path / "none") == []


def test_it_serves_from_a_shell_until_it_is_stopped(tmp_path):
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "tgewatch.testing.channel_server", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        try:
            url = server.stdout.readline().strip()
            assert asyncio.run(posts(url, "k"))[0] == 204
        finally:
            server.terminate()

    assert [line["key"] for line in read_log(log)] == ["k"]
