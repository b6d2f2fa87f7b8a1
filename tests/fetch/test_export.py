import json
import os

import pytest

from tgewatch.fetch.cache import Cache
from tgewatch.fetch.export import write_atomically
from tgewatch.model import Validators
from tgewatch.settings.caching import Tier
from tgewatch.testing import ManualClock

TIERS = {"article_content": Tier(ttl=1_000, persist=True), "rss": Tier(ttl=1_000)}


def test_exports_the_persisted_tiers_as_json(tmp_path):
    cache = Cache(TIERS, clock=ManualClock(5_000.0))
    cache.set("a", {"text": "T", "raw": b"\xff", "tags": ("x",)}, tier="article_content")
    cache.set("b", Validators(etag='"e"'), tier="article_content", ttl=10)
    for key, value in (("c", object()), ("e", 2**70), ("f", {"a": {1: object()}})):
        cache.set(key, value, tier="article_content")
    cache.set("\ud800", {"\ud800": b"bytes"}, tier="article_content")
    cache.set("d", 1, tier="rss")
    path = tmp_path / "state" / "cache_persistence.json"

    assert cache.export_json(path) == 4
    exported = json.loads(path.read_text())

    assert set(exported) == {"version", "exported", "tiers"}
    assert exported["exported"] == 5_000.0
    assert list(exported["tiers"]) == ["article_content"]
    rows = {row["key"]: row for row in exported["tiers"]["article_content"]}
    assert rows["a"] == {
        "key": "a",
        "stored": 5_000.0,
        "fresh_until": 6_000.0,
        "value": {"text": "T", "raw": {"base64": "/w=="}, "tags": ["x"]},
    }
    assert rows["b"]["value"] == {"etag": '"e"', "last_modified": ""}
    assert rows["?"]["value"] == {"?": "bytes"}


def test_what_is_past_keeping_is_not_exported(tmp_path):
    clock = ManualClock()
    cache = Cache(TIERS, clock=clock)
    cache.set("a", 1, tier="article_content")
    clock.advance(1_001)

    assert cache.export_json(tmp_path / "out.json") == 0


def test_a_file_is_replaced_at_once_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="space"):
            write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
