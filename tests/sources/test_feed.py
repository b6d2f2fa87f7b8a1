"""One poll of a feed."""

import asyncio
import dataclasses

import pytest

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.model import NO_VALIDATORS, SourceState, Validators
from tgewatch.sources.feed import FeedReader
from tgewatch.testing import ManualClock
from tgewatch.testing.fetcher import ScriptedFetcher, answer
from tgewatch.testing.offload import InlineOffload

URL = "https://feed.example/rss"
ETAG = Validators(etag='"1"')
FEED = (
    b"<rss><channel><ttl>30</ttl><item><title>New</title><guid>2</guid></item>"
    b"<item><title>Old</title><guid>1</guid></item></channel></rss>"
)
BROKEN = FEED.replace(b"New", b"New & shiny")


class Poll:
    """A reader with one scripted answer, and what came of it."""

    def __init__(self, given, state=None, *, url=URL, headers=(), **options):
        self.fetcher = ScriptedFetcher([given])
        self.offload = InlineOffload()
        reader = FeedReader(
            self.fetcher, clock=ManualClock(1_709_632_800.0), offload=self.offload, **options
        )
        state = state or SourceState(url=URL)
        self.reading = asyncio.run(reader.read(url, state, headers))
        self.request = self.fetcher.requests[0]


def poll(given, state=None, **options):
    return Poll(given, state, **options)


def refusal(given, state=None):
    with pytest.raises(MalformedError) as caught:
        poll(given, state)
    return caught.value


def test_items_come_in_the_order_of_the_feed_with_all_that_the_answer_says():
    done = poll(answer(FEED, validators=ETAG, moved_to="https://new.example/", fresh_for=60.0))

    assert [item.title for item in done.reading.items] == ["New", "Old"]
    assert {item.source for item in done.reading.items} == {URL}
    assert done.reading.validators == ETAG
    assert done.reading.body_hash
    assert done.reading.hints == {"ttl": 1_800.0}
    assert (done.reading.moved_to, done.reading.fresh_for) == ("https://new.example/", 60.0)
    assert not done.reading.unchanged


@pytest.mark.parametrize("status", [200, 304])
def test_what_the_server_states_of_freshness_is_told_with_the_feeds_own_hints(status):
    told = dataclasses.replace(
        answer(FEED if status == 200 else b"", status=status, validators=ETAG),
        headers={"cache-control": "public, max-age=300"},
    )
    done = poll(told, SourceState(url=URL, validators=ETAG, body_hash="abc", baseline_at=1.0))

    assert done.reading.hints["max-age"] == 300.0


def test_a_request_is_conditional_and_a_304_is_no_news():
    state = SourceState(url=URL, validators=ETAG, body_hash="abc", baseline_at=1.0)
    done = poll(answer(status=304, validators=ETAG), state)

    assert done.request.validators == ETAG
    assert done.request.pool == "rss"
    assert done.reading.unchanged
    assert done.reading.items == ()
    assert (done.reading.validators, done.reading.body_hash) == (ETAG, "abc")


def test_the_same_bytes_again_are_no_news_but_their_new_validators_count():
    first = poll(answer(FEED))
    state = SourceState(url=URL, body_hash=first.reading.body_hash)
    again = poll(answer(FEED, validators=ETAG), state)

    assert again.reading.unchanged
    assert again.reading.validators == ETAG


def test_other_bytes_are_news():
    first = poll(answer(FEED))
    state = SourceState(url=URL, body_hash=first.reading.body_hash)

    assert not poll(answer(FEED + b" "), state).reading.unchanged


@pytest.mark.parametrize("cause", ["not_a_feed", "entity_bomb", "parse_timeout"])
def test_after_a_body_that_made_no_sense_the_whole_is_asked_for(cause):
    state = SourceState(url=URL, validators=ETAG, errors=1, error_cause=cause)

    assert poll(answer(FEED), state).request.validators == NO_VALIDATORS


def test_after_other_failures_a_request_stays_conditional():
    state = SourceState(url=URL, validators=ETAG, errors=3, error_cause="timeout")

    assert poll(answer(FEED), state).request.validators == ETAG


def test_an_unknown_or_silent_source_gets_less_time_than_one_that_answers():
    answered = SourceState(url=URL, answered_at=1.0, polls=1)
    silent = SourceState(url=URL, answered_at=1.0, errors=2, error_cause="stalled")

    assert poll(answer(FEED), answered, doubt=10.0).request.stalled is None
    assert poll(answer(FEED), silent, doubt=10.0).request.stalled == 5.0
    assert poll(answer(FEED), doubt=10.0).request.stalled == 10.0
    assert poll(answer(FEED)).request.stalled is None


def test_a_304_that_nobody_asked_for_is_no_answer():
    assert refusal(answer(status=304)).cause == "unasked_304"


@pytest.mark.parametrize("body", [b"", b"<html><title>Just a moment</title></html>", b"\x00\x01"])
def test_what_is_no_feed_is_a_failure_and_no_empty_reading(body):
    assert refusal(answer(body, validators=ETAG)).cause == "not_a_feed"


@pytest.mark.parametrize("error", [TransientError("later"), RefusedError("no")])
def test_what_the_fetcher_raises_is_passed_on(error):
    with pytest.raises(type(error)):
        poll(error)


def test_a_source_that_has_moved_is_asked_where_it_lives():
    state = SourceState(url=URL, location="https://new.example/rss")
    done = poll(answer(FEED, url="https://new.example/rss"), state)

    assert done.request.url == "https://new.example/rss"
    assert {item.source for item in done.reading.items} == {URL}


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("", (("Authorization", "x"),)),
        ("https://feed.example:443/other", (("Authorization", "x"),)),
        ("https://new.example/rss", ()),
        ("http://feed.example/rss", ()),
    ],
)
def test_headers_go_to_the_origin_they_were_given_for_only(location, sent):
    state = SourceState(url=URL, location=location)

    assert poll(answer(FEED), state, headers=[("Authorization", "x")]).request.headers == sent


def test_a_small_body_in_order_is_read_on_the_spot():
    assert poll(answer(FEED)).offload.names == []


@pytest.mark.parametrize(("body", "size"), [(BROKEN, 10_000), (FEED, 10)])
def test_a_large_or_broken_body_is_read_elsewhere(body, size):
    done = poll(answer(body), inline_bytes=size)

    assert done.offload.names == ["read_items"]
    assert len(done.reading.items) == 2


def test_dates_are_judged_by_the_readers_clock():
    body = FEED.replace(b"<guid>2", b"<pubDate>2031-01-01</pubDate><guid>2")
    reading = poll(answer(body)).reading

    assert reading.items[0].published is None
    assert reading.problems == ("1 entries dated in the future",)


def test_the_encoding_is_taken_from_the_header():
    body = "<rss><channel><item><title>Привет</title></item></channel></rss>".encode("cp1251")
    given = answer(body, content_type="text/xml; charset=windows-1251")

    assert poll(given).reading.items[0].title == "Привет"


def test_relative_links_belong_to_the_address_that_answered():
    body = FEED.replace(b"<guid>2", b"<link>/2</link><guid>2")
    given = dataclasses.replace(answer(body), url="https://cdn.example/feed/rss")

    assert poll(given).reading.items[0].url == "https://cdn.example/2"
