"""How the reading of X does, for people and for the next process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tgewatch.engine.due import NextPoll
from tgewatch.engine.x_ports import Api
from tgewatch.engine.x_rounds import Rounds
from tgewatch.rules.spending import Level
from tgewatch.rules.x_copies import Sieve
from tgewatch.rules.x_strategy import Strategy

STATUS = "x.status"
"""Name of the note."""
LEVELS: Mapping[Level, str] = {
    Level.ALL: "nothing is left out",
    Level.NO_KEYWORDS: "keywords are left out to save money",
    Level.NO_LOW: "keywords and companies of low priority are left out to save money",
    Level.ONLY_HIGH: "only companies of high priority are read, to save money",
}


@dataclass(slots=True)
class Look:
    """How one query did."""

    at: float = 0.0
    """Last answer."""
    calls: int = 0
    posts: int = 0
    """New ones."""
    error: str = ""


def status_of(
    *,
    at: float,
    strategy: Strategy,
    air: str,
    rounds: Rounds,
    looks: Mapping[str, Look],
    api: Api,
    sieve: Sieve,
    gone: int,
    keywords: str,
    refused: Mapping[str, str],
    level: Level,
) -> dict[str, Any]:
    """Return what there is to show, ready for JSON."""
    return {
        "at": at,
        "strategy": strategy.reason,
        "search": strategy.search,
        "stream": air,
        "keywords": keywords,
        "saving": LEVELS[level],
        "refused": dict(refused),
        "pace": rounds.pace,
        "calls": dict(api.calls),
        "throttled": api.throttled,
        "edits": sieve.edits,
        "repeated": sieve.repeated,
        "reposts": sieve.reposts,
        "copies": sieve.copies,
        "gone": gone,
        "shards": [
            {
                "name": shard.name,
                "query": shard.query,
                "accounts": len(shard.handles),
                "next_poll": known.at if known else at,
                "because": known.because if known else "it was never asked",
                "calls": look.calls,
                "posts": look.posts,
                "answered": look.at or None,
                "error": look.error or None,
            }
            for shard in rounds.shards
            for known in [rounds.learned.get(shard.name)]
            for look in [looks.get(shard.name) or Look()]
        ],
    }


def told(known: Mapping[str, NextPoll]) -> bytes:
    """Return what was learned of the shards' rhythms, to be noted."""
    return orjson.dumps({name: [n.at, n.because, n.rhythm] for name, n in known.items()})


def learned(data: bytes | None) -> dict[str, NextPoll]:
    """Return what `told` noted; what cannot be read is left out."""
    try:
        document: Any = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        return {}
    found: dict[str, NextPoll] = {}
    for name, row in document.items() if isinstance(document, dict) else ():
        match row:
            case [int() | float() as at, str(because), str(rhythm)]:
                found[str(name)] = NextPoll(at=float(at), because=because, rhythm=rhythm)
            case _:
                pass
    return found
