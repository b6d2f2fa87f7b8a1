"""The model grows as it must, refuses nonsense, and the document shows what it computes."""

import json
import subprocess
import sys

import pytest
from tests.deploy.conftest import ROOT

SCRIPT = ROOT / "scripts" / "growth.py"


def growth(*arguments):
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )


def needs(*arguments):
    return json.loads(growth("--json", *arguments).stdout)


def test_the_document_shows_what_the_constants_give():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- growth -->")[2].partition("<!-- /growth -->")[0]

    assert shown.strip() == growth().stdout.strip(), "python scripts/growth.py --write"


def test_ten_times_the_feeds_need_ten_times_what_grows_with_them():
    one, ten = needs("--feeds", "10000", "100000")

    for field in ("polls_a_second", "worker_cores", "redis_operations", "rows", "database_gb"):
        assert ten[field] == pytest.approx(10 * one[field]), field
    assert ten["memory_gb"] < 10 * one["memory_gb"], "what runs idle is there once"
    assert ten["workers"] >= one["workers"] >= 1


def test_a_shorter_interval_costs_polls_and_no_rows():
    (slow,), (fast,) = needs("--feeds", "1000"), needs("--feeds", "1000", "--set", "interval=60")

    assert fast["polls_a_second"] == pytest.approx(10 * slow["polls_a_second"])
    assert fast["rows"] == slow["rows"]


def test_what_no_longer_fits_is_said():
    assert "one writing transaction" not in growth("--feeds", "1000").stdout
    crowded = growth("--feeds", "1000000", "--set", "interval=60").stdout
    assert (
        "From 1,000,000 feeds on the one writing transaction of the store is always open" in crowded
    )


def test_constants_of_a_file_count_and_unknown_ones_in_it_do_not(tmp_path):
    file = tmp_path / "measured.json"
    file.write_text(json.dumps({"poll_cpu_ms": {"value": 5.9}, "redis_cpu_us": 62, "other": 1}))

    (before,), (after,) = (
        needs("--feeds", "1000"),
        needs("--feeds", "1000", "--constants", str(file)),
    )

    assert after["worker_cores"] == pytest.approx(before["worker_cores"] * 2, rel=0.01)
    assert after["redis_cores"] == pytest.approx(before["redis_cores"] * 2, rel=0.01)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("intervall=3", "no constant 'intervall'"),
        ("interval=soon", "write interval=NUMBER"),
        ("interval=0", "must be more than 0"),
        ("busy=-1", "must be a number from 0 on"),
        ("busy=nan", "must be a number from 0 on"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(change, sentence):
    done = growth("--set", change)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_constant_has_a_unit_and_a_source():
    for name, one in json.loads((SCRIPT.with_suffix(".json")).read_text()).items():
        assert one["of"], name
        assert one["by"], name
