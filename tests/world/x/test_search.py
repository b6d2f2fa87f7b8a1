import pytest

from tgewatch.world.x.query import compile_query
from tgewatch.world.x.search import matching
from tgewatch.world.x.snowflake import first_id

RECENT = "/2/tweets/search/recent"


def pages(stage, query, **more):
    """Yield the pages of a search, as the tokens lead."""
    data = stage.search(query, **more)
    yield data
    while "next_token" in data["meta"]:
        data = stage.search(query, **more, next_token=data["meta"]["next_token"])
        yield data


def test_search_learns_of_a_post_after_half_a_minute(stage):
    stage.post("news", ago=29.0)
    assert stage.texts("news") == []
    stage.now += 1.0
    assert stage.texts("news") == ["news"]


def test_asking_for_the_last_seconds_is_refused_and_brings_nothing_sooner(stage):
    stage.post("news", ago=12.0)
    late = {"query": "news", "end_time": "2026-09-22T11:59:55Z"}
    assert stage.ask(RECENT, late)[0] == 400
    assert stage.texts("news", end_time="2026-09-22T11:59:49Z") == []


def test_nothing_found_has_no_data_and_costs_nothing(stage):
    assert stage.search("nothing") == {"meta": {"result_count": 0}}
    assert stage.x.meter.dollars == 0


def test_pages_hold_everything_once_newest_first(stage):
    for number in range(25):
        stage.post(f"news {number}", ago=100 + number)
    found = [one["id"] for page in pages(stage, "news") for one in page["data"]]
    assert len(set(found)) == len(found) == 25
    assert found == sorted(found, key=int, reverse=True)


def test_the_newest_id_of_later_pages_is_older(stage):
    for number in range(15):
        stage.post(f"news {number}", ago=100 + number)
    first, second = pages(stage, "news")
    assert int(second["meta"]["newest_id"]) < int(first["meta"]["oldest_id"])


def test_a_token_of_another_query_or_of_nobody_is_refused(stage):
    for number in range(11):
        stage.post(f"news {number}", ago=100 + number)
    token = stage.search("news")["meta"]["next_token"]
    for query, used in [("olds", token), ("news", "zz"), ("news", token + "z")]:
        assert stage.ask(RECENT, {"query": query, "next_token": used})[0] == 400


def test_bounds_by_id_exclude_the_ids_themselves(stage):
    old, _, new = stage.post("a", ago=300), stage.post("b", ago=200), stage.post("c", ago=100)
    assert stage.texts("from:AliceProtocol", since_id=old.id) == ["c", "b"]
    assert stage.texts("from:AliceProtocol", until_id=new.id) == ["b", "a"]
    assert stage.texts("from:AliceProtocol", since_id=old.id, until_id=new.id) == ["b"]


def test_bounds_by_time_and_ids_before_times(stage):
    old, _ = stage.post("a", ago=3_000), stage.post("b", ago=100)
    assert stage.texts("from:AliceProtocol", start_time="2026-09-22T11:55:00Z") == ["b"]
    assert stage.texts("from:AliceProtocol", end_time="2026-09-22T11:55:00Z") == ["a"]
    both = {"since_id": old.id - 1, "start_time": "2026-09-22T11:55:00Z"}
    assert stage.texts("from:AliceProtocol", **both) == ["b", "a"]


def test_a_week_ago_ends_recent_search_but_not_the_archive(stage):
    stage.post("ancient", ago=8 * 86_400)
    old = first_id(stage.now - 7 * 86_400 - 1)
    status, _, data = stage.ask(RECENT, {"query": "ancient", "since_id": old})
    assert status == 400
    assert data["type"].endswith("/invalid-request")
    assert "since_id" in data["errors"][0]["message"]
    assert stage.ask(RECENT, {"query": "a", "since_id": first_id(stage.now - 604_790)})[0] == 200
    assert stage.ask(RECENT, {"query": "a", "start_time": "2026-09-15T11:00:00Z"})[0] == 400
    assert stage.ask(RECENT, {"query": "a", "until_id": old})[0] == 400
    assert stage.texts("ancient") == []
    _, _, data = stage.ask("/2/tweets/search/all", {"query": "ancient", "since_id": old - 2**50})
    assert [one["text"] for one in data["data"]] == ["ancient"]


@pytest.mark.parametrize(("path", "longest"), [(RECENT, 512), ("/2/tweets/search/all", 1_024)])
def test_a_query_is_no_longer_than_the_product_allows(stage, path, longest):
    assert stage.ask(path, {"query": "x" * longest})[0] == 200
    stage.now += 1
    status, _, data = stage.ask(path, {"query": "x" * (longest + 1)})
    assert status == 400
    assert data["errors"][0]["parameters"]["query"] == ["x" * (longest + 1)]


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": 9},
        {"max_results": 101},
        {"max_results": "ten"},
        {"max_results": "9" * 50},
        {"since_id": "abc"},
        {"since_id": "9" * 20},
        {"start_time": "yesterday"},
        {"start_time": "2026-13-41T00:00:00Z"},
        {"sort_order": "random"},
        {"tweet.fields": "secrets"},
        {"tweet.fields": "note_post"},
        {"expansions": "everything"},
        {"exclude": "replies"},
        {"query": ""},
    ],
)
def test_parameters_out_of_bounds_are_refused_with_the_name_of_the_parameter(stage, query):
    status, _, data = stage.ask(RECENT, {"query": "a", **query})
    assert status == 400
    assert list(data["errors"][0]["parameters"]) == [next(iter(query))]


def test_search_by_relevance_puts_what_is_liked_first(stage):
    stage.post("news b", ago=200, likes=100_000)
    stage.post("news a", ago=100)
    assert stage.texts("news") == ["news a", "news b"]
    assert stage.texts("news", sort_order="relevancy") == ["news b", "news a"]


def test_an_edited_post_is_found_in_its_last_version_once_search_knows_it(stage):
    post = stage.post("TGE in May", ago=500)
    changed = stage.archive.edit(post.id, "TGE in June", at=stage.now - 20)
    assert stage.texts("TGE") == ["TGE in May"]
    stage.now += 11
    (found,) = stage.search("TGE")["data"]
    assert found["text"] == "TGE in June"
    assert found["edit_history_tweet_ids"] == [str(post.id), str(changed.id)]


def test_a_deleted_post_is_gone(stage):
    post = stage.post("TGE in May", ago=500)
    stage.archive.delete(post.id, at=stage.now + 5)
    assert stage.texts("TGE") == ["TGE in May"]
    stage.now += 5
    assert stage.texts("TGE") == []
    _, _, data = stage.ask("/2/tweets", {"ids": post.id})
    assert data["errors"][0]["resource_id"] == str(post.id)


def test_counts_cost_by_request_and_count_what_search_would_find(stage):
    for number in range(3):
        stage.post(f"TGE {number}", ago=4_000 * number + 100)
    status, _, data = stage.ask("/2/tweets/counts/recent", {"query": "TGE"})
    assert (status, data["meta"]["total_tweet_count"]) == (200, 3)
    assert sum(one["tweet_count"] for one in data["data"]) == 3
    assert stage.x.meter.dollars == 0.005
    assert stage.x.meter.billed_posts == 0


class TestTimeline:
    def path(self, stage):
        return f"/2/users/{stage.alice}/tweets"

    def test_leaves_out_what_is_excluded(self, stage):
        hers = stage.post("original")
        stage.post("reply", kind="reply", target=hers.id)
        stage.post("RT", kind="repost", target=hers.id)
        _, _, data = stage.ask(self.path(stage), {"exclude": "replies,retweets"})
        assert [one["text"] for one in data["data"]] == ["original"]
        assert len(stage.ask(self.path(stage))[2]["data"]) == 3

    def test_knows_a_post_at_once_and_goes_back_beyond_a_week(self, stage):
        old = stage.post("old", ago=20 * 86_400)
        stage.post("new", ago=1)
        _, _, data = stage.ask(self.path(stage))
        assert [one["text"] for one in data["data"]] == ["new", "old"]
        _, _, data = stage.ask(self.path(stage), {"since_id": old.id})
        assert [one["text"] for one in data["data"]] == ["new"]

    def test_shows_pages_and_has_bounds(self, stage):
        for number in range(7):
            stage.post(f"{number}", ago=number + 1)
        _, _, first = stage.ask(self.path(stage), {"max_results": 5})
        token = {"pagination_token": first["meta"]["next_token"], "max_results": 5}
        _, _, second = stage.ask(self.path(stage), token)
        assert len(first["data"]) + len(second["data"]) == 7
        assert stage.ask(self.path(stage), {"max_results": 4})[0] == 400
        assert stage.ask("/2/users/nobody/tweets")[0] == 400

    def test_of_nobody_is_an_error_in_an_answer_that_is_none(self, stage):
        status, _, data = stage.ask("/2/users/5/tweets")
        assert status == 200
        assert "data" not in data
        assert data["errors"][0]["title"] == "Not Found Error"


class TestList:
    def test_shows_members_only_and_all_they_post(self, stage):
        hers = stage.post("original")
        stage.post("RT", kind="repost", target=hers.id)
        stage.post("his", author=stage.bob)
        _, _, data = stage.ask("/2/lists/77/tweets")
        assert len(data["data"]) == 2
        assert stage.ask("/2/lists/78/tweets")[2]["errors"]

    @pytest.mark.parametrize("name", ["since_id", "exclude", "start_time", "until_id"])
    def test_takes_no_bounds(self, stage, name):
        status, _, data = stage.ask("/2/lists/77/tweets", {name: 1})
        assert status == 400
        assert f"[{name}] is not one of" in data["errors"][0]["message"]

    def test_bills_the_same_posts_again_after_midnight(self, stage):
        stage.post("a")
        stage.ask("/2/lists/77/tweets")
        stage.ask("/2/lists/77/tweets")
        assert stage.x.meter.billed_posts == 1
        stage.now += 86_400
        stage.ask("/2/lists/77/tweets")
        assert stage.x.meter.billed_posts == 2


def test_the_oracle_knows_what_there_is_to_find_whatever_search_has_learnt(stage):
    post = stage.post("TGE", ago=10)
    gone = stage.post("TGE too", ago=20)
    stage.archive.delete(gone.id, at=stage.now - 5)
    query = compile_query("TGE")
    assert matching(stage.x.service, query, stage.now - 100, stage.now) == [post]
