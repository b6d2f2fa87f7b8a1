"""Durations and sizes as people write them: `"10m"`, `"1h30m"`, `"5MB"`, or plain numbers."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_NUMBER = r"\d+(?:\.\d+)?"
_PART = rf"({_NUMBER})\s*(ms|min|[smhdw])"
_DURATION = re.compile(rf"(?:{_PART}\s*)+", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)
_SIZE = re.compile(rf"({_NUMBER})\s*([kmg]?i?b?)", re.ASCII)
_LONGEST = 64
"""Characters; nothing longer is a duration or a size."""


def seconds(text: str) -> float:
    """Return the seconds that `text` names, such as `90`, `10m`, `1h30m` or `500ms`.

    Raises ValueError with the remedy.
    """
    cleaned = text.strip().lower()
    if len(cleaned) <= _LONGEST:
        if re.fullmatch(_NUMBER, cleaned, re.ASCII):
            return float(cleaned)
        if _DURATION.fullmatch(cleaned):
            return sum(float(n) * _SECONDS[unit] for n, unit in _PARTS.findall(cleaned))
    raise ValueError('must be seconds, or a duration such as "90s", "10m", "1h30m" or "2d"')


def size(text: str) -> int:
    """Return the bytes that `text` names, such as `5000`, `5MB` or `2MiB`.

    Raises ValueError with the remedy.
    """
    cleaned = text.strip().lower()
    match = _SIZE.fullmatch(cleaned) if len(cleaned) <= _LONGEST else None
    if match is None or match[2] not in _BYTES:
        raise ValueError('must be bytes, or a size such as "500kB", "5MB" or "2MiB"')
    return math.floor(float(match[1]) * _BYTES[match[2]])


@dataclass(frozen=True, slots=True)
class Written:
    """Lets a number be written as text with a unit, in the file and in its JSON Schema."""

    read: Callable[[str], float]
    examples: tuple[str, ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._number, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = handler(schema)
        return {"anyOf": [number, {"type": "string", "examples": list(self.examples)}]}

    def _number(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) else value


Seconds = Annotated[float, Written(read=seconds, examples=("90s", "10m", "1h30m", "2d"))]
"""A duration: a number of seconds, or text with units."""

Size = Annotated[int, Written(read=size, examples=("500kB", "5MB", "2MiB"))]
"""A size: a number of bytes, or text with a unit."""
