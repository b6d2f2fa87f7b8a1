import asyncio

import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.ledger import Ledgers
from tgewatch.model import Company
from tgewatch.settings import XSettings
from tgewatch.sources.x_parts import x_parts
from tgewatch.testing.clock import ManualClock
from tgewatch.testing.x_caller import InProcessCaller, MemoryNotes
from tgewatch.world.x import Account, Answer, Archive, FakeX, Post, Product

NOON = 1_790_078_400.0
RECENT, USERS = "GET /2/tweets/search/recent", "GET /2/users/by"


class Desk:
    """A client, and the fake X that it asks."""

    def __init__(self, *, bearer="token", product=None, faults=None, skew=0.0, **settings):
        self.clock = ManualClock(NOON + skew)
        archive = Archive()
        archive.add_account(Account(7, "foo"))
        self.fake = FakeX(
            archive,
            now=lambda: self.clock.now() - skew,
            tokens={"token": "app", "outsider": "unenrolled"},
            product=product,
            faults=faults,
        )
        self.settings = XSettings(**{"token": bearer, **settings})
        self.caller = InProcessCaller(self.fake, self.clock)
        self.parts = x_parts(
            self.settings,
            [Company("Foo", x_handle="Foo")],
            caller=self.caller,
            turns=Ledgers(clock=self.clock),
            notes=MemoryNotes(),
            clock=self.clock,
        )
        self.client = self.parts.api

    def post(self, text, *, ago=60.0, **more):
        at = self.fake.time() - ago
        post = Post(self.fake.archive.next_id(at), 7, text, at, **more)
        self.fake.archive.add(post)
        return post

    def search(self, query="from:foo", **more):
        return asyncio.run(self.client.search("recent", query, **more))


@pytest.fixture
def desk():
    return Desk()


def test_a_search_brings_posts_in_full_and_asks_for_no_expansion(desk):
    desk.post("word " * 100 + "TGE")

    (post,) = desk.search().posts

    assert post.text.endswith("TGE")
    assert post.author == "7"
    (_, target) = desk.caller.asked[0]
    assert "note_tweet" in target
    assert "expansions" not in target


def test_what_is_returned_is_charged_as_the_service_charges_it(desk):
    for n in range(3):
        desk.post(f"TGE {n}", ago=60.0 + n)
    desk.search()
    desk.search()
    asyncio.run(desk.parts.who.lookup(["foo", "nobody"]))
    asyncio.run(desk.client.counts("TGE"))

    bill = desk.parts.money.bill
    assert bill.month(NOON) == pytest.approx(sum(d.dollars for d in desk.fake.meter.days.values()))
    assert bill.month(NOON) == pytest.approx(3 * 0.005 + 0.010 + 0.005)


def test_only_one_spelling_is_needed_whichever_it_is():
    desk = Desk(product=Product(spellings=("post",)))
    desk.post("TGE")

    assert len(desk.search().posts) == 1
    assert len(desk.search().posts) == 1

    assert len(desk.caller.asked) == 3, "the other spelling is tried once, and kept"


@pytest.mark.parametrize("kind", ["503", "503_text", "lost"])
def test_what_passes_is_tried_again(desk, kind):
    desk.post("TGE")
    desk.fake.faults.plant(RECENT, kind, kind)

    assert len(desk.search().posts) == 1
    assert len(desk.caller.asked) == 3


def test_an_outage_ends_after_three_tries(desk):
    desk.fake.faults.plant(RECENT, *["503"] * 3)

    with pytest.raises(TransientError) as caught:
        desk.search()

    assert caught.value.cause == "http_503"
    assert len(desk.caller.asked) == 3


def test_a_refused_query_is_not_tried_again(desk):
    with pytest.raises(RefusedError, match="min_faves") as caught:
        desk.search("TGE min_faves:5")

    assert caught.value.cause == "x_invalid"
    assert len(desk.caller.asked) == 1


def test_a_wrong_token_is_said_once_and_not_sent_again():
    desk = Desk(bearer="wrong-secret")

    for _ in range(3):
        with pytest.raises(RefusedError, match=r"\[x\] token") as caught:
            desk.search()

    assert caught.value.cause == "x_unauthorized"
    assert "wrong-secret" not in str(caught.value)
    assert len(desk.caller.asked) == 1


def test_a_wrong_token_is_tried_again_later():
    desk = Desk(bearer="wrong")
    for _ in range(2):
        with pytest.raises(RefusedError):
            desk.search()
        desk.clock.advance(901.0)

    assert len(desk.caller.asked) == 2


def test_an_app_that_is_not_enrolled_is_told_so():
    desk = Desk(bearer="outsider")

    with pytest.raises(RefusedError, match="client-not-enrolled") as caught:
        desk.search()

    assert caught.value.cause == "x_forbidden"


def test_a_429_of_the_window_holds_until_its_end(desk):
    desk.search()
    desk.fake.faults.plant(RECENT, "429")

    with pytest.raises(TransientError) as caught:
        desk.search()
    assert caught.value.cause == "x_rate_limited"
    with pytest.raises(TransientError) as caught:
        desk.search(patience=5.0)

    assert caught.value.cause == "rate_limited", "nothing was sent"
    assert 800 < caught.value.retry_after < 903
    assert desk.client.throttled == 1


def test_a_429_of_the_month_closes_all_that_costs_posts(desk):
    desk.fake.faults.plant(RECENT, "capped")

    for _ in range(3):
        with pytest.raises(RefusedError) as caught:
            desk.search()
    assert caught.value.cause == "usage_capped"
    assert len(desk.caller.asked) == 1
    assert desk.client.refusal("timeline") is not None
    assert desk.client.refusal("users") is None


def test_limits_are_learnt_from_the_headers(desk):
    desk.fake.windows.limits[RECENT] = 75

    desk.search()

    assert desk.client.limits["recent"] == 75


@pytest.mark.parametrize("skew", [-3.0, 3.0])
def test_the_time_is_that_of_the_service(skew):
    desk = Desk(skew=skew)
    desk.search()

    assert abs(desk.client.server_time() - NOON) <= 1.0
    assert desk.client.server_time() <= desk.fake.time()


def test_the_archive_is_searched_once_a_second(desk):
    async def many():
        for _ in range(5):
            await desk.client.search("all", "from:foo")

    asyncio.run(many())

    assert sum(desk.fake.log.too_many.values()) == 0
    assert desk.clock.now() >= NOON + 4


def test_partial_errors_cost_nothing_of_the_answer(desk):
    desk.post("TGE")
    desk.fake.faults.plant(RECENT, "partial")

    page = desk.search()

    assert len(page.posts) == 1
    assert page.absent


def test_a_page_of_a_gateway_is_no_answer(desk):
    gateway = Answer(200, {}, b"<html>")
    desk.caller.x = type("X", (), {"answer": lambda *_: gateway})()

    with pytest.raises(TransientError) as caught:
        desk.search()

    assert caught.value.cause == "bad_json"


def test_a_redirect_is_not_followed(desk):
    headers = {"location": "https://evil.example/"}
    elsewhere = Answer(302, headers, b"")
    desk.caller.x = type("X", (), {"answer": lambda *_: elsewhere})()

    with pytest.raises(RefusedError, match="302"):
        desk.search()
    assert len(desk.caller.asked) == 1


def test_no_repr_shows_the_token(desk):
    assert "Bearer" not in repr(desk.client)
    assert "token" not in repr(desk.parts.api).replace("<XClient", "")
    assert "token='token'" not in repr(desk.settings)


def test_a_new_process_searches_the_archive_no_sooner_than_a_second_after_another(desk):
    asyncio.run(desk.client.search("all", "from:foo"))
    again = x_parts(
        desk.settings,
        [],
        caller=desk.caller,
        turns=Ledgers(clock=desk.clock),
        notes=MemoryNotes(),
        clock=desk.clock,
    ).api
    asyncio.run(again.search("all", "from:foo"))

    assert sum(desk.fake.log.too_many.values()) == 0


def test_posts_are_asked_for_a_hundred_at_a_time_and_those_not_found_are_absent(desk):
    posts = [desk.post(f"TGE {n}", ago=60.0 + n).id for n in range(150)]
    desk.search()
    gone = set(posts[::7])
    for post in gone:
        desk.fake.archive.delete(post, at=desk.fake.time())

    found = asyncio.run(desk.client.absent(posts))

    assert found == gone
    assert desk.fake.log.calls["GET /2/tweets"] == 2


def test_a_look_at_what_was_paid_for_today_costs_nothing(desk):
    post = desk.post("TGE")
    desk.search()
    spent = desk.fake.meter.dollars

    assert asyncio.run(desk.client.absent([post.id])) == frozenset()
    assert desk.fake.meter.dollars == spent == desk.parts.money.bill.on(desk.clock.now())


def test_an_error_about_something_else_makes_no_post_absent(desk):
    post = desk.post("TGE")
    desk.fake.faults.plant("GET /2/tweets", "partial")

    assert asyncio.run(desk.client.absent([post.id])) == frozenset()
