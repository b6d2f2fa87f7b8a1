import random

import pytest

from tgewatch.model import Company, Priority
from tgewatch.rules import x_plan, x_query
from tgewatch.rules.spending import Level
from tgewatch.settings import XSettings

ALL = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


def companies(number, *, priority=Priority.MEDIUM, mean=11):
    """Return companies whose handles have about the lengths of real ones."""
    chance = random.Random(4)  # noqa: S311 - lengths
    found = []
    for n in range(number):
        length = min(15, max(5, round(chance.gauss(mean, 2.5))))
        found.append(Company(f"C{n}", x_handle=f"{n:04d}{'x' * 15}"[:length], priority=priority))
    return found


def packed(number, settings, **more):
    return x_plan.by_search(
        companies(number), settings, {}, search_all=more.pop("search_all", False), pace=60, **more
    )


@pytest.mark.parametrize(("number", "queries"), [(20, 2), (100, 7), (1_000, 63)])
def test_with_the_clause_sixteen_accounts_go_into_a_query(number, queries):
    shards = packed(number, XSettings()).shards

    assert queries - 1 - number // 500 <= len(shards) <= queries


@pytest.mark.parametrize(("number", "queries"), [(20, 1), (100, 5), (1_000, 42)])
def test_without_it_twenty_four_do(number, queries):
    shards = packed(number, XSettings(clause_for=())).shards

    assert queries - 1 - number // 500 <= len(shards) <= queries


def test_both_searches_together_ask_a_thousand_accounts_every_minute():
    shards = packed(1_000, XSettings(clause_for=()), search_all=True).shards

    assert len(shards) <= 23
    assert sum(shard.place == "all" for shard in shards) <= 20
    assert x_plan.pace(shards, {}, least=60) == 60
    assert sorted(h for s in shards for h in s.handles) == sorted(x_plan.accounts(companies(1_000)))


def test_the_longer_search_is_left_alone_where_the_short_one_is_enough():
    shards = packed(100, XSettings(clause_for=()), search_all=True).shards

    assert {shard.place for shard in shards} == {"recent"}


def test_a_thousand_accounts_take_the_time_that_the_limit_gives():
    shards = packed(1_000, XSettings(clause_for=())).shards
    pace = x_plan.pace(shards, {}, least=60)

    assert 75 < pace < 90
    assert len(shards) * 900 / pace <= 450


def test_a_limit_that_the_headers_say_counts():
    shards = packed(100, XSettings()).shards

    assert x_plan.pace(shards, {"recent": 60}, least=60) > 90


@pytest.mark.parametrize("settings", [XSettings(), XSettings(clause_for=()), XSettings(exclude="")])
def test_every_query_is_one_that_x_takes(settings):
    whole = packed(300, settings, search_all=True)
    for shard in whole.shards:
        limit = x_query.ALL if shard.place == "all" else x_query.RECENT
        assert x_query.problem(shard.query, limit=limit) == ""
    for rule in x_plan.rules(companies(300), settings, keywords=True):
        assert x_query.problem(rule.value, limit=x_query.ALL, stream=True) == ""


def test_a_thousand_accounts_are_twenty_five_rules():
    assert len(x_plan.rules(companies(1_000), XSettings(), keywords=False)) <= 25


def test_priorities_are_packed_apart_and_the_high_ones_without_the_clause():
    watched = [
        *companies(3, priority=Priority.HIGH),
        Company("L", x_handle="low", priority=Priority.LOW),
    ]

    high, low = x_plan.by_search(watched, XSettings(), {}, search_all=False, pace=60).shards

    assert (high.priority, low.priority) == (Priority.HIGH, Priority.LOW)
    assert "TGE" not in high.query
    assert "TGE" in low.query


def test_accounts_stay_where_they_are():
    first = packed(100, XSettings())
    more = [*companies(100), Company("New", x_handle="brandnew")]

    second = x_plan.by_search(more, XSettings(), first.bins, search_all=False, pace=60)

    before = {h: s.name for s in first.shards for h in s.handles}
    after = {h: s.name for s in second.shards for h in s.handles}
    assert all(after[h] == name for h, name in before.items())
    assert "brandnew" in after


def test_a_list_is_one_query():
    (shard,) = x_plan.by_list(companies(500), XSettings(list_id="9", clause_for=ALL), {}).shards

    assert shard.query.startswith("list:9 (TGE OR ")


def test_whose_every_post_is_read_stand_beside_the_list():
    watched = [*companies(3), Company("H", x_handle="higher", priority=Priority.HIGH)]

    shards = x_plan.by_list(watched, XSettings(list_id="9"), {}).shards

    assert [s.name for s in shards] == ["recent/high/0", "list"]


def test_without_a_clause_the_list_covers_everybody():
    (shard,) = x_plan.by_list(companies(3), XSettings(list_id="9", clause_for=()), {}).shards

    assert shard.query == "list:9 -is:retweet -is:reply"


def test_one_account_of_two_companies_is_asked_once():
    twins = [Company("A", x_handle="Same"), Company("B", x_handle="same"), Company("C")]

    assert [s.query for s in x_plan.by_timeline(twins)] == ["same"]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        (Level.ALL, "hml"),
        (Level.NO_KEYWORDS, "hml"),
        (Level.NO_LOW, "hm"),
        (Level.ONLY_HIGH, "h"),
    ],
)
def test_high_companies_are_never_left_out(level, kept):
    watched = [Company(p.value[0], priority=p) for p in ALL]

    assert "".join(c.name for c in x_plan.covered(watched, level)) == kept


def test_keywords_have_their_own_words_for_each_place():
    settings = XSettings(keywords=("token launch", "TGE"), keyword_filter="lang:en min_likes:5")

    assert x_plan.keyword_query(settings) == '("token launch" OR TGE) lang:en min_likes:5'
    assert x_plan.keyword_rule(settings) == '("token launch" OR TGE) lang:en min_followers:5000'
    (shard,) = x_plan.keyword_shard(settings)
    assert shard.trailing


def test_no_keywords_are_no_query():
    assert x_plan.keyword_shard(XSettings()) == ()
    assert x_plan.keyword_rule(XSettings()) == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (XSettings(exclude='lang:"'), "odd number"),
        (XSettings(phrases=tuple(f"phrase number {n}" for n in range(50))), "is the most"),
        (XSettings(keywords=("a",), keyword_filter="min_followers:1"), "does not know"),
        (XSettings(keywords=("a",), keyword_filter="-(b c)"), "negates"),
    ],
)
def test_says_what_x_would_refuse_of_the_settings(settings, said):
    assert said in x_plan.problems(settings)[0]


def test_the_shipped_settings_have_no_problem():
    assert x_plan.problems(XSettings(keywords=("TGE",))) == []
    assert len(x_plan.narrowing(XSettings(), Priority.LOW)) <= 187
