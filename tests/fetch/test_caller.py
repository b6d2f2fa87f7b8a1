import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.caller import HttpCaller
from tgewatch.fetch.transport import Transport
from tgewatch.settings import FetchSettings
from tgewatch.world.x import Account, Archive, FakeX, Post
from tgewatch.world.x.server import XServer

LOOPBACK = FetchSettings(allow_private=True)
TOKEN = (("Authorization", "Bearer token"),)


def played(play, *, settings=LOOPBACK):
    """Run `play` with a caller and a served fake X."""

    async def run():
        clock = SystemClock()
        archive = Archive()
        archive.add_account(Account(7, "foo"))
        fake = FakeX(archive, now=clock.now)
        async with XServer(fake) as server, Transport(settings, clock=clock) as transport:
            await play(HttpCaller(transport, pool="twitter"), server, fake, clock)

    asyncio.run(run())


def test_any_status_comes_back_as_it_is():
    async def play(caller, server, fake, clock):
        del fake, clock
        url = f"{server.base_url}/2/users/by?usernames=foo"
        good = await caller.call("GET", url, headers=TOKEN, body=None, seconds=5)
        bad = await caller.call("GET", url, headers=(), body=None, seconds=5)

        assert (good.status, bad.status) == (200, 401)
        assert b'"foo"' in good.body
        assert good.headers["x-rate-limit-limit"] == "300"

    played(play)


def test_an_answer_without_end_is_read_as_it_comes():
    async def play(caller, server, fake, clock):
        rule = b'{"add":[{"value":"TGE","tag":"t"}]}'
        url = f"{server.base_url}/2/tweets/search/stream"
        headers = (*TOKEN, ("Content-Type", "application/json"))
        made = await caller.call("POST", f"{url}/rules", headers=headers, body=rule, seconds=5)
        assert made.status == 201
        fake.streams.filtered._delays = (0.01, 0.05)
        async with caller.hold(url, headers=TOKEN, seconds=5, silence=10) as held:
            assert held.status == 200
            now = clock.now()
            fake.archive.add(Post(fake.archive.next_id(now), 7, "the TGE", now))
            async with asyncio.timeout(9):
                async for chunk in held.chunks():
                    if chunk.strip():
                        break
        assert b"the TGE" in chunk

    played(play)


def test_silence_ends_it():
    async def play(caller, server, fake, clock):
        del fake, clock
        body = b'{"add":[{"value":"TGE","tag":"t"}]}'
        url = f"{server.base_url}/2/tweets/search/stream"
        await caller.call("POST", f"{url}/rules", headers=TOKEN, body=body, seconds=5)
        async with caller.hold(url, headers=TOKEN, seconds=5, silence=0.1) as held:
            with pytest.raises(TransientError) as caught:
                async for _ in held.chunks():
                    pass
        assert caught.value.cause == "stalled"

    played(play)


def test_a_refusal_to_hold_is_told_with_its_reason():
    async def play(caller, server, fake, clock):
        del fake, clock
        url = f"{server.base_url}/2/tweets/search/stream"
        async with caller.hold(url, headers=TOKEN, seconds=5, silence=5) as held:
            assert held.status == 409
            assert b"RuleConfigurationIssue" in held.body

    played(play)


def test_nobody_there_is_an_error_of_ours():
    async def play(caller, server, fake, clock):
        del server, fake, clock
        nowhere = "http://127.0.0.1:9/x"
        with pytest.raises(TransientError):
            await caller.call("GET", nowhere, headers=(), body=None, seconds=5)
        with pytest.raises(TransientError):
            async with caller.hold(nowhere, headers=(), seconds=5, silence=5):
                pass

    played(play)


def test_private_addresses_stay_out_of_reach():
    async def play(caller, server, fake, clock):
        del fake, clock
        with pytest.raises(RefusedError, match="not a public address"):
            await caller.call("GET", server.base_url, headers=(), body=None, seconds=5)
        with pytest.raises(RefusedError, match="not a public address"):
            async with caller.hold(server.base_url, headers=(), seconds=5, silence=5):
                pass

    played(play, settings=FetchSettings())
