"""Keywords across all of X, and what they would cost."""

import asyncio

import pytest

from tgewatch.engine.x_keywords import COUNTED, KeywordQuota
from tgewatch.errors import TransientError
from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings
from tgewatch.testing.clock import ManualClock


class Api:
    """Counts as it was told to."""

    def __init__(self, *days):
        self.days = list(days)
        self.asked = []
        self.error = None

    async def counts(self, query):
        self.asked.append(query)
        if self.error:
            raise self.error
        return self.days


def quota(api, clock=None, **settings):
    settings = {"keywords": ("TGE", "token launch"), "keyword_posts": 100, **settings}
    return KeywordQuota(XSettings(**settings), api, clock=clock or ManualClock())


def count(quota, level=Level.ALL):
    asyncio.run(quota.count(level))
    return quota.allowed(level)


def test_nothing_is_bought_that_was_not_counted():
    assert not quota(Api(1)).allowed(Level.ALL)


@pytest.mark.parametrize(("a_day", "bought"), [(100, True), (101, False)])
def test_what_is_few_enough_is_bought_and_what_is_more_is_not(a_day, bought):
    api = Api(5, a_day, a_day, 9_999)  # the first and the last day are not whole

    assert count(quota(api)) is bought
    assert api.asked == ['(TGE OR "token launch") lang:en -is:retweet']


def test_one_day_alone_counts_as_it_is():
    assert count(quota(Api(7)))
    assert count(quota(Api()))


def test_it_counts_once_a_day_for_each_count_costs():
    api, clock = Api(1), ManualClock()
    asked = quota(api, clock)
    for _ in range(3):
        count(asked)
    assert len(api.asked) == 1

    clock.advance(COUNTED)
    count(asked)
    assert len(api.asked) == 2


def test_what_cannot_be_counted_is_not_bought_and_is_said(caplog):
    api = Api(1)
    api.error = TransientError("no network", cause="reset")
    asked = quota(api)

    assert not count(asked)
    assert "no network" in asked.described()
    assert "x_keywords_not_counted" in caplog.text


def test_too_many_are_said_with_their_number(caplog):
    asked = quota(Api(500, 500, 500))

    assert not count(asked)
    assert asked.described() == "500 posts a day, 100 are allowed"
    assert "x_keywords_too_many" in caplog.text


@pytest.mark.parametrize("level", [Level.NO_KEYWORDS, Level.NO_LOW, Level.ONLY_HIGH])
def test_when_money_runs_short_they_are_neither_counted_nor_bought(level):
    api = Api(1)
    asked = quota(api)
    count(asked)

    assert not count(asked, level)
    assert len(api.asked) == 1


def test_without_keywords_nobody_is_asked():
    api = Api(1)
    asked = quota(api, keywords=())

    assert not count(asked)
    assert (api.asked, asked.described()) == ([], "none")
