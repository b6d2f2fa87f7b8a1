import gzip
import json
from email.utils import parsedate_to_datetime

import pytest

from tgewatch.world.x import AnswerLostError

RECENT = "/2/tweets/search/recent"
NAME = f"GET {RECENT}"


def test_every_answer_tells_the_rate_and_the_time(stage):
    status, headers, _ = stage.ask(RECENT, {"query": "a"})
    assert status == 200
    assert headers["x-rate-limit-limit"] == "450"
    assert headers["x-rate-limit-remaining"] == "449"
    assert headers["x-rate-limit-reset"] == str(int(stage.noon) + 900)
    assert parsedate_to_datetime(headers["date"]).timestamp() == stage.noon


def test_a_request_that_is_wrong_counts_as_one_and_one_without_a_token_does_not(stage):
    stage.ask(RECENT, {"query": ""})
    assert stage.ask(RECENT, {"query": "a"}, bearer="wrong")[0] == 401
    assert stage.ask(RECENT, {"query": "a"})[1]["x-rate-limit-remaining"] == "448"


def test_the_451st_search_of_a_window_is_refused_and_the_first_of_the_next_is_not(stage):
    for _ in range(450):
        assert stage.ask(RECENT, {"query": "a"})[0] == 200
    status, headers, data = stage.ask(RECENT, {"query": "a"})
    assert (status, headers["x-rate-limit-remaining"]) == (429, "0")
    assert data["title"] == "Too Many Requests"
    assert stage.x.log.too_many == {NAME: 1}
    assert stage.x.log.calls == {NAME: 451}
    assert stage.ask(RECENT, {"query": "a"}, bearer="other")[0] == 200
    stage.now += 900
    assert stage.ask(RECENT, {"query": "a"})[0] == 200


def test_a_refusal_has_one_of_two_bodies(set_stage):
    stage = set_stage(product=set_stage.product(old_429=True))
    stage.x.faults.plant(NAME, "429")
    status, _, data = stage.ask(RECENT, {"query": "a"})
    assert (status, data) == (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})


def test_the_archive_takes_one_search_a_second(stage):
    path = "/2/tweets/search/all"
    assert stage.ask(path, {"query": "a"})[0] == 200
    stage.now += 0.9
    status, headers, _ = stage.ask(path, {"query": "a"})
    assert status == 429
    assert int(headers["x-rate-limit-remaining"]) > 200
    stage.now += 0.2
    assert stage.ask(path, {"query": "a"})[0] == 200


def test_a_month_that_is_used_up_is_another_429_with_requests_left(set_stage):
    stage = set_stage(product=set_stage.product(monthly_cap=3))
    for number in range(5):
        stage.post(f"news {number}", ago=100 + number)
    assert stage.ask(RECENT, {"query": "news"})[0] == 200
    status, headers, data = stage.ask(RECENT, {"query": "news"})
    assert (status, data["title"]) == (429, "UsageCapExceeded")
    assert int(headers["x-rate-limit-remaining"]) > 400
    assert data["type"].endswith("/usage-capped")
    assert (dict(stage.x.log.capped), dict(stage.x.log.too_many)) == ({NAME: 1}, {})
    assert stage.ask("/2/users/by", {"usernames": "bob_labs"})[0] == 200
    stage.add_rules("news")
    assert stage.ask("/2/tweets/search/stream")[2]["title"] == "UsageCapExceeded"
    stage.now += 900
    assert stage.ask(RECENT, {"query": "news"})[0] == 429
    stage.now += 9 * 86_400
    assert stage.ask(RECENT, {"query": "news"})[0] == 200


def test_limits_of_a_day_come_under_another_name(set_stage):
    stage = set_stage(product=set_stage.product(daily={NAME: 2}))
    _, headers, _ = stage.ask(RECENT, {"query": "a"})
    assert headers["x-app-limit-24hour-remaining"] == "1"
    assert headers["x-rate-limit-remaining"] == "449"
    stage.ask(RECENT, {"query": "a"})
    stage.now += 900
    assert stage.ask(RECENT, {"query": "a"})[0] == 429
    stage.now += 86_400
    assert stage.ask(RECENT, {"query": "a"})[0] == 200


@pytest.mark.parametrize(
    ("token", "path", "status", "member"),
    [
        ("wrong", RECENT, 401, "Unauthorized"),
        ("", RECENT, 401, "Unauthorized"),
        ("outsider", RECENT, 403, "Client Forbidden"),
        ("token", "/1.1/statuses", 404, "Not Found"),
    ],
)
def test_who_may_not_is_told_so(stage, token, path, status, member):
    got, _, data = stage.ask(path, {"query": "a"}, bearer=token)
    assert (got, data["title"]) == (status, member)


def test_who_is_not_enrolled_is_told_the_reason(stage):
    _, _, data = stage.ask(RECENT, {"query": "a"}, bearer="outsider")
    assert data["reason"] == "client-not-enrolled"


def test_the_price_list_is_public_and_the_usage_is_not(stage):
    stage.post("news")
    stage.search("news")
    status, _, body = stage.x.handle("GET", "/api/credits/pricing", {}, {})
    assert (status, json.loads(body)["eventTypePricing"]["Post"]) == (200, 0.005)
    assert stage.x.handle("GET", "/2/usage/tweets", {}, {})[0] == 401
    assert stage.ask("/2/usage/tweets")[2]["data"]["project_usage"] == "1"


class TestFaults:
    def test_unavailable_comes_packed_or_as_text_and_without_a_rate(self, stage):
        stage.x.faults.plant(NAME, "503", "503_text")
        query, token = {"query": "a"}, {"authorization": "Bearer token"}
        status, headers, body = stage.x.handle("GET", RECENT, query, token)
        assert (status, headers["content-encoding"]) == (503, "gzip")
        assert json.loads(gzip.decompress(body))["title"] == "Service Unavailable"
        status, headers, body = stage.x.handle("GET", RECENT, query, token)
        assert (status, headers["content-type"]) == (503, "text/plain")
        assert body == b"Service Unavailable"
        assert not any(name.startswith("x-rate") for name in headers)
        assert stage.ask(RECENT, query)[1]["x-rate-limit-remaining"] == "447"

    def test_a_lost_answer_was_counted_and_billed(self, stage):
        stage.post("news")
        stage.x.faults.plant(NAME, "lost")
        with pytest.raises(AnswerLostError):
            stage.search("news")
        assert stage.x.meter.billed_posts == 1
        assert stage.x.log.lines[-1].lost
        stage.search("news")
        assert stage.x.meter.billed_posts == 1

    def test_the_clock_of_the_service_may_be_ahead_or_behind(self, set_stage):
        stage = set_stage(faults=set_stage.faults(skew=3.0))
        _, headers, _ = stage.ask(RECENT, {"query": "a"})
        assert parsedate_to_datetime(headers["date"]).timestamp() == stage.noon + 3
        assert headers["x-rate-limit-reset"] == str(int(stage.noon) + 903)

    def test_a_date_may_stray(self, set_stage):
        stage = set_stage(faults=set_stage.faults(date_stray=3.0))
        dates = {
            parsedate_to_datetime(stage.ask(RECENT, {"query": "a"})[1]["date"]).timestamp()
            for _ in range(50)
        }
        assert min(dates) < stage.noon - 1 < stage.noon + 1 < max(dates)
        assert all(abs(date - stage.noon) <= 4 for date in dates)

    def test_some_posts_are_found_later_than_those_around_them(self, set_stage):
        stage = set_stage(faults=set_stage.faults(late=0.3))
        for number in range(50):
            stage.post(f"news {number}", ago=31.0)
        early = set(stage.texts("news", max_results=100))
        stage.now += 45
        assert 0 < len(early) < len(stage.texts("news", max_results=100)) == 50

    def test_a_page_may_be_short_and_more_follows(self, stage):
        for number in range(9):
            stage.post(f"news {number}", ago=100 + number)
        stage.x.faults.plant(NAME, "short")
        data = stage.search("news")
        assert len(data["data"]) == 3
        rest = stage.search("news", next_token=data["meta"]["next_token"])
        assert len(rest["data"]) == 6

    def test_an_error_may_come_beside_data_that_is_whole(self, stage):
        stage.post("news")
        stage.x.faults.plant(NAME, "partial")
        data = stage.search("news")
        assert data["data"]
        assert data["errors"][0]["title"] == "Not Found Error"

    def test_a_second_charge_in_a_day_can_happen(self, set_stage):
        stage = set_stage(faults=set_stage.faults(again=1.0))
        stage.post("news")
        stage.search("news")
        stage.search("news")
        assert stage.x.meter.billed_posts == 2

    def test_somebody_else_may_use_the_same_token(self, set_stage):
        stage = set_stage(faults=set_stage.faults(foreign=1.0))
        stage.ask(RECENT, {"query": "a"})
        assert stage.ask(RECENT, {"query": "a"})[1]["x-rate-limit-remaining"] == "447"

    def test_answers_take_their_time(self, set_stage):
        stage = set_stage(faults=set_stage.faults(latency=0.2))
        delays = [
            stage.x.answer("GET", RECENT, {"query": "a"}, {"Authorization": "bearer token"}).delay
            for _ in range(300)
        ]
        assert 0.15 < sorted(delays)[150] < 0.27
        assert max(delays) > 0.5

    def test_chance_is_repeatable_and_without_shares_nothing_happens(self, set_stage):
        def run(**shares):
            stage = set_stage(faults=set_stage.faults(seed=5, **shares))
            statuses = []
            for _ in range(200):
                try:
                    statuses.append(stage.ask(RECENT, {"query": "a"})[0])
                except AnswerLostError:
                    statuses.append(0)
            return statuses

        assert run(unavailable=0.1, lost=0.1) == run(unavailable=0.1, lost=0.1)
        assert {0, 200, 503} == set(run(unavailable=0.1, lost=0.1))
        assert set(run()) == {200}

    def test_a_fault_has_to_exist(self, stage):
        with pytest.raises(ValueError, match="no such fault"):
            stage.x.faults.plant(NAME, "plague")
        with pytest.raises(ValueError, match="no such end"):
            stage.x.streams.filtered.drop("plague")


def test_hostile_bodies_are_refused_not_fatal(stage):
    headers = {"authorization": "Bearer token"}
    path = "/2/tweets/search/stream/rules"
    for body in (b"[" * 100_000, b"\xff", b"{", b"x" * 2_000_000, b"null"):
        assert stage.x.handle("POST", path, {}, headers, body)[0] == 400


def test_the_log_remembers_what_was_asked(stage):
    stage.post("news")
    stage.search("news")
    line = stage.x.log.lines[-1]
    assert (line.endpoint, line.status, line.query, line.returned) == (NAME, 200, "news", 1)
    assert repr(stage.x).startswith("<FakeX <Archive 2 accounts, 1 posts>")
