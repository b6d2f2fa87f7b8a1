"""What Prometheus and Grafana ask for is what the program exports."""

import re
import shutil
import subprocess

import pytest
from tests.deploy.conftest import (
    DEPLOY,
    ROOT,
    dashboard,
    exported_names,
    recorded_words,
    selectors,
    yaml_of,
)

RULES = yaml_of("prometheus/alerts.yml")["groups"][0]["rules"]
PANELS = dashboard()["panels"]
QUERIES = {
    **{f"alert {rule['alert']}": [rule["expr"]] for rule in RULES},
    **{f"panel {one['title']}": [each["expr"] for each in one["targets"]] for one in PANELS},
}
NAMES = exported_names()
WORDS = recorded_words()


@pytest.mark.parametrize("where", sorted(QUERIES))
def test_a_query_asks_for_what_is_exported(where):
    for query in QUERIES[where]:
        found = list(selectors(query))
        assert found, query
        for name, labels in found:
            assert name in NAMES | {"up"}, name
            for label, word in labels.items():
                if label in WORDS:
                    assert word in WORDS[label], f"{name}: nothing records {word!r}"
                else:
                    assert label in {"component", "job", "quantile"}, label


def test_a_query_for_something_else_is_found_out():
    assert "tgewatch_polls_total" not in NAMES
    assert "poll" not in WORDS["what"]
    assert {"polls", "api_calls", "memory_megabytes"} <= WORDS["what"]
    assert {"poll", "commit", "deliver", "judge"} <= WORDS["operation"]


def test_parts_of_the_program_that_queries_name_are_timed_under_that_name():
    components = {
        labels["component"]
        for queries in QUERIES.values()
        for query in queries
        for _, labels in selectors(query)
        if "component" in labels
    }

    assert components == {"article", "detect", "engine", "rss", "store"}


@pytest.mark.parametrize("query", sorted({q for queries in QUERIES.values() for q in queries}))
def test_brackets_of_a_query_close(query):
    depth = []
    for sign in re.sub(r'"[^"]*"', '""', query):
        if sign in "({[":
            depth.append(")}]"["({[".index(sign)])
        elif sign in ")}]":
            assert depth.pop() == sign
    assert depth == []


def test_a_counter_is_asked_for_its_rate_and_nothing_else_is():
    for where, queries in QUERIES.items():
        for query in queries:
            for name in re.findall(r"\btgewatch_\w+_(?:total|count|sum)\b", query):
                assert re.search(rf"(?:rate|increase|absent)\({name}\b", query), where
            for name in re.findall(r"\btgewatch_(?:level|measure|\w+_quantile_seconds)\b", query):
                assert not re.search(rf"(?:rate|increase)\({name}\b", query), where


def test_each_alert_has_words_a_weight_and_a_place_that_says_what_to_do():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }

    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert path == "docs/operations.md"
        assert anchor in anchors, rule["alert"]


def test_prometheus_finds_every_role_of_the_compose_file():
    (job,) = yaml_of("prometheus/prometheus.yml")["scrape_configs"]
    (finding,) = job["dns_sd_configs"]
    services = yaml_of("compose.yaml")["services"]
    ours = {name for name, one in services.items() if one["image"].startswith("tgewatch:")}

    assert set(finding["names"]) == ours
    assert f":{finding['port']}" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert job["job_name"] == "tgewatch"


def test_grafana_finds_its_source_and_its_dashboard():
    (source,) = yaml_of("grafana/provisioning/datasources/tgewatch.yml")["datasources"]
    (provider,) = yaml_of("grafana/provisioning/dashboards/tgewatch.yml")["providers"]
    grafana = yaml_of("compose.yaml")["services"]["grafana"]

    uids = {one["datasource"]["uid"] for one in PANELS}
    assert uids == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    mounted = {volume.split(":")[1] for volume in grafana["volumes"]}
    assert any(path.startswith(provider["options"]["path"]) for path in mounted)


def test_panels_lie_beside_each_other_and_within_the_grid():
    taken = set()
    for one in PANELS:
        at = one["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, one["title"]
        taken |= cells
    assert len({one["id"] for one in PANELS}) == len(PANELS)


def test_promtool_takes_the_rules():
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed: the rules were checked by our own means only")
    for what, file in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = subprocess.run(  # noqa: S603 - a linter on our own file
            [promtool, "check", what, str(DEPLOY / "prometheus" / file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
