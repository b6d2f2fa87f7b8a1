"""What the fake is for: a client that takes a short cut is found out, one that does not is not."""

import json

import pytest

from tgewatch.world.x import AnswerLostError
from tgewatch.world.x.fields import stamp
from tgewatch.world.x.snowflake import first_id

RECENT = "/2/tweets/search/recent"
NAME = f"GET {RECENT}"
SENDER = "from:AliceProtocol"


def exhaust(stage):
    """Use up the window; return the headers of its last answer."""
    headers = {}
    for _ in range(450):
        _, headers, _ = stage.ask(RECENT, {"query": "a"})
    return headers


@pytest.mark.parametrize(("margin", "refused"), [(0.0, 1), (1.0, 0)])
def test_a_reset_taken_to_the_second_comes_too_early(stage, margin, refused):
    stage.now += 0.7
    headers = exhaust(stage)
    stage.now = int(headers["x-rate-limit-reset"]) + margin
    stage.ask(RECENT, {"query": "a"})
    assert stage.x.log.too_many.total() == refused


@pytest.mark.parametrize(("knows_date", "refused"), [(False, 1), (True, 0)])
def test_a_clock_that_was_never_compared_with_the_date_comes_too_early(
    set_stage, knows_date, refused
):
    stage = set_stage(faults=set_stage.faults(skew=-3.0))
    headers = exhaust(stage)
    behind = 3.0 if knows_date else 0.0  # what comparing Date with the own clock would show
    stage.now = int(headers["x-rate-limit-reset"]) + 1.0 + behind
    stage.ask(RECENT, {"query": "a"})
    assert stage.x.log.too_many.total() == refused


@pytest.mark.parametrize(("reads_headers", "refused"), [(False, 150), (True, 0)])
def test_a_limit_known_from_a_table_is_broken_when_it_changes(stage, reads_headers, refused):
    stage.x.windows.cut(NAME, 300)
    left = 450
    while left > 0:
        _, headers, _ = stage.ask(RECENT, {"query": "a"})
        left = int(headers["x-rate-limit-remaining"]) if reads_headers else left - 1
    assert stage.x.log.too_many.total() == refused


@pytest.mark.parametrize("fault", ["foreign", "lost"])
@pytest.mark.parametrize("careful", [False, True])
def test_counting_answers_is_not_counting_requests(set_stage, fault, careful):
    stage = set_stage(faults=set_stage.faults(**{fault: 0.2}))
    left = 450
    while left > 0:
        try:
            _, headers, _ = stage.ask(RECENT, {"query": "a"})
        except AnswerLostError:
            left -= careful
            continue
        left = int(headers["x-rate-limit-remaining"]) if careful else left - 1
    assert (stage.x.log.too_many.total() > 0) is not careful


@pytest.mark.parametrize(("body", "text"), [("503", False), ("503_text", True)])
def test_not_every_answer_has_a_rate_or_is_json(stage, body, text):
    stage.x.faults.plant(NAME, body)
    status, headers, data = stage.x.handle(
        "GET", RECENT, {"query": "a"}, {"Authorization": "Bearer token"}
    )
    assert status == 503
    assert "x-rate-limit-remaining" not in headers
    with pytest.raises(UnicodeDecodeError if not text else ValueError):
        json.loads(data)


@pytest.mark.parametrize(("tells_apart", "refused"), [(False, 2), (True, 1)])
def test_waiting_for_the_reset_does_not_fill_an_empty_purse(set_stage, tells_apart, refused):
    stage = set_stage(product=set_stage.product(monthly_cap=1))
    stage.post("a")
    stage.ask(RECENT, {"query": "a"})
    _, _, data = stage.ask(RECENT, {"query": "a"})
    if not tells_apart or data["title"] != "UsageCapExceeded":
        stage.now += 901
        stage.ask(RECENT, {"query": "a"})
    assert stage.x.log.capped.total() == refused


def poll(stage, remember, *, every=60.0, times=40):
    """Poll by id, as `remember` makes one of an answer; return what was seen, in order."""
    since, seen = first_id(stage.now - 60), []
    for _ in range(times):
        stage.now += every
        data = stage.search(SENDER, since_id=since, max_results=100)
        seen += [one["id"] for one in data.get("data", [])]
        since = remember(data, since)
    return seen


def newest(data, since):
    return int(data["meta"].get("newest_id", since))


def newest_with_overlap(data, since):
    return max(since, newest(data, since) - (90_000 << 22))


@pytest.mark.parametrize(("remember", "complete"), [(newest, False), (newest_with_overlap, True)])
def test_posts_that_search_learns_of_late_are_lost_without_an_overlap(
    set_stage, remember, complete
):
    stage = set_stage(faults=set_stage.faults(late=0.3))
    published = {str(stage.post("news", ago=-20.0 * number).id) for number in range(80)}
    assert (set(poll(stage, remember)) == published) is complete


@pytest.mark.parametrize(("by_id", "complete"), [(False, False), (True, True)])
def test_asking_for_what_was_posted_since_the_last_poll_misses_what_search_did_not_know(
    stage, by_id, complete
):
    published = {stage.post(f"{number}", ago=-7.0 * number).text for number in range(80)}
    seen, since = set(), first_id(stage.now - 1)
    for _ in range(20):
        stage.now += 60
        minute = {"start_time": stamp(stage.now - 60)}
        data = stage.search(SENDER, max_results=100, **({"since_id": since} if by_id else minute))
        seen |= {one["text"] for one in data.get("data", [])}
        since = newest(data, since)
    assert (seen == published) is complete


@pytest.mark.parametrize(("trailing", "found"), [(False, False), (True, True)])
def test_a_least_number_of_likes_is_reached_after_the_id_has_passed(stage, trailing, found):
    stage.post("airdrop", ago=0, likes=1_000)
    since, seen = first_id(stage.now - 1), []
    for _ in range(100):
        stage.now += 120
        late = {"start_time": stamp(stage.now - 21_600)} if trailing else {"since_id": since}
        seen += stage.texts("airdrop min_likes:500", **late)
        since = first_id(stage.now - 60)
    assert bool(seen) is found
    assert stage.x.meter.billed_posts == bool(seen)


@pytest.mark.parametrize(("of_first", "repeated"), [(False, True), (True, False)])
def test_the_newest_id_of_the_last_page_makes_the_next_poll_read_again(stage, of_first, repeated):
    for number in range(250):
        stage.post("news", ago=40 + number)
    pages, token = [], {}
    while not pages or "next_token" in pages[-1]["meta"]:
        pages.append(stage.search(SENDER, max_results=100, **token))
        token = {"next_token": pages[-1]["meta"].get("next_token")}
    since = pages[0 if of_first else -1]["meta"]["newest_id"]
    assert bool(stage.texts(SENDER, since_id=since)) is repeated


@pytest.mark.parametrize(("by_token", "number"), [(False, 3), (True, 9)])
def test_a_page_that_is_not_full_may_not_be_the_last(stage, by_token, number):
    for _ in range(9):
        stage.post("news", ago=100)
    stage.x.faults.plant(NAME, "short")
    data = stage.search(SENDER)
    found = data["data"]
    if data["meta"]["result_count"] == 10 or by_token:
        found += stage.search(SENDER, next_token=data["meta"]["next_token"])["data"]
    assert len(found) == number


@pytest.mark.parametrize(("raises", "number"), [(True, 0), (False, 1)])
def test_taking_an_error_beside_data_for_a_failure_loses_the_data(stage, raises, number):
    stage.post("news")
    stage.x.faults.plant(NAME, "partial")
    data = stage.search(SENDER)
    assert len([] if raises and "errors" in data else data["data"]) == number


@pytest.mark.parametrize(("field", "found"), [("text", False), ("note_tweet", True)])
def test_the_text_of_a_long_post_does_not_hold_all_of_it(stage, field, found):
    stage.post("word " * 70 + "TGE")
    (post,) = stage.search(SENDER, **{"tweet.fields": "note_tweet"})["data"]
    text = post["text"] if field == "text" else post["note_tweet"]["text"]
    assert ("TGE" in text) is found


@pytest.mark.parametrize(("by_history", "told"), [(False, 2), (True, 1)])
def test_an_edited_post_has_another_id_and_is_the_same_post(stage, by_history, told):
    post = stage.post("TGE in May", ago=100)
    stage.archive.edit(post.id, "TGE in June", at=stage.now + 60)
    seen = set()
    for _ in range(2):
        for one in stage.search(SENDER)["data"]:
            seen.add(one["edit_history_tweet_ids"][0] if by_history else one["id"])
        stage.now += 100
    assert len(seen) == told


@pytest.mark.parametrize(
    ("expansions", "dollars"), [({"expansions": "author_id"}, 0.015), ({}, 0.005)]
)
def test_asking_who_wrote_it_costs_three_times_as_much(stage, expansions, dollars):
    stage.post("news")
    stage.search(SENDER, **expansions)
    assert stage.x.meter.dollars == dollars


@pytest.mark.parametrize(("age", "status"), [(8, 400), (7, 200)])
def test_an_id_from_before_the_week_has_to_be_made_younger(stage, age, status):
    stopped = first_id(stage.now - 8 * 86_400)
    since = max(stopped, first_id(stage.now - age * 86_400 + 60))
    assert stage.ask(RECENT, {"query": "a", "since_id": since})[0] == status


def listen(stage, *, watch, audit, reconnect=True):
    """Listen for ten minutes with one end of the stream in between; return what was seen."""
    stage.add_rules(SENDER)
    connection, seen, silent, last = stage.connect(), set(), 0.0, first_id(stage.now)
    for second in range(600):
        stage.now += 1
        if second % 10 == 0:
            stage.post("news", ago=0)
        if second == 101:
            stage.x.streams.filtered.drop(watch["end"])
        data = connection.pull()
        silent = 0.0 if data else silent + 1
        seen |= {one["data"]["id"] for one in stage.frames(data) if "data" in one}
        if connection.ended or (watch["heartbeats"] and silent > 21):
            connection.close()
            if not reconnect:
                break
            connection, silent = stage.connect(), 0.0
    stage.now += 40
    seen |= {one["data"]["id"] for one in stage.frames(connection.pull())}
    if audit:
        query = {"since_id": last, "max_results": 100}
        seen |= {one["id"] for one in stage.search(SENDER, **query)["data"]}
    return len(seen)


@pytest.mark.parametrize(
    ("end", "heartbeats", "audit", "seen"),
    [
        ("stall", False, False, range(9, 12)),
        ("stall", True, False, range(50, 60)),
        ("reset", False, False, range(55, 60)),
        ("operational", False, False, range(55, 60)),
        ("stall", True, True, [60]),
        ("reset", True, True, [60]),
        ("operational", True, True, [60]),
    ],
)
def test_a_stream_loses_posts_unless_it_is_watched_and_audited(stage, end, heartbeats, audit, seen):
    watch = {"end": end, "heartbeats": heartbeats}
    assert listen(stage, watch=watch, audit=audit) in seen


def test_the_audit_of_a_day_that_was_streamed_is_free(stage):
    listen(stage, watch={"end": "reset", "heartbeats": True}, audit=True)
    assert stage.x.meter.billed_posts == 60


@pytest.mark.parametrize(("ends_it", "refused"), [(False, 4), (True, 0)])
def test_a_connection_that_x_still_counts_has_to_be_ended(set_stage, ends_it, refused):
    stage = set_stage(faults=set_stage.faults(stale=60.0))
    stage.add_rules(SENDER)
    stage.connect().close()
    for _ in range(4):
        if ends_it:
            stage.ask("/2/connections/all", method="DELETE")
        answer = stage.connect()
        if getattr(answer, "ended", None) == "":
            answer.close()
    assert stage.x.log.connections.total() == refused
