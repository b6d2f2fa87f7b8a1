import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SET = ROOT / "tests/quality/labelled.jsonl"
SCRIPT = ROOT / "scripts/quality.py"


def run(*arguments):
    return subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_invented_set_is_large_enough_and_names_nobody_twice():
    rows = [json.loads(line) for line in SET.read_text().splitlines()]

    assert len(rows) >= 150
    assert len({r["title"] for r in rows}) == len(rows)
    assert {r["type"] for r in rows} == {"news", "tweet"}


def test_detection_holds_its_floors_on_the_invented_set():
    result = run(SET)

    assert result.returncode == 0, result.stdout


def test_detection_holds_its_floors_on_posts_by_projects_and_by_others():
    result = run(SET.with_name("posts.jsonl"))

    assert result.returncode == 0, result.stdout
    assert "no floor" not in result.stdout


def test_floors_rise_and_never_fall(tmp_path):
    floors = tmp_path / "floors.json"
    run(SET, "--floors", floors, "--raise")
    (key,) = json.loads(floors.read_text())
    held = json.loads(floors.read_text())[key]

    floors.write_text(json.dumps({key: {**held, "news sure f1": 0.9999}}))
    result = run(SET, "--floors", floors, "--raise")

    assert result.returncode == 1
    assert "FELL labelled.jsonl news sure f1" in result.stdout
    assert json.loads(floors.read_text())[key]["news sure f1"] == 0.9999


def test_a_floor_holds_for_the_very_texts_it_was_measured_on(tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(SET.read_text().splitlines()[:20]) + "\n")

    assert "no floor" in run(other).stdout
    assert run(tmp_path / "none.jsonl").returncode == 2
