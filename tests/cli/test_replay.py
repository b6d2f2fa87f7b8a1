import json

import pytest
from typer.testing import CliRunner

from tgewatch.cli import app

ROWS = (
    {
        "type": "news",
        "title": "Quarvo launches QRV token",
        "tge_relevant": 1,
        "event_kind": "live",
        "project": "Quarvo",
        "ticker": "QRV",
        "confidence": "hi",
    },
    {
        "type": "news",
        "title": "Quarvo token price falls 9%",
        "tge_relevant": 0,
        "event_kind": "none",
        "confidence": "hi",
    },
    {"type": "tweet", "title": "gm", "tge_relevant": 0, "event_kind": "none", "confidence": "lo"},
)


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "labelled.jsonl"
    rows = [{"published": "2025-03-05T10:00:00Z", "text": "", "url": "", **r} for r in ROWS]
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n\n")
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


def test_json_has_the_figures_of_news_and_posts(labelled):
    result = run("--labelled", labelled, "--json")

    found = json.loads(result.stdout)
    assert found.keys() == {"news", "tweet"}
    assert found["news"].keys() == found["tweet"].keys() == {"sure", "all"}
    sure = found["news"]["sure"]
    assert {"n", "precision", "recall", "f1", "kind_accuracy", "project_accuracy", "ticker_accuracy", "date_accuracy", "calibration_error", "microseconds_per_item"} <= sure.keys()  # fmt: skip
    assert (sure["n"], sure["f1"], sure["kind_accuracy"], sure["project_accuracy"]) == (2, 1, 1, 1)
    assert (found["tweet"]["sure"]["n"], found["tweet"]["all"]["n"]) == (0, 1)


def test_people_get_a_table_and_the_worst_errors(labelled):
    labelled.write_text(labelled.read_text().replace('"tge_relevant": 1', '"tge_relevant": 0'))

    result = run("--labelled", labelled, "--errors", "5")

    assert result.exit_code == 0
    assert result.stdout.startswith("texts\tlabels\tn")
    assert "labelled not relevant: Quarvo launches QRV token" in result.stderr


@pytest.mark.parametrize("line", ["{", "[1]", '{"type": "news"}', "x" * 300_000])
def test_a_line_that_cannot_be_read_is_named(labelled, line):
    labelled.write_text(labelled.read_text().rstrip() + "\n" + line)

    result = run("--labelled", labelled)

    assert result.exit_code != 0
    assert "line 4" in result.stderr


def test_a_missing_file_is_wrong_usage(tmp_path):
    assert run("--labelled", tmp_path / "none.jsonl").exit_code == 2


def test_a_byte_order_mark_is_no_fault_of_the_file(labelled):
    labelled.write_bytes(b"\xef\xbb\xbf" + labelled.read_bytes())

    assert run("--labelled", labelled, "--json").exit_code == 0


def test_a_file_without_a_labelled_line_is_said_to_be_so(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n")

    result = run("--labelled", tmp_path / "empty.jsonl")

    assert result.exit_code == 2
    assert "no labelled line" in result.stderr


def test_a_span_of_time_that_ends_before_it_begins_is_wrong_usage(tmp_path):
    result = run("--since", "2026-06-01", "--until", "2026-05-01", "--state", tmp_path)

    assert result.exit_code == 2
    assert "lies after" in result.stderr
