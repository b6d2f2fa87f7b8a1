import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tgewatch.errors import MalformedError
from tgewatch.model.post import time_of
from tgewatch.parse import x

ID = "2125282776038001614"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)
NAMES = st.sampled_from(
    ["data", "meta", "errors", "id", "text", "note_tweet", "entities", "urls", "matching_rules",
     "referenced_tweets", "edit_history_tweet_ids", "public_metrics", "title", "parameters"]
)  # fmt: skip


def page(**post):
    return x.read_page(orjson.dumps({"data": [{"id": ID, "text": "gm", **post}], "meta": {}}))


def only(**post):
    (found,) = page(**post).posts
    return found


def test_a_post_is_read_with_what_is_free_of_charge():
    post = only(
        author_id="7",
        lang="en",
        edit_history_tweet_ids=[ID],
        public_metrics={"like_count": 5, "bad": "x"},
        referenced_tweets=[{"type": "replied_to", "id": "5"}],
    )

    assert (post.id, post.root, post.author, post.lang) == (int(ID), int(ID), "7", "en")
    assert post.at == time_of(int(ID))
    assert post.metrics == {"like_count": 5, "bad": 0}
    assert post.reply
    assert post.repost_of == 0


@pytest.mark.parametrize("word", ["tweet", "post"])
def test_both_spellings_say_the_same(word):
    post = only(
        **{
            f"note_{word}": {"text": "all of it"},
            f"edit_history_{word}_ids": ["11", ID],
            f"referenced_{word}s": [{"type": "retweeted", "id": "9"}],
        }
    )

    assert (post.text, post.root, post.repost_of) == ("all of it", 11, 9)


def test_the_long_text_is_read_where_there_is_one():
    assert only(note_tweet={"text": "a" * 300 + " TGE"}).text.endswith("TGE")
    assert only(note_tweet={}).text == "gm"


def test_short_links_become_what_they_stand_for():
    post = only(
        text="claim https://t.co/abc and https://t.co/other",
        entities={"urls": [{"url": "https://t.co/abc", "expanded_url": "https://foo.example/a"}]},
    )

    assert post.text == "claim https://foo.example/a and https://t.co/other"


def test_text_loses_what_could_drive_a_terminal_and_keeps_its_lines():
    assert only(text="a &amp; b\x1b[31m\r\n\r\nc").text == "a & b\nc"


def test_a_page_knows_its_ends():
    body = {"data": [{"id": "20"}, {"id": "10"}], "meta": {"newest_id": "21", "next_token": "t"}}

    found = x.read_page(orjson.dumps(body))

    assert (found.newest, found.oldest, found.next_token) == (21, 10, "t")


def test_an_empty_page_is_a_page():
    assert x.read_page(b'{"meta":{"result_count":0}}') == x.Page()


def test_partial_errors_stand_beside_the_data():
    body = {
        "data": [{"id": "1"}],
        "errors": [{"resource_id": "5", "title": "Not Found Error", "detail": "gone"}],
    }

    found = x.read_page(orjson.dumps(body))

    assert len(found.posts) == 1
    assert found.absent == (x.Absent("5", "Not Found Error", "gone"),)


def test_missing_accounts_are_told_beside_those_found():
    body = {
        "data": [{"id": "5", "username": "Foo", "name": "The Foo"}, {"id": "x", "username": "y"}],
        "errors": [{"value": "nobody", "title": "Not Found Error"}],
    }

    found = x.read_accounts(orjson.dumps(body))

    assert found.found == (x.Account("5", "Foo", "The Foo"),)
    assert found.absent[0].value == "nobody"


def test_counts_are_read_in_both_spellings():
    body = {"data": [{"tweet_count": 3}, {"post_count": 4}, {"tweet_count": "x"}]}

    assert x.read_counts(orjson.dumps(body)) == [3, 4, 0]


def test_rules_are_read():
    body = {"data": [{"id": "1", "value": "from:a", "tag": "t"}, {"id": "2", "value": "b"}]}

    assert x.read_rules(orjson.dumps(body)) == (x.Rule("1", "from:a", "t"), x.Rule("2", "b"))
    assert x.read_rules(b'{"meta":{}}') == ()


def test_a_line_of_the_stream_names_its_rules():
    line = {"data": {"id": ID, "text": "gm"}, "matching_rules": [{"id": "1", "tag": "t"}]}

    found = x.read_line(orjson.dumps(line))

    assert found.post is not None
    assert found.post.tags == ("t",)
    assert found.disconnect == ""


def test_a_stream_says_why_it_ends():
    line = {
        "errors": [
            {
                "title": "operational-disconnect",
                "disconnect_type": "UpstreamOperationalDisconnect",
                "detail": "This stream has been disconnected.",
            }
        ]
    }

    found = x.read_line(orjson.dumps(line))

    assert found.post is None
    assert found.disconnect.startswith("operational-disconnect: This stream")
    assert "UpstreamOperationalDisconnect" in found.disconnect


CAPPED = {
    "title": "UsageCapExceeded",
    "detail": "Usage cap exceeded: Monthly product cap",
    "type": "https://api.x.com/2/problems/usage-capped",
    "period": "Monthly",
}


def test_the_two_kinds_of_429_are_told_apart():
    by_rate = {"title": "Too Many Requests", "type": "about:blank", "status": 429}
    old = {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}

    assert x.read_problem(orjson.dumps(CAPPED)).capped
    assert not x.read_problem(orjson.dumps(by_rate)).capped
    assert not x.read_problem(orjson.dumps(old)).capped
    assert str(x.read_problem(orjson.dumps(old))) == "Rate limit exceeded"


def test_an_invalid_request_names_its_parameters():
    body = {
        "errors": [{"parameters": {"query": ["x"]}, "message": "no such operator"}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
    }

    problem = x.read_problem(orjson.dumps(body))

    assert problem.type == "invalid-request"
    assert problem.parameters == ("query",)
    assert str(problem) == "Invalid Request: no such operator"


def test_too_many_connections_are_told():
    body = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}

    assert x.read_problem(orjson.dumps(body)).crowded


def test_a_refusal_in_plain_text_is_shown():
    assert str(x.read_problem(b"Service Unavailable")) == "Service Unavailable"
    assert str(x.read_problem(b"\xff\x1b[31m")) != ""
    assert str(x.read_problem(b"")) == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"x"', b"{", b"1"])
def test_what_is_no_answer_is_refused(body):
    for read in (x.read_page, x.read_accounts, x.read_rules, x.read_counts, x.read_line):
        with pytest.raises(MalformedError, match="JSON"):
            read(body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, JSON | st.lists(st.dictionaries(NAMES, JSON), max_size=3)))
def test_no_document_breaks_a_reader(document):
    body = json.dumps(document).encode()

    for read in (x.read_page, x.read_accounts, x.read_rules, x.read_counts, x.read_line):
        read(body)
    assert len(str(x.read_problem(body))) <= 300


def test_numbers_past_all_ids_are_none():
    assert x.read_page(b'{"data":[{"id":"99999999999999999999"},{"id":7},{"id":"-1"}]}').posts == ()


def test_depth_breaks_no_reader():
    deep = b'{"errors":[{"title":"t","parameters":' + b"[" * 900 + b"]" * 900 + b"}]}"

    assert x.read_line(deep).disconnect == "t"
    assert x.read_page(deep).posts == ()
