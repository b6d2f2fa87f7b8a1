import json

from tgewatch.parse.discourse import earliest, read_discourse

BASE = "https://forum.example"


def post(**more):
    return {
        "id": 91,
        "username": "jane",
        "created_at": "2026-05-01T10:00:00.000Z",
        "cooked": "<p>The <b>TGE</b> takes place in May.</p>",
        "post_number": 1,
        "post_type": 1,
        "topic_id": 7,
        "topic_slug": "token-launch",
        "topic_title": "Token launch",
        "category_id": 5,
        "staff": False,
        "hidden": False,
        **more,
    }


def body(*posts):
    return json.dumps({"latest_posts": posts}).encode()


def read(*posts, category=""):
    return read_discourse(body(*posts), source=BASE, base=BASE, category=category).items


def test_a_topic_becomes_an_entry_with_its_address():
    (item,) = read(post())
    assert (item.title, item.summary) == ("Token launch", "The TGE takes place in May.")
    assert (item.url, item.author) == (f"{BASE}/t/token-launch/7", "jane")
    assert item.published == 1_777_629_600.0


def test_answers_count_when_they_are_the_staffs():
    assert read(post(post_number=4)) == ()
    (item,) = read(post(post_number=4, staff=True))
    assert item.url == f"{BASE}/t/token-launch/7/4"


def test_small_actions_hidden_and_deleted_posts_are_left_out():
    assert read(post(post_type=3), post(hidden=True), post(deleted_at="2026-05-01")) == ()


def test_a_category_keeps_out_the_others():
    assert len(read(post(), category="5")) == 1
    assert read(post(), category="6") == ()


def test_the_earliest_post_says_where_the_page_ends_whatever_became_of_it():
    later = post(id=95, created_at="2026-05-02T10:00:00.000Z")
    assert earliest(body(later, post(post_number=9))) == (91, 1_777_629_600.0)
    assert earliest(body()) == (0, None)
