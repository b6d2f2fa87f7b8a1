"""The query language: text in, a predicate over posts out.

Words and groups side by side are joined by AND, which binds tighter than OR; a minus negates one
operator, never a group (docs.x.com, "Build a query").
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tgewatch.world.x.operators import (
    ALONE,
    OPERATORS,
    SEARCH_ONLY,
    STREAM_ONLY,
    Match,
    Scene,
    keyword,
    sender,
)

SEARCH = "search"
STREAM = "stream"
DEPTH = 60
_TOKEN = re.compile(
    r"""\s+|(?P<open>-?\()|(?P<close>\))|(?P<term>-?(?:[A-Za-z_]+:"[^"]*"|"[^"]*"|[^\s()"]+))"""
)
_OPERATOR = re.compile(r"([A-Za-z_]+):(.*)", re.DOTALL)


class QueryError(ValueError):
    """The query cannot be understood. The message is the service's."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that is in order."""

    text: str
    matches: Match
    keywords: bool
    """Some word or phrase is asked for; search then returns no reposts."""
    senders: Callable[[Scene], frozenset[int] | None]
    """Return the accounts from which alone a match can come, or None for any."""


@dataclass(frozen=True, slots=True)
class _Node:
    match: Match
    alone: bool
    """Enough by itself."""
    keywords: bool = False
    names: frozenset[str] | None = None
    """Names or ids from which alone a match can come; None for any."""
    plain_sender: bool = False


_Tokens: TypeAlias = list[tuple[str, str]]


def compile_query(text: str, *, where: str = SEARCH, lists: bool = True) -> Query:
    """Return what a query means. `lists` says whether this product knows `list:`.

    Raises QueryError.
    """
    parser = _Parser(_tokens(text), where, lists=lists)
    node = parser.whole()
    if not node.alone:
        raise QueryError(
            "Rules must contain at least one positive, non-stopword, standalone clause"
        )
    names = node.names
    return Query(text, node.match, node.keywords, lambda scene: _accounts(scene, names))


def _accounts(scene: Scene, names: frozenset[str] | None) -> frozenset[int] | None:
    if names is None:
        return None
    found = set()
    for name in names:
        account = scene.archive.named(name)
        if account is not None:
            found.add(account.id)
        elif name.isdecimal():
            found.add(int(name))
    return frozenset(found)


def _tokens(text: str) -> _Tokens:
    found: _Tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryError(f"no viable alternative at character '{text[at]}' (at position {at})")
        at = match.end()
        if match.lastgroup is not None:
            found.append((match.lastgroup, match.group()))
    if not found:
        raise QueryError("Rule must not be empty")
    return found


class _Parser:
    def __init__(self, tokens: _Tokens, where: str, *, lists: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._where = where
        self._lists = lists
        self._depth = 0
        self._used_lists = 0

    def whole(self) -> _Node:
        node = self._either()
        if self._at < len(self._tokens):
            raise QueryError(f"extraneous input '{self._tokens[self._at][1]}'")
        return node

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "<EOF>")

    def _either(self) -> _Node:
        nodes = [self._both()]
        while self._peek() == ("term", "OR"):
            self._at += 1
            nodes.append(self._both())
        return _join_or(nodes)

    def _both(self) -> _Node:
        nodes = []
        while True:
            kind, text = self._peek()
            if kind in {"end", "close"} or (kind, text) == ("term", "OR"):
                break
            self._at += 1
            nodes.append(self._group(text) if kind == "open" else self._term(text))
        if not nodes:
            raise QueryError(f"missing expression at '{self._peek()[1]}'")
        return nodes[0] if len(nodes) == 1 else _join_and(nodes)

    def _group(self, text: str) -> _Node:
        if text.startswith("-"):
            raise QueryError("Negation of grouped clauses is not supported: negate each operator")
        self._depth += 1
        if self._depth > DEPTH:
            raise QueryError("Rule is nested too deeply")
        node = self._either()
        if self._peek()[0] != "close":
            raise QueryError("missing ')' at '<EOF>'")
        self._at += 1
        self._depth -= 1
        return node

    def _term(self, text: str) -> _Node:
        negated = text.startswith("-") and len(text) > 1
        node = self._positive(text[1:] if negated else text)
        if not negated:
            return node
        inner = node.match
        return _Node(lambda scene, post: not inner(scene, post), alone=False)

    def _positive(self, text: str) -> _Node:
        if text.lower() in {"or", "and"}:
            raise QueryError(
                f"Ambiguous use of {text} as a keyword. Use a space to logically join two clauses,"
                f' or "{text}" to find occurrences of {text} in text'
            )
        operator = _OPERATOR.fullmatch(text)
        if operator is None:
            return _Node(keyword(text), alone=True, keywords=text[0] != "@")
        name, value = operator[1], operator[2].strip('"')
        self._allow(name)
        if not value:
            raise QueryError(f"Operator '{name}' needs a value")
        if name == "from":
            bare = value.removeprefix("@").lower()
            return _Node(
                sender(frozenset({bare})), alone=True, names=frozenset({bare}), plain_sender=True
            )
        try:
            match = OPERATORS[name](value)
        except ValueError as error:
            raise QueryError(f"Invalid value '{value}' for operator '{name}': {error}") from error
        return _Node(match, alone=name in ALONE)

    def _allow(self, name: str) -> None:
        elsewhere = STREAM_ONLY if self._where == SEARCH else SEARCH_ONLY
        absent = name == "list" and (self._where == STREAM or not self._lists)
        if (name not in OPERATORS and name != "from") or name in elsewhere or absent:
            raise QueryError(
                f"Reference to invalid operator '{name}'. Operator is not available in current"
                " product or product packaging. Please refer to complete available operator list."
            )
        if name == "list":
            self._used_lists += 1
            if self._used_lists > 1:
                raise QueryError("Only a single list: operator is supported per query")


def _join_or(nodes: list[_Node]) -> _Node:
    if len(nodes) == 1:
        return nodes[0]
    named = [node.names for node in nodes if node.names is not None]
    names = frozenset().union(*named) if len(named) == len(nodes) else None
    alone = all(node.alone for node in nodes)
    if names is not None and all(node.plain_sender for node in nodes):
        return _Node(sender(names), alone=True, names=names, plain_sender=True)
    matches = [node.match for node in nodes]
    return _Node(
        lambda scene, post: any(match(scene, post) for match in matches),
        alone=alone,
        keywords=any(node.keywords for node in nodes),
        names=names,
    )


def _join_and(nodes: list[_Node]) -> _Node:
    named = [node.names for node in nodes if node.names is not None]
    matches = [node.match for node in nodes]
    return _Node(
        lambda scene, post: all(match(scene, post) for match in matches),
        alone=any(node.alone for node in nodes),
        keywords=any(node.keywords for node in nodes),
        names=min(named, key=len) if named else None,
    )
