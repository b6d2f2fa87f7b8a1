import pytest

TEXT = "Quarvo sets QRV token launch for tomorrow\nThe team says so."


def test_pasted_text_is_judged_as_if_published_then(shell):
    shell.write('[detection]\nmode = "discover"\n')

    found = shell.run("why", "--text", TEXT, "--published", "2026-05-11", "--json").json

    assert (found["relevant"], found["project"], found["ticker"]) == (True, "Quarvo", "QRV")
    assert (found["date"], found["now"]) == ("2026-05-12", "2026-05-11T00:00:00Z")
    assert sum(one["value"] for one in found["why"]) == pytest.approx(found["score"])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("threshold = 0.9999", "the threshold of Quarvo is 0.9999"),
        ('mute = ["date_set"]', "muted for Quarvo"),
        ("weight = 0.1", ""),
    ],
)
def test_the_rule_that_keeps_something_back_is_named(shell, rule, said):
    shell.write(f'[[company]]\nname = "Quarvo"\n[[detection.company]]\nname = "Quarvo"\n{rule}\n')

    first = shell.run("why", "--text", TEXT).out.splitlines()[0]

    assert (first.startswith("dropped: "), said in first) == (bool(said), True)


def test_what_names_nobody_on_the_list_is_said_to(shell):
    shell.write('[[company]]\nname = "Lumora"\n')

    assert "no company" in shell.run("why", "--text", TEXT).out.splitlines()[0]


def test_a_post_is_judged_as_one(shell):
    entry = shell.run("why", "--text", TEXT, "--json").json
    post = shell.run("why", "--text", TEXT, "--post", "--json").json

    assert entry["score"] != post["score"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give a URL"),
        (("https://a.example/", "--text", "x"), "give a URL"),
        (("https://a.example/", "--post"), "with --text only"),
        (("--text", " "), "empty"),
        (("--text", "x", "--published", "yesterday"), "no time"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(shell, words, said):
    ended = shell.run("why", *words)

    assert ended.code == 2
    assert said in " ".join(ended.err.split())
