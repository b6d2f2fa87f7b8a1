import json
from datetime import UTC, datetime
from random import Random

import pytest
import typer
from typer.testing import CliRunner

from tgewatch.cli.experiment import register
from tgewatch.errors import MalformedError


@pytest.fixture
def command():
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    runner = CliRunner()

    def run(*arguments, what="replay"):
        return runner.invoke(app, ["experiment", what, *map(str, arguments)])

    return run


@pytest.fixture
def trace(tmp_path):
    random = Random(1)  # noqa: S311 - repeatable
    lines = ["source,published"]
    for name, gap in (("busy", 3_000.0), ("quiet", 60_000.0)):
        time = 1_700_000_000.0
        while time < 1_700_000_000.0 + 12 * 86_400:
            time += random.expovariate(1 / gap)
            lines.append(f"{name},{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%S.000Z}")
    path = tmp_path / "trace.csv"
    path.write_text("\ufeff" + "\n".join(lines) + "\n")
    return path


def test_prints_both_policies_with_equal_requests(command, trace):
    result = command("--trace", trace, "--rate-of-fixed", 600, "--json")
    found = json.loads(result.stdout)

    assert result.exit_code == 0
    for name in ("fixed", "index"):
        assert {"mean", "p50", "p95", "p99", "requests", "items"} <= found[name].keys()
    assert found["index"]["requests"] == pytest.approx(found["fixed"]["requests"], rel=0.02)
    assert found["index"]["items"] == found["fixed"]["items"]
    assert found["times_shorter"]["index"]["mean"] == pytest.approx(
        found["fixed"]["mean"] / found["index"]["mean"], abs=0.01
    )
    found = found["index"]["calibration"]
    assert sum(tenth["polls"] for tenth in found["tenths"]) == found["polls"]
    assert 0 < found["brier"] < 2 * found["base_rate_brier"]


def test_prints_a_table_for_people(command, trace):
    result = command("--trace", trace, "--policies", "index,sqrt,fixed")
    lines = result.stdout.splitlines()

    assert lines[0].startswith("policy\tmean\tp50\tp95\tp99")
    assert [line.split("\t")[0] for line in lines[1:4]] == ["fixed", "index", "sqrt"]
    assert "judged from" in result.stderr


def test_the_seed_decides(command, trace):
    first, second, other = (
        command("--trace", trace, "--json", "--seed", seed).stdout for seed in (1, 1, 2)
    )

    assert first == second
    assert first != other


def test_names_a_policy_that_does_not_exist(command, trace):
    result = command("--trace", trace, "--policies", "best")

    assert result.exit_code == 2
    assert "no policy best" in result.stderr


def test_refuses_what_is_no_trace(command, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_bytes(b"source,published\n\xff\xfe,2025\n")
    result = command("--trace", path)

    assert isinstance(result.exception, MalformedError)
    assert isinstance(command("--trace", tmp_path / "none.csv").exception, MalformedError)


@pytest.mark.parametrize("what", ["replay", "warm"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("busy,9999-12-31", "span 7,981 years; correct those that are wrong"),
        ("busy,0001-01-01T00:00:00+14:00", "span 2,024 years"),
        (None, "No such file or directory"),
    ],
)
def test_one_wrong_year_or_name_is_a_sentence_rather_than_hours_of_polls(
    command, trace, row, said, what
):
    if row is None:
        trace.unlink()
    else:
        trace.write_text(trace.read_text() + row + "\n")
    result = command("--trace", trace, "--json", what=what)

    assert isinstance(result.exception, MalformedError)
    assert said in str(result.exception)


def test_compares_warm_ups_with_equal_polls(command, trace):
    result = command("--trace", trace, "--share", 0.5, "--json", what="warm")
    found = json.loads(result.stdout)

    assert result.exit_code == 0
    assert found["plan"]["polls_per_batch"] == 1
    assert found["index"]["polls"] == found["round_robin"]["polls"] == found["index"]["batches"]
    assert found["index"]["share_known"] > found["round_robin"]["share_known"]
    assert found["none"]["mean_age"] is None
    assert "calibration" not in found["none"]
    assert {"brier", "base_rate_brier", "tenths"} <= found["index"]["calibration"].keys()


def test_prints_warm_ups_for_people(command, trace):
    result = command("--trace", trace, "--share", 0.5, "--between", 600, what="warm")
    lines = result.stdout.splitlines()

    assert lines[0].split("\t") == [
        "chosen", "known", "mean age", "polls", "with news", "items", "lost",
    ]  # fmt: skip
    assert [line.split("\t")[0] for line in lines[1:4]] == ["none", "round robin", "index"]
    assert "1 of 2 sources polled before each, and all of them every 600 s" in result.stderr


def test_refuses_what_nobody_may_poll(command, trace):
    result = command("--trace", trace, "--between", 10, what="warm")

    assert result.exit_code == 2
    assert "every 60 s" in result.stderr
