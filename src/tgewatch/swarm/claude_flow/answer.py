"""Whether claude-flow did what it was told. Its exit code is 0 for most of what it did not do."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from tgewatch.swarm.claude_flow.child import Ended

_REFUSED = re.compile(
    r"""\[ERROR\]
    | ❌
    | Unknown\ (?:\w+\ )?(?:sub)?command
    | no\ such\ (?:table|column)
    | no\ column\ named
    | Database\ not\ initialized
    | ^[ \t]*Self-Learning\ Hooks\ System      # the help that 3.x prints for a hook it does not know
    | ^[ \t]*Memory\ (?:commands:|Management\ Commands)
    | ^[ \t]*(?:USAGE|Usage):
    """,
    re.MULTILINE | re.VERBOSE,
)
_SHOWN = 200
"""Characters of an answer that a person is shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one command."""

    data: Any = None
    """The JSON in it; None without any."""
    text: str = ""
    why: str = ""
    """Why it counts as failed; empty when it was done."""

    @property
    def done(self) -> bool:
        return not self.why


def answer_of(ended: Ended, *, echoes_failure: bool = False) -> Answer:
    """Judge by content. `echoes_failure`: `"success": false` may be what it was told."""
    if ended.cut:
        return Answer(text=ended.out, why=ended.cut)
    data = json_in(ended.out)
    for text in (ended.err, ended.out):
        if found := _REFUSED.search(text):
            return Answer(data, ended.out, _line(text, found.start()))
    if ended.code != 0:
        said = " ".join((ended.err.strip() or ended.out.strip()).split())
        return Answer(data, ended.out, f"exit code {ended.code}: {said[:_SHOWN]}")
    if isinstance(data, dict) and data.get("success") is False:
        error = data.get("error")
        if error or not echoes_failure:
            return Answer(data, ended.out, str(error or "success: false")[:_SHOWN])
    return Answer(data, ended.out)


def json_in(text: str) -> Any:
    """Return the first JSON object or array that begins a line and ends the text, or None.

    Lines of information may stand before it.
    """
    begins = [0, *(found.end() for found in re.finditer(r"\n(?=[{\[])", text))]
    for begin in begins[:100]:
        try:
            found = orjson.loads(text[begin:])
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, dict | list):
            return found
    return None


def _line(text: str, at: int) -> str:
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return " ".join(text[begin : end if end >= 0 else len(text)].split())[:_SHOWN]
