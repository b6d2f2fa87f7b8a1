"""The user's hand on events, from the command line."""

import pytest

STORY = [
    ("Merida announces its token generation event for 12 October 2026", "Merida says so.", 3.0),
    ("Merida token generation event set for 12 October 2026", "Merida again.", 2.0),
    ("Quarvo launches QRV token as trading begins", "QRV of Quarvo is live.", 1.0),
]


@pytest.fixture
def scanned(shell):
    shell.site.feeds["news"] = STORY
    shell.settings(shell.site.url())
    shell.scan()
    return shell


def event(shell, prefix="merida"):
    return shell.run("events", "show", prefix, "--json").json


def said(ended):
    return " ".join(ended.err.replace("│", " ").split())


def test_evidence_is_split_off_by_its_number_or_its_address(scanned):
    whole = event(scanned)
    assert len(whole["evidence"]) == 2
    shown = scanned.run("events", "show", "merida").out
    assert whole["evidence"][1] in shown  # in one piece, also in a pipe

    ended = scanned.run("events", "split", whole["id"], "2")

    assert ended.code == 0, ended.err
    kept = event(scanned, whole["id"])
    assert kept["evidence"] == whole["evidence"][:1]
    (other,) = (
        e for e in scanned.run("events", "--json", "--text", "merida").json if e["id"] != kept["id"]
    )
    assert other["evidence"] == whole["evidence"][1:]
    back = scanned.run("events", "merge", kept["id"], other["id"])
    assert back.code == 0
    assert len(event(scanned, other["id"])["evidence"]) == 2
    by_address = scanned.run("events", "split", "merida", whole["evidence"][0] + "#top")
    assert by_address.code == 0, by_address.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("split", "merida", "9"), "no evidence of merida"),
        (("split", "merida", "https://nowhere.example/"), "no evidence of merida"),
        (("split", "merida", "1", "2"), "at least one claim"),
        (("merge", "merida", "merida"), "name two events"),
        (("merge", "merida", "nobody"), "no event 'nobody'"),
        (("edit", "merida"), "nothing to set"),
        (("edit", "merida", "--release", "nonsense"), "none of project"),
        (("edit", "merida", "--date", "2026-13-01"), "no date"),
        (("edit", "merida", "--date", ""), "--release date"),
        (("edit", "merida", "--project", " "), "--release project"),
        (("edit", "merida", "--ticker", "$USDT"), "paid in"),
        (("dismiss", ""), "an id is empty"),
        (("restore", "merida"), "not dismissed"),
        (("edit", "merida", "--in-state", "asleep"), "none of rumoured"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(scanned, words, why):
    ended = scanned.run("events", *words)

    assert ended.code == 2
    assert why in said(ended)


def test_a_name_that_the_user_gives_brings_further_evidence(scanned):
    assert scanned.run("events", "edit", "merida", "--name", "Zorblat").code == 0
    scanned.site.feeds["news"] = [
        *STORY, ("Zorblat sets token generation event for 12 October 2026", "Zorblat.", 0.5),
    ]  # fmt: skip
    scanned.scan("--all", now="2026-09-21T12:30:00Z")

    assert len(event(scanned)["evidence"]) == 3


def test_what_the_user_sets_stays_until_it_is_released(scanned):
    scanned.run("events", "edit", "merida", "--date", "2026-12-24")
    assert event(scanned)["date"] == "2026-12-24"
    scanned.run("events", "edit", "merida", "--release", "date")
    assert event(scanned)["date"] == "2026-10-12"


def test_a_dismissed_event_is_out_of_sight_and_comes_back(scanned):
    scanned.run("events", "dismiss", "merida")
    assert [e["project"] for e in scanned.run("events", "--json").json] == ["Quarvo"]
    assert len(scanned.run("events", "--json", "--dismissed").json) == 2
    scanned.run("events", "restore", "merida")
    assert len(scanned.run("events", "--json").json) == 2
    scanned.run("events", "confirm", "merida")
    assert event(scanned)["score"] == 1.0
