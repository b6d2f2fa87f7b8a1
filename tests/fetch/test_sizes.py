import sys
from collections import deque
from dataclasses import dataclass

import pytest

from tgewatch.fetch.sizes import MAX_PARTS, bytes_of


@dataclass(frozen=True, slots=True)
class Slotted:
    body: bytes


class Private:
    __slots__ = ("__body", "__unset")

    def __init__(self, body):
        self.__body = body


class Open:
    def __init__(self, body):
        self.body = body


BODY = b"x" * 10_000


@pytest.mark.parametrize(
    "value",
    [
        BODY,
        BODY.decode(),
        bytearray(BODY),
        memoryview(BODY),
        [BODY],
        (BODY,),
        {"a": BODY},
        {BODY: 1},
        {BODY},
        {"a": [{"b": (BODY,)}]},
        Slotted(BODY),
        Open(BODY),
        Private(BODY),
        deque([BODY]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sees_what_a_value_refers_to(value):
    assert 10_000 < bytes_of(value) < 11_500


def test_counts_what_is_met_twice_once():
    assert bytes_of([BODY] * 50) < 11_500


def test_ends_with_a_value_that_contains_itself():
    loop: list[object] = [BODY]
    loop.append(loop)

    assert bytes_of(loop) > 10_000


def test_depth_is_no_matter():
    deep: list[object] = []
    for _ in range(20_000):
        deep = [deep]

    assert bytes_of(deep) > 20_000 * sys.getsizeof([])


def test_refuses_to_guess_at_a_value_of_too_many_parts():
    with pytest.raises(ValueError, match="parts"):
        bytes_of([object() for _ in range(MAX_PARTS + 1)])


def test_classes_and_functions_belong_to_the_program():
    assert bytes_of([Slotted, test_depth_is_no_matter, sys]) < 5_000
