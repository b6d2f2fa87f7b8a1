"""Lines come whole, in order and bounded, however the bytes arrive."""

import asyncio
import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from tgewatch.mcp.stdio import AHEAD, Inbox, lines


def through_a_pipe(pieces, **ways):
    """Return the lines that are read from a pipe into which the pieces are written."""
    end, begin = os.pipe()

    def write():
        with os.fdopen(begin, "wb", buffering=0) as pipe:
            for piece in pieces:
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        return list(lines(end, **ways))
    finally:
        writer.join()
        os.close(end)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20))
def test_the_pieces_in_which_lines_arrive_do_not_matter(pieces):
    whole = b"".join(pieces)

    found = through_a_pipe(pieces)

    assert b"\n".join(found) == (whole.removesuffix(b"\n"))


def test_a_line_that_is_too_long_is_left_out_and_the_next_ones_are_not():
    pieces = [b"one\n" + b"x" * 5_000, b"y" * 200_000, b"z\ntwo\nthree"]

    assert through_a_pipe(pieces, longest=1_000) == [b"one", b"two", b"three"]


def test_a_line_of_just_the_longest_length_is_kept():
    assert through_a_pipe([b"x" * 1_000 + b"\n" + b"y" * 1_001 + b"\n"], longest=1_000) == [
        b"x" * 1_000
    ]


def test_more_lines_than_anybody_takes_wait_in_the_pipe():
    end, begin = os.pipe()

    async def whole():
        os.write(begin, b"line\n" * (AHEAD + 10))
        inbox = Inbox(end)
        os.close(begin)
        return [line async for line in inbox]

    assert asyncio.run(whole()) == ["line"] * (AHEAD + 10)
    os.close(end)


def test_bytes_that_are_no_text_become_a_line_all_the_same():
    end, begin = os.pipe()

    async def whole():
        os.write(begin, b"\xff\xfe\n")
        os.close(begin)
        return [line async for line in Inbox(end)]

    assert asyncio.run(whole()) == ["\ufffd\ufffd"]
    os.close(end)
