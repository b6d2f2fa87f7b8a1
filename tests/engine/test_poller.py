import pytest

from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.testing.fetcher import answer
from tgewatch.testing.reader import UNCHANGED, item, reading

URL = "https://paper.example/feed"
DAY = 86_400.0


def news(stage, title="Lumara Protocol to launch LUM token on 12 August 2026", **more):
    return item(title, source=URL, at=stage.clock.now() - 60.0, **more)


def noise(stage, number):
    return item(f"Markets were calm on day {number}", source=URL, at=stage.clock.now() - 90.0)


def test_a_relevant_item_becomes_an_event_and_is_told_once(stage):
    watch = stage()
    watch.reader.says(URL, reading(noise(watch, 1)), reading(news(watch), noise(watch, 1)))
    watch.scan(everything=True)
    watch.clock.advance(600)

    found = watch.scan(everything=True)
    watch.clock.advance(600)
    again = watch.scan(everything=True)

    assert [event.company for event in found.events.values()] == ["Lumara Protocol"]
    assert found.deliveries["delivered"] == 1
    assert again.events == {}
    assert len(watch.channel.keys) == 1


def test_history_is_stored_and_tells_only_what_is_still_ahead(stage):
    watch = stage()
    old = item("Lumara Protocol token LUM is now live", source=URL, at=watch.clock.now() - 90 * DAY)
    watch.reader.says(URL, reading(old, noise(watch, 1)))

    report = watch.scan(everything=True)

    assert report.new == 2
    assert watch.channel.keys == []


def test_an_item_without_terms_is_dropped_and_counted_with_its_reason(stage):
    watch = stage()
    watch.reader.says(URL, reading(noise(watch, 1), noise(watch, 2)))

    report = watch.scan(everything=True)

    assert report.dropped == {"match": {"no_term": 2}}
    assert watch.fetcher.requests == []


def test_an_unchanged_source_costs_nothing_and_counts_as_answered(stage):
    watch = stage()
    watch.reader.says(URL, reading(noise(watch, 1)), UNCHANGED)
    watch.scan(everything=True)
    watch.clock.advance(600)

    report = watch.scan(everything=True)

    assert (report.unchanged, report.new, report.failed) == (1, 0, {})


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TransientError("no answer", cause="timeout"), "timeout"),
        (RefusedError("gone", cause="gone"), "gone"),
        (MalformedError("no feed", cause="not_a_feed"), "not_a_feed"),
    ],
)
def test_a_failure_is_counted_by_cause_and_polled_again_later(stage, error, cause):
    watch = stage()
    watch.reader.says(URL, error)

    report = watch.scan(everything=True)

    assert report.failed == {cause: 1}
    assert report.unreachable
    assert watch.state(URL).errors == 1
    assert watch.clock.now() < watch.state(URL).next_poll < watch.clock.now() + 7 * 3600


def test_a_host_that_wants_to_be_left_alone_is_no_failure(stage):
    watch = stage()
    watch.reader.says(URL, TransientError("later", cause="throttled", retry_after=300.0))

    report = watch.scan(everything=True)

    assert (report.deferred, report.failed, report.unfinished) == (1, {}, 0)
    assert watch.state(URL) is None
    assert watch.schedule.next_due() == pytest.approx(watch.clock.now() + 300.0, abs=1.0)


def test_a_source_that_asks_for_a_pause_gets_it(stage):
    watch = stage()
    watch.reader.says(URL, TransientError("429", cause="http_429", retry_after=4_000.0))

    watch.scan(everything=True)

    assert watch.state(URL).next_poll >= watch.clock.now() + 4_000.0


def test_a_parse_failure_is_never_no_news(stage):
    watch = stage()
    watch.reader.says(
        URL, reading(noise(watch, 1), etag='"1"'), MalformedError("broken", cause="not_a_feed")
    )
    watch.scan(everything=True)
    kept = watch.state(URL)
    watch.clock.advance(600)

    watch.scan(everything=True)
    lost = watch.state(URL)

    assert kept.validators.etag == '"1"'
    assert not lost.validators


def test_a_bug_in_reading_one_source_stops_no_other_and_backs_off(stage):
    other = "https://other.example/feed"
    watch = stage(urls=(URL, other))
    watch.reader.says(URL, ZeroDivisionError("ours"))
    watch.reader.says(other, reading(item("Quiet day", source=other)))

    report = watch.scan(everything=True)

    assert report.crashed == {"ZeroDivisionError": 1}
    assert (watch.state(URL).errors, watch.state(URL).error_cause) == (1, "crash")
    assert watch.state(other).errors == 0


def test_an_article_that_says_more_is_read_after_the_item_is_stored(stage):
    text = b"Lumara Protocol will hold its token generation event on 12 August 2026. LUM launches."
    watch = stage(articles=[answer(text, content_type="text/html")] * 3)
    vague = item("Lumara Protocol reveals token plans", source=URL, at=watch.clock.now() - 5.0)
    watch.reader.says(URL, reading(noise(watch, 1)), reading(vague))
    watch.scan(everything=True)
    watch.clock.advance(600)

    report = watch.scan(everything=True)

    assert report.articles == {"fetched": 1}
    assert [request.pool for request in watch.fetcher.requests] == ["article"]
    assert watch.fetcher.requests[0].url == vague.url


def test_an_article_that_cannot_be_had_is_tried_again_and_consumes_nothing(stage):
    text = b"Lumara Protocol will hold its token generation event on 12 August 2026."
    broken = TransientError("503", cause="http_503")
    watch = stage(articles=[broken, answer(text, content_type="text/html")])
    vague = item("Lumara Protocol reveals token plans", source=URL, at=watch.clock.now() - 5.0)
    watch.reader.says(URL, reading(noise(watch, 1)), reading(vague))
    watch.scan(everything=True)
    watch.clock.advance(600)

    failed = watch.scan(everything=True)
    watch.clock.advance(120)
    later = watch.scan(everything=True)

    assert failed.articles == {"http_503": 1}
    assert later.articles == {"fetched": 1}


def test_an_edited_title_is_judged_again(stage):
    watch = stage()
    link = "https://paper.example/a"
    before = item("Lumara is busy", source=URL, url=link, at=watch.clock.now() - 60.0)
    after = item(
        "Lumara Protocol to launch LUM token on 12 August 2026",
        source=URL,
        url=link,
        at=watch.clock.now() - 60.0,
    )
    watch.reader.says(URL, reading(noise(watch, 1)), reading(before), reading(after))
    watch.scan(everything=True)
    watch.clock.advance(600)
    watch.scan(everything=True)
    watch.clock.advance(600)

    report = watch.scan(everything=True)

    assert (report.new, report.edited) == (0, 1)
    assert len(report.events) == 1
