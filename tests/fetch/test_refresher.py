import threading

from tgewatch.fetch.refresher import Refresher


def test_runs_what_it_is_given_and_survives_errors():
    refresher, done = Refresher(), threading.Event()

    assert refresher.submit(lambda: 1 / 0)
    assert refresher.submit(done.set)

    assert done.wait(10)
    refresher.close()


def test_drops_what_is_too_much():
    refresher, go = Refresher(), threading.Event()

    taken = [refresher.submit(lambda: go.wait(10)) for _ in range(50)]
    go.set()
    refresher.close()

    assert taken == [True] * 32 + [False] * 18


def test_no_thread_is_started_before_it_is_needed():
    before = threading.active_count()

    Refresher().close()

    assert threading.active_count() == before
