"""docs/metrics.md, the alert rules and the dashboard speak of the metrics that there are, and of no others.

The dashboard is checked by its structure only: there is no Grafana here.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from prometheus_programs import program
from v6.config.load import load
from v6.journal import database
from v6.metrics import exporter
from v6.paths import ROOT, Paths

RULES = ROOT / "monitoring" / "prometheus" / "v6_rules.yml"
DASHBOARD = ROOT / "monitoring" / "grafana" / "v6.json"
NAME = re.compile(r"\b((?:v6|tws)_[a-z0-9_]+)\b")
WIDTH = 24  # Grafana's grid
PAGE = (ROOT / "docs" / "metrics.md").read_text()
PANELS: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]


@pytest.fixture
def families() -> Iterator[list[Metric]]:
    paths = Paths.locate()
    with closing(database.connect(paths.journal)) as db:
        yield list(exporter.All(db, paths, load(paths)).collect())


def full_name(family: Metric) -> str:
    return family.name + ("_total" if family.type == "counter" else "")


def samples_of(families: list[Metric]) -> set[str]:
    """Names that a query may ask for."""
    histograms = [family.name for family in families if family.type == "histogram"]
    of_histograms = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
    return {full_name(family) for family in families} - set(histograms) | of_histograms


def table(text: str, first: str) -> list[list[str]]:
    lines = text[text.index(f"| {first} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


def test_the_page_lists_every_metric_with_its_type_its_labels_and_its_words(families: list[Metric]) -> None:
    there = [
        [f"`{full_name(one)}`", one.type, ", ".join(one._labelnames) or "-", one.documentation]  # type: ignore[attr-defined]
        for one in families
    ]
    assert len(there) > 40
    assert table(PAGE, "metric") == there


def test_the_page_lists_every_alert_with_its_severity() -> None:
    assert [row[:2] for row in table(PAGE, "alert")] == [
        [f"`{rule['alert']}`", rule["labels"]["severity"]] for rule in ALERTS
    ]
    assert all(len(row) == 4 for row in table(PAGE, "alert"))


def test_the_rules_ask_only_for_metrics_that_there_are(families: list[Metric]) -> None:
    asked = {name for rule in ALERTS for name in NAME.findall(rule["expr"])}
    assert len(asked) > 10
    assert asked <= samples_of(families)


def test_the_rules_ask_only_for_labels_that_the_metrics_have(families: list[Metric]) -> None:
    labels = {full_name(one): set(one._labelnames) for one in families}  # type: ignore[attr-defined]
    asked = [
        (name, label)
        for rule in ALERTS
        for name, selector in re.findall(r"\b((?:v6|tws)_[a-z_]+)\{([^}]*)\}", rule["expr"])
        for label in re.findall(r"([a-z]+)!?=~?\"", selector)
    ]
    assert len(asked) > 5
    assert [(name, label) for name, label in asked if label not in labels[name]] == []


@pytest.mark.integration
def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


@pytest.mark.integration
def test_every_alert_fires_when_it_should_and_only_then() -> None:
    place = Path(__file__).parent / "v6_rules_test.yml"
    cases = [case for test in yaml.safe_load(place.read_text())["tests"] for case in test["alert_rule_test"]]
    for expected in (True, False):  # whether something is to fire
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) is expected} >= {
            rule["alert"] for rule in ALERTS if expected or rule["alert"] not in {"V6TaskFailing"}
        }
    done = promtool("test", "rules", str(place))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
def test_a_rule_that_does_not_fire_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES.read_text().replace("> 1500", "> 150000"))
    cases = (Path(__file__).parent / "v6_rules_test.yml").read_text()
    (tmp_path / "test.yml").write_text(cases.replace("../../monitoring/prometheus/v6_rules.yml", "rules.yml"))
    done = promtool("test", "rules", str(tmp_path / "test.yml"))
    assert done.returncode != 0
    assert "V6Silent" in done.stdout + done.stderr


@pytest.mark.integration
def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel_{panel['id']}", "expr": query.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for panel in PANELS
        for query in queries(panel)
    ]
    assert len(rules) > 25
    place = tmp_path / "queries.yml"
    place.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", "--lint=none", str(place))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_only_for_metrics_that_there_are(families: list[Metric]) -> None:
    asked = {name for panel in PANELS for query in queries(panel) for name in NAME.findall(query)}
    assert len(asked) > 25
    assert asked <= samples_of(families)


def test_the_panels_have_their_own_numbers_and_places() -> None:
    numbers = [panel["id"] for panel in PANELS]
    assert len(set(numbers)) == len(numbers) > 20
    places = [(panel["title"], panel["gridPos"]) for panel in PANELS]
    assert [title for title, at in places if at["x"] < 0 or at["x"] + at["w"] > WIDTH] == []
    overlapping = [(one[0], other[0]) for one, other in combinations(places, 2) if overlap(one[1], other[1])]
    assert overlapping == []


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not above


def test_every_panel_takes_the_chosen_prometheus_and_the_chosen_hosts() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "instance"]
    for panel in PANELS:
        if panel["type"] == "row":
            continue
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}, panel["title"]
        assert all('instance=~"$instance"' in query for query in queries(panel)), panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters)), panel["title"]


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [program("promtool"), *arguments]
    return subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
