import asyncio
from email.utils import parsedate_to_datetime
from random import Random

import pytest

from tgewatch.testing.rate_server import NoAnswerError, RateFaults, RateServer
from tgewatch.testing.virtual_loop import VirtualClock, run_virtually


def calls(server, count, *, pause=0.0):
    async def scenario():
        found = []
        for _ in range(count):
            await VirtualClock().sleep(pause)
            try:
                found.append(await server.call())
            except NoAnswerError:
                found.append((None, {}))
        return found

    return run_virtually(scenario())


def server(*, limit=5, seed=1, **faults):
    random = Random(seed)  # noqa: S311 - a seeded simulation
    return RateServer(limit=limit, faults=RateFaults(**faults), random=random)


def test_accepts_the_limit_and_no_more_until_the_window_turns():
    statuses = [status for status, _ in calls(server(limit=5), 12, pause=100)]

    assert statuses == [200] * 5 + [429] * 4 + [200] * 3


def test_states_what_is_left_and_the_floored_end_of_the_window():
    (status, headers), (_, later) = calls(server(limit=5), 2)

    assert status == 200
    assert (headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == ("5", "4")
    assert later["x-rate-limit-remaining"] == "3"
    date = parsedate_to_datetime(headers["date"]).timestamp()
    assert int(headers["x-rate-limit-reset"]) - date in {899, 900}


@pytest.mark.parametrize(("fault", "status"), [({"lost": 1.0}, None), ({"headerless": 1.0}, 503)])
def test_faults_reach_the_caller(fault, status):
    assert {found for found, _ in calls(server(**fault), 20)} <= {status, 429}


def test_half_of_what_goes_wrong_is_counted_all_the_same():
    there = server(limit=1_000, lost=1.0)

    calls(there, 200)

    assert 60 < there.accepted < 140


def test_a_limit_may_be_cut():
    there = server(limit=5, cut_to=2, cut_after=800)

    statuses = [status for status, _ in calls(there, 20, pause=100)]

    assert statuses[:5] == [200] * 5
    assert statuses[9:13] == [200, 200, 429, 429]


def test_somebody_else_uses_their_share():
    there = server(limit=100, foreign=0.3)

    async def scenario():
        other = asyncio.ensure_future(there.foreign_use())
        await VirtualClock().sleep(9_000)
        other.cancel()

    run_virtually(scenario())

    assert 240 < there.accepted < 360
    assert there.refused == 0
