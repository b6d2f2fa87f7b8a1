import asyncio

import pytest

from tgewatch.errors import RefusedError, TransientError
from tgewatch.fetch.adaptive import AdaptiveTtl
from tgewatch.fetch.cache import Cache
from tgewatch.fetch.cached import CachedFetcher, cache_key
from tgewatch.model import NO_VALIDATORS, Validators
from tgewatch.ports import Request, Response
from tgewatch.rules import freshness
from tgewatch.settings.caching import Tier
from tgewatch.testing import ManualClock

URL = "https://a.example/feed"
POLL = Request(URL, pool="rss")
READ = Request(URL, pool="rss", revalidate=False)


class Server:
    """A Fetcher whose page, headers and mood the test sets."""

    def __init__(self, clock):
        self.clock = clock
        self.body = b"one"
        self.etag = '"1"'
        self.headers = {}
        self.error = None
        self.requests = []

    async def fetch(self, request):
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        headers = {"etag": self.etag, **self.headers}
        known = bool(self.etag) and request.validators.etag == self.etag
        return Response(
            url=request.url,
            status=304 if known else 200,
            headers=headers,
            body=b"" if known else self.body,
            received=self.clock.now(),
            validators=freshness.renewed(request.validators, headers),
            fresh_for=freshness.fresh_for(
                headers, requested=self.clock.now(), received=self.clock.now()
            ),
        )


class Bench:
    """A cached fetcher in front of a server, on a clock of its own."""

    def __init__(self, *, adaptive=None, **tier):
        self.clock = ManualClock()
        self.server = Server(self.clock)
        rules = Tier(**({"ttl": 600, "stale_if_error": 3_600} | tier))
        self.cache = Cache({"rss": rules, "article_content": rules}, clock=self.clock)
        self.fetcher = CachedFetcher(self.server, cache=self.cache, adaptive=adaptive)

    def fetch(self, request):
        return asyncio.run(self.fetcher.fetch(request))

    @property
    def asked(self):
        return len(self.server.requests)


@pytest.fixture
def bench():
    return Bench()


def test_a_poll_always_asks_the_server(bench):
    for _ in range(3):
        assert bench.fetch(POLL).body == b"one"

    assert bench.asked == 3


def test_a_polls_own_validators_go_out_and_its_304_comes_back(bench):
    known = Request(URL, pool="rss", validators=Validators(etag='"1"'))

    response = bench.fetch(known)

    assert response.not_modified
    assert bench.server.requests[-1].validators.etag == '"1"'


def test_a_poll_without_validators_gets_none_of_the_caches(bench):
    bench.fetch(POLL)

    bench.fetch(POLL)

    assert bench.server.requests[-1].validators == NO_VALIDATORS
    assert bench.fetch(POLL).status == 200


def test_what_a_poll_brings_serves_readers_for_ten_minutes(bench):
    bench.fetch(POLL)
    bench.clock.advance(599)

    response = bench.fetch(READ)

    assert (response.body, response.from_cache) == (b"one", True)
    assert bench.asked == 1


def test_a_304_to_a_poll_makes_the_kept_answer_new_again(bench):
    bench.fetch(POLL)
    bench.clock.advance(500)
    bench.fetch(Request(URL, pool="rss", validators=Validators(etag='"1"')))
    bench.clock.advance(500)

    assert bench.fetch(READ).body == b"one"
    assert bench.asked == 2


def test_a_304_to_other_validators_vouches_for_nothing(bench):
    bench.fetch(POLL)
    bench.server.etag, bench.server.body = '"2"', b"two"
    bench.clock.advance(500)
    bench.fetch(Request(URL, pool="rss", validators=Validators(etag='"2"')))  # 304 to "2"
    bench.clock.advance(101)

    assert bench.fetch(READ).body == b"two"


def test_a_reader_revalidates_what_is_stale_and_gets_the_body(bench):
    bench.fetch(READ)
    bench.clock.advance(601)

    response = bench.fetch(READ)

    assert bench.server.requests[-1].validators.etag == '"1"'
    assert (response.status, response.body, response.from_cache) == (200, b"one", True)
    bench.clock.advance(599)
    bench.fetch(READ)
    assert bench.asked == 2


def test_a_reader_gets_what_has_changed(bench):
    bench.fetch(READ)
    bench.clock.advance(601)
    bench.server.body, bench.server.etag = b"two", '"2"'

    response = bench.fetch(READ)

    assert (response.body, response.from_cache) == (b"two", False)


def test_a_readers_validators_never_cost_it_the_body(bench):
    response = bench.fetch(
        Request(URL, pool="rss", revalidate=False, validators=Validators(etag='"1"'))
    )

    assert response.body == b"one"


def test_the_servers_lifetime_shortens_the_tiers(bench):
    bench.server.headers = {"cache-control": "max-age=60"}
    bench.fetch(READ)
    bench.clock.advance(59)
    assert bench.fetch(READ).fresh_for == pytest.approx(1)
    bench.clock.advance(1)
    bench.fetch(READ)

    assert bench.asked == 2


def test_the_servers_lifetime_never_lengthens_the_tiers(bench):
    bench.server.headers = {"cache-control": "max-age=86400"}
    bench.fetch(READ)
    bench.clock.advance(601)
    bench.fetch(READ)

    assert bench.asked == 2


def test_no_cache_is_kept_for_its_validators_only(bench):
    bench.server.headers = {"cache-control": "no-cache"}
    bench.fetch(READ)
    bench.fetch(READ)

    assert bench.asked == 2
    assert bench.server.requests[-1].validators.etag == '"1"'


@pytest.mark.parametrize("headers", [{"cache-control": "no-store"}, {"vary": "*"}])
@pytest.mark.parametrize("request_", [POLL, READ], ids=["poll", "read"])
def test_what_must_not_be_kept_is_not(bench, headers, request_):
    bench.fetch(request_)
    bench.server.headers = headers
    bench.clock.advance(601)
    bench.server.etag = '"2"'

    bench.fetch(request_)

    assert bench.cache.keys(tier="rss") == []


def test_a_stale_answer_stands_in_for_a_server_that_is_down(bench):
    bench.fetch(READ)
    bench.clock.advance(700)
    bench.server.error = TransientError("down")

    response = bench.fetch(READ)

    assert (response.body, response.from_cache) == (b"one", True)


@pytest.mark.parametrize("said", ["max-age=60, must-revalidate", "no-cache"])
def test_but_not_where_the_server_forbids_it(bench, said):
    bench.server.headers = {"cache-control": said}
    bench.fetch(READ)
    bench.clock.advance(61)
    bench.server.error = TransientError("down", cause="http_503")

    with pytest.raises(TransientError, match="down"):
        bench.fetch(READ)

    bench.server.error = None
    assert bench.fetch(READ).body == b"one"
    assert bench.server.requests[-1].validators.etag == '"1"'


def test_a_poll_is_told_that_the_server_is_down(bench):
    bench.fetch(POLL)
    bench.server.error = TransientError("down")

    with pytest.raises(TransientError):
        bench.fetch(POLL)


def test_a_refusal_is_remembered_for_readers_but_not_for_polls(bench):
    bench.server.error = RefusedError("gone")
    for request in (READ, READ, POLL, POLL):
        with pytest.raises(RefusedError):
            bench.fetch(request)

    assert bench.asked == 3


def test_readers_share_one_request(bench):
    async def scenario():
        return await asyncio.gather(*(bench.fetcher.fetch(READ) for _ in range(50)))

    responses = asyncio.run(scenario())

    assert bench.asked == 1
    assert sum(not response.from_cache for response in responses) == 1


def test_answers_to_other_credentials_are_kept_apart(bench):
    mine = Request(URL, pool="rss", revalidate=False, headers=(("Authorization", "Bearer me"),))
    yours = Request(URL, pool="rss", revalidate=False, headers=(("Authorization", "Bearer you"),))

    bench.fetch(mine)
    bench.fetch(yours)
    bench.fetch(READ)

    assert bench.asked == 3
    assert "Bearer" not in cache_key(mine)
    assert cache_key(mine) == cache_key(
        Request(URL, headers=(("authorization", " Bearer me "),), pool="article")
    )


def test_the_pool_chooses_the_tier_unless_the_request_does(bench):
    bench.fetch(Request(URL, pool="article"))
    bench.fetch(Request(URL + "2", pool="article", tier="rss"))

    assert len(bench.cache.keys(tier="article_content")) == 1
    assert len(bench.cache.keys(tier="rss")) == 1


def test_ttls_are_learned_from_polls_and_readers_alike():
    learner = AdaptiveTtl(ttl=600, cap=10_000)
    bench = Bench(adaptive={"rss": learner})
    bench.fetch(POLL)
    for _ in range(30):
        bench.clock.advance(600)
        bench.fetch(Request(URL, pool="rss", validators=Validators(etag='"1"')))

    assert learner.ttl(URL) > 900
    bench.clock.advance(800)
    before = bench.asked
    bench.fetch(READ)
    assert bench.asked == before


def test_a_server_without_validators_teaches_by_its_bytes():
    learner = AdaptiveTtl(ttl=600, cap=10_000)
    bench = Bench(adaptive={"rss": learner})
    bench.server.etag = ""
    for _ in range(10):
        bench.fetch(POLL)
        bench.clock.advance(600)
    longer = learner.ttl(URL)
    for n in range(10):
        bench.server.body = b"%d" % n
        bench.fetch(POLL)
        bench.clock.advance(600)

    assert longer > 600
    assert learner.ttl(URL) < longer
