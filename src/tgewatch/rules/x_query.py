"""Queries as X reads them: what may stand in one, and how long it gets."""

import re
from collections.abc import Sequence

RECENT = 512
"""Characters of a query to search/recent, self-serve."""
ALL = 1_024
"""Characters of a query to search/all, and of a rule of the filtered stream."""
TRAILING = ("min_likes:", "min_reposts:", "min_replies:")
"""Operators that a post comes to fulfil later, long after its id has been passed."""
STREAM_ONLY = ("min_followers:", "followers_count:", "from_affiliate_of:", "url_contains:", "bio:")
"""Operators that a search refuses with 400."""
_BARE = re.compile(r"[A-Za-z0-9]+")
_OPERATORS = frozenset({"OR", "AND"})
_JOIN = len(" OR ")
_PARENTHESES = 2


def term(text: str) -> str:
    """Return a word or phrase as an operand: quoted unless it is a plain word.

    Quotes and what is invisible are dropped; nothing left is an empty string.
    """
    words = " ".join(text.replace('"', " ").replace("\\", " ").split())
    if _BARE.fullmatch(words) and words not in _OPERATORS:
        return words
    return f'"{words}"' if words else ""


def author(handle: str) -> str:
    """Return the operand for posts of one account.

    By name: ids would survive a rename, but those given since 2016 are longer than any name.
    """
    return f"from:{handle}"


def any_of(operands: Sequence[str]) -> str:
    """Return operands of which one has to hold."""
    if len(operands) == 1:
        return operands[0]
    return f"({' OR '.join(operands)})" if operands else ""


def query(operands: Sequence[str], rest: str = "") -> str:
    """Return a query for any of `operands`, all of it narrowed by `rest`."""
    if not rest:
        return " OR ".join(operands)
    return f"{any_of(operands)} {rest}"


def cost(operand: str) -> int:
    """Return what an operand takes of `capacity`."""
    return len(operand) + _JOIN


def capacity(limit: int, rest: str = "") -> int:
    """Return what the operands of a query of `limit` characters may cost together."""
    around = len(rest) + 1 + _PARENTHESES if rest else 0
    return limit - around + _JOIN


def clause(phrases: Sequence[str], extra: str = "") -> str:
    """Return what narrows a query to posts that hold one of `phrases`."""
    operands = list(dict.fromkeys(filter(None, map(term, phrases))))
    return " ".join(filter(None, (any_of(operands), extra.strip())))


def needs_window(text: str) -> bool:
    """Return whether a post can come to match long after it was written."""
    return any(operator in text for operator in TRAILING)


def problem(text: str, *, limit: int, stream: bool = False) -> str:
    """Return what X would refuse a query for, in words; empty when it looks right.

    Knows lengths, quotes, parentheses and the operators of the other place; not every operator.
    """
    if not text.strip():
        return "is empty"
    if len(text) > limit:
        return f"has {len(text)} characters; {limit} is the most"
    if text.count('"') % 2:
        return 'has an odd number of "'
    outside = re.sub(r'"[^"]*"', '""', text)
    return _unbalanced(outside) or _misplaced(outside, stream=stream)


def _unbalanced(outside: str) -> str:
    depth = 0
    for character in outside:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
    if depth:
        return "has parentheses that do not match"
    if "-(" in outside:
        return "negates a group, which X does not know: negate each part"
    return ""


def _misplaced(outside: str, *, stream: bool) -> str:
    for operator in TRAILING if stream else STREAM_ONLY:
        if operator in outside:
            place = "the filtered stream" if stream else "a search"
            return f"uses {operator} which {place} does not know"
    return ""


def fitting(phrases: Sequence[str], limit: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the phrases that a clause of `limit` characters holds, in their order, and the others.

    A phrase that holds another one is neither: whatever holds it holds the shorter one, too.
    """
    plain = [" ".join(term(phrase).strip('"').split()) for phrase in phrases]
    words = {one.casefold() for one in plain if one}
    kept: dict[str, str] = {}
    left_out: list[str] = []
    for one in filter(None, plain):
        said = f" {one.casefold()} "
        if said.strip() in kept or any(f" {w} " in said for w in words if w != said.strip()):
            continue
        if len(clause([*kept.values(), one])) <= limit:
            kept[said.strip()] = one
        else:
            left_out.append(one)
    return tuple(kept.values()), tuple(left_out)
