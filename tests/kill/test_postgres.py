"""The same kills with the store in PostgreSQL, whose server has to notice that we are gone."""

import os
import signal

import pytest

from tgewatch.testing.postgres import database, emptied, postgres

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def base():
    try:
        with postgres("store") as server:
            worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
            yield database(server, f"kill_{worker}")
    except ImportError:
        pytest.skip("no embedded PostgreSQL on this platform")


@pytest.fixture
def place(town, fresh, base):
    """A folder whose store is in PostgreSQL; the feed was read once, and has news since then."""
    town.write_settings(fresh, database=base)
    assert town.scan(fresh, town.now) == 0  # makes the tables
    emptied(base)
    assert town.scan(fresh, town.now) == 0
    town.forget(town.news)
    return fresh


POINTS = (
    "poll.begin", "poll.2", "poll.17", "poll.commit", "poll.done", "article.commit",
    "send.before", "send.after", "mark.commit", "mark.done",
)  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_loses_nothing(point, town, undisturbed, place):
    whole, _ = undisturbed
    stored = not point.startswith("poll.") or point == "poll.done"

    assert town.scan(place, town.later, at=point) == KILLED
    settled = town.settle(place)

    assert settled.items == whole.items
    assert settled.events == whole.events
    assert settled.transitions == whole.transitions
    assert settled.messages == whole.messages
    town.receive(exactly=settled.keys, twice=0 if point.startswith("poll.") else 1)
    assert town.site.polls[1] == (town.site.etag if stored else '"3"')
