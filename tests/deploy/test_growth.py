"""The model grows as it must, refuses nonsense, and the document shows what it computes."""

import importlib.util
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
    more, most = needs("--feeds", "1000000", "10000000")

    for field in ("polls_a_second", "in_flight", "rows", "database_gb"):
        assert ten[field] == pytest.approx(10 * one[field]), field
    for field in ("worker_cores", "database_cores", "redis_operations", "cores", "memory_gb"):
        assert most[field] == pytest.approx(10 * more[field], rel=0.02), field
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
    file.write_text(json.dumps({"poll_cpu_ms": {"value": 50}, "redis_cpu_us": 500, "other": 1}))

    (before,), (after,) = (
        needs("--feeds", "1000"),
        needs("--feeds", "1000", "--constants", str(file)),
    )

    assert after["worker_cores"] > before["worker_cores"]
    assert after["redis_cores"] > before["redis_cores"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("intervall=3", "no constant 'intervall'"),
        ("interval=soon", "write interval=NUMBER"),
        ("interval=0", "must be more than 0"),
        ("busy=0", "more than worker_idle_cores"),
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


def run(rate, *, workers=2):
    """Return what benchmarks/workers.py would say: 20 idle commands an instance and 3 a poll …"""
    idle = {"worker": 0.01 * workers, "scheduler": 0.004, "postgres": 0.008, "valkey": 0.002}
    each = {"worker": 0.003, "scheduler": 0.0001, "postgres": 0.0005, "valkey": 0.00003}
    return {
        "workers": workers,
        "steady": {
            "polls per second": rate,
            "CPU ms per poll": {n: 1e3 * (idle[n] / rate + each[n]) for n in idle},
            "per poll": {"redis commands": 20 * (workers + 2) / rate + 3},
        },
    }


def script():
    spec = importlib.util.spec_from_file_location("growth", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["growth"] = module
    spec.loader.exec_module(module)
    return module


def test_two_rates_tell_what_an_instance_costs_from_what_a_poll_costs(tmp_path):
    files = []
    for rate in (10.0, 60.0):
        files.append(tmp_path / f"{rate}.json")
        files[-1].write_text(json.dumps({"runs": [run(rate)]}))

    found = script().taken(files)

    assert found["poll_cpu_ms"] == pytest.approx(3.0)
    assert found["worker_idle_cores"] == pytest.approx(0.01)
    assert found["schedule_cpu_ms"] == pytest.approx(0.1)
    assert found["pg_poll_cpu_ms"] == pytest.approx(0.5)
    assert found["pg_instance_cores"] == pytest.approx(0.002)
    assert found["redis_operations"] == pytest.approx(3.0)
    assert found["redis_instance_operations"] == pytest.approx(20.0)


def test_runs_that_tell_nothing_apart_are_refused(tmp_path):
    file = tmp_path / "one.json"
    for runs in ([run(10.0)], [run(10.0), run(10.0)], [run(10.0), run(20.0, workers=4)]):
        file.write_text(json.dumps({"runs": runs}))
        with pytest.raises(SystemExit, match="rate"):
            script().taken([file])
