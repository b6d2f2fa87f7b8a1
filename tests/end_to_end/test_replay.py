"""Stored history, judged again by the command line."""

from collections import Counter

import pytest

RULES = """
[detection]
mode = "discover"
[[detection.terms]]
tier = "mine"
weight = -9.0
phrases = ["merida"]
[[detection.terms]]
tier = "theirs"
weight = 12.0
phrases = ["bread"]
"""
STORY = [
    ("Merida announces its token generation event for 12 October 2026", "Merida says so.", 2.0),
    ("Velthar bread is baked daily", "A recipe.", 1.5),
    ("Quarvo launches QRV token as trading begins", "QRV of Quarvo is live.", 1.0),
]


@pytest.fixture
def scanned(shell):
    shell.site.feeds["news"] = STORY[:1]
    shell.settings(shell.site.url())
    shell.scan()
    shell.site.feeds["news"] = STORY
    shell.scan("--all", now="2026-09-21T12:30:00Z")
    return shell


def test_the_rules_that_are_set_tell_what_was_told(scanned):
    found = scanned.run("replay", "--json").json

    sent = Counter(taken.json()["change"] for taken in scanned.channel.received)
    assert found["items"] == 3
    assert found["alerts"]["before"] == sum(sent.values())
    assert found["alerts"]["before"] == found["alerts"]["after"] > 1
    assert found["gained"] == found["lost"] == found["changed"] == []


def test_other_rules_gain_and_lose_alerts(scanned):
    (scanned.folder / "new.toml").write_text(RULES)

    found = scanned.run("replay", "--rules", "new.toml", "--json").json

    assert [one["project"] for one in found["lost"]] == ["Merida"]
    assert [one["project"] for one in found["gained"]] == ["Velthar"]
    assert "term mine -9.00" in found["lost"][0]["reason"]
    assert found["lead_time"]["same"] == 1
    shown = scanned.run("replay", "--rules", "new.toml")
    assert "lost\tMerida" in shown.out
    assert "gained\tVelthar" in shown.out
    assert "1 gained, 1 lost" in shown.err
    assert scanned.run("events", "--json").json  # nothing was written
    assert len(scanned.run("replay", "--json").json["gained"]) == 0


def test_what_new_rules_do_not_set_stays_as_it_is(scanned):
    (scanned.folder / "new.toml").write_text("[detection]\nthreshold = 0.51\n")  # and no mode

    found = scanned.run("replay", "--rules", "new.toml", "--json").json

    assert found["lost"] == found["gained"] == []
    assert found["alerts"]["before"] == found["alerts"]["after"] > 1


def test_rules_for_a_company_that_is_on_no_list_are_refused(scanned):
    (scanned.folder / "new.toml").write_text(
        '[[company]]\nname = "Merida"\n[[detection.company]]\nname = "Nobody"\n'
    )

    ended = scanned.run("replay", "--rules", "new.toml")

    assert ended.code == 2
    assert "no company on the watchlist is called 'Nobody'" in ended.err


def test_only_the_time_that_is_asked_for_is_judged(scanned):
    later = scanned.run("replay", "--since", "2026-09-21T12:15:00Z", "--json").json
    earlier = scanned.run("replay", "--until", "2026-09-21T12:15:00Z", "--json").json
    nothing = scanned.run("replay", "--until", "2020-01-01")

    assert (later["items"], earlier["items"]) == (2, 1)
    assert nothing.code == 0
    assert "No items are stored" in nothing.err


def test_labels_on_stored_items_are_scored_with_their_delay(scanned):
    url = scanned.site.server.url("/news/0")
    scanned.run("label", url, "yes", "--project", "Merida", "--date", "2026-10-12")
    (scanned.folder / "new.toml").write_text(RULES)

    found = scanned.run("replay", "--rules", "new.toml", "--json").json["labels"]

    assert (found["before"]["f1"], found["after"]["f1"]) == (1.0, 0.0)
    (project,) = found["projects"]
    assert project["told_before"] == "2026-09-21T12:00:00Z"
    assert project["told_after"] is None
    assert "never now" in scanned.run("replay", "--rules", "new.toml").err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("[fetch]\nspacing = 1\n", "sets no rules"),
        ("[detection]\nthreshold = 7\n", "threshold"),
        ('[[detection.terms]]\ntier = "x"\nweight = 1\npatterns = ["("]\n', "RE2"),
        ("[detection\n", "TOML"),
    ],
)
def test_rules_that_cannot_be_tried_are_refused_in_words(shell, content, said):
    if content is not None:
        (shell.folder / "new.toml").write_text(content)

    ended = shell.run("replay", "--rules", "new.toml")

    assert ended.code == 2
    assert said in ended.err


def test_a_labelled_file_and_history_are_two_questions(shell, tmp_path):
    (tmp_path / "x.jsonl").write_text("")

    ended = shell.run("replay", "--labelled", "x.jsonl", "--since", "2026-01-01")

    assert ended.code == 2
