"""Grafana's dashboards, its data source and where it finds them, without a Grafana.

Add here: a rule of the dashboards. Keep out: running their queries (integration/outputs).
"""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.statistic import STATISTICS
from perf_pipeline.outputs.naming import sent_of
from perf_pipeline_tests.docs.dashboards import FOLDER, made_dashboards
from perf_pipeline_tests.docs.generate import ROOT
from perf_pipeline_tests.support.histories.sent_runs import points_of_run

RENEW = "python -m perf_pipeline_tests.docs.dashboards renews it"
MADE = dict(made_dashboards())
PROVISIONING = ROOT / "docker" / "grafana" / "provisioning"

each_dashboard = pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def expressions(name: str) -> list[str]:
    panels = read(FOLDER / name)["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_the_dashboards_are_what_the_generator_makes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in MADE}
    for path, text in MADE.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old; {RENEW}"


@each_dashboard
def test_grafanas_own_model_reads_a_dashboard(path: Path) -> None:
    panels = Dashboard.from_json(read(path)).panels

    assert panels
    assert len(panels) == len(read(path)["panels"])


@each_dashboard
def test_every_panel_has_an_id_a_title_and_the_provisioned_data_source(path: Path) -> None:
    panels = read(path)["panels"]
    [source] = yaml.safe_load((PROVISIONING / "datasources" / "metrics.yaml").read_text())[
        "datasources"
    ]

    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        for place in (panel, *panel.get("targets", [])):
            if panel["type"] != "row":
                assert place["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_a_query_of_a_run_asks_only_for_what_runs_send(tmp_path: Path) -> None:
    known = {point.series.metric for point in points_of_run(tmp_path / "shop", "r1")}
    asked = set(re.findall(r"\b(?:k6|perf)_\w+", " ".join(expressions("run.json"))))

    assert len(asked) > 40
    assert asked <= known


def test_a_query_over_runs_asks_only_for_metrics_and_statistics_that_are_there() -> None:
    text = " ".join(expressions("trends.json"))
    metrics = {
        name for names in re.findall(r'metric=~"([^"]+)"', text) for name in names.split("|")
    }

    assert len(metrics) > 10
    assert metrics <= set(CATALOG)
    for statistic, names in re.findall(r'statistic="([^"]+)",metric=~"([^"]+)"', text):
        for name in names.split("|"):
            assert CATALOG[name].kind in STATISTICS[statistic].kinds
    assert set(re.findall(r"\bperf_\w+", text)) == {"perf_run_figure", "perf_run_verdicts"}


def test_every_metric_of_a_sample_is_shown_or_told_on_the_page() -> None:
    protocols = {metric.source.protocol for metric in CATALOG.values() if metric.source}

    assert all(sent_of(protocol, "produce") for protocol in protocols)


def test_the_dashboards_are_made_for_the_grafana_that_compose_starts() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    image = compose["services"]["grafana"]["image"]

    assert version("grafana-foundation-sdk").partition("!")[2] == image.partition(":")[2]


def test_grafana_finds_the_dashboards_where_compose_mounts_them() -> None:
    [provider] = yaml.safe_load((PROVISIONING / "dashboards" / "runs.yaml").read_text())[
        "providers"
    ]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])

    assert mounts["./docker/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./docker/grafana/provisioning"] == "/etc/grafana/provisioning"
