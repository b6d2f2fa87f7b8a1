import pytest

from tgewatch.rules.x_reconnect import Drop, Reconnect


def waits(kind, times):
    state, found = Reconnect(), []
    for _ in range(times):
        state, wait = state.dropped(kind)
        found.append(wait)
    return found


@pytest.mark.parametrize(
    ("kind", "first", "most"),
    [
        (Drop.NETWORK, [0.25, 0.5, 0.75], 16.0),
        (Drop.HTTP, [5.0, 10.0, 20.0], 320.0),
        (Drop.RATE, [60.0, 120.0, 240.0], 3_600.0),
        (Drop.CROWDED, [5.0, 10.0, 20.0], 320.0),
    ],
)
def test_waits_as_x_asks_to_and_no_longer(kind, first, most):
    found = waits(kind, 100)

    assert found[:3] == first
    assert max(found) == most


def test_a_connection_that_stood_is_opened_again_at_once():
    assert waits(Drop.ENDED, 1) == [0.0]


def test_one_that_ends_every_time_is_not():
    assert waits(Drop.ENDED, 100)[1:3] == [0.5, 0.75]
    assert max(waits(Drop.ENDED, 100)) == 16.0


def test_another_reason_begins_anew():
    state, _ = Reconnect().dropped(Drop.HTTP)
    state, _ = state.dropped(Drop.HTTP)

    assert state.dropped(Drop.NETWORK)[1] == 0.25
    assert state.stood().dropped(Drop.HTTP)[1] == 5.0
