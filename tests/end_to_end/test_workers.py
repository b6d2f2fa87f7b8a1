"""Instances as processes of their own, on one database and one Valkey; one of them is killed."""

import os
import signal
import threading
from collections import Counter

import psycopg
import pytest

from tgewatch.clock import SystemClock
from tgewatch.testing.postgres import database, postgres
from tgewatch.testing.valkey import valkey

FEEDS = [f"feed-{number}" for number in range(6)]
TEXT = "Merida, ticker $MERI, said that the token generation event of Merida takes place soon."


@pytest.fixture(scope="module")
def base():
    try:
        with postgres("store") as server:
            worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
            yield database(server, f"workers_{worker}_{os.getpid()}")
    except ImportError as error:
        pytest.skip(f"no PostgreSQL here: {error}")


@pytest.fixture(scope="module")
def redis():
    try:
        with valkey() as server:
            yield server
    except ImportError as error:
        pytest.skip(f"no Valkey here: {error}")


@pytest.fixture
def sharing(shell, base, redis):
    """The shell, with feeds that are due every second and servers for several instances."""
    shell.site.now = SystemClock().now()
    for feed in FEEDS:
        shell.site.feeds[feed] = [("Nothing happened", "Nothing at all.", 2.0)]
    shell.settings(
        *map(shell.site.url, FEEDS),
        more='[polling]\npolicy = "fixed"\ninterval = 1\nfloor = 0\njitter = 0\n'
        f'[store]\ndatabase_url = "{base}"\n'
        f'[swarm]\nredis_url = "{redis.url}"\noperation = 30\n',
    )
    return shell


def asked(shell):
    return Counter(one.path for one in shell.site.server.asked)


def until(ready):
    for _ in range(6_000):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_two_instances_share_the_work_and_one_goes_on_when_the_other_is_killed(sharing, base):
    with (
        sharing.process("--state", "one", "run") as one,
        sharing.process("--state", "two", "run") as other,
    ):
        until(lambda: len(asked(sharing)) == len(FEEDS))
        sharing.site.feeds[FEEDS[0]].insert(
            0, ("Merida announces its token generation event", TEXT, 0.0)
        )
        sharing.site.feeds[FEEDS[1]].insert(0, ("Merida token generation event soon", TEXT, 0.0))
        until(lambda: sharing.channel.received)

        assert sharing.finish(one, signal.SIGKILL).code == -signal.SIGKILL
        before = asked(sharing)
        until(lambda: sum((asked(sharing) - before).values()) > 2 * len(FEEDS))
        ended = sharing.finish(other, signal.SIGTERM)

    assert ended.code == 0
    assert "as one of many: all" in ended.err
    assert "Traceback" not in ended.err
    with psycopg.connect(base) as store:
        polls = dict(store.execute("SELECT url, state::json->>'polls' FROM sources").fetchall())
        (events,) = store.execute("SELECT count(*) FROM events").fetchone()
    requests = asked(sharing)
    # No request was made twice, but for polls that were under way in the one that was killed.
    assert sum(requests.values()) <= sum(map(int, polls.values())) + len(FEEDS)
    assert events == 1
    # Killed between the sending and the mark, it is sent again, with the same key.
    assert len(set(sharing.channel.keys)) == 1
    assert len(sharing.channel.keys) <= 2


def test_parts_of_the_work_are_done_by_processes_of_their_own(sharing):
    with (
        sharing.process("--state", "s", "run", "--role", "scheduler") as scheduler,
        sharing.process("--state", "d", "run", "--role", "deliverer") as deliverer,
        sharing.process("--state", "w", "worker") as worker,
    ):
        before = asked(sharing)
        until(lambda: len(asked(sharing) - before) == len(FEEDS))
        ended = [sharing.finish(one, signal.SIGTERM) for one in (worker, scheduler, deliverer)]

    assert [one.code for one in ended] == [0, 0, 0]
    assert not any("Traceback" in one.err for one in ended)


def test_a_worker_without_servers_says_what_it_needs(shell):
    shell.settings(shell.site.url())

    ended = shell.run("worker")

    assert ended.code == 2
    assert "store.database_url: several instances share a PostgreSQL database" in ended.err
    assert "swarm.redis_url" in ended.err
    assert "Traceback" not in ended.err
