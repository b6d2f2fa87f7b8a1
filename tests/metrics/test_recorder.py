import threading

import pytest

from tgewatch.metrics.measures import measures
from tgewatch.metrics.recorder import OPERATIONS, Baseline, Recorder
from tgewatch.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def recorder(clock):
    return Recorder(clock=clock)


def cycle(recorder, clock, *, seconds, calls):
    recorder.start_cycle()
    recorder.count("api_calls", calls)
    clock.advance(seconds)
    return recorder.end_cycle()


def test_a_timer_measures_its_body(recorder, clock):
    with recorder.timer("parse", "feed"):
        clock.advance(2.0)

    timing = recorder.record().operations["feed", "parse"]
    assert timing.count == 1
    assert timing.p50 == pytest.approx(2.0, rel=0.02)


def test_a_body_that_raises_is_timed_and_counted_as_an_error(recorder, clock):
    def body():
        with recorder.timer("parse"):
            clock.advance(1.0)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        body()

    record = recorder.record()
    assert record.operations["program", "parse"].count == 1
    assert record.errors["program", "parse"] == 1


def test_a_cycle_holds_what_was_counted_while_it_ran(recorder, clock):
    recorder.count("api_calls", 5)
    record = cycle(recorder, clock, seconds=3.0, calls=7)
    recorder.count("api_calls", 5)

    assert record.counts == {"api_calls": 7}
    assert record.seconds == 3.0
    assert recorder.record().counts["api_calls"] == 17


def test_later_cycles_do_not_move_the_baseline(recorder, clock):
    cycle(recorder, clock, seconds=90.0, calls=150)
    recorder.capture_baseline()
    for _ in range(5):
        cycle(recorder, clock, seconds=10.0, calls=15)

    assert recorder.record().baseline == Baseline(1, 90.0, 150.0, clock.now() - 50.0)


def test_reduction_is_against_the_baseline_and_unknown_without_one(recorder, clock):
    cycle(recorder, clock, seconds=45.0, calls=100)
    assert measures(recorder.record())["call_reduction"] is None

    recorder.capture_baseline(Baseline(1, 90.0, 150.0))
    assert measures(recorder.record())["call_reduction"] == pytest.approx(100 / 3)


def test_history_is_bounded_and_can_be_resized_while_running(clock):
    recorder = Recorder(clock=clock, history=3)
    for _ in range(5):
        cycle(recorder, clock, seconds=1.0, calls=1)
    assert [c.number for c in recorder.record().cycles] == [3, 4, 5]

    recorder.history = 2
    assert [c.number for c in recorder.record().cycles] == [4, 5]
    assert recorder.record().finished == 5


def test_endless_names_do_not_fill_the_memory(recorder):
    for number in range(OPERATIONS + 100):
        recorder.observe(f"operation {number}", 0.1)

    operations = recorder.record().operations
    assert len(operations) == OPERATIONS + 1
    assert operations["other", "other"].count == 100


def test_switched_off_it_takes_nothing_in(recorder, clock):
    recorder.enabled = False
    cycle(recorder, clock, seconds=1.0, calls=5)
    recorder.observe("parse", 1.0)

    assert recorder.record().counts == {}
    assert recorder.record().operations == {}


def test_many_threads_lose_nothing(recorder):
    def work():
        for _ in range(500):
            recorder.count("hits")
            recorder.observe("get", 0.001)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    record = recorder.record()
    assert record.counts["hits"] == 4_000
    assert record.operations["program", "get"].count == 4_000


def test_reset_forgets_all_but_the_baseline(recorder, clock):
    cycle(recorder, clock, seconds=1.0, calls=1)
    recorder.capture_baseline()
    recorder.reset()

    record = recorder.record()
    assert (record.cycles, record.counts) == ((), {})
    assert record.baseline is not None
