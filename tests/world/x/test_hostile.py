"""Requests of any shape: answered or refused, and always in JSON."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATHS = (
    "/2/users/by", "/2/users/by/username/a", "/2/users", "/2/users/7", "/2/users/7/tweets", "/2/tweets",
    "/2/tweets/search/recent", "/2/tweets/search/all", "/2/lists/77/tweets", "/2/lists/x/tweets",
    "/2/tweets/counts/recent", "/2/tweets/search/stream", "/2/tweets/search/stream/rules",
    "/2/activity/subscriptions", "/2/connections", "/2/connections/all", "/2/usage/tweets", "/", "//",
)  # fmt: skip
NAMES = (
    "query", "usernames", "ids", "max_results", "since_id", "until_id", "start_time", "end_time",
    "next_token", "pagination_token", "sort_order", "tweet.fields", "post.fields", "user.fields",
    "expansions", "exclude", "granularity", "dry_run", "days",
)  # fmt: skip
VALUES = st.sampled_from(
    ["", "0", "1", "10", "-1", "9" * 19, "0" * 25, "1e9", "٣", "a", "from:a", "a -b", "(a OR b)", "list:9" * 9,
     "2026-09-22T11:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "minute", "day", "replies",
     "author_id,referenced_tweets.id", "note_tweet", "note_post", "true", "ffffffff0", "00000000" + "f" * 16]
) | st.text(max_size=30)  # fmt: skip
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "add",
                    "delete",
                    "ids",
                    "values",
                    "value",
                    "tag",
                    "filter",
                    "user_id",
                    "uuids",
                    "event_type",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PATCH", ""]),
    path=st.sampled_from(PATHS),
    query=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
    body=BODIES,
)
def test_any_request_is_answered_or_refused(stage, method, path, query, body):
    stage.now += 1_000
    sent = json.dumps(body).encode()
    answer = stage.x.answer(method, path, query, {"authorization": "Bearer token"}, sent)
    assert answer.status in {200, 201, 400, 404, 409, 429}
    if answer.connection is None:
        assert isinstance(json.loads(answer.body), dict)
    else:
        answer.connection.close()


@pytest.mark.parametrize("value", [5, "x", {"a": 1}, [[1]], [None]])
@pytest.mark.parametrize(
    ("method", "path", "around"),
    [
        ("DELETE", "/2/connections", lambda value: {"uuids": value}),
        ("POST", "/2/tweets/search/stream/rules", lambda value: {"delete": {"ids": value}}),
        ("POST", "/2/tweets/search/stream/rules", lambda value: {"delete": {"values": value}}),
        ("POST", "/2/tweets/search/stream/rules", lambda value: {"add": value}),
        ("POST", "/2/activity/subscriptions", lambda value: {"event_type": value, "filter": value}),
        (
            "POST",
            "/2/activity/subscriptions",
            lambda value: {"event_type": value, "filter": {"user_id": "5"}},
        ),
    ],
)
def test_a_body_of_the_wrong_types_is_survived(stage, method, path, around, value):
    assert stage.ask(path, method=method, body=around(value))[0] in {200, 400}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic token", "Bearer token extra", "bearer"]
)
def test_an_authorization_that_is_none_is_refused(stage, value):
    assert stage.x.answer("GET", "/2/users/by", {}, {"Authorization": value}).status == 401
