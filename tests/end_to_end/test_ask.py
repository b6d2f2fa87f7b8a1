"""What can be asked after a scan: events, why, sources, deliveries."""

import pytest

TITLE = "Merida announces its token generation event for 12 October 2026"
TEXT = "Merida, ticker $MERI, said that its token generation event takes place on 12 October 2026."


@pytest.fixture
def scanned(shell):
    shell.site.feeds["news"] = [(TITLE, TEXT, 2.0), ("Lentil soup", "A recipe.", 9.0)]
    shell.settings(shell.site.url(), shell.site.url("gone"))
    assert shell.scan().code == 1
    return shell


def test_events_lists_what_was_found(scanned):
    (event,) = scanned.run("events", "--json").json

    assert event["project"] == "Merida"
    assert event["date"] == "2026-10-12"
    shown = scanned.run("events", "show", event["id"], "--json").json
    assert shown["history"][-1]["told"] is True


def test_why_tells_the_way_of_what_was_told_and_of_what_was_not(scanned):
    (told,) = scanned.run("why", scanned.site.server.url("/news/0"), "--json").json
    (dropped,) = scanned.run("why", scanned.site.server.url("/news/1"), "--json").json

    assert told["stage"] == "event"
    assert [one["state"] for one in told["deliveries"]] == ["delivered"]
    assert sum(one["value"] for one in told["verdict"]["why"]) == pytest.approx(
        told["verdict"]["score"], abs=0.01
    )
    assert (dropped["stage"], dropped["reason"]) == ("match", "no_term")
    assert dropped["verdict"] is None


def test_why_knows_what_it_does_not_know(scanned):
    ended = scanned.run("why", "https://nowhere.example/at-all")

    assert ended.code == 1
    assert "Nothing is known" in ended.err


def test_sources_say_how_they_do_and_why_they_wait(scanned):
    good, bad = sorted(
        scanned.run("sources", "--json").json, key=lambda source: source["url"], reverse=True
    )

    assert (good["health"], good["polls"], good["error"]) == ("ok", 1, None)
    assert good["because"]
    assert (bad["polls"], bad["errors"], bad["error_cause"]) == (1, 1, "http_404")
    assert bad["because"] == "it failed once"


def test_deliveries_are_those_that_the_channel_saw(scanned):
    (delivery,) = scanned.run("deliveries", "--days", "100000", "--json").json

    assert delivery["state"] == "delivered"
    assert [delivery["key"]] == scanned.channel.keys


def test_a_message_that_is_refused_becomes_a_dead_letter_and_can_be_sent_again(shell):
    shell.site.feeds["news"] = [(TITLE, TEXT, 2.0)]
    shell.settings(shell.site.url())
    shell.channel.answers(403)

    assert shell.scan().json["deliveries"]["dead"] == 1
    (dead,) = shell.run("deliveries", "--dead", "--json").json
    assert dead["error"].startswith("http_403")
    assert shell.run("deliveries", "--replay", "--json").json == {"replayed": 1}
    shell.scan(now="2100-01-01")

    assert shell.channel.keys == [dead["key"]]


def test_a_channel_that_fails_gets_its_message_in_a_later_round(shell):
    shell.site.feeds["news"] = [(TITLE, TEXT, 2.0)]
    shell.settings(shell.site.url())
    shell.channel.answers(503)

    assert shell.scan().json["deliveries"]["failed"] == 1
    early = shell.scan(now="2026-09-21T12:00:05Z").json["deliveries"]
    late = shell.scan(now="2026-09-21T12:02:00Z").json["deliveries"]

    assert (early["delivered"], late["delivered"]) == (0, 1)
    assert len(shell.channel.keys) == 1
