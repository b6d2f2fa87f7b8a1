"""A short conversation with an MCP server over its standard input and output.

Only as much of https://modelcontextprotocol.io/specification/2024-11-05 as claude-flow 2 needs for its
memory: its command line cannot read, and loses stores that are made at the same time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

PROTOCOL = "2024-11-05"
HELLO = 0
"""Id of the first request; the calls follow."""


def spoken(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> bytes:
    """Return the lines that open a session and call tools with arguments."""
    lines: list[dict[str, Any]] = [
        {
            "id": HELLO,
            "method": "initialize",
            "params": {
                "protocolVersion": PROTOCOL,
                "capabilities": {},
                "clientInfo": {"name": "tgewatch", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
    ]
    lines += [
        {"id": number, "method": "tools/call", "params": {"name": name, "arguments": dict(told)}}
        for number, (name, told) in enumerate(calls, HELLO + 1)
    ]
    return b"".join(orjson.dumps({"jsonrpc": "2.0", **line}) + b"\n" for line in lines)


def answered(heard: bytes | str, calls: int) -> bool:
    """Return whether every call has its answer."""
    return len(answers(heard, calls)) == calls


def answers(heard: bytes | str, calls: int) -> dict[int, Any]:
    """Return what tools said, by the number of the call from 0: their JSON, or None for an error."""
    found: dict[int, Any] = {}
    lines = heard.splitlines()
    for line in lines:
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # a log among the answers
        if not isinstance(said, dict) or not isinstance(said.get("id"), int):
            continue
        number = said["id"] - HELLO - 1
        if 0 <= number < calls and ("result" in said or "error" in said):
            found[number] = _content(said.get("result"))
    return found


def _content(result: Any) -> Any:
    """Return the JSON that stands as text in a tool's result."""
    if not isinstance(result, dict) or result.get("isError"):
        return None
    parts = result.get("content")
    text = (
        parts[0].get("text")
        if isinstance(parts, list) and parts and isinstance(parts[0], dict)
        else None
    )
    try:
        return orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return None
