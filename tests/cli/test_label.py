import json

import pytest


def test_labels_are_kept_listed_exported_and_scored(shell):
    yes = shell.run(
        "label", "yes", "--text", "Quarvo launches QRV token\nTrading is open.", "--kind", "live",
        "--project", "Quarvo", "--ticker", "$qrv", "--date", "2026-05-12",
        "--published", "2026-05-12",
    )  # fmt: skip
    no = shell.run("label", "no", "--text", "Quarvo token price falls 9%", "--post")

    assert (yes.code, no.code) == (0, 0), yes.err + no.err
    one, other = shell.run("labels", "--json").json
    assert (one["relevant"], one["kind"], one["ticker"]) == (True, "live", "QRV")
    assert (other["relevant"], other["post"]) == (False, True)
    assert shell.run("labels", "--export", "mine.jsonl").code == 0
    rows = [json.loads(line) for line in shell.read("mine.jsonl").splitlines()]
    assert [row["type"] for row in rows] == ["news", "tweet"]
    scored = shell.run("replay", "--labelled", "mine.jsonl", "--json").json
    assert (scored["news"]["sure"]["n"], scored["tweet"]["sure"]["n"]) == (1, 1)
    assert scored["news"]["sure"]["f1"] == 1.0
    assert scored["news"]["sure"]["date_items"] == 1


def test_the_last_word_counts_and_can_be_taken_back(shell):
    shell.run("label", "https://a.example/1", "yes")
    shell.run("label", "https://a.example/1#top", "no")

    (one,) = shell.run("labels", "--json").json
    assert one["relevant"] is False
    assert shell.run("label", "https://a.example/1", "remove").code == 0
    gone = shell.run("label", "https://a.example/1", "remove")
    assert gone.code == 1
    assert "no label" in gone.err
    assert shell.run("labels", "--json").json == []


def test_a_url_of_which_nothing_is_stored_is_labelled_and_said_to_have_no_text(shell):
    ended = shell.run("label", "https://a.example/1", "no")

    assert ended.code == 0
    assert "no text yet" in ended.err
    exported = shell.run("labels", "--export", "-")
    assert exported.out == ""
    assert "1 labels are left out" in exported.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("maybe",), "yes"),
        (("yes",), "--text"),
        (("a.example", "yes"), "no URL"),
        (("https://a.example", "https://b.example", "yes"), "label URL yes"),
        (("yes", "--text", "  "), "empty"),
        (("yes", "--text", "x", "--kind", "nonsense"), "none of"),
        (("yes", "--text", "x", "--date", "12 May"), "no date"),
        (("yes", "--text", "x", "--date", "2026-13-45"), "no date"),
        (("no", "--text", "x", "--project", "Foo"), "with yes only"),
    ],
)
def test_what_cannot_be_a_label_is_wrong_usage(shell, words, said):
    ended = shell.run("label", *words)

    assert ended.code == 2
    assert said in " ".join(ended.err.split())


def test_no_labels_are_no_error(shell):
    ended = shell.run("labels")

    assert ended.code == 0
    assert "No labels yet" in ended.err
