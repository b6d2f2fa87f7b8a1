"""What the readers of open networks have in common, and where each of them asks."""

import asyncio
import json
from dataclasses import replace

import pytest

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.transport import Answer
from tgewatch.model import SourceState, Validators
from tgewatch.settings import OpenSourceSettings
from tgewatch.settings.open_sources import KINDS
from tgewatch.settings.watchlist import SourceEntry
from tgewatch.sources.bluesky import BlueskyReader
from tgewatch.sources.discourse import DiscourseReader
from tgewatch.sources.farcaster import FarcasterReader
from tgewatch.sources.github import GithubReader
from tgewatch.sources.mastodon import MastodonReader
from tgewatch.sources.networks import network_readers
from tgewatch.sources.snapshot import SnapshotReader
from tgewatch.sources.telegram import TelegramReader
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.fetcher import ScriptedFetcher, answer
from tgewatch.testing.offload import InlineOffload

OFFLOAD = InlineOffload()
ETAG = Validators(etag='"1"')


def said(document, **more):
    return answer(json.dumps(document).encode(), content_type="application/json", **more)


def poll(make, url, answers, *, state=None, headers=(), times=1):
    """Return the last reading, and what was asked."""
    fetcher = ScriptedFetcher(answers)
    reader = make(fetcher)
    state = state or SourceState(url=url)

    async def run():
        reading = None
        for _ in range(times):
            reading = await reader.read(url, state, headers)
        return reading

    return asyncio.run(run()), fetcher.requests


def bluesky(fetcher):
    return BlueskyReader(fetcher, offload=OFFLOAD, base="https://api.example")


def github(fetcher):
    return GithubReader(fetcher, offload=OFFLOAD, base="https://api.example")


def telegram(fetcher):
    return TelegramReader(fetcher, offload=OFFLOAD, base="https://t.example")


def mastodon(fetcher):
    return MastodonReader(fetcher, offload=OFFLOAD)


def discourse(fetcher):
    return DiscourseReader(fetcher, offload=OFFLOAD)


def farcaster(fetcher):
    return FarcasterReader(fetcher, offload=OFFLOAD, hub="https://hub.example")


BLUESKY = "https://bsky.app/profile/jane.example"
FEED = {
    "feed": [
        {
            "post": {
                "uri": "at://did:plc:a/app.bsky.feed.post/3k",
                "author": {"handle": "jane.example"},
                "record": {"text": "TGE", "createdAt": "2026-05-01T10:00:00Z"},
                "likeCount": 1,
            }
        }
    ]
}


class TestEachPoll:
    def test_asks_the_interface_conditionally_with_the_headers_of_the_source(self):
        state = SourceState(url=BLUESKY, validators=ETAG)
        reading, (request,) = poll(
            bluesky, BLUESKY, [said(FEED)], state=state, headers=(("X-Key", "1"),)
        )
        assert request.url == (
            "https://api.example/xrpc/app.bsky.feed.getAuthorFeed"
            "?actor=jane.example&limit=50&filter=posts_and_author_threads"
        )
        assert (request.validators, request.headers) == (ETAG, (("X-Key", "1"),))
        assert [item.title for item in reading.items] == ["TGE"]
        assert not reading.unchanged

    def test_of_something_not_modified_is_unchanged(self):
        state = SourceState(url=BLUESKY, validators=ETAG, body_hash="abc")
        reading, _ = poll(bluesky, BLUESKY, [said({}, status=304)], state=state)
        assert reading.unchanged
        assert reading.body_hash == "abc"

    def test_that_nobody_made_conditional_cannot_be_not_modified(self):
        with pytest.raises(MalformedError) as caught:
            poll(bluesky, BLUESKY, [said({}, status=304)])
        assert caught.value.cause == "unasked_304"

    def test_asks_for_everything_after_an_answer_that_made_no_sense(self):
        state = SourceState(url=BLUESKY, validators=ETAG, error_cause="malformed")
        _, (request,) = poll(bluesky, BLUESKY, [said(FEED)], state=state)
        assert not request.validators

    def test_finds_no_news_in_other_numbers_of_likes(self):
        first, _ = poll(bluesky, BLUESKY, [said(FEED)])
        liked = json.loads(json.dumps(FEED).replace('"likeCount": 1', '"likeCount": 2'))
        state = SourceState(url=BLUESKY, body_hash=first.body_hash)
        second, _ = poll(bluesky, BLUESKY, [said(liked)], state=state)
        assert (second.unchanged, second.items) == (True, ())

    def test_finds_news_in_another_text(self):
        first, _ = poll(bluesky, BLUESKY, [said(FEED)])
        edited = json.loads(json.dumps(FEED).replace("TGE", "TGE in May"))
        state = SourceState(url=BLUESKY, body_hash=first.body_hash)
        second, _ = poll(bluesky, BLUESKY, [said(edited)], state=state)
        assert not second.unchanged
        assert second.items[0].key == first.items[0].key

    def test_does_not_move_the_source_when_its_interface_moves(self):
        moved = said(FEED, moved_to="https://elsewhere.example/")
        reading, _ = poll(bluesky, BLUESKY, [moved])
        assert reading.moved_to == ""

    def test_reads_a_large_answer_off_the_loop(self):
        offload = InlineOffload()
        large = {**FEED, "cursor": "x" * 200_000}
        poll(
            lambda f: BlueskyReader(f, offload=offload, base="https://a.example"),
            BLUESKY,
            [said(large)],
        )
        assert offload.names == ["read_bluesky"]


class TestGithub:
    url = "https://github.com/example/chain/releases"

    def test_asks_rarely_without_a_token(self):
        reading, (request,) = poll(github, self.url, [said([], fresh_for=60.0)])
        assert request.url == "https://api.example/repos/example/chain/releases?per_page=20"
        assert dict(request.headers)["Accept"] == "application/vnd.github+json"
        assert reading.fresh_for == 600.0

    def test_asks_as_often_as_it_is_told_to_with_one(self):
        token = (("Authorization", "Bearer x"),)
        reading, (request,) = poll(github, self.url, [said([], fresh_for=60.0)], headers=token)
        assert token[0] in request.headers
        assert reading.fresh_for == 60.0

    def test_comes_back_when_it_asked_too_often(self):
        with pytest.raises(TransientError) as caught:
            poll(github, self.url, [RefusedError("403", cause="http_403")])
        assert caught.value.retry_after == 1_800.0

    def test_does_not_when_there_is_no_such_repository(self):
        with pytest.raises(RefusedError):
            poll(github, self.url, [RefusedError("404", cause="http_404")])


class TestMastodon:
    url = "https://social.example/@jane"

    def test_looks_an_account_up_once(self):
        answers = [said({"id": "12"}), said([]), said([])]
        _, asked = poll(mastodon, self.url, answers, times=2)
        server = "https://social.example/api/v1/accounts"
        statuses = f"{server}/12/statuses?limit=40&exclude_replies=true&exclude_reblogs=true"
        assert [one.url for one in asked] == [f"{server}/lookup?acct=jane", statuses, statuses]

    def test_looks_it_up_again_when_it_is_gone(self):
        fetcher = ScriptedFetcher(
            [said({"id": "12"}), RefusedError("410", cause="gone"), said({"id": "13"}), said([])]
        )
        reader, state = mastodon(fetcher), SourceState(url=self.url)

        async def run():
            with pytest.raises(RefusedError):
                await reader.read(self.url, state, ())
            await reader.read(self.url, state, ())

        asyncio.run(run())
        assert "/13/statuses" in fetcher.requests[-1].url


class TestFarcaster:
    url = "https://farcaster.xyz/jane.eth"

    def test_looks_a_name_up_once_and_a_number_never(self):
        answers = [said({"fid": 12}), said({"messages": []}), said({"messages": []})]
        _, asked = poll(farcaster, self.url, answers, times=2)
        casts = "https://hub.example/v1/castsByFid?fid=12&pageSize=50&reverse=true"
        names = "https://hub.example/v1/userNameProofByName?name=jane.eth"
        assert [one.url for one in asked] == [names, casts, casts]
        number = "https://farcaster.xyz/~/profiles/12"
        _, asked = poll(farcaster, number, [said({"messages": []})])
        assert [one.url for one in asked] == [casts]

    def test_says_what_is_missing_without_a_node(self):
        with pytest.raises(RefusedError, match="farcaster_hub"):
            poll(lambda f: FarcasterReader(f, offload=OFFLOAD, hub=""), self.url, [])


def messages(*numbers):
    rows = "".join(
        f'<div data-post="example/{n}"><div class="tgme_widget_message_text">post {n}</div>'
        '<a class="tgme_widget_message_date">'
        f'<time datetime="2026-05-01T10:{n:02d}:00+00:00"></time></a></div>'
        for n in numbers
    )
    return answer(f'<section class="tgme_channel_history">{rows}</section>'.encode())


class TestTelegram:
    url = "https://t.me/example"
    at_ten = 1_777_629_600.0

    def test_first_sight_is_one_page_and_a_minute_passes_between_two(self):
        reading, (request,) = poll(telegram, self.url, [messages(40, 41)])
        assert request.url == "https://t.example/s/example"
        assert [item.title for item in reading.items] == ["post 41", "post 40"]
        assert reading.fresh_for == 60.0

    def test_a_gap_is_closed_page_by_page(self):
        state = SourceState(url=self.url, newest_at=self.at_ten + 38 * 60)
        pages = [messages(40, 41), messages(38, 39)]
        reading, asked = poll(telegram, self.url, pages, state=state)
        assert asked[1].url == "https://t.example/s/example?before=40"
        assert len(reading.items) == 4

    def test_but_not_without_end(self):
        state = SourceState(url=self.url, newest_at=self.at_ten)
        pages = [messages(40), messages(39), messages(38), messages(37)]
        reading, asked = poll(telegram, self.url, pages, state=state)
        assert (len(asked), len(reading.items)) == (3, 3)

    def test_without_a_gap_one_page_will_do(self):
        state = SourceState(url=self.url, newest_at=self.at_ten + 40 * 60)
        _, asked = poll(telegram, self.url, [messages(40, 41)], state=state)
        assert len(asked) == 1


class TestDiscourse:
    def page(self, *numbers):
        return said(
            {
                "latest_posts": [
                    {
                        "id": n,
                        "created_at": f"2026-05-01T10:{n:02d}:00Z",
                        "topic_id": n,
                        "topic_title": f"topic {n}",
                        "post_number": 1,
                        "post_type": 1,
                        "category_id": n % 2,
                    }
                    for n in numbers
                ]
            }
        )

    def test_a_category_and_a_folder_are_part_of_the_address(self):
        url = "https://example.org/forum"
        _, (request,) = poll(discourse, url, [self.page(5)])
        assert request.url == "https://example.org/forum/posts.json"
        reading, (request,) = poll(discourse, "https://f.example/c/a/1", [self.page(5, 6)])
        assert request.url == "https://f.example/posts.json"
        assert [item.title for item in reading.items] == ["topic 5"]

    def test_a_gap_is_closed_page_by_page_even_when_none_of_it_counts(self):
        url = "https://f.example/c/a/1"
        state = SourceState(url=url, newest_at=1_777_629_600.0 + 36 * 60)
        pages = [self.page(40), self.page(38), self.page(35)]
        reading, asked = poll(discourse, url, pages, state=state)
        assert [one.url for one in asked[1:]] == [
            "https://f.example/posts.json?before=39",
            "https://f.example/posts.json?before=37",
        ]
        assert [item.title for item in reading.items] == ["topic 35"]


class Hub:
    """A Caller with answers that a test has written down."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []

    async def call(self, method, url, *, headers, body, seconds):
        self.asked.append((method, url, dict(headers), json.loads(body), seconds))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def hub_answer(document, status=200, **headers):
    body = json.dumps(document).encode()
    return Answer(
        "https://hub.example", status, headers, body, len(body), 0.0, 0.0, 0.1, reused=False
    )


PROPOSALS = {
    "data": {"proposals": [{"id": "0x1", "title": "Token launch", "created": 1_777_629_600}]}
}


class TestSnapshot:
    url = "https://snapshot.org/#/example.eth"

    def read(self, hub, *, times=1, clock=None):
        clock = clock or ManualClock()
        reader = SnapshotReader(hub, clock=clock, offload=OFFLOAD, base="https://hub.example")

        async def run():
            return [
                await reader.read(self.url, SourceState(url=self.url), ()) for _ in range(times)
            ]

        return asyncio.run(run())

    def test_asks_the_hub_for_the_space(self):
        hub = Hub(hub_answer(PROPOSALS))
        (reading,) = self.read(hub)
        ((method, url, headers, body, _),) = hub.asked
        assert (method, url) == ("POST", "https://hub.example/graphql")
        assert headers == {"Content-Type": "application/json"}
        assert body["variables"]["space"] == "example.eth"
        assert [item.title for item in reading.items] == ["Token launch"]
        assert reading.fresh_for == 60.0

    def test_spaces_take_turns(self):
        clock = ManualClock()
        self.read(Hub(hub_answer(PROPOSALS)), times=3, clock=clock)
        assert clock.slept == [1.0, 1.0]

    def test_who_would_wait_too_long_comes_back_without_having_asked(self):
        hub = Hub(hub_answer(PROPOSALS))
        clock = ManualClock()
        reader = SnapshotReader(hub, clock=clock, offload=OFFLOAD, base="https://hub.example")
        reader._next = clock.monotonic() + 20.0
        with pytest.raises(TransientError) as caught:
            asyncio.run(reader.read(self.url, SourceState(url=self.url), ()))
        assert (caught.value.cause, caught.value.retry_after) == ("busy", 20.0)
        assert hub.asked == []

    @pytest.mark.parametrize(
        ("status", "headers", "error", "wait"),
        [
            (429, {"retry-after": "30"}, TransientError, 30.0),
            (503, {}, TransientError, None),
            (400, {}, RefusedError, None),
            (302, {}, RefusedError, None),
        ],
    )
    def test_a_refusal_says_what_to_do_next(self, status, headers, error, wait):
        with pytest.raises(error) as caught:
            self.read(Hub(hub_answer({}, status, **headers)))
        assert caught.value.cause == f"http_{status}"
        assert getattr(caught.value, "retry_after", None) == wait

    def test_what_the_hub_complains_of_is_said(self):
        with pytest.raises(MalformedError, match="too many"):
            self.read(Hub(hub_answer({"errors": [{"message": "too many"}], "data": None})))


def test_every_kind_that_the_settings_know_has_a_reader():
    made = network_readers(
        OpenSourceSettings(),
        fetcher=ScriptedFetcher([]),
        caller=Hub(),
        clock=ManualClock(),
        offload=OFFLOAD,
    )
    assert set(made) == set(KINDS)


def test_settings_take_every_kind():
    entry = SourceEntry(url=BLUESKY, kind="bluesky")
    assert replace(entry.value(), name="x").kind == "bluesky"
