"""What a pipeline was given of X, and how far that was."""

import asyncio

import pytest

from tgewatch.dropin.x_room import MOST, NOTE, Counts, Handed
from tgewatch.model.post import Post
from tgewatch.testing.x_caller import MemoryNotes


def post(number):
    return Post(id=number, author="7", text="TGE", at=1.0, root=number)


def loaded(notes):
    return asyncio.run(Handed.load(notes))


def test_a_post_is_handed_out_once_also_by_the_next_process():
    notes = MemoryNotes()
    handed = loaded(notes)
    assert handed.take([post(1), post(2)], "1 {}") == [post(1), post(2)]
    assert handed.take([post(2), post(3)], "2 {}") == [post(3)]
    asyncio.run(handed.save(notes, 5.0))

    again = loaded(notes)
    assert again.position == "2 {}"
    assert again.take([post(1), post(4)], "3 {}") == [post(4)]


def test_what_was_not_noted_comes_again():
    notes = MemoryNotes()
    loaded(notes).take([post(1)], "1 {}")

    assert loaded(notes).take([post(1)], "1 {}") == [post(1)]


def test_nothing_is_noted_when_nothing_has_changed():
    notes = MemoryNotes()
    handed = loaded(notes)
    asyncio.run(handed.save(notes, 5.0))
    handed.take([], handed.position)
    asyncio.run(handed.save(notes, 5.0))

    assert notes.kept == {}


def test_no_more_than_so_many_are_remembered_and_those_are_the_latest():
    handed = Handed()
    handed.take([post(n) for n in range(1, MOST + 11)], "1 {}")

    assert handed.take([post(10), post(11)], "2 {}") == [post(10)]


@pytest.mark.parametrize("note", [b"", b"\xc1", b"[]", b"\x81\xa6handed\xa1a"])
def test_a_note_that_cannot_be_read_is_none(note):
    notes = MemoryNotes()
    notes.kept[NOTE] = note

    assert loaded(notes).position == ""


def test_counts_are_of_what_was_done_in_between():
    assert Counts(5, 1, 9, 4, 2) - Counts(3, 0, 9, 1, 1) == Counts(2, 1, 0, 3, 1)
