"""docker-compose.yml and the image, as far as they can be held without an engine.

Add here: a rule of the deployment. Keep out: running it.
"""

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml

from perf_pipeline.config.outputs import OutConfig, outs_of
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import resolve_target
from perf_pipeline.loading.receivers import require_receivers
from perf_pipeline.reference_system.settings import read_settings
from perf_pipeline_tests.docs.generate import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]*\}")
LOCKED = re.compile(
    r"^([\w.-]+(?:\[[\w, -]+\])?==\S+)([^\n]*\n(?:    --hash=\S+[ \\]*\n)+)", re.MULTILINE
)
OURS = "perf-pipeline:local"

each_service = pytest.mark.parametrize("name", SERVICES)


def environment(name: str) -> dict[str, str]:
    """Give a service's environment as its container gets it; every required secret is `s3cret`."""
    written = SERVICES[name].get("environment", {})
    return {key: REQUIRED.sub("s3cret", str(value)) for key, value in written.items()}


def is_one_shot(name: str) -> bool:
    return bool(SERVICES[name].get("restart") == "no")


@each_service
def test_a_service_says_when_it_is_healthy_unless_it_ends_by_itself(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) != is_one_shot(name)


@each_service
def test_a_service_waits_for_others_by_the_condition_that_they_can_meet(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        ends = is_one_shot(other)
        assert wait["condition"] == (
            "service_completed_successfully" if ends else "service_healthy"
        )


@each_service
def test_only_loopback_is_published(name: str) -> None:
    ports = SERVICES[name].get("ports", [])

    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_the_brokers_are_published_where_the_card_says() -> None:
    ports = [port for name in SERVICES if "redpanda" in name for port in SERVICES[name]["ports"]]

    assert [port.split(":")[1] for port in ports] == ["19092", "29092", "39092"]


@each_service
def test_an_image_is_ours_or_of_a_pinned_version(name: str) -> None:
    image = SERVICES[name]["image"]

    assert image == OURS or re.fullmatch(r"[\w/-]+:v?\d+\.\d+\S*", image)


def test_one_service_builds_the_image_that_several_use() -> None:
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["migrate"]
    assert SERVICES["migrate"]["image"] == OURS


@each_service
def test_a_service_has_limits(name: str) -> None:
    assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


def test_no_secret_is_written_and_none_has_a_default() -> None:
    pattern = re.compile(r"^ *\w*(?:PASSWORD|AUTH): *(.+)$|://\w*:([^@/\n]+)@", re.MULTILINE)
    values = [group for pair in pattern.findall(TEXT) for group in pair if group]

    assert len(values) > 5
    assert [value for value in values if not REQUIRED.fullmatch(value)] == []


def test_the_example_names_every_variable_and_gives_none_a_value() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]

    assert [line for line in lines if not line.endswith("=")] == []
    assert {line.rstrip("=") for line in lines} == set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))


@each_service
def test_a_service_that_another_one_names_exists(name: str) -> None:
    urls = " ".join(environment(name).values())
    hosts = re.findall(r"(?:@|//|\b)([a-z][\w-]*):\d{4,5}\b", urls)

    assert [host for host in hosts if host not in SERVICES] == []


@each_service
def test_what_a_service_runs_can_be_imported(name: str) -> None:
    command = [str(word) for word in SERVICES[name].get("command", [])]
    modules = [module for flag, module in pairwise(command) if flag in {"-m", "--module-name"}]

    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    if SERVICES[name]["image"] == OURS and not modules:
        assert shutil.which(command[0], path=f"{sys.prefix}/bin")


@pytest.mark.parametrize("name", ["migrate", "api", "relay", "worker"])
def test_the_reference_system_accepts_its_environment(name: str) -> None:
    settings = read_settings(environment(name), needs_brokers=True)

    assert settings.brokers.count(",") == 2
    assert settings.redis_url is not None


def test_the_load_generator_is_allowed_to_load_the_system_of_this_file() -> None:
    target = resolve_target("local", None, environment("dagster-code"))

    check_target(target)

    assert target.base_url == "http://api:8000"
    assert {"postgres", "redis", "redpanda-3"} <= set(target.allowed)
    assert target.topic == environment("worker")["BIRTHDAY_TOPIC"]
    assert target.group == environment("worker")["BIRTHDAY_GROUP"]


def test_runs_in_the_deployment_may_send_their_figures_where_it_says() -> None:
    given = environment("dagster-code")
    target = resolve_target("local", None, given)
    out = OutConfig(**outs_of(given))

    require_receivers(out, target, given)

    assert out.urls == {"prometheus": "http://victoria-metrics:8428/api/v1/write"}


def test_mounted_files_exist_and_volumes_are_declared() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (ROOT / source).exists() if source[0] == "." else source in COMPOSE["volumes"]
            assert known, volume


def test_the_image_copies_only_what_the_builder_gets() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = [word for line in copied for word in line.split()]

    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignore, source
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)


@pytest.mark.parametrize(
    "lock",
    [
        "docker/requirements.lock",
        "docker/build.lock",
        "requirements-run.lock",
        "requirements-installer.lock",
    ],
)
def test_every_lock_has_the_versions_of_the_whole_one_with_their_hashes(lock: str) -> None:
    everything = dict(locked("requirements.lock"))

    part = dict(locked(lock))

    assert part
    assert [package for package in part if part[package] != everything.get(package)] == []


def locked(name: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Give each package with its version, whatever extras of it, and its hashes."""
    for requirement, rest in LOCKED.findall((ROOT / name).read_text(encoding="utf-8")):
        yield re.sub(r"\[.*\]", "", requirement), frozenset(re.findall(r"--hash=(\S+)", rest))


def test_the_image_has_every_dependency_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [block] = re.findall(r"^dependencies = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    wanted = set(re.findall(r'^    "([\w-]+)', block, re.MULTILINE))
    have = {
        requirement.split("=")[0].split("[")[0]
        for requirement, _ in locked("docker/requirements.lock")
    }

    assert wanted <= have


def test_a_process_is_healthy_only_when_it_is_connected_to_every_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
        with subprocess.Popen(
            [sys.executable, "-c", f"{client}; print(flush=True); sys.stdin.read()", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()

            assert is_connected(process.pid, port) == (0, "")
            assert is_connected(process.pid, port, 1) == (1, "not connected to port 1\n")
            process.communicate()


def is_connected(pid: int, *ports: int) -> tuple[int, str]:
    script = ROOT / "docker" / "is_connected.py"
    done = subprocess.run(
        [sys.executable, script, "--pid", str(pid), *map(str, ports)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr
