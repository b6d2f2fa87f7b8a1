import random
import tomllib

import pytest

from tgewatch.detect import lexicon
from tgewatch.detect.frames import compiled, line_of, main_clause

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
    return frames[f"frame {name}"].found(line, frozenset(line)) is not None


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
    chance = random.Random(5)  # noqa: S311 - lines for a test
    tags = sorted(
        {*lexicon.shipped().words.values(), "NAME", "OLD", "CAPS", "TICKER", "to", "(", ")"}
    )

    lines = [line_of(chance.choices(tags, k=chance.randrange(1, 14))) for _ in range(400)]

    assert sum(bool(f.needs) for f in frames) > 0.9 * len(frames)
    for line in lines:
        signs = frozenset(line)
        for frame in frames:
            assert (frame.pattern.search(line) is None) == (frame.found(line, signs) is None), frame
