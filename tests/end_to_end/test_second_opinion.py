"""A second opinion, from the settings to the message: the real program and a real endpoint."""

import pytest

from tgewatch.testing.background import in_background
from tgewatch.testing.opinion_server import OpinionServer

UNSURE = ("Merida community asks about the token plans", "More soon.", 2.0)
SURE = ("Quarvo launches QRV token as trading begins", "QRV of Quarvo is live.", 1.0)


@pytest.fixture
def endpoint():
    server = OpinionServer(confidence=1.0)
    with in_background(server):
        yield server


def settings(shell, endpoint, more=""):
    shell.settings(
        shell.site.url(),
        more="threshold = 0.9\n"
        f'[second_opinion]\nurl = "{endpoint.url()}"\nmodel = "m"\nkey_env = "OPINION_KEY"\n'
        f"band = [0.05, 0.95]\nbound = 5.0\n{more}",
    )


@pytest.fixture
def watching(shell, endpoint, monkeypatch):
    monkeypatch.setenv("OPINION_KEY", "sk-not-real")
    shell.site.feeds["news"] = [SURE]
    settings(shell, endpoint)
    shell.scan()
    shell.site.feeds["news"] = [SURE, UNSURE]
    return shell


def test_an_unsure_item_is_asked_about_told_and_explained(watching, endpoint):
    ended = watching.scan("--all", now="2026-09-21T12:30:00Z")

    assert ended.code == 0, ended.err
    (asked,) = endpoint.asked
    assert asked.text["title"] == UNSURE[0]
    assert asked.headers["authorization"] == "Bearer sk-not-real"
    (trace,) = watching.run("why", watching.site.server.url("/news/1"), "--json").json
    assert trace["stage"] == "event"
    assert "second opinion" in [one["name"] for one in trace["verdict"]["why"]]
    assert [one["state"] for one in trace["deliveries"]] == ["delivered"]
    shown = watching.run("why", watching.site.server.url("/news/1")).out
    assert "second opinion  “m: the text says so”" in shown


def test_an_endpoint_that_says_no_leaves_the_local_verdict_and_stops_nothing(watching, endpoint):
    endpoint.refuses(429, retry_after="100")

    ended = watching.scan("--all", now="2026-09-21T12:30:00Z")

    assert ended.code == 0
    (trace,) = watching.run("why", watching.site.server.url("/news/1"), "--json").json
    assert trace["stage"] == "score"
    assert "second opinion" not in [one["name"] for one in trace["verdict"]["why"]]


def test_replay_judges_with_the_opinions_that_were_given(watching):
    watching.scan("--all", now="2026-09-21T12:30:00Z")

    found = watching.run("replay", "--json").json

    assert found["gained"] == found["lost"] == []
    assert found["items_changed"] == {}


def test_check_says_who_is_asked_and_nothing_of_the_key(watching):
    ended = watching.run("check", "--json")

    assert ended.json["second_opinion"].startswith("m at 127.0.0.1, about verdicts from 0.05 to")
    assert "sk-not-real" not in ended.out + ended.err
