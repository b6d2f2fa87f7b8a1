"""What the next process and people are told."""

import pytest

from tgewatch.engine.due import NextPoll
from tgewatch.engine.x_status import LEVELS, learned, told
from tgewatch.rules.spending import Level


def test_what_was_told_is_learned():
    known = {"recent/low/0": NextPoll(at=5.5, because="it is quiet", rhythm="{}")}

    assert learned(told(known)) == known


@pytest.mark.parametrize("note", [None, b"", b"{", b"[]", b'{"a": 1}', b'{"a": ["1", 2, 3]}'])
def test_what_cannot_be_read_is_left_out(note):
    assert learned(note) == {}


def test_every_level_of_saving_has_its_words():
    assert set(LEVELS) == set(Level)
    assert len(set(LEVELS.values())) == len(Level)
