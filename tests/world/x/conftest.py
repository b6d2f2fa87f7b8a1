import json
from collections.abc import Mapping
from typing import Any

import pytest

from tgewatch.world.x import Account, Archive, FakeX, Faults, Post, Product

NOON = 1_790_078_400.0
"""Of a Tuesday."""
ALICE, BOB = 1_500_000_000_000_000_001, 1_500_000_000_000_000_002


class Stage:
    """Two accounts, a clock with hands, and a client that knows no better."""

    noon = NOON
    alice = ALICE
    bob = BOB
    product = Product
    faults = Faults

    def __init__(self, *, product: Product | None = None, faults: Faults | None = None) -> None:
        self.now = NOON
        self.archive = Archive()
        self.archive.add_account(Account(ALICE, "AliceProtocol", followers=9_000, bio="builds"))
        self.archive.add_account(Account(BOB, "bob_labs", followers=10))
        self.archive.lists[77] = frozenset({ALICE})
        self.x = FakeX(
            self.archive,
            now=lambda: self.now,
            tokens={"token": "app", "person": "user", "outsider": "unenrolled", "other": "app"},
            product=product,
            faults=faults,
        )

    def post(self, text: str, *, ago: float = 60.0, author: int = ALICE, **more: Any) -> Post:
        at = round(self.now - ago, 3)
        post = Post(self.archive.next_id(at), author, text, at, **more)
        self.archive.add(post)
        return post

    def ask(
        self,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        method: str = "GET",
        bearer: str = "token",
        body: Any = None,
    ) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        status, headers, data = self.x.handle(
            method,
            path,
            {name: str(value) for name, value in (query or {}).items()},
            {"Authorization": f"Bearer {bearer}"},
            json.dumps(body).encode() if body is not None else b"",
        )
        return status, headers, json.loads(data) if data.startswith(b"{") else {}

    def search(self, query: str, **more: object) -> dict[str, Any]:
        status, _, data = self.ask("/2/tweets/search/recent", {"query": query, **more})
        assert status == 200, data
        return data

    def texts(self, query: str, **more: object) -> list[str]:
        return [one["text"] for one in self.search(query, **more).get("data", [])]

    def add_rules(self, *values: str, **query: object) -> dict[str, Any]:
        path = "/2/tweets/search/stream/rules"
        body = {"add": [{"value": value, "tag": "t"} for value in values]}
        return self.ask(path, query, method="POST", body=body)[2]

    def connect(self, *, path: str = "/2/tweets/search/stream", **query: str) -> Any:
        answer = self.x.answer("GET", path, query, {"authorization": "Bearer token"})
        return answer.connection or answer

    @staticmethod
    def frames(data: bytes) -> list[dict[str, Any]]:
        """Return the messages among frames; heartbeats are none."""
        return [json.loads(line) for line in data.split(b"\r\n") if line]


@pytest.fixture
def set_stage() -> type[Stage]:
    return Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
