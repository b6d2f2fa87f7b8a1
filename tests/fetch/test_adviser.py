"""The endpoint of the second opinion, over a real socket."""

import asyncio

import pytest

from tgewatch.clock import SystemClock
from tgewatch.detect.advice import question_of
from tgewatch.errors import MalformedError, RefusedError, TgewatchError, TransientError
from tgewatch.fetch.adviser import HttpAdviser
from tgewatch.fetch.caller import HttpCaller
from tgewatch.fetch.transport import Transport
from tgewatch.model import Item, Kind
from tgewatch.settings import FetchSettings
from tgewatch.settings.second_opinion import SecondOpinionSettings
from tgewatch.testing.opinion_server import OpinionServer

KEY = "sk-not-a-real-key"
QUESTION = question_of(
    Item(source="s", key="k", url="u", title="Merida hints", summary="Soon."), "", model="m"
)


def asked(server, *, style="openai", private=True, times=1, deadline=5.0):
    """Return what the adviser makes of each answer: advice, or the error."""

    async def play():
        found = []
        async with server:
            settings = SecondOpinionSettings(
                url=server.url(style), style=style, model="m", key=KEY, deadline=deadline
            )
            fetch = FetchSettings(allow_private=private)
            async with Transport(fetch, clock=SystemClock()) as transport:
                adviser = HttpAdviser(HttpCaller(transport, pool="default"), settings)
                for _ in range(times):
                    try:
                        found.append(await adviser.ask(QUESTION))
                    except TgewatchError as error:
                        found.append(error)
        return found

    return asyncio.run(play())


@pytest.mark.parametrize("style", ["openai", "anthropic"])
def test_the_endpoint_gets_the_text_and_the_key_in_the_way_of_its_style(style):
    server = OpinionServer(kind="live")

    (advice,) = asked(server, style=style)

    assert (advice.relevant, advice.kind, advice.tokens_in) == (True, Kind.LIVE, 500)
    (one,) = server.asked
    assert one.text["title"] == "Merida hints"
    assert one.content["model"] == "m"
    if style == "anthropic":
        assert one.headers["x-api-key"] == KEY
        assert one.headers["anthropic-version"]
        assert "authorization" not in one.headers
    else:
        assert one.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("server", "error", "cause"),
    [
        (OpinionServer().refuses(429, retry_after="7"), TransientError, "http_429"),
        (OpinionServer().refuses(529), TransientError, "http_529"),
        (OpinionServer().refuses(401), RefusedError, "http_401"),
        (OpinionServer().refuses(404), RefusedError, "http_404"),
        (OpinionServer().refuses(302, location="http://127.0.0.1/"), RefusedError, "http_302"),
        (OpinionServer().sends(b"<html>"), MalformedError, "opinion_not_json"),
        (OpinionServer().sends(b"[" * 70_000), MalformedError, "opinion_too_large"),
        (OpinionServer().sends(b" " * 6_000_000), RefusedError, "too_large"),
        (OpinionServer().writes("Yes, certainly!"), MalformedError, "opinion_prose"),
        (OpinionServer().says(kind="moon"), MalformedError, "opinion_shape"),
        (OpinionServer().says(score=99), MalformedError, "opinion_shape"),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_says_which(server, error, cause):
    found, after = asked(server, times=2)

    assert type(found) is error
    assert found.cause == cause
    assert KEY not in f"{found!r}{found}"
    assert after.relevant  # the next question is answered as ever


def test_a_wait_that_the_endpoint_names_is_passed_on():
    (found,) = asked(OpinionServer().refuses(429, retry_after="7"))

    assert found.retry_after == 7.0


def test_an_endpoint_that_says_nothing_is_given_up_at_the_deadline():
    (found,) = asked(OpinionServer().hangs(), deadline=1.0)

    assert isinstance(found, TransientError)
    assert found.cause == "timeout"


def test_the_guard_holds_for_the_endpoint_too():
    server = OpinionServer()
    (found,) = asked(server, private=False)

    assert isinstance(found, RefusedError)
    assert server.asked == []
