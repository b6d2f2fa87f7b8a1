"""A value with its expiry around it, since claude-flow writes expiries and looks at none."""

from collections.abc import Mapping
from typing import Any

import orjson

LARGEST = 60_000
"""Bytes of a value as it is stored. It travels as one argument, and Linux takes 131,072."""


def sealed(value: Mapping[str, Any], *, now: float, ttl: float) -> str:
    """Return the value as JSON, with the Unix times of storing and of its expiry.

    What is too large loses its largest parts; their names stand under `left_out`. It is always an
    object: claude-flow 3 takes a bare number or boolean for something else and drops it.
    """
    kept, left_out = dict(value), list[str]()
    while True:
        shown = {**kept, "left_out": left_out} if left_out else kept
        text = _json({"v": shown, "at": now, "exp": now + ttl})
        if len(text) <= LARGEST or not kept:
            return text.decode()
        largest = max(kept, key=lambda name: len(_json(kept[name])))
        del kept[largest]
        left_out.append(largest[:100])


def opened(text: object, *, now: float) -> dict[str, Any] | None:
    """Return the value, or None when it has expired or is none of ours."""
    if isinstance(text, str):
        try:
            text = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(text, dict):
        return None
    value, expires = text.get("v"), text.get("exp")
    if not isinstance(value, dict) or isinstance(expires, bool):
        return None
    if not isinstance(expires, int | float) or not now < expires:
        return None
    return value


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
