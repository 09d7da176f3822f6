"""Own scenarios over TLS: a CA of one's own, any certificate, and refusals before the load."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.http_steps import HttpSteps
from perf_pipeline.workloads.python_scenario import PythonScenario
from perf_pipeline_tests.integration.http_worker import an_iteration, context, run
from perf_pipeline_tests.integration.own_shop_server import running_shop
from perf_pipeline_tests.integration.own_steps import own

STEP = {"name": "login", "path": "/login", "expect": {"status": 200, "json": {"$.token": "t-1"}}}
FLOWS = str(Path(__file__).parent)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own-tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def secure_shop(certificates: Path) -> Iterator[int]:
    with running_shop(certificates) as port:
        yield port


def test_a_ca_of_ones_own_is_trusted_beside_the_profile(
    secure_shop: int, certificates: Path
) -> None:
    given = own(f"https://localhost:{secure_shop}", STEP, caFile="cert.pem", folder=certificates)

    (sample,) = run(HttpSteps(), given, an_iteration()).samples

    assert (sample.outcome, sample.checks_failed) == (Outcome.OK, 0)
    assert sample.tls_us > 0


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_load(
    secure_shop: int,
) -> None:
    with pytest.raises(TargetUnavailableError, match="accepts no connection: tls"):
        run(HttpSteps(), own(f"https://localhost:{secure_shop}", STEP))


def test_any_certificate_and_name_is_taken_where_the_profile_says_so(secure_shop: int) -> None:
    given = own(f"https://127.0.0.1:{secure_shop}", STEP, insecureSkipVerify=True)

    (sample,) = run(HttpSteps(), given, an_iteration()).samples

    assert sample.outcome is Outcome.OK


@pytest.mark.parametrize("transport", ["load", "httpx"])
def test_python_scenarios_use_the_same_certificates_over_both_transports(
    secure_shop: int, certificates: Path, transport: str
) -> None:
    parameters: dict[str, Any] = {
        "exec": "own_flows:login",
        "folder": FLOWS,
        "own": {"caFile": str(certificates / "cert.pem"), "transport": transport},
    }
    given = context(f"https://localhost:{secure_shop}", **parameters)

    samples = run(PythonScenario(), given, an_iteration()).samples

    assert [one.operation for one in samples] == ["log in", "GET /echo/{id}", "gone"]
    assert {one.outcome for one in samples} == {Outcome.OK}


def test_http2_to_a_target_without_tls_is_refused_before_the_load() -> None:
    with pytest.raises(ProfileError, match="http2 needs a target with https"):
        run(HttpSteps(), own("http://127.0.0.1:9", STEP, http2=True))
