# ruff: noqa: ARG001, ARG002 - scripts, scenes and resolvers have one shape each
"""One exchange over HTTP, against real sockets."""

import asyncio
import errno
import gzip
import socket
import ssl
import time

import pytest
import trustme
import uvloop
from aiohttp.abc import AbstractResolver

from tgewatch.clock import SystemClock
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.transport import Send, Transport
from tgewatch.settings import FetchSettings, Pool
from tgewatch.testing.loopback import LoopbackServer, reply

FEED = b"<rss>" + b"x" * 5000 + b"</rss>"


async def hello(asked, line):
    return reply(200, FEED, ETag='"1"')


def failing(error, cause):
    """A scene in which sending fails."""

    async def scene(server, client, transport):
        with pytest.raises(error) as caught:
            await transport.send(Send(server.url()), seconds=5.0)
        assert caught.value.cause == cause
        assert transport.metrics()["default"].errors == {cause: 1}
        assert transport.metrics()["default"].active == 0

    return scene


def test_brings_status_headers_and_body(against):
    async def scene(server, client, transport):
        answer = await transport.send(Send(server.url("/feed?x=1")), seconds=5.0)
        assert (answer.status, answer.body, answer.wire) == (200, FEED, len(FEED))
        assert answer.headers["etag"] == '"1"'
        assert answer.requested <= answer.received
        assert server.asked[0].path == "/feed?x=1"

    against(hello, scene)


def test_says_who_asks_what_it_takes_and_nothing_else(against):
    async def scene(server, client, transport):
        await transport.send(Send(server.url(), headers=(("X-Own", "1"),)), seconds=5.0)
        assert server.asked[0].headers == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": FetchSettings().user_agent,
            "accept": "*/*",
            "accept-encoding": "gzip, deflate, br, zstd",
            "x-own": "1",
        }

    against(hello, scene)


def test_cookies_are_neither_kept_nor_shown(against):
    async def script(asked, line):
        return reply(200, b"x", Set_Cookie="a=1")

    async def scene(server, client, transport):
        answer = await transport.send(Send(server.url()), seconds=5.0)
        await transport.send(Send(server.url()), seconds=5.0)
        assert "set-cookie" not in answer.headers
        assert "cookie" not in server.asked[1].headers

    against(script, scene)


def test_several_lines_of_one_header_are_joined(against):
    async def script(asked, line):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nVary: a\r\nvary: b\r\n\r\nx"

    async def scene(server, client, transport):
        answer = await transport.send(Send(server.url()), seconds=5.0)
        assert answer.headers["vary"] == "a, b"

    against(script, scene)


def test_reuse_is_counted_exactly_and_shared_between_pools(against):
    async def scene(server, client, transport):
        answers = [
            await transport.send(Send(server.url(), pool=pool), seconds=5.0)
            for pool in ("rss", "article", "article")
        ]
        rss, article = transport.metrics()["rss"], transport.metrics()["article"]
        assert [a.reused for a in answers] == [False, True, True]
        assert (rss.requests, rss.opened, rss.reused) == (1, 1, 0)
        assert (article.requests, article.opened, article.reused) == (2, 0, 2)
        assert rss.handshake_ms > 0 == article.handshake_ms
        assert rss.statuses == {200: 1}
        assert rss.bytes_read == len(FEED)
        assert server.connections == 1

    against(hello, scene)


def test_without_keep_alive_every_request_has_its_own_connection(against):
    async def scene(server, client, transport):
        for _ in range(3):
            await transport.send(Send(server.url()), seconds=5.0)
        assert server.connections == 3
        assert server.asked[0].headers["connection"] == "close"

    against(hello, scene, keep_alive=0.0)


def test_connections_beyond_the_idle_limit_are_not_kept(against):
    async def scene(server, client, transport):
        async with LoopbackServer(hello) as second, LoopbackServer(hello) as third:
            for one in (server, second, third, third, server):
                await transport.send(Send(one.url()), seconds=5.0)
            assert [one.connections for one in (server, second, third)] == [1, 1, 2]
            assert "2 connections" in repr(transport)

    against(hello, scene, idle_connections=2)


def test_a_kept_connection_that_died_is_replaced_without_a_word(against):
    async def script(asked, line):
        if asked.path == "/second" and asked.connection == 1:
            line.reset()
            return None
        return reply(200, b"x")

    async def scene(server, client, transport):
        await transport.send(Send(server.url("/first")), seconds=5.0)
        answer = await transport.send(Send(server.url("/second")), seconds=5.0)
        assert answer.status == 200
        assert [a.connection for a in server.asked] == [1, 1, 2]
        assert transport.metrics()["default"].requests == 3
        assert not transport.metrics()["default"].errors

    against(script, scene)


def test_a_new_connection_that_dies_is_the_servers_answer_and_asked_only_once(against):
    async def script(asked, line):
        line.close()

    async def scene(server, client, transport):
        await failing(TransientError, "reset")(server, client, transport)
        assert len(server.asked) == 1

    against(script, scene)


def test_a_post_is_never_sent_twice(against):
    async def script(asked, line):
        if asked.method == "POST":
            line.reset()
            return None
        return reply(200, b"x")

    async def scene(server, client, transport):
        await transport.send(Send(server.url()), seconds=5.0)
        with pytest.raises(TransientError):
            await transport.send(Send(server.url(), method="POST", body=b"{}"), seconds=5.0)
        assert [a.body for a in server.asked] == [b"", b"{}"]

    against(script, scene)


def test_the_pool_has_room_for_so_many_at_once(against):
    inside, most = 0, 0

    async def script(asked, line):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await SystemClock().sleep(0.01)
        inside -= 1
        return reply(200, b"x")

    async def scene(server, client, transport):
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(transport.send(Send(server.url()), seconds=5.0))
        assert most == 2

    against(script, scene, default=Pool(connections=2))


def silent_for_some(asked):
    return asked.path.startswith("/silent")


def test_a_silent_server_keeps_nobody_else_waiting(against):
    async def script(asked, line):
        if silent_for_some(asked):
            await SystemClock().sleep(5)
        return reply(200, b"x")

    async def scene(server, client, transport):
        silent = [
            asyncio.ensure_future(transport.send(Send(server.url(f"/silent{n}")), seconds=2.0))
            for n in range(3)
        ]
        while not server.asked:
            await SystemClock().sleep(0.001)
        answer = await transport.send(Send(server.url("/feed")), seconds=1.5)
        assert answer.body == b"x"
        for one in silent:
            one.cancel()
        await asyncio.gather(*silent, return_exceptions=True)
        assert not transport.pools["default"].room.locked()

    against(script, scene, default=Pool(connections=1, waiting=3))


def test_no_more_silent_servers_are_waited_for_than_there_may_be(against):
    async def script(asked, line):
        if silent_for_some(asked):
            await SystemClock().sleep(5)
        return reply(200, b"x")

    async def scene(server, client, transport):
        silent = [
            asyncio.ensure_future(transport.send(Send(server.url(f"/silent{n}")), seconds=2.0))
            for n in range(3)
        ]
        while len(server.asked) < 3:
            await SystemClock().sleep(0.001)
        with pytest.raises(TransientError) as caught:
            await transport.send(Send(server.url("/feed")), seconds=0.2)
        assert caught.value.cause == "busy"
        assert len(server.asked) == 3
        for one in silent:
            one.cancel()
        await asyncio.gather(*silent, return_exceptions=True)

    against(script, scene, default=Pool(connections=1, waiting=2))


def test_answers_that_come_late_are_read_one_by_one(against):
    async def script(asked, line):
        await SystemClock().sleep(0.1)
        return reply(200, FEED)

    async def scene(server, client, transport):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(transport.send(Send(server.url(f"/{n}")), seconds=5.0))
                for n in range(20)
            ]
        assert all(task.result().body == FEED for task in tasks)
        assert not transport.pools["default"].room.locked()

    against(script, scene, default=Pool(connections=2, waiting=18))


def test_a_request_may_bear_less_silence_than_its_pool_but_not_more(against):
    async def script(asked, line):
        await SystemClock().sleep(5)

    async def scene(server, client, transport):
        for stalled, least, most in ((0.05, 0.0, 0.2), (9.0, 0.3, 2.0)):
            begun = time.perf_counter()
            with pytest.raises(TransientError) as caught:
                await transport.send(Send(server.url(), stalled=stalled), seconds=5.0)
            assert caught.value.cause == "stalled"
            assert least <= time.perf_counter() - begun < most + 1.0

    against(script, scene, default=Pool(stalled=0.3))


def test_waiting_for_room_counts_against_the_deadline(against):
    async def script(asked, line):
        await SystemClock().sleep(5)

    async def scene(server, client, transport):
        first = asyncio.ensure_future(transport.send(Send(server.url()), seconds=0.5))
        while not server.asked:
            await SystemClock().sleep(0.001)
        with pytest.raises(TransientError) as caught:
            await transport.send(Send(server.url()), seconds=0.1)
        assert caught.value.cause == "busy"  # it was not sent, so nobody is to blame
        with pytest.raises(TransientError) as late:
            await first
        assert late.value.cause == "timeout"
        assert len(server.asked) == 1

    against(script, scene, default=Pool(connections=1))


@pytest.mark.parametrize(
    ("body", "cause"), [(FEED, None), (b"x" * 70_000, ""), (gzip.compress(bytes(10**6)), "")]
)
def test_the_body_of_an_error_is_read_within_bounds_and_never_hides_the_status(
    against, body, cause
):
    async def script(asked, line):
        encoding = {"Content_Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        return reply(503, body, Retry_After="7", **encoding)

    async def scene(server, client, transport):
        answer = await transport.send(Send(server.url()), seconds=5.0)
        assert (answer.status, answer.headers["retry-after"]) == (503, "7")
        assert answer.body == (body if cause is None else b"")

    against(script, scene)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(500)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"\x16\x03\x01\x00\xa5" * 50,
    ],
    ids=["ssh", "status", "long-line", "flood", "negative", "smuggling", "chunk", "binary"],
)
def test_what_is_not_http_is_malformed(against, raw):
    async def script(asked, line):
        await line.write(raw)
        line.close()

    against(script, failing(MalformedError, "bad_http"))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(FEED)[:-9],
    ],
    ids=["length", "chunks", "gzip-until-close"],
)
def test_a_body_that_ends_too_early_is_never_taken_for_the_whole(against, raw):
    async def script(asked, line):
        await line.write(raw)
        line.close()

    against(script, failing(TransientError, "incomplete"))


def test_a_connection_that_is_reset_in_the_middle_of_the_body_is_transient(against):
    async def script(asked, line):
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * 1000)
        line.reset()

    async def scene(server, client, transport):
        with pytest.raises(TransientError) as caught:
            await transport.send(Send(server.url()), seconds=5.0)
        assert caught.value.cause in {"incomplete", "reset"}

    against(script, scene, default=Pool(max_bytes=10**6))


def test_http_1_0_ends_its_body_by_closing(against):
    async def script(asked, line):
        await line.write(b"HTTP/1.0 200 OK\r\n\r\n" + FEED)
        line.close()

    async def scene(server, client, transport):
        assert (await transport.send(Send(server.url()), seconds=5.0)).body == FEED

    against(script, scene)


def test_a_truncated_encoding_in_a_whole_message_makes_no_sense(against):
    async def script(asked, line):
        return reply(200, gzip.compress(FEED)[:-9], Content_Encoding="gzip")

    against(script, failing(MalformedError, "truncated"))


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_an_endless_body_is_stopped_at_the_cap(against, encoding):
    async def script(asked, line):
        await line.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")
        await line.write(b"Content-Encoding: gzip\r\n\r\n" if encoding else b"\r\n")
        piece = gzip.compress(bytes(range(256)) * 99) if encoding else b"x" * 8000
        while True:
            await line.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    against(script, failing(RefusedError, "too_large"))


def test_a_silent_server_is_given_up_after_the_stalled_time(against):
    async def script(asked, line):
        await SystemClock().sleep(9)

    against(script, failing(TransientError, "stalled"), default=Pool(stalled=0.05))


def test_a_server_that_drips_is_given_up_at_the_deadline(against):
    async def script(asked, line):
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 900:
            await line.write(bytes([byte]))
            await SystemClock().sleep(0.01)

    async def scene(server, client, transport):
        with pytest.raises(TransientError) as caught:
            await transport.send(Send(server.url()), seconds=0.2)
        assert caught.value.cause == "timeout"
        assert transport.metrics()["default"].timeouts == 1

    against(script, scene)


def test_a_closed_port_is_refused():
    async def main():
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        settings = FetchSettings(allow_private=True)
        async with Transport(settings, clock=SystemClock()) as transport:
            with pytest.raises(TransientError) as caught:
                await transport.send(Send(f"http://127.0.0.1:{port}/"), seconds=5.0)
            assert caught.value.cause == "refused"
            assert "0 connections" in repr(transport)

    asyncio.run(main())


def test_a_server_that_takes_no_connections_times_out():
    async def main():
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(3)]
            for one in waiting:
                one.setblocking(False)  # noqa: FBT003 - the standard library's own
                one.connect_ex(address)
            settings = FetchSettings(allow_private=True, default=Pool(connect=0.1))
            async with Transport(settings, clock=SystemClock()) as transport:
                with pytest.raises(TransientError) as caught:
                    await transport.send(Send(f"http://127.0.0.1:{address[1]}/"), seconds=5.0)
                assert caught.value.cause == "connect_timeout"
            for one in waiting:
                one.close()

    asyncio.run(main())


class Names(AbstractResolver):
    """Answers each look-up with the next of its addresses."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in answer
        ]

    async def close(self):
        pass


def test_a_name_that_does_not_exist_is_a_matter_of_dns(against):
    async def scene(server, client, transport):
        with pytest.raises(TransientError) as caught:
            await transport.send(Send("http://nowhere.example/"), seconds=5.0)
        assert caught.value.cause == "dns"

    against(hello, scene, resolver=Names(OSError(errno.ENOENT, "no such name")))


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["10.0.0.1", "169.254.169.254", "::1"], ["::ffff:10.0.0.1"]]
)
def test_a_name_that_leads_inside_is_refused(against, addresses):
    async def scene(server, client, transport):
        with pytest.raises(RefusedError) as caught:
            await transport.send(Send("http://inside.example/"), seconds=5.0)
        assert caught.value.cause == "blocked_address"
        assert not server.asked

    against(hello, scene, resolver=Names(addresses))


def test_the_public_address_of_a_name_is_used_and_the_private_one_never(against):
    async def scene(server, client, transport):
        answer = await transport.send(Send(f"http://mixed.example:{server.port}/"), seconds=5.0)
        assert answer.status == 200

    against(hello, scene, resolver=Names(["10.0.0.1", "127.0.0.1"]))


def test_a_name_that_turns_inside_after_the_first_look_is_refused(against):
    """DNS rebinding: what counts is the address that is connected to, every time."""

    async def scene(server, client, transport):
        url = f"http://flips.example:{server.port}/"
        await transport.send(Send(url), seconds=5.0)
        with pytest.raises(RefusedError):
            await transport.send(Send(url), seconds=5.0)
        assert len(server.asked) == 1

    against(
        hello, scene, keep_alive=0.0, dns_ttl=0.0, resolver=Names(["127.0.0.1"], ["192.168.0.1"])
    )


def test_proxies_of_the_environment_are_not_followed(against, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    async def scene(server, client, transport):
        assert (await transport.send(Send(server.url()), seconds=5.0)).status == 200
        with pytest.raises(RefusedError):
            await transport.send(Send("http://10.0.0.1/"), seconds=5.0)

    against(hello, scene)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_certificate_nobody_vouches_for_is_refused(against, server_tls):
    against(hello, failing(TransientError, "tls"), server_tls=server_tls)


def test_a_certificate_for_another_name_is_refused(against, authority):
    wrong = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(wrong)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    against(hello, failing(TransientError, "tls"), server_tls=wrong, tls=trusting)


def test_a_certificate_that_is_vouched_for_is_taken(against, authority, server_tls):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def scene(server, client, transport):
        assert (await transport.send(Send(server.url()), seconds=5.0)).body == FEED

    against(hello, scene, server_tls=server_tls, tls=trusting)


def test_it_works_the_same_on_uvloop():
    async def main():
        settings = FetchSettings(allow_addresses=("127.0.0.1",))
        async with (
            LoopbackServer(hello) as server,
            Transport(settings, clock=SystemClock()) as transport,
        ):
            first = await transport.send(Send(server.url()), seconds=5.0)
            second = await transport.send(Send(server.url()), seconds=5.0)
            assert (first.reused, second.reused) == (False, True)
            assert "1 connections" in repr(transport)
            with pytest.raises(RefusedError):
                await transport.send(Send("http://[::1]:9/"), seconds=5.0)

    uvloop.run(main())


def test_a_transport_that_was_never_open_is_a_bug_and_a_closed_one_a_passing_failure():
    async def main():
        transport = Transport(FetchSettings(), clock=SystemClock())
        with pytest.raises(RuntimeError):
            await transport.send(Send("http://127.0.0.1/"), seconds=1.0)
        async with transport:
            pass
        with pytest.raises(TransientError) as caught:
            await transport.send(Send("http://127.0.0.1/"), seconds=1.0)
        assert caught.value.cause == "closed"

    asyncio.run(main())
