"""How many bytes a value keeps in memory."""

import sys
from collections import deque
from functools import lru_cache
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

MAX_PARTS = 50_000
"""Objects looked at in one value; more are refused rather than guessed."""

_LEAVES = frozenset({bytes, str, int, float, bool, complex, bytearray, type(None)})
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""Kept alive by the program anyway."""
_GROUPS = (list, tuple, set, frozenset, deque)


def bytes_of(value: object) -> int:
    """Return the bytes of `value` and of everything it alone refers to.

    Containers, `__dict__` and `__slots__` are followed, an object met twice counts once. Memory
    that an extension keeps outside Python objects (a parsed tree, say) is not seen.
    Raises ValueError for a value of more than MAX_PARTS parts.
    """
    if type(value) in _LEAVES:
        return sys.getsizeof(value)
    total = 0
    seen: set[int] = set()
    waiting: list[object] = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if len(seen) > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} parts")
        total += sys.getsizeof(part)
        if type(part) not in _LEAVES and not isinstance(part, _SHARED):
            _push_parts(part, waiting)
    return total


def _push_parts(part: object, waiting: list[object]) -> None:
    if isinstance(part, dict):
        waiting += part.keys()
        waiting += part.values()
    elif isinstance(part, _GROUPS):
        waiting += part
    elif isinstance(part, memoryview):
        waiting.append(part.obj)
    if (attributes := getattr(part, "__dict__", None)) is not None:
        waiting.append(attributes)
    # A slot that is not set has the object itself, which has been counted.
    waiting += [getattr(part, name, part) for name in _slots(type(part))]  # type: ignore[arg-type]  # classes are hashable


@lru_cache(maxsize=1_000)
def _slots(kind: type) -> tuple[str, ...]:
    members = (item for each in kind.__mro__ for item in each.__dict__.items())
    return tuple(name for name, member in members if isinstance(member, MemberDescriptorType))
