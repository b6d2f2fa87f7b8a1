"""One poll of a page."""

import asyncio

import pytest

from tgewatch.errors import MalformedError
from tgewatch.model import SourceState, Validators
from tgewatch.sources.page import PageReader
from tgewatch.testing.fetcher import ScriptedFetcher, answer
from tgewatch.testing.offload import InlineOffload

URL = "https://project.example/token"
TEXT = "The token will be launched in spring, as the foundation says on this page of its own. " * 3


def page(text=TEXT, extra=""):
    return (
        f"<html><head><title>Token</title></head><body><nav>Menu {extra}</nav>"
        f"<article><p>{text}</p><p>{text[::-1]}</p></article><script>{extra}</script></body></html>"
    ).encode()


def poll(given, state=None):
    fetcher = ScriptedFetcher([given])
    reader = PageReader(fetcher, offload=InlineOffload())
    reading = asyncio.run(reader.read(URL, state or SourceState(url=URL), ()))
    return reading, fetcher.requests[0]


def served(body, **more):
    return answer(body, url=URL, content_type="text/html", **more)


def test_the_first_version_is_one_item():
    reading, request = poll(served(page()))
    item = reading.items[0]

    assert len(reading.items) == 1
    assert (item.kind, item.title, item.url, item.source) == ("page", "Token", URL, URL)
    assert "launched in spring" in item.summary
    assert item.published is None
    assert request.pool == "default"


def test_another_text_is_another_item():
    first, _ = poll(served(page()))
    state = SourceState(url=URL, body_hash=first.body_hash)
    second, _ = poll(served(page(TEXT.replace("spring", "autumn"))), state)

    assert not second.unchanged
    assert first.items[0].key != second.items[0].key


def test_what_stands_around_the_text_is_no_news():
    first, _ = poll(served(page()))
    state = SourceState(url=URL, body_hash=first.body_hash)
    second, _ = poll(served(page(extra="visitor 17", text=TEXT)), state)

    assert second.unchanged
    assert second.items == ()


def test_a_304_is_no_news():
    state = SourceState(url=URL, validators=Validators(etag="x"), body_hash="h")
    reading, request = poll(served(b"", status=304), state)

    assert reading.unchanged
    assert reading.body_hash == "h"
    assert request.validators


@pytest.mark.parametrize(
    ("body", "cause"),
    [(b"<html><body><div id=root></div></body></html>", "no_text"), (b"\x00\x01", "not_html")],
)
def test_a_page_that_says_nothing_is_a_failure(body, cause):
    with pytest.raises(MalformedError) as caught:
        poll(served(body))

    assert caught.value.cause == cause
