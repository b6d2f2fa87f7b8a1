"""Bodies made to hurt: bounds hold before parsing, and the loop goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("hostile.py")
REFUSED = {
    "billion_laughs": "entity_bomb",
    "quadratic_blow_up": "entity_bomb",
    "external_entity": "entity_bomb",
    "parameter_entity": "entity_bomb",
    "deeper_nesting": "too_complex",
    "too_many_tags": "too_complex",
    "ampersands": "too_complex",
    "json_of_lists": "too_complex",
    "open_comments": "not_a_feed",
    "json_nested_100k": "not_a_feed",
    "nuls": "not_a_feed",
    "binary": "not_a_feed",
    "truncated_gzip": "not_a_feed",
    "page_of_divs": "no_text",
    "page_of_scripts": "no_text",
}
READ = {
    "entries_200k": 1_000,
    "one_line_10mb": 1_000,
    "json_200k": 1_000,
    "broken_entries": 1_000,
    "dates_of_prose": 1_000,
    "text_20mb": 1,
    "less_than_signs": 1,
    "huge_attribute": 1,
    "many_attributes": 1,
    "many_guids": 1,
    "many_tags": 1,
    "page_of_links": 1,
    "page_of_paragraphs": 1,
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    run = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_within_bounds_is_refused_for_its_reason(report, name):
    assert report["bodies"][name]["outcome"] == REFUSED[name]


@pytest.mark.parametrize("name", READ)
def test_what_is_only_large_is_read_as_far_as_it_is_wanted(report, name):
    assert report["bodies"][name]["outcome"] == READ[name]


def test_the_loop_never_stands_still_for_a_second(report):
    blocked = {name: body["blocked"] for name, body in report["bodies"].items()}

    assert max(blocked.values()) < 1.0, blocked


def test_nothing_takes_as_long_as_its_deadline(report):
    assert max(body["seconds"] for body in report["bodies"].values()) < 15.0


def test_memory_stays_below_300_megabytes_with_the_worker_process(report):
    assert report["own_megabytes"] + report["child_megabytes"] < 300
