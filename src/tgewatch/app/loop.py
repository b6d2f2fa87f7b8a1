"""The program's one event loop."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

GARBAGE = (20_000, 20, 50)
"""Thresholds of the collector of garbage.

A program that remembers thousands of sources holds a million objects that are no garbage; with
the thresholds that Python begins with, looking through them is a sixth of a round.
"""


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run the program's one event loop, on uvloop where there is one.

    What has been imported by now stays, so the collector of garbage leaves it alone.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
