"""The manifests of docker/kubernetes, as far as they can be held without a cluster.

Add here: a rule of the manifests. Keep out: docker-compose.yml (test_compose.py), running a fleet
(integration/fleet).
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from perf_pipeline.cli.telling_dagster import HOME_VARIABLE, instance_of
from perf_pipeline.config.fleet import read_fleet_address
from perf_pipeline.config.hosts import Place
from perf_pipeline.store.state import State
from perf_pipeline_tests.docs.generate import ROOT

FOLDER = ROOT / "docker" / "kubernetes"
VERSIONS = ("1.28.0", "1.37.0")
PART = "app.kubernetes.io/part-of"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}
OBJECTS: dict[str, list[dict[str, Any]]] = {
    name: list(yaml.safe_load_all(text)) for name, text in TEXTS.items()
}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give the kind, the template and the only container of each thing that starts pods."""
    for objects in OBJECTS.values():
        for found in objects:
            if "template" in found["spec"]:
                template = found["spec"]["template"]
                [container] = template["spec"]["containers"]
                yield found["kind"], template, container


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", TEXTS)
def test_each_object_is_one_of_kubernetes(name: str, version: str) -> None:
    for found in OBJECTS[name]:
        kubernetes_validate.validate(found, version, strict=True)


def test_a_key_that_kubernetes_does_not_have_is_found() -> None:
    service = {**OBJECTS["fleet"][0], "speck": {}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, VERSIONS[-1], strict=True)


def test_whoever_selects_pods_selects_some() -> None:
    labels = [template["metadata"]["labels"] for _, template, _ in pods()]

    for selector in selectors():
        assert any(selector.items() <= those.items() for those in labels), selector


def selectors() -> Iterator[dict[str, str]]:
    for found in OBJECTS["fleet"]:
        spec = found["spec"]
        match found["kind"]:
            case "Service":
                yield spec["selector"]
            case "Deployment":
                yield spec["selector"]["matchLabels"]
                for spread in spec["template"]["spec"].get("topologySpreadConstraints", ()):
                    yield spread["labelSelector"]["matchLabels"]
            case "NetworkPolicy":
                [names] = spec["podSelector"]["matchExpressions"]
                yield from ({names["key"]: name} for name in names["values"])
                yield from (
                    peer["podSelector"]["matchLabels"] for peer in spec["ingress"][0]["from"]
                )


def test_only_pods_of_the_fleet_reach_its_scheduler_and_hosts() -> None:
    [policy] = [found for found in OBJECTS["fleet"] if found["kind"] == "NetworkPolicy"]
    ours = {PART: "perf-pipeline-fleet"}

    # Only these: a code location of Dagster has the label as well, and Dagster has to reach it.
    [names] = policy["spec"]["podSelector"]["matchExpressions"]
    assert names["operator"] == "In"
    assert names["values"] == ["fleet-scheduler", "fleet-host"]
    assert policy["spec"]["ingress"] == [{"from": [{"podSelector": {"matchLabels": ours}}]}]
    assert all(ours.items() <= template["metadata"]["labels"].items() for _, template, _ in pods())


def test_no_pod_is_root_or_may_become_it_or_speaks_with_kubernetes() -> None:
    for _, template, container in pods():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert str(spec["securityContext"]["runAsUser"]) in (ROOT / "Dockerfile").read_text()
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_what_a_pod_mounts_is_a_volume_of_it_and_every_volume_is_mounted() -> None:
    for _, template, container in pods():
        volumes = [volume["name"] for volume in template["spec"]["volumes"]]

        assert sorted(mount["name"] for mount in container["volumeMounts"]) == sorted(volumes)


def test_a_host_gets_the_processors_that_it_asks_for() -> None:
    """A load worker that is throttled would be the limit of its own load."""
    [host] = [container for _, _, container in pods() if container["name"] == "host"]

    assert host["resources"]["requests"] == host["resources"]["limits"]
    assert f"--nthreads={host['resources']['limits']['cpu']}" in host["command"]


def test_a_run_is_never_tried_again_by_itself() -> None:
    [job] = OBJECTS["run"]

    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_a_run_tells_no_dagster_whose_folder_it_could_not_write(tmp_path: Path) -> None:
    # The image's own is on its root file system, which is read-only.
    [environment] = [container["env"] for kind, _, container in pods() if kind == "Job"]
    [home] = [entry["value"] for entry in environment if entry["name"] == HOME_VARIABLE]

    assert f"{HOME_VARIABLE}=/dagster" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert instance_of(State(tmp_path), {HOME_VARIABLE: home}) == {}


def test_hosts_and_runs_go_to_the_scheduler_where_its_service_is() -> None:
    [service] = [found for found in OBJECTS["fleet"] if found["kind"] == "Service"]
    [port] = service["spec"]["ports"]
    place = Place(service["metadata"]["name"], port["port"])
    told = [word for _, _, container in pods() for word in container["command"] if "://" in word]

    assert [read_fleet_address(address) for address in told] == [place, place]


def test_dask_takes_the_commands_of_scheduler_and_host(tmp_path: Path) -> None:
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (tmp_path / name).touch()
    commands = [
        [word.replace("/tls/", f"{tmp_path}/") for word in container["command"]]
        for _, _, container in pods()
        if container["name"] in {"scheduler", "host"}
    ]
    script = "from distributed.cli import dask_scheduler, dask_worker\n" + "\n".join(
        f"dask_{role}.main.make_context({role!r}, {words})" for _, role, *words in commands
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (done.returncode, len(commands)) == (0, 2), done.stderr


def test_the_scheduler_is_not_asked_for_a_handshake_again_and_again() -> None:
    # Seen on a cluster: each probe of the port was a line "TLS handshake failed" in its log.
    [scheduler] = [container for _, _, container in pods() if container["name"] == "scheduler"]

    assert "tcpSocket" in scheduler["startupProbe"]
    assert not {"readinessProbe", "livenessProbe"} & scheduler.keys()


def test_the_command_that_scales_pods_waits_for_those_that_end() -> None:
    """Seen on a cluster: `kubectl rollout status` is done while pods still end, and serve."""
    page = Path(ROOT, "docs", "scaling.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if line.startswith("| Kubernetes |")]

    assert "until [ $(kubectl get pods" in row


def test_no_secret_is_written() -> None:
    assert [found["kind"] for objects in OBJECTS.values() for found in objects].count("Secret") == 0


def test_the_pages_name_the_manifests() -> None:
    page = Path(ROOT, "docs", "fleet.md").read_text(encoding="utf-8")

    assert all(f"docker/kubernetes/{name}.yaml" in page for name in TEXTS)
