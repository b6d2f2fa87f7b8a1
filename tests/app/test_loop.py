import gc

import pytest

from tgewatch.app.loop import GARBAGE, run_loop


@pytest.fixture(autouse=True)
def collector():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_looks_for_garbage_less_often_than_python_does_by_itself():
    async def thresholds():
        return gc.get_threshold()

    assert run_loop(thresholds()) == GARBAGE


def test_garbage_is_still_found():
    class Knot:
        alive = 0

        def __init__(self):
            self.knot = self
            Knot.alive += 1

        def __del__(self):
            Knot.alive -= 1

    async def tie():
        for _ in range(3 * GARBAGE[0]):
            Knot()

    run_loop(tie())

    assert Knot.alive < 2 * GARBAGE[0]
