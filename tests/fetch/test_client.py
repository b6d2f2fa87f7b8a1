# ruff: noqa: ARG001 - scripts and scenes have one shape each
"""The way of a request from the call to the answer."""

import asyncio
import gzip
import ssl
from email.utils import formatdate

import pytest
import trustme

from tgewatch.clock import SystemClock
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.model import Validators
from tgewatch.ports import Request
from tgewatch.settings import HostPolicy, Pool
from tgewatch.testing import ManualClock
from tgewatch.testing.loopback import LoopbackServer, reply

FEED = b"<rss>hello</rss>"
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def says(*answers):
    """A script that gives one answer after the other, and the last one for ever."""
    left = list(answers)

    async def script(asked, line):
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer is None:
            line.reset()
        return answer

    return script


def failing(error, cause, *, retry_after=None, requests=None, **request):
    async def scene(server, client, transport):
        with pytest.raises(error) as caught:
            await client.fetch(Request(server.url("/feed"), **request))
        assert caught.value.cause == cause
        assert client.metrics()["default"].errors[cause]
        if retry_after is not None:
            assert caught.value.retry_after == pytest.approx(retry_after, abs=0.5)
        if requests is not None:
            assert len(server.asked) == requests

    return scene


def test_brings_a_body_with_what_to_remember_of_it(against):
    async def scene(server, client, transport):
        response = await client.fetch(Request(server.url("/feed")))
        assert (response.status, response.body, response.not_modified) == (200, FEED, False)
        assert response.url == server.url("/feed")
        assert response.validators == Validators('"1"', DATE)
        assert response.fresh_for == pytest.approx(50, abs=3)
        assert response.bytes_read == len(gzip.compress(FEED))
        assert (response.attempts, response.reused, response.moved_to) == (1, False, "")
        assert 0 < response.elapsed < 5

    packed = reply(
        200,
        gzip.compress(FEED),
        ETag='"1"',
        Last_Modified=DATE,
        Content_Encoding="gzip",
        Cache_Control="max-age=60",
        Age="10",
    )
    against(says(packed), scene)


def test_a_304_to_our_validators_is_an_answer_with_the_newest_of_them(against):
    async def scene(server, client, transport):
        known = Validators('"old"', DATE)
        response = await client.fetch(Request(server.url(), validators=known))
        assert server.asked[0].headers["if-none-match"] == '"old"'
        assert server.asked[0].headers["if-modified-since"] == DATE
        assert response.not_modified
        assert response.body == b""
        assert response.validators == Validators('"new"', DATE)

    against(says(reply(304, ETag='"new"')), scene)


def test_the_new_tag_of_a_200_replaces_the_old_one(against):
    async def scene(server, client, transport):
        known = Validators('"old"', DATE)
        response = await client.fetch(Request(server.url(), validators=known))
        assert response.validators == Validators('"new"', "")

    against(says(reply(200, FEED, ETag='"new"')), scene)


def test_a_304_that_nobody_asked_for_is_no_news_about_nothing(against):
    against(says(reply(304)), failing(MalformedError, "unexpected_304", requests=1))


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_answer_is_no_answer(against, status):
    against(says(reply(status)), failing(MalformedError, "empty_body"))


@pytest.mark.parametrize(
    ("status", "cause"),
    [(400, "http_400"), (401, "http_401"), (404, "http_404"), (410, "gone"), (451, "http_451")],
)
def test_a_no_is_not_asked_again(against, status, cause):
    against(says(reply(status)), failing(RefusedError, cause, requests=1))


@pytest.mark.parametrize("status", [206, 100 + 99, 600, 999])
def test_a_status_that_means_nothing_here_is_malformed(against, status):
    async def script(asked, line):
        return b"HTTP/1.1 %d Odd\r\nContent-Length: 1\r\n\r\nx" % status

    async def scene(server, client, transport):
        with pytest.raises((MalformedError, TransientError)):
            await client.fetch(Request(server.url(), deadline=0.3))

    against(script, scene)


def test_a_server_error_is_tried_again_with_growing_waits(against):
    clock = ManualClock()

    async def scene(server, client, transport):
        response = await client.fetch(Request(server.url()))
        assert (response.attempts, len(server.asked)) == (3, 3)
        assert client.metrics()["default"].retries == 2
        first, second = clock.slept
        assert 0.25 <= first <= 0.5 <= second <= 1.0

    against(says(reply(500), reply(503), reply(200, FEED)), scene, clock=clock)


def test_after_the_last_attempt_the_error_is_the_callers(against):
    scene = failing(TransientError, "http_502", requests=3)

    against(says(reply(502)), scene, clock=ManualClock())


def test_a_dropped_connection_is_tried_again(against):
    async def scene(server, client, transport):
        assert (await client.fetch(Request(server.url()))).attempts == 2

    against(says(None, reply(200, FEED)), scene, clock=ManualClock())


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_retry_after_is_waited_for(against, status):
    clock = ManualClock()

    async def scene(server, client, transport):
        assert (await client.fetch(Request(server.url()))).attempts == 2
        assert clock.slept == [3.0]

    against(says(reply(status, Retry_After="3"), reply(200, FEED)), scene, clock=clock)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_retry_after_goes_back_to_the_caller_and_holds_later_calls_back(
    against, status, form
):
    clock = ManualClock()
    until = formatdate(clock.now() + 900, usegmt=True)
    value = "901" if form == "seconds" else until

    async def scene(server, client, transport):
        await failing(TransientError, f"http_{status}", retry_after=901, requests=1)(
            server, client, transport
        )
        clock.advance(900.5)
        assert client.waiting(server.url("/feed")) == pytest.approx(0.5)
        await failing(TransientError, "throttled", retry_after=0.5, requests=1, deadline=0.2)(
            server, client, transport
        )
        assert client.metrics()["default"].throttled == 1
        clock.advance(0.5)
        assert (await client.fetch(Request(server.url("/feed")))).status == 200

    against(says(reply(status, Retry_After=value), reply(200, FEED)), scene, clock=clock)


def test_a_429_without_a_time_is_left_to_the_schedule(against):
    against(says(reply(429)), failing(TransientError, "http_429", requests=1))


def test_a_403_means_slow_down_only_where_the_policy_says_so(against):
    policy = HostPolicy(host="127.0.0.1", throttle_statuses=(403, 429))

    against(says(reply(403)), failing(RefusedError, "http_403"))
    against(says(reply(403)), failing(TransientError, "http_403", requests=1), hosts=(policy,))


@pytest.mark.parametrize(("scope", "expected"), [("url", 200), ("host", None)])
def test_a_wait_stops_one_url_or_the_whole_host_as_the_policy_says(against, scope, expected):
    async def script(asked, line):
        return reply(429, Retry_After="600") if asked.path == "/feed" else reply(200, FEED)

    async def scene(server, client, transport):
        await failing(TransientError, "http_429")(server, client, transport)
        if expected:
            assert (await client.fetch(Request(server.url("/other")))).status == expected
        else:
            with pytest.raises(TransientError) as caught:
                await client.fetch(Request(server.url("/other")))
            assert caught.value.cause == "throttled"

    policy = HostPolicy(host="127.0.0.1", retry_after_scope=scope)
    against(script, scene, hosts=(policy,))


@pytest.mark.parametrize(("status", "feed"), [(503, True), (429, False)])
def test_what_an_article_is_told_holds_for_articles_and_too_many_for_the_feed_as_well(
    against, status, feed
):
    async def script(asked, line):
        return reply(status, Retry_After="600") if asked.path == "/1" else reply(200, FEED)

    async def scene(server, client, transport):
        for path, cause in (("/1", f"http_{status}"), ("/2", "throttled")):
            with pytest.raises(TransientError) as caught:
                await client.fetch(Request(server.url(path), pool="article"))
            assert caught.value.cause == cause
        if feed:
            assert (await client.fetch(Request(server.url("/feed"), pool="rss"))).status == 200
        else:
            with pytest.raises(TransientError) as caught:
                await client.fetch(Request(server.url("/feed"), pool="rss"))
            assert caught.value.cause == "throttled"
        assert [a.path for a in server.asked] == (["/1", "/feed"] if feed else ["/1"])

    against(script, scene)


def test_what_still_runs_can_be_handed_to_the_next_program(against):
    async def scene(server, client, transport):
        name = f"url {server.url('/feed')}"
        client.resume({name: SystemClock().now() + 600})
        with pytest.raises(TransientError) as caught:
            await client.fetch(Request(server.url("/feed")))
        assert caught.value.cause == "throttled"
        assert 590 < caught.value.retry_after <= 600
        assert list(client.pauses()) == [name]

    against(says(reply(200, FEED)), scene)


def test_who_stands_in_the_queue_hears_it_when_the_host_wants_to_be_left_alone(against):
    clock = ManualClock(0.0)

    async def scene(server, client, transport):
        calls = [client.fetch(Request(server.url(f"/{n}"))) for n in range(5)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert sorted(e.cause for e in errors) == ["http_429", *["throttled"] * 4]
        assert len(server.asked) == 1
        assert client.metrics()["default"].errors == {"http_429": 1, "throttled": 4}

    policy = HostPolicy(host="127.0.0.1", retry_after_scope="host")
    slow = reply(429, Retry_After="600")
    against(says(slow), scene, clock=clock, hosts=(policy,), default=Pool(per_host=1))


def test_a_wait_that_outlasts_the_deadline_is_not_begun(against):
    clock = ManualClock()
    scene = failing(TransientError, "http_503", retry_after=4, requests=1, deadline=3.0)

    against(says(reply(503, Retry_After="4")), scene, clock=clock)
    assert clock.slept == []


def test_requests_to_one_host_are_spaced_but_not_those_to_others(against):
    clock = ManualClock(0.0)

    async def scene(server, client, transport):
        for path in ("/1", "/2", "/3"):
            await client.fetch(Request(server.url(path)))
        assert clock.slept == [1.0, 1.0]
        with pytest.raises(TransientError) as caught:  # nobody listens there
            await client.fetch(Request("http://127.0.0.2:9/", pool="rss"))
        assert caught.value.cause == "refused"
        assert clock.slept == [1.0, 1.0]

    once = Pool(attempts=1)
    against(says(reply(200, FEED)), scene, clock=clock, spacing=1.0, burst=1, rss=once)


def test_identical_requests_at_one_time_are_sent_once(against):
    async def script(asked, line):
        await SystemClock().sleep(0.05)
        return reply(200, FEED)

    async def scene(server, client, transport):
        same = [client.fetch(Request(server.url("/a"))) for _ in range(20)]
        other = client.fetch(Request(server.url("/a"), validators=Validators('"1"')))
        answers = await asyncio.gather(*same, other)
        assert len(server.asked) == 2
        assert all(answer is answers[0] for answer in answers[:20])
        assert client.metrics()["default"].joined == 19
        await client.fetch(Request(server.url("/a")))
        assert len(server.asked) == 3

    against(script, scene)


def test_errors_are_shared_as_well(against):
    async def scene(server, client, transport):
        calls = [client.fetch(Request(server.url("/a"))) for _ in range(5)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in errors} == {RefusedError}
        assert len(server.asked) == 1

    against(says(reply(404)), scene)


def test_one_that_leaves_does_not_take_the_answer_from_the_others(against):
    async def script(asked, line):
        await SystemClock().sleep(0.1)
        return reply(200, FEED)

    async def scene(server, client, transport):
        calls = [asyncio.ensure_future(client.fetch(Request(server.url()))) for _ in range(3)]
        while not server.asked:
            await SystemClock().sleep(0.001)
        calls[0].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert [a.status for a in answers[1:]] == [200, 200]
        assert len(server.asked) == 1

    against(script, scene)


def test_when_all_have_left_nothing_goes_on(against):
    async def script(asked, line):
        await SystemClock().sleep(9)

    async def scene(server, client, transport):
        call = asyncio.ensure_future(client.fetch(Request(server.url())))
        while not server.asked:
            await SystemClock().sleep(0.001)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert client.metrics()["default"].active == 0
        assert "0 active, 0 connections" in repr(transport)

    against(script, scene)


def test_follows_redirects_and_reports_a_permanent_move(against):
    async def script(asked, line):
        moves = {"/feed": (301, "/b"), "/b": (308, "/c"), "/x": (302, "/c")}
        if asked.path in moves:
            status, target = moves[asked.path]
            return reply(status, b"moved", Location=target)
        return reply(200, FEED)

    async def scene(server, client, transport):
        moved = await client.fetch(Request(server.url("/feed")))
        assert moved.url == moved.moved_to == server.url("/c")
        assert moved.reused
        elsewhere = await client.fetch(Request(server.url("/x")))
        assert (elsewhere.url, elsewhere.moved_to) == (server.url("/c"), "")

    clock = ManualClock(0.0)
    against(script, scene, clock=clock, spacing=1.0, burst=1)
    assert clock.slept == [1.0]  # two visits: redirects within a host are part of one


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ("/feed", "redirect_loop"),
        ("http://169.254.169.254/latest/meta-data/", "blocked_address"),
        ("http://[::ffff:10.0.0.1]/", "blocked_address"),
        ("http://100.64.0.1/", "blocked_address"),
        ("http://[::1]/", "blocked_address"),
        ("http://0.0.0.0/", "blocked_address"),
        ("http://user@example.com/", "bad_url"),
        ("http://internal\\@example.com/", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://127.0.0.1/", "bad_url"),
        ("http://127.0.0.1:99999/", "bad_url"),
    ],
)
def test_a_redirect_leads_nowhere_that_a_source_could_not_lead(against, location, cause):
    async def script(asked, line):
        return reply(302, Location=location)

    against(script, failing(RefusedError, cause, requests=1), spacing=0.0)


@pytest.mark.parametrize(
    "host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"]
)
def test_an_address_in_another_spelling_is_still_that_address(against, host):
    async def scene(server, client, transport):
        with pytest.raises(RefusedError) as caught:
            await client.fetch(Request(server.url()))
        assert caught.value.cause in {"blocked_address", "bad_url"}

    against(says(reply(302, Location=f"http://{host}/")), scene)


def test_more_redirects_than_allowed_are_not_followed(against):
    async def script(asked, line):
        return reply(302, Location=f"{asked.path}x")

    against(script, failing(RefusedError, "too_many_redirects", requests=6))
    against(script, failing(RefusedError, "too_many_redirects", requests=1), max_redirects=0)


def test_a_redirect_without_a_target_makes_no_sense(against):
    against(says(reply(302)), failing(MalformedError, "bad_redirect"))


def test_secrets_stay_with_the_origin_they_were_given_for(against):
    secrets = (("Authorization", "Bearer x"), ("Cookie", "a=1"), ("X-Api-Key", "k"))
    known = Validators('"1"', "")
    elsewhere = ""

    async def script(asked, line):
        if asked.path == "/far":
            return reply(302, Location=elsewhere)
        return reply(302, Location="/here") if asked.path == "/near" else reply(200, FEED)

    async def back(asked, line):
        return reply(302, Location=home)

    home = ""

    async def scene(server, client, transport):
        nonlocal elsewhere, home
        home = server.url("/home")
        async with LoopbackServer(back) as other:
            elsewhere = other.url("/taken")
            await client.fetch(Request(server.url("/far"), headers=secrets, validators=known))
            abroad = other.asked[0].headers
        returned = server.asked[-1]
        assert abroad["if-none-match"] == '"1"'
        for headers in (abroad, returned.headers):
            assert not {"authorization", "cookie", "x-api-key"} & set(headers)
        await client.fetch(Request(server.url("/near"), headers=secrets))
        assert server.asked[-1].path == "/here"
        assert server.asked[-1].headers["authorization"] == "Bearer x"

    against(script, scene)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Evil", "a\r\nHost: b"),
        ("X Evil", "a"),
        ("", "a"),
        ("X", "a\0"),
        ("Host", "internal"),
        ("Transfer-Encoding", "chunked"),
        ("If-None-Match", '"1"'),
        ("Range", "bytes=0-1"),
    ],
)
def test_headers_that_would_change_the_request_are_refused_unsent(against, name, value):
    scene = failing(RefusedError, "bad_header", requests=0, headers=((name, value),))

    against(says(reply(200, FEED)), scene)


def test_a_source_may_name_its_own_agent_and_type(against):
    async def scene(server, client, transport):
        headers = (("user-agent", "Special/1"), ("ACCEPT", "text/x"))
        await client.fetch(Request(server.url(), headers=headers, pool="rss"))
        await client.fetch(Request(server.url(), pool="rss"))
        assert server.asked[0].headers["user-agent"] == "Special/1"
        assert server.asked[0].headers["accept"] == "text/x"
        assert "rss+xml" in server.asked[1].headers["accept"]

    against(says(reply(200, FEED)), scene)


@pytest.mark.parametrize("url", ["", "ftp://a/", "http://u:p@127.0.0.1/", "http://a\\b/"])
def test_an_address_that_cannot_be_asked_is_refused_unsent(against, url):
    async def scene(server, client, transport):
        with pytest.raises(RefusedError) as caught:
            await client.fetch(Request(url))
        assert caught.value.cause == "bad_url"
        assert client.metrics()["default"].errors == {"bad_url": 1}

    against(says(reply(200, FEED)), scene)


def test_a_pool_that_does_not_exist_is_a_mistake_of_the_program(against):
    async def scene(server, client, transport):
        with pytest.raises(ValueError, match="no pool"):
            await client.fetch(Request(server.url(), pool="swimming"))

    against(says(reply(200, FEED)), scene)


def test_messages_and_logs_show_no_secret(against, caplog):
    async def scene(server, client, transport):
        caplog.set_level("DEBUG", "tgewatch")
        with pytest.raises(TransientError) as caught:
            await client.fetch(Request(server.url("/feed?api_key=hunter2")))
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in " ".join(str(vars(record)) for record in caplog.records)
        assert caplog.records

    against(says(reply(500)), scene, clock=ManualClock())


def test_a_step_down_from_https_is_counted_told_and_not_adopted(against, caplog):
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(secure)
    plain = ""

    async def script(asked, line):
        return reply(301, Location=plain)

    async def scene(server, client, transport):
        nonlocal plain
        async with LoopbackServer(says(reply(200, FEED))) as other:
            plain = other.url("/plain")
            response = await client.fetch(Request(server.url()))
        assert (response.url, response.moved_to) == (plain, "")
        assert client.metrics()["default"].downgrades == 1
        assert [record.message for record in caplog.records] == ["redirect from https to http"]

    against(script, scene, server_tls=secure, tls=trusting)


def test_closing_ends_what_is_under_way(against):
    async def script(asked, line):
        await SystemClock().sleep(9)

    async def scene(server, client, transport):
        call = asyncio.ensure_future(client.fetch(Request(server.url())))
        while not server.asked:
            await SystemClock().sleep(0.001)
        await client.__aexit__()
        (result,) = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(result, asyncio.CancelledError)

    against(script, scene)
