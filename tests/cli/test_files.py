"""Whole files, bounded and all or nothing."""

import os

import pytest

from tgewatch.cli.files import LIMIT, read_bounded, write_whole
from tgewatch.errors import ConfigError, MalformedError


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "x"
    write_whole(path, b"old")
    path.chmod(0o600)

    write_whole(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_where_no_file_can_be_made_the_path_that_was_asked_for_is_named(tmp_path):
    wanted = tmp_path / "absent" / "labels.jsonl"

    with pytest.raises(
        MalformedError, match=r"absent/labels.jsonl cannot be written: No such file"
    ):
        write_whole(wanted, b"x")


def test_writing_follows_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")

    write_whole(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space")))

    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "x", b"new")

    assert (tmp_path / "x").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_reading_is_bounded(tmp_path):
    (tmp_path / "x").write_bytes(b"x" * (LIMIT + 1))

    with pytest.raises(ConfigError, match="larger than"):
        read_bounded(tmp_path / "x")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_bounded(tmp_path / "y")
