"""The whole program and an X on loopback: read, streamed, cut off, killed, refused, switched off."""

import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tgewatch.clock import SystemClock
from tgewatch.testing.background import in_background
from tgewatch.world.x import Account, Archive, FakeX, Post
from tgewatch.world.x.server import XServer

TOKEN = "AAAAtoken"  # noqa: S105 - of a fake
NAMES = {"MeridaHQ": 101, "PelionLabs": 102, "Ostrava": 103}
QUIET = [("Markets were quiet", "Nothing happened.", 5.0)]


def until(ready):
    """Wait for another process to get there."""
    for _ in range(6_000):
        if ready():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


class X:
    """An X whose time is that of this machine, and whose accounts post when they are told to."""

    def __init__(self):
        self.archive = Archive()
        for name, number in NAMES.items():
            self.archive.add_account(Account(number, name))
        self.now = SystemClock().now
        self.fake = FakeX(self.archive, now=self.now, tokens={TOKEN: "app"})
        self.server = XServer(self.fake)

    def post(self, name, project, *, ago=0.0, days=40):
        at = round(self.now() - ago, 3)
        made = Post(self.archive.next_id(at), NAMES[name], self.text(project, days), at)
        self.archive.add(made)
        return made.id

    def text(self, project, days=40):
        day = datetime.fromtimestamp(self.now(), UTC) + timedelta(days=days)
        ticker = project[:4].upper()
        return (
            f"The {project} token generation event takes place on {day.day} {day:%B %Y}."
            f" ${ticker} is the token of {project}."
        )

    def calls(self, endpoint):
        return self.fake.log.calls.get(f"GET /2/{endpoint}", 0)

    @property
    def streaming(self):
        return bool(self.fake.streams.filtered.connections)

    @property
    def refused(self):
        return sum(self.fake.log.too_many.values())


@pytest.fixture
def x():
    made = X()
    with in_background(made.server):
        yield made


@pytest.fixture
def watching(shell, x):
    """The shell with a feed, and companies that have accounts."""
    shell.site.now = x.now()
    shell.site.feeds["news"] = list(QUIET)
    companies = "".join(
        f'[[company]]\nname = "{name}"\nx_handle = "{handle}"\n'
        for name, handle in (("Merida", "MeridaHQ"), ("Pelion", "PelionLabs"))
    )
    shell.settings(shell.site.url(), more=f'[x]\nbase_url = "{x.server.base_url}"\n{companies}')
    return shell


def token(shell, text=TOKEN):
    shell._patch.setenv("TGEWATCH_X__TOKEN", text)


def told(shell):
    return [one.json()["project"] for one in shell.channel.received]


def test_a_scan_tells_what_an_account_announced_and_a_second_one_repeats_nothing(watching, x):
    token(watching)
    post = x.post("MeridaHQ", "Merida", ago=300.0)

    first = watching.run("scan", "--json", "--all")
    again = watching.run("scan", "--json", "--all")

    assert (first.code, again.code) == (0, 0)
    assert first.json["items"]["new"] == 2
    assert again.json["items"]["new"] == 0
    assert told(watching) == ["Merida"]
    why = watching.run("why", f"https://x.com/MeridaHQ/status/{post}")
    assert "it made a claim about an event" in why.out
    assert x.calls("users/by") == 1
    assert x.refused == 0
    assert TOKEN not in first.out + first.err + why.out


def test_what_it_cost_is_what_x_bills(watching, x):
    token(watching)
    x.post("MeridaHQ", "Merida", ago=300.0)
    x.post("PelionLabs", "Pelion", ago=200.0)
    watching.run("scan", "--all")

    spent = watching.run("spend", "--json").json

    assert spent["month"] == pytest.approx(x.fake.meter.dollars) == pytest.approx(0.03)
    assert {one["company"]: one["events"] for one in spent["companies"]} == {
        "Merida": 1,
        "Pelion": 1,
    }
    shown = watching.run("spend")
    assert "█" in shown.out
    assert "0.03 dollars this month" in shown.err


def test_the_stream_brings_posts_and_what_a_cut_swallows_is_found(watching, x):
    token(watching)
    with watching.process("run") as process:
        until(lambda: x.streaming)
        x.post("MeridaHQ", "Merida")
        until(lambda: told(watching) == ["Merida"])

        x.fake.streams.filtered.drop("reset")
        until(lambda: x.calls("tweets/search/stream") >= 2)
        x.post("PelionLabs", "Pelion")
        until(lambda: told(watching) == ["Merida", "Pelion"])
        ended = watching.finish(process, signal.SIGTERM)

    assert ended.code == 0
    assert len(set(watching.channel.keys)) == 2
    assert "Traceback" not in ended.err
    assert x.refused == 0


def test_killed_and_started_again_it_tells_what_came_meanwhile_and_nothing_twice(watching, x):
    token(watching)
    with watching.process("run") as process:
        until(lambda: x.streaming)
        x.post("MeridaHQ", "Merida")
        until(
            lambda: (
                [one["state"] for one in watching.run("deliveries", "--days", "9", "--json").json]
                == ["delivered"]
            )
        )
        watching.finish(process, signal.SIGKILL)
    x.post("PelionLabs", "Pelion", ago=45.0)  # a search finds it, and no stream ever sends it again

    with watching.process("run") as process:
        until(lambda: "Pelion" in told(watching))
        ended = watching.finish(process, signal.SIGTERM)

    assert ended.code == 0
    assert told(watching) == ["Merida", "Pelion"]
    assert x.refused == 0


def test_a_wrong_token_is_one_clear_error_and_the_feeds_go_on(watching, x):
    token(watching, "AAAAwrong")

    ended = watching.run("scan", "--now", datetime.fromtimestamp(x.now(), UTC).isoformat())

    assert ended.code == 1
    assert ended.err.count("token right?") == 1
    assert "x_unauthorized" in ended.err
    assert "1 items seen, 1 new" in ended.out
    assert "AAAAwrong" not in ended.out + ended.err
    assert "Traceback" not in ended.err
    assert sum(x.fake.log.statuses.values()) == 1


def test_a_running_program_goes_on_with_a_wrong_token_too(watching, x):
    token(watching, "AAAAwrong")
    with watching.process("run") as process:
        until(lambda: watching.site.server.asked and x.fake.log.statuses)
        ended = watching.finish(process, signal.SIGTERM)

    assert ended.code == 0
    assert "AAAAwrong" not in ended.err
    assert "Traceback" not in ended.err


def test_without_a_token_one_line_says_how_to_turn_it_on_and_x_is_not_asked(watching, x):
    checked = watching.run("check")
    with watching.process("run") as process:
        until(lambda: watching.site.server.asked)
        ended = watching.finish(process, signal.SIGTERM)

    assert (checked.code, ended.code) == (0, 0)
    for said in (checked.out + checked.err, ended.err):
        assert said.count("X is off, where 2 companies have accounts") == 1
        assert "TGEWATCH_X__TOKEN" in said
    assert watching.run("scan", "--all").code == 0
    assert not x.fake.log.calls


def test_an_x_that_nobody_can_reach_stops_no_feed(watching, x):
    token(watching)
    file = watching.folder / "tgewatch.toml"
    file.write_text(file.read_text().replace(x.server.base_url, "http://127.0.0.1:9"))

    ended = watching.run("scan", "--all")

    assert ended.code == 1
    assert "1 failed (refused)" in ended.err
    assert "1 items seen, 1 new" in ended.out


def test_the_price_list_and_the_budget_hold_from_the_first_call_on(watching, x):
    token(watching)
    file = watching.folder / "tgewatch.toml"
    prices = f'{x.server.base_url}/api/credits/pricing"\npost = 9.0\n[fetch]'
    file.write_text(file.read_text().replace("[fetch]", f'[x.prices]\nurl = "{prices}', 1))
    x.post("MeridaHQ", "Merida", ago=300.0)

    assert watching.run("scan", "--all").code == 0

    assert watching.run("spend", "--json").json["month"] == pytest.approx(0.025)
