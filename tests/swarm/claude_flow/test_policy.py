"""The tool's record of its calls is set aside when large, and unlocked when its holder is dead."""

import json
import os
import subprocess
import sys

import pytest

from tgewatch.swarm.claude_flow import policy


@pytest.fixture
def record(tmp_path):
    folder = tmp_path / ".claude-flow" / "policy"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(
        json.dumps({"mode": "legacy", "ledger": "x" * policy.LARGEST})
    )
    return folder


def test_a_large_record_is_set_aside_and_the_lock_is_free_again(record, tmp_path):
    assert policy.rotate(tmp_path)

    assert sorted(path.name for path in record.iterdir()) == ["state.json.old"]


def test_a_small_one_stays(record, tmp_path):
    (record / "state.json").write_text('{"mode": "legacy"}')

    assert not policy.rotate(tmp_path)
    assert (record / "state.json").exists()


@pytest.mark.parametrize("mode", ["observe", "enforce", None])
def test_one_that_may_hold_approvals_stays(record, tmp_path, mode):
    (record / "state.json").write_text(json.dumps({"mode": mode, "x": "x" * policy.LARGEST}))

    assert not policy.rotate(tmp_path)
    assert sorted(path.name for path in record.iterdir()) == ["state.json"]


@pytest.mark.parametrize("text", ["x", "[]"])
def test_one_that_makes_no_sense_stays(record, tmp_path, text):
    (record / "state.json").write_text(text + " " * policy.LARGEST)

    assert not policy.rotate(tmp_path)
    assert (record / "state.json").exists()


def test_one_that_is_in_use_stays_and_so_does_its_lock(record, tmp_path):
    (record / "state.lock").write_text("{}")

    assert not policy.rotate(tmp_path)
    assert sorted(path.name for path in record.iterdir()) == ["state.json", "state.lock"]


def test_without_a_record_nothing_happens(tmp_path):
    assert not policy.rotate(tmp_path)
    assert not policy.unlock(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_the_dead_goes_and_that_of_the_living_stays(record, tmp_path):
    lock = record / "state.lock"
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as dead:
        pass
    lock.write_text(json.dumps({"pid": dead.pid, "acquiredAt": 0}))
    assert policy.unlock(tmp_path)
    assert not lock.exists()

    lock.write_text(json.dumps({"pid": os.getpid(), "acquiredAt": 0}))
    assert not policy.unlock(tmp_path)
    assert lock.exists()


@pytest.mark.parametrize("text", ["", "7", '{"pid": "7"}', '{"pid": -1}', '{"pid": 1e99}', "{}"])
def test_a_lock_that_names_nobody_stays(record, tmp_path, text):
    (record / "state.lock").write_text(text)

    assert not policy.unlock(tmp_path)
    assert (record / "state.lock").exists()
