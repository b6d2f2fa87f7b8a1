import random
import tomllib

import pytest

from tgewatch.detect import lexicon
from tgewatch.detect.frames import Frames, compiled, line_of, main_clause

DOCUMENT = """
[frame]
announced = "<ENT> <GAP 2>(?:ANNOUNCE|PLAN) <GAP 3>TOKEN "
ends = "TOKEN \\\\$"
starts = "\\\\^ NAME "
twice = "(?:(?:NAME|CAPS) , ){2}"
perhaps = "TOKEN (?:PRICE )?(?:is )*"
bracket = "NAME \\\\( CAPS \\\\) "
"""


@pytest.fixture(scope="module")
def frames():
    return {f.name: f for f in compiled(DOCUMENT, "frame")}


def found(frames, name, *tags):
    line = line_of(tags)
    frame = frames[f"frame {name}"]
    return any(f.pattern.search(line) for f in Frames([frame]).likely(line))


def test_a_gap_passes_over_what_changes_nothing(frames):
    assert found(frames, "announced", "NAME", "just", "ANNOUNCE", "its", "first", "TOKEN")
    assert not found(frames, "announced", "NAME", "a", "b", "c", "ANNOUNCE", "TOKEN")


def test_a_gap_never_passes_over_another_subject(frames):
    assert not found(frames, "announced", "NAME", "ANNOUNCE", "STABLE", "TOKEN")


def test_start_end_and_brackets_are_places_of_their_own(frames):
    assert found(frames, "ends", "NAME", "TOKEN")
    assert not found(frames, "ends", "TOKEN", "NAME")
    assert found(frames, "starts", "NAME", "TOKEN")
    assert not found(frames, "starts", "the", "NAME")
    assert found(frames, "bracket", "NAME", "(", "CAPS", ")")


def test_what_need_not_be_there_is_not_asked_for(frames):
    assert found(frames, "twice", "NAME", ",", "CAPS", ",")
    assert not found(frames, "twice", "NAME", ",", "CAPS")
    assert found(frames, "perhaps", "TOKEN")
    assert len(frames["frame twice"].needs) == 1
    assert len(frames["frame perhaps"].needs) == 1


def test_the_occasion_is_no_part_of_the_main_clause():
    whole = line_of(["NAME", "ANNOUNCE", "AIRDROP", "AHEAD", "EXCHANGE", "LISTING"])

    assert main_clause(whole) == line_of(["NAME", "ANNOUNCE", "AIRDROP"])
    assert main_clause(line_of(["after", "NAME"])) == line_of(["after", "NAME"])


def test_every_shipped_frame_compiles_and_names_known_classes():
    text = lexicon.data("frames.toml")
    known = {*lexicon.shipped().words.values(), *lexicon.shipped().phrases.values()}
    known |= {"ENT", "GAP", "NAME", "OLD", "TICKER", "CAPS", "HANDLE", "PCT", "MONEY", "NUM"}
    for table, patterns in tomllib.loads(text).items():
        assert compiled(text, table)
        for pattern in patterns.values():
            words = {
                w for w in pattern.replace("\\S", " ").replace("|", " ").split() if w.isupper()
            }
            assert {w for w in words if w.isalpha()} <= known, pattern


def test_a_line_without_what_a_frame_needs_is_not_searched_and_no_match_is_lost():
    text = lexicon.data("frames.toml")
    tables = ("frame", "against", "kind")
    frames = [f for table in tables for f in compiled(text, table)]
    several = Frames(frames)
    chance = random.Random(5)  # noqa: S311 - lines for a test
    tags = sorted(
        {*lexicon.shipped().words.values(), "NAME", "OLD", "CAPS", "TICKER", "to", "(", ")"}
    )

    lines = [line_of(chance.choices(tags, k=chance.randrange(1, 14))) for _ in range(400)]

    searched = 0
    for line in lines:
        likely = list(several.likely(frozenset(line)))
        searched += len(likely)
        assert likely == [f for f in frames if all(n & set(line) for n in f.needs)]
        assert [f for f in likely if f.pattern.search(line)] == [
            f for f in frames if f.pattern.search(line)
        ]
    assert searched < 0.2 * len(frames) * len(lines)


def test_no_frames_are_likely_nowhere():
    assert not list(Frames([]).likely(line_of(["TOKEN"])))
    assert len(Frames([])) == 0
