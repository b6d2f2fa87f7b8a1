from collections import Counter

import pytest

from tgewatch.world.x import FakeX
from tgewatch.world.x.asking import NAME
from tgewatch.world.x.population import Rates, make_population
from tgewatch.world.x.posts import Post

START = 1_790_035_200.0


def posts(population):
    return list(population.archive.between(0, 1 << 63))


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    one, two = (make_population(seed=1, accounts=10, start=START) for _ in range(2))
    other = make_population(seed=2, accounts=10, start=START)
    assert posts(one) == posts(two)
    assert posts(one) != posts(other)


def test_accounts_post_at_the_rates_that_were_asked_for():
    population = make_population(
        seed=1, accounts=300, start=START, days=3.0, before=0.0, rates=Rates(edited=0, deleted=0)
    )
    kinds = Counter(post.kind for post in posts(population))
    for kind, rate in (("original", 3.0), ("reply", 5.0), ("repost", 2.0)):
        assert kinds[kind] / 900 == pytest.approx(rate, rel=0.06)
    assert len(population.relevant) / kinds["original"] == pytest.approx(0.1, abs=0.02)


def test_names_and_ids_are_those_of_one_account_each_and_as_the_service_allows():
    population = make_population(seed=1, accounts=1_000, start=START, days=0.0, before=0.0)
    assert len({one.username.lower() for one in population.accounts}) == 1_000
    assert len({one.id for one in population.accounts}) == 1_000
    assert all(NAME.fullmatch(one.username) for one in population.accounts)


def test_all_accounts_are_on_the_list_and_strangers_are_not():
    population = make_population(seed=1, accounts=5, start=START, crowd=7, list_id=9)
    assert population.archive.lists[9] == {one.id for one in population.accounts}
    authors = {post.author for post in posts(population)}
    assert len(authors) > 5


def test_some_posts_are_edited_long_or_deleted():
    rates = Rates(edited=0.3, deleted=0.3, long=0.3)
    population = make_population(seed=1, accounts=20, start=START, rates=rates)
    found = posts(population)
    assert any(len(post.versions) > 1 for post in found)
    assert any(len(post.text) > 280 for post in found)
    assert any(population.archive.is_deleted(post.id, START + 9e6) for post in found)


def test_a_population_can_be_asked_for_through_the_service():
    population = make_population(seed=1, accounts=20, start=START)
    fake = FakeX(population.archive, now=lambda: START)
    names = " OR ".join(f"from:{one.username}" for one in population.accounts)
    status, _, body = fake.handle(
        "GET", "/2/tweets/search/recent", {"query": names}, {"authorization": "Bearer token"}
    )
    assert status == 200
    assert b'"data"' in body


def test_two_posts_cannot_have_one_id():
    archive = make_population(seed=1, accounts=1, start=START).archive
    known = next(archive.between(0, 1 << 63))
    with pytest.raises(ValueError, match="two posts"):
        archive.add(Post(known.id, known.author, "", known.at))


def test_posts_may_be_added_in_any_order():
    archive = make_population(seed=1, accounts=1, start=START, before=0.0, days=0.0).archive
    author = next(iter(archive.accounts))
    for number in (5, 3, 9, 7):
        archive.add(Post(number, author, "", START))
    assert [post.id for post in archive.between(3, 9)] == [7, 5]
    assert [post.id for post in archive.between(0, 9, authors=[author])] == [7, 5, 3]
