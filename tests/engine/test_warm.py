import pytest

from tgewatch.clock import SystemClock
from tgewatch.engine.warm import choose
from tgewatch.errors import TransientError
from tgewatch.settings import CycleSettings
from tgewatch.testing.reader import UNCHANGED, item, reading

URLS = tuple(f"https://paper{number}.example/feed" for number in range(4))
BUSY, LAZY = URLS[1], URLS[2]
HOUR = 3_600.0


@pytest.fixture
def watch(stage):
    """Four sources that were read once: one writes four times an hour, the others hardly."""
    watch = stage(urls=URLS)
    now = watch.clock.now()
    for url in URLS:
        gap = HOUR / 4 if url == BUSY else 60 * HOUR
        history = [
            item(f"Old news {number}", source=url, at=now - gap * number) for number in range(1, 9)
        ]
        watch.reader.says(url, reading(*history), UNCHANGED)
    watch.scan()
    watch.reader.asked.clear()
    watch.clock.advance(70.0)
    return watch


def asked(watch):
    return [url for url, _ in watch.reader.asked]


def test_the_most_at_risk_is_polled_before_its_time(watch):
    report = watch.run(watch.watch.warm(1))

    assert asked(watch) == [BUSY]
    assert (report.polled, report.not_due, report.unfinished) == (1, 3, 0)


def test_no_more_polls_are_made_than_were_asked_for_and_none_of_them_twice(watch):
    assert watch.run(watch.watch.warm(3)).polled == 3
    assert watch.run(watch.watch.warm(99)).polled == 1
    assert watch.run(watch.watch.warm(99)).polled == 0
    assert sorted(asked(watch)) == sorted(URLS)


def test_nobody_is_asked_again_before_the_floor(watch):
    watch.run(watch.watch.warm(4))
    watch.clock.advance(59.0)
    assert watch.run(watch.watch.warm(4)).polled == 0
    watch.clock.advance(2.0)
    assert watch.run(watch.watch.warm(4)).polled == 4


def test_a_warm_up_of_none_polls_none(watch):
    report = watch.run(watch.watch.warm(0))

    assert (report.polled, report.warmed.polls, report.unreachable) == (0, 0, False)


def test_what_was_predicted_stands_beside_what_came(watch):
    watch.clock.advance(HOUR)
    news = [item(f"News {n}", source=BUSY, at=watch.clock.now() - 60 * n) for n in range(1, 4)]
    watch.reader.says(BUSY, reading(*news))

    warmed = watch.run(watch.watch.warm(2)).warmed

    assert (warmed.polls, warmed.found) == (2, 3)
    assert 1.0 < warmed.expected < 8.0


def test_the_history_of_a_source_read_first_was_not_predicted(stage):
    watch = stage(urls=URLS)
    for url in URLS:
        watch.reader.says(url, reading(item("Old", source=url, at=watch.clock.now() - HOUR)))

    report = watch.run(watch.watch.warm(2))

    assert report.new == 2
    assert (report.warmed.polls, report.warmed.expected, report.warmed.found) == (2, 0.0, 0)


def test_a_source_that_fails_is_no_answer_and_backs_off(watch):
    watch.reader.says(BUSY, TransientError("down", cause="reset"))

    report = watch.run(watch.watch.warm(1))

    assert (report.warmed.polls, report.warmed.expected) == (0, 0.0)
    assert BUSY not in choose(watch.schedule, polls=9, now=watch.clock.now() + 61.0).expected


def test_a_scan_warms_up_beside_what_is_due(watch):
    watch.clock.advance(watch.schedule.next_due() - watch.clock.now() + 0.1)

    report = watch.scan(warm=1)

    assert asked(watch)[0] == BUSY
    assert (report.polled, report.warmed.polls) == (2, 1)


def test_a_scan_of_everything_has_nothing_left_to_warm(watch):
    report = watch.scan(everything=True, warm=2)

    assert report.polled == 4
    assert report.warmed is None


def test_what_the_deadline_cut_off_is_as_due_as_it_was(stage):
    watch = stage(urls=URLS, clock=SystemClock(), cycle=CycleSettings(concurrency=1))

    async def never():
        await SystemClock().sleep(60.0)

    for url in URLS:
        watch.reader.says(url, never)

    report = watch.run(watch.watch.warm(3, deadline=0.1))

    assert (report.polled, report.unfinished, report.warmed.polls) == (0, 3, 0)
    assert sorted(watch.schedule.due(SystemClock().now(), 9)) == sorted(URLS)
