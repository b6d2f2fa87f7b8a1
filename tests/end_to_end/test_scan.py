"""`tgewatch scan` from settings to messages: what it says, tells and returns."""

import signal
import socket
import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

QUIET = [("Markets were quiet", "Nothing happened.", 5.0), ("Lentil soup", "A recipe.", 9.0)]
AHEAD = (
    "Merida announces its token generation event for 12 October 2026",
    "Merida, ticker $MERI, said that its token generation event takes place on 12 October 2026.",
    3.0,
)
OVER = (
    "Ostrava token generation event took place on 3 March 2026",
    "The token of Ostrava, $OSTR, was launched on 3 March 2026 and is trading.",
    4_700.0,
)
NEWS = (
    "Pelion announces its token generation event for 20 October 2026",
    "Pelion, ticker $PELI, said that its token generation event takes place on 20 October 2026.",
    1.0,
)


@contextmanager
def refusing(*, count=1):
    """Ports on which nobody listens, as URLs."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield [f"http://127.0.0.1:{one.getsockname()[1]}/feed.xml" for one in sockets]
    finally:
        for one in sockets:
            one.close()


def until(ready):
    """Wait for another process to get there."""
    for _ in range(3_000):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_the_object_that_it_prints_keeps_its_shape(shell):
    shell.site.feeds["news"] = [*QUIET, AHEAD]
    shell.settings(shell.site.url(), shell.site.url("gone"))

    found = shell.scan("--all").json

    assert set(found) >= {"sources", "items", "events", "deliveries"}
    assert found["sources"]["polled"] == 2
    assert found["sources"]["unchanged"] == 0
    assert found["sources"]["failed"] == {"http_404": 1}
    assert found["items"]["seen"] == found["items"]["new"] == 3
    assert found["items"]["dropped"]["match"] == {"no_term": 2}
    (event,) = found["events"]
    assert set(event) >= {"company", "project", "ticker", "kind", "state", "date", "score"}
    assert event["ticker"] == "MERI"
    assert event["evidence"] == [shell.site.server.url("/news/2")]
    assert 0.5 < event["score"] <= 1.0
    assert found["deliveries"]["delivered"] == 1


def test_first_sight_tells_only_what_is_still_ahead_and_a_second_look_repeats_nothing(shell):
    shell.site.feeds["news"] = [AHEAD, *QUIET, OVER]
    shell.settings(shell.site.url())

    first = shell.scan()
    again = shell.scan("--all", now="2026-09-21T13:00:00Z")

    assert (first.code, again.code) == (0, 0)
    assert first.json["items"]["new"] == 4
    assert again.json["sources"]["unchanged"] == 1
    assert again.json["items"]["new"] == 0
    assert again.json["events"] == []
    (told,) = shell.channel.received
    assert told.json()["project"] == "Merida"


def test_what_is_news_later_is_told_once(shell):
    shell.site.feeds["news"] = list(QUIET)
    shell.settings(shell.site.url())
    assert shell.scan().json["events"] == []

    shell.site.feeds["news"] = [*QUIET, NEWS]
    for hour in (13, 14, 15):
        assert shell.scan("--all", now=f"2026-09-21T{hour}:00:00Z").code == 0

    assert [one.json()["project"] for one in shell.channel.received] == ["Pelion"]
    assert len(set(shell.channel.keys)) == 1


def test_it_polls_what_is_due_and_says_how_many_are_not(shell):
    shell.site.feeds["news"] = list(QUIET)
    shell.settings(shell.site.url())
    shell.scan()

    at_once = shell.scan(now="2026-09-21T12:00:30Z").json
    next_day = shell.scan(now="2026-09-22T12:00:00Z").json

    assert (at_once["sources"]["polled"], at_once["sources"]["not_due"]) == (0, 1)
    assert (next_day["sources"]["polled"], next_day["sources"]["not_due"]) == (1, 0)


def test_a_pause_that_a_server_asked_for_holds_for_the_next_program_and_for_all(shell):
    shell.site.pausing["news"] = 90
    shell.settings(shell.site.url())

    first = shell.scan().json["sources"]
    shell.site.pausing.clear()
    shell.site.feeds["news"] = list(QUIET)
    early = shell.scan("--all", now="2026-09-21T12:00:45Z").json["sources"]
    asked = len(shell.site.server.asked)
    late = shell.scan("--all", now="2026-09-21T12:01:35Z").json["sources"]

    assert first["failed"] == {"http_429": 1}
    assert (early["deferred"], early["polled"], asked) == (1, 0, 1)
    assert late["changed"] == 1


def test_a_feed_that_cannot_be_read_is_one_and_the_rest_goes_on(shell):
    shell.site.feeds["news"] = list(QUIET)
    with refusing() as dead:
        shell.settings(*dead, shell.site.url())

        ended = shell.run("scan", "--now", shell.now)

    assert ended.code == 1
    assert "1 failed (refused)" in ended.err
    assert "2 items seen, 2 new" in ended.out


def test_offline_it_says_one_line_a_cause_and_ends_with_three(shell):
    with refusing(count=3) as dead:
        shell.settings(*dead, "http://10.1.2.3/feed.xml", "http://10.1.2.4/feed.xml")
        file = shell.folder / "tgewatch.toml"
        narrow = 'allow_private = false\nallow_addresses = ["127.0.0.1/32"]'
        file.write_text(file.read_text().replace("allow_private = true", narrow))

        ended = shell.run("scan", "--quiet")

    assert ended.code == 3
    lines = [line for line in ended.err.splitlines() if " failed (" in line]
    assert [line.split(":")[0] for line in lines] == [
        "3 failed (refused)",
        "2 failed (blocked_address)",
    ]
    assert "Traceback" not in ended.err


def test_what_never_answers_before_the_deadline_counts_as_unreachable(shell):
    shell.site.hanging.add("news")
    shell.settings(shell.site.url(), more="[cycle]\ndeadline = 0.3")

    ended = shell.scan()

    assert ended.code == 3
    assert ended.json["sources"]["unfinished"] == 1


def test_wrong_settings_end_with_two_and_a_place(shell):
    shell.settings(shell.site.url(), more="[cycle]\ndeadlin = 5")

    ended = shell.scan()

    assert ended.code == 2
    assert "tgewatch.toml:" in ended.err
    assert "deadlin" in ended.err


@pytest.mark.parametrize("arguments", [("--now", "yesterday"), ("--every",), ("more",)])
def test_wrong_usage_ends_with_two(shell, arguments):
    shell.settings(shell.site.url())

    assert shell.run("scan", *arguments).code == 2


def test_a_second_instance_is_told_who_is_there_and_ends_with_four(shell):
    shell.site.feeds["news"] = list(QUIET)
    shell.site.hanging.add("slow")
    shell.settings(shell.site.url(), shell.site.url("slow"))
    with shell.process("scan", "--all") as first:
        until(lambda: len(shell.site.server.asked) == 2)

        second = shell.scan("--all")

    assert second.code == 4
    assert f"pid {first.pid}" in second.err
    assert second.out == ""


def test_ctrl_c_ends_with_130_and_keeps_what_was_done(shell):
    shell.site.feeds["news"] = [*QUIET, AHEAD]
    shell.site.hanging.add("slow")
    shell.settings(shell.site.url(), shell.site.url("slow"))
    with shell.process("scan", "--all", "--now", shell.now) as process:
        until(lambda: shell.channel.received)

        ended = shell.finish(process, signal.SIGINT)

    assert ended.code == 130
    assert ended.err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in ended.err
    with closing(sqlite3.connect(shell.folder / "state" / "tgewatch.db")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("SELECT count(*) FROM items").fetchone() == (3,)
    shell.site.hanging.clear()
    shell.site.feeds["slow"] = list(QUIET)
    assert shell.scan("--all", now="2026-09-21T13:00:00Z").code == 0
    assert len(set(shell.channel.keys)) == 1
