"""Connections under the names of the specification, against a real server on loopback."""

import asyncio
import threading

import pytest

from session_manager import SharedSessionManager, close_session_manager, get_session_manager
from tgewatch.errors import MalformedError, RefusedError, TransientError


@pytest.fixture
def sessions():
    with SharedSessionManager(backoff_factor=0.01) as sessions:
        yield sessions


def test_an_answer_looks_as_users_of_requests_expect(sessions, site):
    site.pages["/json"] = (200, '{"a": "ü"}'.encode(), {"Content_Type": "application/json"})

    response = sessions.get(site.url("/json"))

    assert (response.status_code, response.ok, response.reason) == (200, True, "OK")
    assert response.json() == {"a": "ü"}
    assert response.text == '{"a": "ü"}'
    assert response.content == b"".join(response.iter_content(3))
    assert response.headers["CONTENT-TYPE"] == response.headers.get("content-type")
    assert response.url == site.url("/json")
    assert response.elapsed.total_seconds() > 0
    response.raise_for_status()


@pytest.mark.parametrize(
    ("status", "error"), [(404, RefusedError), (410, RefusedError), (500, TransientError)]
)
def test_a_status_of_failure_is_an_answer_until_one_asks(sessions, site, status, error):
    site.pages["/bad"] = (status, b"why")

    response = sessions.get(site.url("/bad"))

    assert (response.status_code, bool(response), response.text) == (status, False, "why")
    with pytest.raises(error, match=str(status)):
        response.raise_for_status()


def test_a_304_to_conditional_headers_comes_back_as_such(sessions, site):
    site.publish("/feed", "title")
    first = sessions.get(site.url("/feed"), session_type="rss")

    again = sessions.get(
        site.url("/feed"), session_type="rss", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert (again.status_code, again.content) == (304, b"")


def test_methods_bodies_and_parameters_arrive(sessions, site):
    get = sessions.get(site.url("/echo?x=1"), params={"q": "a b"}, headers={"X-Word": "hi"})
    form = sessions.post(site.url("/echo"), data={"k": ["1", "2"]})
    json = sessions.post(site.url("/echo"), json={"k": 1})
    head = sessions.head(site.url("/echo"))

    assert get.text.strip() == "GET /echo?x=1&q=a+b hi"
    assert form.text.split()[-1] == "k=1&k=2"
    assert json.text.split()[-1] == '{"k":1}'
    assert (head.status_code, head.content) == (200, b"")
    kinds = [asked.headers.get("content-type") for asked in site.asked]
    assert kinds == [None, "application/x-www-form-urlencoded", "application/json", None]


def test_none_leaves_a_header_or_a_parameter_out(sessions, site):
    sessions.get_session("rss").headers["X-Word"] = "always"
    site_url = site.url("/echo")

    assert sessions.get(site_url, "rss", headers={"x-word": None}).text.split()[1:] == ["/echo"]
    assert sessions.get(site_url, "rss", headers={"x-word": "now"}).text.split()[2:] == ["now"]
    assert sessions.get(site_url, params={"a": None, "b": 1}).text.split()[1] == "/echo?b=1"
    assert sessions.get(site_url, params=b"a=1", timeout=(5, None)).text.split()[1] == "/echo?a=1"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"headers": {"X-Word": 3}}, RefusedError),
        ({"headers": {3: "x"}}, RefusedError),
        ({"data": object()}, MalformedError),
        ({"timeout": "5"}, ValueError),
    ],
)
def test_arguments_that_make_no_sense_are_said_before_anything_is_sent(sessions, site, how, error):
    with pytest.raises(error):
        sessions.post(site.url("/echo"), **how)
    with pytest.raises(RefusedError, match="is not a text"):
        sessions.get(None)
    assert site.asked == []


class ClosedAtOnce(SharedSessionManager):
    """Somebody else closes the connections between opening and sending."""

    def _opened(self):
        held = super()._opened()
        self.close_all()
        return held


def test_connections_that_are_closed_under_a_request_are_a_passing_failure(site):
    with pytest.raises(TransientError) as caught:
        ClosedAtOnce().get(site.url("/echo"))
    assert caught.value.cause == "closed"


def test_sessions_have_headers_of_their_own(sessions, site):
    rss = sessions.get_session("rss")
    rss.headers["X-Word"] = "rss"

    assert rss.get(site.url("/echo")).text.split() == ["GET", "/echo", "rss"]
    assert sessions.get_session("article").get(site.url("/echo")).text.split()[2:] == []
    assert sessions.get_session("nonsense") is sessions.get_session("default")


def test_reuse_is_counted_as_it_happens(sessions, site):
    for _ in range(10):
        sessions.get(site.url("/echo"))

    found = sessions.get_metrics()
    assert found["total_requests"] == 10
    assert found["connection_creates"] == site.server.connections == 1
    assert found["connection_reuse_rate"] == 90.0
    assert found["pools"]["default"]["requests"] == 10
    assert found["avg_request_duration_ms"] > 0


def test_what_may_pass_is_tried_again_and_what_has_effects_is_not(sessions, site):
    site.pages["/busy"] = (503, b"busy")

    assert sessions.get(site.url("/busy")).status_code == 503
    assert len(site.asked) == 4
    assert sessions.post(site.url("/busy"), data=b"order").status_code == 503
    assert len(site.asked) == 5
    assert sessions.get_metrics()["retry_count"] == 3


def test_a_server_that_asks_for_patience_is_not_pressed(sessions, site):
    site.pages["/slow"] = (429, b"", {"Retry_After": "3600"})

    response = sessions.get(site.url("/slow"))

    assert (response.status_code, len(site.asked)) == (429, 1)
    with pytest.raises(TransientError) as caught:
        response.raise_for_status()
    assert caught.value.retry_after == 3600


def test_redirects_are_followed_within_bounds(sessions, site):
    site.pages["/old"] = (301, b"", {"Location": "/echo"})
    site.pages["/loop"] = (302, b"", {"Location": "/loop"})

    followed = sessions.get(site.url("/old"))
    assert (followed.url, followed.hops) == (site.url("/echo"), (site.url("/old"),))
    assert sessions.get(site.url("/old"), allow_redirects=False).status_code == 301
    assert sessions.head(site.url("/old")).status_code == 301
    with pytest.raises(RefusedError, match="loop"):
        sessions.get(site.url("/loop"))


def test_secrets_and_bodies_do_not_follow_to_another_origin(sessions, site):
    elsewhere = site.url("/echo").replace("127.0.0.1", "localhost")
    site.pages["/away"] = (307, b"", {"Location": elsewhere})

    sessions.get(site.url("/away"), headers={"X-Word": "secret"}, auth=("me", "word"))
    assert "authorization" in site.asked[0].headers
    assert "authorization" not in site.asked[1].headers
    assert "x-word" not in site.asked[1].headers
    assert sessions.post(site.url("/away"), data=b"secret").status_code == 307


def test_a_post_that_is_sent_elsewhere_becomes_a_get(sessions, site):
    site.pages["/done"] = (303, b"", {"Location": "/echo"})

    assert sessions.post(site.url("/done"), data=b"x").text.split() == ["GET", "/echo"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s, _: s.get("ftp://x.example/"), RefusedError),
        (lambda s, _: s.get("not a url"), RefusedError),
        (lambda s, site: s.get(site.url(), headers={"X": "a\r\nY: b"}), RefusedError),
        (lambda s, site: s.request("TRACE\r\n", site.url()), RefusedError),
        (lambda s, _: s.get("http://127.0.0.1:1/"), TransientError),
        (lambda s, _: s.get("http://nowhere.invalid/"), TransientError),
        (lambda s, site: s.get(site.url(), verify=False), TypeError),
        (lambda s, site: s.get(site.url(), proxies={}), TypeError),
    ],
    ids=["scheme", "url", "header", "method", "refused", "unknown", "verify", "proxies"],
)
def test_what_cannot_be_sent_is_an_error_of_its_own_kind(sessions, site, call, error):
    with pytest.raises(error):
        call(sessions, site)
    assert site.asked == []


def test_the_guard_holds_unless_the_operator_lets_private_addresses_in(site, monkeypatch):
    monkeypatch.delenv("TGEWATCH_ALLOW_PRIVATE")

    with SharedSessionManager() as sessions, pytest.raises(RefusedError, match="not a public"):
        sessions.get(site.url("/echo"))
    assert site.server.connections == 0


def test_settings_that_change_around_it_hold_from_the_next_request_on(site, monkeypatch):
    sessions = get_session_manager()
    assert sessions.get(site.url("/echo")).ok

    monkeypatch.setenv("TGEWATCH_ALLOW_PRIVATE", "false")
    with pytest.raises(RefusedError, match="not a public"):
        sessions.get(site.url("/echo"))


def test_a_timeout_ends_the_wait(sessions, site):
    async def silence(_asked, _line):
        await asyncio.Event().wait()

    site.server._script = silence

    with pytest.raises(TransientError) as caught:
        sessions.get(site.url("/echo"), timeout=(0.05, 0.05))
    assert caught.value.cause == "timeout"
    assert sessions.get_metrics()["timeout_count"] == 1


def test_two_managers_in_one_process_do_not_collide(site):
    with SharedSessionManager() as one, SharedSessionManager() as other:
        one.get(site.url("/echo"))
        other.get(site.url("/echo"))
        one.close_all()
        other.get(site.url("/echo"))

        assert site.server.connections == 2
        assert one.get_metrics()["total_requests"] == 1
        assert other.get_metrics()["total_requests"] == 2


def test_many_threads_and_loops_share_one_manager(sessions, site):
    async def from_inside():
        return sessions.get(site.url("/echo")).status_code

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sessions.get(site.url("/echo")).status_code))
        for _ in range(12)
    ] + [threading.Thread(target=lambda: found.append(asyncio.run(from_inside())))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert found == [200] * 13


def test_closed_it_opens_again_and_its_counts_go_on(sessions, site):
    sessions.get(site.url("/echo"))
    sessions.close_all()
    sessions.close_all()
    sessions.get(site.url("/echo"))

    found = sessions.get_metrics()
    assert (found["total_requests"], found["connection_creates"]) == (2, 2)


def test_what_was_counted_elsewhere_can_be_added(sessions):
    for _ in range(9):
        sessions.metrics.record_request(0.1, reused=True)
    sessions.metrics.record_request(0.3, reused=False)
    sessions.metrics.record_retry()
    sessions.metrics.record_timeout()
    sessions.metrics.record_error()

    found = sessions.get_metrics()
    assert found["connection_reuse_rate"] == 90.0
    assert found["avg_request_duration_ms"] == pytest.approx(120)
    assert (found["retry_count"], found["timeout_count"], found["error_count"]) == (1, 1, 1)


def test_the_one_of_the_process_can_be_closed_by_name(site):
    get_session_manager().get(site.url("/echo"))
    close_session_manager()

    assert get_session_manager().get_metrics()["total_requests"] == 1


def test_a_body_in_another_encoding_is_read_as_stated(sessions, site):
    site.pages["/latin"] = (
        200,
        "Zürich".encode("latin-1"),
        {"Content_Type": "text/plain; charset=iso-8859-1"},
    )
    site.pages["/odd"] = (200, "Zürich".encode(), {"Content_Type": "text/plain; charset=nonsense"})

    assert sessions.get(site.url("/latin")).text == "Zürich"
    assert sessions.get(site.url("/odd")).text == "Zürich"
