"""What is typed at either major."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgewatch.swarm.claude_flow import speech
from tgewatch.swarm.claude_flow.message import Notify, PostEdit, PostTask, PreTask

QUIET = "--format json -Q"
SAID = {
    PreTask("t-1", "a b"): (
        ["hooks", "pre-task", "--task-id", "t-1", "--description", "tgewatch: a b"],
        QUIET,
    ),
    PostEdit(Path("/s/cache.db"), "swarm/cache"): (
        ["hooks", "post-edit", "--file", "/s/cache.db", "--memory-key", "swarm/cache"],
        None,
    ),
    PostTask("t-1", success=False, seconds=1.5): (["hooks", "post-task", "--task-id", "t-1"], None),
    Notify("done", "warning"): (
        ["hooks", "notify", "--message", "tgewatch: done", "--level", "warning"],
        "-Q",
    ),
}


@pytest.mark.parametrize("message", SAID, ids=lambda m: type(m).__name__)
def test_the_old_major_is_told_plainly(message):
    assert list(speech.hook(message, major=2)) == SAID[message][0]


@pytest.mark.parametrize("message", [m for m in SAID if SAID[m][1]], ids=lambda m: type(m).__name__)
def test_the_new_major_is_told_to_be_quiet(message):
    plain, quiet = SAID[message]

    assert list(speech.hook(message, major=3)) == plain + quiet.split()


def test_the_new_major_is_told_how_it_went_and_how_long_it_took():
    ended = speech.hook(PostTask("t-1", success=False, seconds=1.5), major=3)
    edited = speech.hook(PostEdit(Path("/s/cache.db"), "k"), major=3)

    assert " ".join(ended[4:]) == f"--success false --duration 1500 {QUIET}"
    assert " ".join(edited[2:]) == f"--file /s/cache.db --success true {QUIET}"


def test_the_new_major_is_told_values_behind_an_equals_sign_since_it_takes_a_dash_for_an_option():
    said = speech.store("-k", '{"v":-1}', namespace="n", ttl=0.2, major=3)

    assert said[2:5] == ("--key=-k", '--value={"v":-1}', "--namespace=n")
    assert said[5:] == ("--ttl", "1", "--upsert", "-Q")


@settings(deadline=None)
@given(st.text(max_size=2_000))
def test_any_text_becomes_one_line_that_is_neither_option_nor_number(words):
    said = speech.text(words)

    assert said.startswith("tgewatch: ")
    assert said.isprintable()
    assert len(said) <= 10 + speech.LONGEST


@pytest.mark.parametrize("words", ["12", "true", "1e3", "0x10", " 5", "-x", "", "\0"])
def test_words_that_are_a_trap_for_the_new_major_are_none(words):
    assert not speech.text(words).removeprefix("tgewatch: ").startswith("tgewatch")
    assert speech.text(words)[0] == "t"
